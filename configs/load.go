package configs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a configuration file: 100,000 rules are about 20 MB.
const maxFile = 64 << 20

// File is a loaded configuration that remembers where each value stood.
type File struct {
	Config
	Name   string
	places map[string]Place
}

// Load reads, decodes and checks a file; getenv resolves env: references. The error is [Problems] when the file could
// be read; see [Parse] for what is returned beside it.
func Load(name string, getenv func(string) (string, bool)) (*File, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, b, getenv)
}

// Parse decodes and checks a document that stands in the file of that name; getenv resolves env: references. Beside
// [Problems] it returns what could be decoded, so that the rest of it can be checked too; that file must not be run.
func Parse(name string, doc []byte, getenv func(string) (string, bool)) (*File, error) {
	root, problems := parseYAML(name, doc)
	if root == nil {
		return nil, problems
	}
	f := &File{Name: name, places: map[string]Place{"": {File: name}}}
	d := &decoder{file: name, getenv: getenv, places: f.places, problems: problems}
	d.value(root, "", reflect.ValueOf(&f.Config).Elem())
	if d.problems = d.problems.With(f.validate()); len(d.problems) > 0 {
		return f, d.problems
	}
	return f, nil
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// parseYAML returns the document's root, or nothing where it is not YAML, with what is wrong around it.
func parseYAML(name string, doc []byte) (*yaml.Node, Problems) {
	fail := func(line int, message string) Problems {
		return Problems{{Place{name, line, 1}, message}}
	}
	if len(doc) > maxFile {
		return nil, fail(1, "the file is larger than 64 MiB")
	}
	dec := yaml.NewDecoder(bytes.NewReader(doc))
	var node yaml.Node
	if err := dec.Decode(&node); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fail(1, "the file is empty")
		}
		line := 1
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			line, _ = strconv.Atoi(m[1])
		}
		return nil, fail(line, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return node.Content[0], fail(max(second.Line, 1), "a second document begins here; a configuration is one document")
	}
	return node.Content[0], nil
}

// Place says where the value of a path such as rules[0].when stands, or the nearest thing around it.
func (f *File) Place(path string) Place {
	for {
		if p, ok := f.places[path]; ok || path == "" {
			return p
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
}
