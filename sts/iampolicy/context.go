package iampolicy

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Context holds what is known about a request: condition keys and their values. Names are case-insensitive, the tag
// key in aws:PrincipalTag/Team included. The zero Context is empty and ready.
//
// A key is absent, single-valued, or multivalued; a multivalued key may be empty, which differs from absent. AWS
// types each key once and for all, whatever number of values a request carries: aws:TagKeys with one tag is
// multivalued, and never matches an operator without ForAnyValue or ForAllValues.
type Context struct {
	keys map[string]Value
}

// Value is what a context key holds.
type Value struct {
	// Name is the key as it was set.
	Name   string
	Values []string
	// Multi marks a key of a list type.
	Multi bool
}

// Set gives key one value, replacing what it had. For Binary operators value holds the raw bytes.
func (c *Context) Set(key, value string) { c.put(key, Value{Name: key, Values: []string{value}}) }

// SetMulti makes key multivalued, replacing what it had. Without values the key is present and empty.
func (c *Context) SetMulti(key string, values ...string) {
	c.put(key, Value{Name: key, Values: slices.Clone(values), Multi: true})
}

func (c *Context) put(key string, v Value) {
	if c.keys == nil {
		c.keys = make(map[string]Value)
	}
	c.keys[foldKey(key)] = v
}

// Delete makes key absent.
func (c *Context) Delete(key string) { delete(c.keys, foldKey(key)) }

// Get returns the value of key and whether it is present.
func (c Context) Get(key string) (Value, bool) {
	return c.find(foldKey(key))
}

// find is Get by a folded name.
func (c Context) find(folded string) (Value, bool) {
	v, ok := c.keys[folded]
	return v, ok
}

// Clone returns a Context that can be changed without changing c.
func (c Context) Clone() Context { return Context{keys: maps.Clone(c.keys)} }

// All iterates over the keys, sorted by folded name.
func (c Context) All() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for _, name := range slices.Sorted(maps.Keys(c.keys)) {
			if !yield(c.keys[name]) {
				return
			}
		}
	}
}

// single returns the value that a policy variable inserts: only single-valued keys have one (IAM user guide, policy
// variables).
func (c Context) single(folded string) (string, bool) {
	v, ok := c.find(folded)
	if !ok || v.Multi || len(v.Values) != 1 {
		return "", false
	}
	return v.Values[0], true
}

// foldKey lowers a key name.
func foldKey(s string) string { return lower(s) }

// lower maps upper to lower case within U+0000-U+00FF, the range of policy documents. Unicode's wider folding would
// make the Kelvin sign equal k and so let a claim from outside impersonate a name that a policy compares with.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z', r >= 'À' && r <= 'Þ' && r != '×':
			return r + 'a' - 'A'
		default:
			return r
		}
	}, s)
}
