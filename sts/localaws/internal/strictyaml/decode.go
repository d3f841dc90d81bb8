package strictyaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Position is a place in a document, counted from one; zero when the value did not come from YAML. File is empty for a
// document that is no file.
type Position struct {
	File         string
	Line, Column int
}

// String prints "aws.yaml:3:7", "line 3, column 7" without a file, or nothing for no place.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	if p.File != "" {
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	return fmt.Sprintf("line %d, column %d", p.Line, p.Column)
}

// Problem is one thing that is wrong, and where.
type Problem struct {
	Pos  Position
	Text string
}

func (p Problem) String() string {
	if p.Pos == (Position{}) {
		return p.Text
	}
	return p.Pos.String() + ": " + p.Text
}

// Problems is everything that is wrong with a document, in its order.
type Problems []Problem

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Decode fills into, a pointer to a struct, from data. File names the document in positions; it may be empty.
func Decode(file string, data []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return Problems{{Pos: Position{File: file}, Text: "the document is empty"}}
		}
		return Problems{{Pos: Position{File: file}, Text: strings.TrimPrefix(err.Error(), "yaml: ")}}
	}
	d := &decoding{file: file}
	d.value(document.Content[0], reflect.ValueOf(into).Elem(), "the document")
	var second yaml.Node
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		d.add(&second, "a second document is not allowed")
	}
	if len(d.problems) > 0 {
		return d.problems
	}
	return nil
}

type decoding struct {
	file     string
	problems Problems
}

func (d *decoding) at(n *yaml.Node) Position {
	return Position{File: d.file, Line: n.Line, Column: n.Column}
}

func (d *decoding) add(n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.at(n), fmt.Sprintf(format, args...)})
}

func (d *decoding) value(n *yaml.Node, into reflect.Value, what string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.add(n, "%s: anchors and aliases are not allowed", what)
		return
	}
	if into.Type() == reflect.TypeFor[json.RawMessage]() {
		d.raw(n, into, what)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.object(n, into, what)
	case reflect.Slice:
		d.list(n, into, what)
	case reflect.Map:
		d.dictionary(n, into, what)
	default:
		d.scalar(n, into, what)
	}
}

func (d *decoding) object(n *yaml.Node, into reflect.Value, what string) {
	if pos := into.FieldByName("Pos"); pos.IsValid() && pos.Type() == reflect.TypeFor[Position]() {
		pos.Set(reflect.ValueOf(d.at(n)))
	}
	d.pairs(n, what, func(key, value *yaml.Node) {
		field, ok := fieldByKey(into, key.Value)
		if !ok {
			d.add(key, "unknown key %q", key.Value)
			return
		}
		d.value(value, field, key.Value)
	})
}

func fieldByKey(into reflect.Value, key string) (reflect.Value, bool) {
	t := into.Type()
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" && tag == key {
			return into.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// pairs visits a mapping's pairs, each key once.
func (d *decoding) pairs(n *yaml.Node, what string, visit func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.add(n, "%s must be a mapping", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.add(key, "%s: a key must be a plain string", what)
		case seen[key.Value]:
			d.add(key, "duplicate key %q", key.Value)
		default:
			seen[key.Value] = true
			visit(key, n.Content[i+1])
		}
	}
}

func (d *decoding) list(n *yaml.Node, into reflect.Value, what string) {
	if n.Kind != yaml.SequenceNode {
		d.add(n, "%s must be a list", what)
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, into.Index(i), what)
	}
}

func (d *decoding) dictionary(n *yaml.Node, into reflect.Value, what string) {
	into.Set(reflect.MakeMap(into.Type()))
	d.pairs(n, what, func(key, value *yaml.Node) {
		item := reflect.New(into.Type().Elem()).Elem()
		d.value(value, item, what+"."+key.Value)
		into.SetMapIndex(reflect.ValueOf(key.Value), item)
	})
}

func (d *decoding) scalar(n *yaml.Node, into reflect.Value, what string) {
	if n.Kind != yaml.ScalarNode {
		d.add(n, "%s must be a single value", what)
		return
	}
	switch into.Kind() {
	case reflect.String:
		if n.Tag != "!!str" {
			d.add(n, "%s must be a string: put it in quotes", what)
			return
		}
		into.SetString(n.Value)
	case reflect.Int:
		number, err := strconv.Atoi(n.Value)
		if n.Tag != "!!int" || err != nil {
			d.add(n, "%s must be a whole number", what)
			return
		}
		into.SetInt(int64(number))
	case reflect.Bool:
		if n.Tag != "!!bool" {
			d.add(n, "%s must be true or false", what)
			return
		}
		into.SetBool(n.Value == "true")
	default:
		panic("strictyaml: no rule for a field of type " + into.Type().String())
	}
}

func (d *decoding) raw(n *yaml.Node, into reflect.Value, what string) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
		into.SetBytes([]byte(n.Value))
		return
	}
	var b bytes.Buffer
	d.json(&b, n, what)
	into.SetBytes(b.Bytes())
}
