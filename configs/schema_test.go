package configs_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/fedbroker/fedbroker/configs"
)

var update = flag.Bool("update", false, "write golden files anew")

const notServed = "Not served by this version: a configuration that sets it is refused."

func generate(t *testing.T) []byte {
	t.Helper()
	r := jsonschema.Reflector{
		FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, ExpandedStruct: true, Anonymous: true, Mapper: mapper,
	}
	if err := r.AddGoComments("github.com/fedbroker/fedbroker/configs", "."); err != nil {
		t.Fatal(err)
	}
	s := r.ReflectFromType(reflect.TypeFor[configs.Config]())
	s.ID = "urn:fedbroker:schema:configuration"
	s.Title = "fedbroker configuration"
	markUnserved(reflect.TypeFor[configs.Config](), s)
	for name, def := range s.Definitions {
		for _, typ := range structTypes(reflect.TypeFor[configs.Config](), map[reflect.Type]bool{}) {
			if typ.Name() == name {
				markUnserved(typ, def)
			}
		}
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// mapper describes the types that decode from more than their kind.
func mapper(t reflect.Type) *jsonschema.Schema {
	text := func(pattern, description string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Pattern: pattern, Description: description}
	}
	list := func(item *jsonschema.Schema) *jsonschema.Schema {
		one := uint64(1)
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{item, {Type: "array", Items: item, MinItems: &one}}}
	}
	switch t {
	case reflect.TypeFor[configs.Duration]():
		return text(`^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$`, "A duration such as 90s, 15m or 12h.")
	case reflect.TypeFor[configs.Secret]():
		return text(`^(env|file):.+$`, "env:NAME or file:PATH.")
	case reflect.TypeFor[configs.URL]():
		return text(`^rediss?://.+|(env|file):.+$`, "The URL, or env:NAME or file:PATH.")
	case reflect.TypeFor[configs.Path]():
		return text(`.`, "A file; a relative one starts at the configuration's folder.")
	case reflect.TypeFor[configs.Strings]():
		return list(&jsonschema.Schema{Type: "string"})
	case reflect.TypeFor[configs.Values]():
		return list(&jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "integer"}, {Type: "boolean"}}})
	}
	return nil
}

func structTypes(t reflect.Type, seen map[reflect.Type]bool) []reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] || mapper(t) != nil {
		return nil
	}
	seen[t] = true
	out := []reflect.Type{t}
	for i := range t.NumField() {
		out = append(out, structTypes(t.Field(i).Type, seen)...)
	}
	return out
}

func markUnserved(t reflect.Type, s *jsonschema.Schema) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get("served") != "no" {
			continue
		}
		if p, ok := s.Properties.Get(f.Tag.Get("yaml")); ok {
			p.Description = notServed + " " + p.Description
		}
	}
}

func TestSchemaIsGeneratedFromTheStructs(t *testing.T) {
	want := generate(t)
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("schema.json is not what the structs say; run make golden")
	}
}

func compiled(t *testing.T) *validator.Schema {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(configs.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("schema.json")
}

func asJSON(t *testing.T, doc []byte) any {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal(doc, &tree); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	v, err := validator.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
