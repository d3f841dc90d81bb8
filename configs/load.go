package configs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
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
// be read.
func Load(name string, getenv func(string) (string, bool)) (*File, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Parse(name, b, getenv)
}

// Parse decodes and checks a document that stands in the file of that name; getenv resolves env: references.
func Parse(name string, doc []byte, getenv func(string) (string, bool)) (*File, error) {
	root, problem := parseYAML(name, doc)
	if problem != nil {
		return nil, Problems{*problem}
	}
	f := &File{Name: name, places: map[string]Place{"": {File: name}}}
	d := &decoder{file: name, getenv: getenv, places: f.places}
	d.value(root, "", reflect.ValueOf(&f.Config).Elem())
	if len(d.problems) == 0 {
		d.problems = f.validate()
	}
	if len(d.problems) > 0 {
		sortByPlace(d.problems)
		return nil, d.problems
	}
	return f, nil
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

func parseYAML(name string, doc []byte) (*yaml.Node, *Problem) {
	fail := func(line int, message string) *Problem {
		return &Problem{Place{name, line, 1}, message}
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
		return nil, fail(max(second.Line, 1), "a second document begins here; a configuration is one document")
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

func sortByPlace(ps Problems) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.Place.Line != b.Place.Line {
			return a.Place.Line - b.Place.Line
		}
		return a.Place.Column - b.Place.Column
	})
}
