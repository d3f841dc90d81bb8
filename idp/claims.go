package idp

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Claims are verified claims by name, exactly as spelled. Names are case-sensitive (RFC 7519 section 10.1.1).
//
// Values have one of the types string, bool, int64, float64, nil, []any and map[string]any, whatever the protocol:
// integers that fit are int64, every other number is float64.
type Claims struct {
	values map[string]any
	// raw is the checked JSON text of each claim. It is decoded at each call: to remember would need a lock, and rules
	// ask for few claims.
	raw map[string]string
}

// NewClaims wraps values that already have the types that Claims promises. SAML attributes come as []any of string.
func NewClaims(values map[string]any) Claims { return Claims{values: values} }

// Get returns the claim of exactly that name.
func (c Claims) Get(name string) (any, bool) {
	if v, ok := c.values[name]; ok {
		return v, true
	}
	raw, ok := c.raw[name]
	if !ok {
		return nil, false
	}
	return decodeValue(raw), true
}

// At returns the claim of that name or, when key begins with a slash, the value that it points to as a JSON Pointer
// (RFC 6901), so that a pin can reach into an object: /kubernetes.io/namespace.
func (c Claims) At(key string) (any, bool) {
	rest, pointer := strings.CutPrefix(key, "/")
	if !pointer {
		return c.Get(key)
	}
	steps := strings.Split(rest, "/")
	v, ok := c.Get(unescapePointer(steps[0]))
	for _, step := range steps[1:] {
		if !ok {
			break
		}
		v, ok = member(v, unescapePointer(step))
	}
	return v, ok
}

func unescapePointer(step string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
}

// member is one step of a JSON Pointer; array indexes are digits without leading zeros (RFC 6901 section 4).
func member(v any, step string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		m, ok := v[step]
		return m, ok
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != step {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}

// Text returns the claim when it is a string.
func (c Claims) Text(name string) string {
	v, _ := c.Get(name)
	s, _ := v.(string)
	return s
}

// Names lists the claims, sorted.
func (c Claims) Names() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(c.values)), maps.Keys(c.raw))
	slices.Sort(names)
	return names
}

// Map decodes every claim into a new map.
func (c Claims) Map() map[string]any {
	m := make(map[string]any, len(c.values)+len(c.raw))
	for _, name := range c.Names() {
		m[name], _ = c.Get(name)
	}
	return m
}

// MarshalJSON writes the claims as one object. A claim that was parsed is written as it was spelled: 5.0 stays a
// float64 on its way through the store.
func (c Claims) MarshalJSON() ([]byte, error) {
	m := make(map[string]any, len(c.values)+len(c.raw))
	for name, v := range c.values {
		m[name] = v
	}
	for name, raw := range c.raw {
		m[name] = json.RawMessage(raw)
	}
	return json.Marshal(m)
}

// UnmarshalJSON reads what MarshalJSON wrote. Outside input goes through [ParseClaims], with its limits.
func (c *Claims) UnmarshalJSON(b []byte) error {
	parsed, err := ParseClaims(b)
	if err == nil {
		*c = parsed
	}
	return err
}
