package strictyaml

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// json writes a YAML value as JSON. Dates stay as they were written: a policy's Version is one.
func (d *decoding) json(b *bytes.Buffer, n *yaml.Node, what string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.add(n, "%s: anchors and aliases are not allowed", what)
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		d.jsonObject(b, n, what)
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			d.json(b, item, what)
		}
		b.WriteByte(']')
	default:
		d.jsonScalar(b, n, what)
	}
}

func (d *decoding) jsonObject(b *bytes.Buffer, n *yaml.Node, what string) {
	b.WriteByte('{')
	first := true
	d.pairs(n, what, func(key, value *yaml.Node) {
		if !first {
			b.WriteByte(',')
		}
		first = false
		jsonString(b, key.Value)
		b.WriteByte(':')
		d.json(b, value, what+"."+key.Value)
	})
	b.WriteByte('}')
}

func (d *decoding) jsonScalar(b *bytes.Buffer, n *yaml.Node, what string) {
	switch n.Tag {
	case "!!str", "!!timestamp":
		jsonString(b, n.Value)
	case "!!null":
		b.WriteString("null")
	case "!!bool", "!!int", "!!float":
		if !json.Valid([]byte(n.Value)) {
			d.add(n, "%s: %s has no JSON form: put it in quotes", what, n.Value)
			return
		}
		b.WriteString(n.Value)
	default:
		d.add(n, "%s: values of type %s are not allowed", what, n.Tag)
	}
}

func jsonString(b *bytes.Buffer, s string) {
	text, _ := json.Marshal(s) // a string always has a JSON form
	b.Write(text)
}
