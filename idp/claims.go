package idp

import (
	"encoding/json"
	"maps"
	"slices"
)

// Claims are verified claims by name, exactly as spelled. Names are case-sensitive (RFC 7519 section 10.1.1).
//
// Values have one of the types string, bool, int64, float64, nil, []any and map[string]any, whatever the protocol:
// integers that fit are int64, every other number is float64.
type Claims struct {
	values map[string]any
	raw    map[string]json.RawMessage // decoded on first use would race; decoded per call instead
}

// NewClaims wraps values that already have the types that Claims promises. SAML attributes come as []any of string.
func NewClaims(values map[string]any) Claims { return Claims{values: values} }

// Get returns the claim of exactly that name.
func (c Claims) Get(name string) (any, bool) {
	if v, ok := c.values[name]; ok {
		return v, true
	}
	if raw, ok := c.raw[name]; ok {
		v, err := decodeValue(raw)
		return v, err == nil
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

// MarshalJSON writes the claims as one object.
func (c Claims) MarshalJSON() ([]byte, error) { return json.Marshal(c.Map()) }

// UnmarshalJSON reads what MarshalJSON wrote. Outside input goes through [ParseClaims], with its limits.
func (c *Claims) UnmarshalJSON(b []byte) error {
	parsed, err := ParseClaims(b)
	if err == nil {
		*c = parsed
	}
	return err
}
