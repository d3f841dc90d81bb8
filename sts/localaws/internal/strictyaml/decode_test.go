package strictyaml_test

import (
	"encoding/json"
	"testing"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/strictyaml"
)

type document struct {
	Name  string            `yaml:"name"`
	Count int               `yaml:"count"`
	On    bool              `yaml:"on"`
	Tags  map[string]string `yaml:"tags"`
	Items []item            `yaml:"items"`
	Raw   json.RawMessage   `yaml:"raw"`
	Not   string            `yaml:"-"`
}

type item struct {
	Pos  strictyaml.Position `yaml:"-"`
	Name string              `yaml:"name"`
}

func TestDecode(t *testing.T) {
	var got document
	err := strictyaml.Decode("", []byte("name: x\ncount: 7\non: true\ntags: {a: b}\nitems:\n  - name: y\nraw:\n  Version: 2012-10-17\n  Statement: [{Effect: Allow, N: 1, B: true, Z: null, 'q\"': a}]\n"), &got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "x" || got.Count != 7 || !got.On || got.Tags["a"] != "b" || got.Items[0].Name != "y" || got.Items[0].Pos.String() != "line 6, column 5" {
		t.Errorf("got %+v", got)
	}
	if want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","N":1,"B":true,"Z":null,"q\"":"a"}]}`; string(got.Raw) != want {
		t.Errorf("got %s, want %s", got.Raw, want)
	}
}

func TestProblems(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "the document is empty",
		"nope: 1":                             `line 1, column 1: unknown key "nope"`,
		"Not: x":                              `line 1, column 1: unknown key "Not"`,
		"\"-\": x":                            `line 1, column 1: unknown key "-"`,
		"name: x\nname: y":                    `line 2, column 1: duplicate key "name"`,
		"name: 012345678901":                  "line 1, column 7: name must be a string: put it in quotes",
		"name: [x]":                           "line 1, column 7: name must be a single value",
		"count: x":                            "line 1, column 8: count must be a whole number",
		"count: 1.5":                          "line 1, column 8: count must be a whole number",
		"on: \"true\"":                        "line 1, column 5: on must be true or false",
		"tags: [a]":                           "line 1, column 7: tags must be a mapping",
		"tags: {a: b, a: c}":                  `line 1, column 14: duplicate key "a"`,
		"tags: {a: 1}":                        "line 1, column 11: tags.a must be a string: put it in quotes",
		"items: {a: b}":                       "line 1, column 8: items must be a list",
		"items: [{name: x, who: y}]":          `line 1, column 19: unknown key "who"`,
		"name: &a x":                          "line 1, column 7: name: anchors and aliases are not allowed",
		"raw: {a: &b x}":                      "line 1, column 10: raw.a: anchors and aliases are not allowed",
		"raw: {a: 1, a: 2}":                   `line 1, column 13: duplicate key "a"`,
		"raw: {a: .nan}":                      "line 1, column 10: raw.a: .nan has no JSON form: put it in quotes",
		"raw: {a: !!binary aGk=}":             "line 1, column 10: raw.a: values of type !!binary are not allowed",
		"? [a]\n: b":                          "line 1, column 3: the document: a key must be a plain string",
		"name: x\n---\nname: y":               "line 2, column 1: a second document is not allowed",
		"- a":                                 "line 1, column 1: the document must be a mapping",
		"nope: 1\ncount: x\nitems: {}":        "line 1, column 1: unknown key \"nope\"\nline 2, column 8: count must be a whole number\nline 3, column 8: items must be a list",
		"name: x\n  bad: y":                   "line 2: mapping values are not allowed in this context",
		"a: &a [x]\nb: [*a, *a]\nname: \"y\"": "line 1, column 1: unknown key \"a\"\nline 2, column 1: unknown key \"b\"",
	} {
		var got document
		err := strictyaml.Decode("", []byte(text), &got)
		if err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: x\nraw: {a: [1, true]}\nitems:\n- name: y\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got document
		if err := strictyaml.Decode("", data, &got); err == nil && got.Raw != nil && got.Raw[0] == '{' && !json.Valid(got.Raw) {
			t.Errorf("raw is no JSON: %s", got.Raw)
		}
	})
}
