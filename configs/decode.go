package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// maxSecretFile bounds what file: reads; the largest thing that anybody refers to is a logo or a certificate chain.
const maxSecretFile = 256 << 10

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// decoder walks the YAML tree beside the structs. yaml.v3 could fill them itself, but it stops counting at lines,
// forgets where values stood and converts scalars that it should refuse.
type decoder struct {
	file     string
	getenv   func(string) (string, bool)
	places   map[string]Place
	problems Problems
}

func (d *decoder) place(n *yaml.Node) Place { return Place{d.file, n.Line, n.Column} }

func (d *decoder) problem(n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.place(n), fmt.Sprintf(format, args...)})
}

// value decodes n, which stands at path, into v.
func (d *decoder) value(n *yaml.Node, path string, v reflect.Value) {
	d.places[path] = d.place(n)
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.problem(n, "%s: anchors and aliases are not taken", path)
		return
	}
	if d.special(n, path, v) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		target := reflect.New(v.Type().Elem())
		d.value(n, path, target.Elem())
		v.Set(target)
	case reflect.Struct:
		d.structure(n, path, v)
	case reflect.Map:
		d.mapping(n, path, v)
	case reflect.Slice:
		d.sequence(n, path, v)
	case reflect.Interface:
		if plain := d.plain(n, path); plain != nil {
			v.Set(reflect.ValueOf(plain))
		}
	default:
		d.scalar(n, path, v)
	}
}

// special decodes the types that are more than their kind; it reports whether v was one.
func (d *decoder) special(n *yaml.Node, path string, v reflect.Value) bool {
	switch target := v.Addr().Interface().(type) {
	case *Duration:
		*target = d.duration(n, path)
	case *Secret:
		*target = d.secret(n, path, false)
	case *URL:
		target.Secret = d.secret(n, path, true)
	case *Path:
		*target = d.path(n, path)
	case *Values:
		*target = d.values(n, path)
	case *Strings:
		for _, item := range listOf(n) {
			*target = append(*target, d.text(item, path))
		}
	default:
		return false
	}
	return true
}

func (d *decoder) structure(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.problem(n, "%s: want a mapping, got %s", path, kindName(n))
		return
	}
	fields := map[string]reflect.StructField{}
	for i := range v.NumField() {
		fields[v.Type().Field(i).Tag.Get("yaml")] = v.Type().Field(i)
	}
	given := d.pairs(n, path, func(key, value *yaml.Node) {
		f, known := fields[key.Value]
		at := join(path, key.Value)
		switch {
		case !known:
			d.problem(key, "%s: unknown key%s", at, suggest(key.Value, fields))
		case f.Tag.Get("served") == "no":
			d.problem(key, "%s: this version does not serve this key yet", at)
		default:
			d.value(value, at, v.FieldByIndex(f.Index))
			d.places[at] = d.place(value)
		}
	})
	for name, f := range fields {
		if f.Tag.Get("jsonschema") == "required" && !given[name] {
			d.problem(n, "%s is required", join(path, name))
		}
	}
}

// pairs calls each for every key once and reports duplicates.
func (d *decoder) pairs(n *yaml.Node, path string, each func(key, value *yaml.Node)) map[string]bool {
	given := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			d.problem(key, "%s: a key must be plain text", path)
		case given[key.Value]:
			d.problem(key, "%s: the key is there twice", join(path, key.Value))
		default:
			given[key.Value] = true
			each(key, value)
		}
	}
	return given
}

func (d *decoder) mapping(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.problem(n, "%s: want a mapping, got %s", path, kindName(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	d.pairs(n, path, func(key, value *yaml.Node) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(value, join(path, key.Value), item)
		v.SetMapIndex(reflect.ValueOf(key.Value), item)
	})
}

func (d *decoder) sequence(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.problem(n, "%s: want a list, got %s", path, kindName(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
	}
}

func (d *decoder) scalar(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.problem(n, "%s: want one value, got %s", path, kindName(n))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(d.text(n, path))
	case reflect.Bool:
		if n.Tag != "!!bool" {
			d.problem(n, "%s: want true or false, got %q", path, n.Value)
			return
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Int:
		i, err := strconv.Atoi(n.Value)
		if err != nil || n.Tag != "!!int" {
			d.problem(n, "%s: want a whole number, got %q", path, n.Value)
			return
		}
		v.SetInt(int64(i))
	default:
		panic("configs: a field of kind " + v.Kind().String())
	}
}

// text takes strings only: an account id without quotes is a number to YAML, and 012345678901 another number.
func (d *decoder) text(n *yaml.Node, path string) string {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" && n.Tag != "!!timestamp" {
		d.problem(n, "%s: want text, got %s; write it in quotes", path, kindName(n))
		return ""
	}
	return n.Value
}

func (d *decoder) duration(n *yaml.Node, path string) Duration {
	parsed, err := time.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || err != nil || parsed < 0 || parsed%time.Second != 0:
		d.problem(n, "%s: want a duration such as 15m or 12h, got %q", path, n.Value)
		return 0
	case parsed == 0: // it would read as if the key had been left out
		d.problem(n, "%s: a duration of nothing; leave the key out for its default", path)
	}
	return Duration(parsed)
}

func (d *decoder) secret(n *yaml.Node, path string, literal bool) Secret {
	text := d.text(n, path)
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case text == "":
		return Secret{}
	case scheme == "env":
		value, ok := d.getenv(rest)
		if !ok || value == "" {
			d.problem(n, "%s: the environment variable %s is not set", path, rest)
		}
		return Secret{text, secret.New(value)}
	case scheme == "file":
		return Secret{text, secret.New(d.readFile(n, path, rest))}
	case literal:
		return Secret{text, secret.New(text)}
	}
	d.problem(n, "%s: a secret is not written here; use env:NAME or file:PATH", path)
	return Secret{}
}

func (d *decoder) readFile(n *yaml.Node, path, name string) string {
	info, err := os.Stat(d.resolve(name))
	if err == nil && (info.Size() > maxSecretFile || info.IsDir()) {
		err = fmt.Errorf("%s is a folder or larger than %d bytes", name, maxSecretFile)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(d.resolve(name))
	}
	if err == nil && len(b) == 0 {
		err = fmt.Errorf("%s is empty", name)
	}
	if err != nil {
		d.problem(n, "%s: %v", path, err)
		return ""
	}
	return strings.TrimRight(string(b), "\r\n")
}

// path takes a file name as it is: a reference would be taken for a name.
func (d *decoder) path(n *yaml.Node, path string) Path {
	name := d.text(n, path)
	if strings.HasPrefix(name, "file:") || strings.HasPrefix(name, "env:") {
		d.problem(n, "%s: write the file's name alone", path)
	}
	return Path(d.resolve(name))
}

func (d *decoder) resolve(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(d.file), name)
}

func (d *decoder) values(n *yaml.Node, path string) Values {
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		d.problem(n, "%s: an empty list matches nothing", path)
	}
	var out Values
	for _, item := range listOf(n) {
		switch {
		case item.Kind == yaml.ScalarNode && (item.Tag == "!!str" || item.Tag == "!!timestamp"),
			item.Tag == "!!int" && decimal.MatchString(item.Value):
			out = append(out, item.Value)
		case item.Tag == "!!bool":
			out = append(out, strings.ToLower(item.Value))
		default:
			d.problem(item, "%s: want text, a whole number or true/false, got %s", path, kindName(item))
		}
	}
	return out
}

// plain decodes claims of a mapping test into the types that idp.Claims promises.
func (d *decoder) plain(n *yaml.Node, path string) any {
	switch {
	case n.Kind == yaml.MappingNode:
		m := map[string]any{}
		d.pairs(n, path, func(key, value *yaml.Node) { m[key.Value] = d.plain(value, join(path, key.Value)) })
		return m
	case n.Kind == yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			list = append(list, d.plain(item, path))
		}
		return list
	case n.Tag == "!!bool":
		return strings.EqualFold(n.Value, "true")
	case n.Tag == "!!int" && decimal.MatchString(n.Value):
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
	case n.Tag == "!!float":
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f
		}
	case n.Tag == "!!str" || n.Tag == "!!timestamp":
		return n.Value
	case n.Tag == "!!null":
		return nil
	}
	d.problem(n, "%s: %s is not a claim value", path, n.Value)
	return nil
}

func listOf(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return fmt.Sprintf("%q (%s)", n.Value, strings.TrimPrefix(n.Tag, "!!"))
}

// suggest names a known key that differs by case, dashes or an edit or two, or lists what is known.
func suggest(key string, fields map[string]reflect.StructField) string {
	var known []string
	flat := func(s string) string { return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s)) }
	for name := range fields {
		if flat(name) == flat(key) || strings.HasPrefix(name, key) || strings.HasPrefix(key, name) {
			return fmt.Sprintf("; did you mean %s?", name)
		}
		known = append(known, name)
	}
	slices.Sort(known)
	return "; known here: " + strings.Join(known, ", ")
}
