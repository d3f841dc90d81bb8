package policy

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/fedbroker/fedbroker/idp"
)

// path is where a claim lies: a top-level name and, for a JSON Pointer, the way on from there.
type path struct {
	text string // as the rule spells it
	name string
	rest []string
}

// parsePath reads a key of `match`: a claim's name, or a JSON Pointer (RFC 6901 section 3) when it begins with "/".
func parsePath(key string) (*path, error) {
	if key == "" {
		return nil, errors.New("a claim needs a name")
	}
	if key[0] != '/' {
		return &path{text: key, name: key}, nil
	}
	tokens := strings.Split(key[1:], "/")
	for i, token := range tokens {
		plain, err := unescapeToken(token)
		if err != nil {
			return nil, err
		}
		tokens[i] = plain
	}
	return &path{text: key, name: tokens[0], rest: tokens[1:]}, nil
}

// unescapeToken turns ~1 into "/" and ~0 into "~" (RFC 6901 section 4); any other use of "~" is an error.
func unescapeToken(token string) (string, error) {
	for i := 0; i < len(token); i++ {
		if token[i] != '~' {
			continue
		}
		if i++; i == len(token) || (token[i] != '0' && token[i] != '1') {
			return "", errors.New("in a JSON Pointer ~ is written ~0, and / inside a name ~1")
		}
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~"), nil
}

// view is what rules see of one identity. It decodes a claim when a rule first asks for it. Not for concurrent use.
type view struct {
	id      *idp.Identity
	decoded map[string]lookup
}

type lookup struct {
	value any
	found bool
}

func newView(id *idp.Identity) *view { return &view{id: id, decoded: make(map[string]lookup, 8)} }

// claim returns the top-level claim of that name with the normalised ones in front.
func (v *view) claim(name string) (any, bool) {
	if got, ok := v.decoded[name]; ok {
		return got.value, got.found
	}
	value, found, own := v.normalised(name)
	if !own {
		value, found = v.id.Claims.Get(name)
	}
	v.decoded[name] = lookup{value, found}
	return value, found
}

// normalised answers for the names that are the broker's own. An empty one is absent, never a raw claim instead.
func (v *view) normalised(name string) (value any, found, own bool) {
	switch name {
	case "subject":
		return v.id.Subject, v.id.Subject != "", true
	case "username":
		return v.id.Username, v.id.Username != "", true
	case "email":
		return v.id.Email, v.id.Email != "", true
	case "groups":
		return anys(v.id.Groups), len(v.id.Groups) > 0, true
	case "auth_time":
		return v.id.AuthTime.Unix(), !v.id.AuthTime.IsZero(), true
	}
	return nil, false, false
}

// ownNames are the names that [view.normalised] answers for.
func ownNames() []string { return []string{"auth_time", "email", "groups", "subject", "username"} }

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}

// all decodes everything, for expressions that walk over the claims.
func (v *view) all() map[string]any {
	names := append(v.id.Claims.Names(), ownNames()...)
	m := make(map[string]any, len(names))
	for _, name := range names {
		if value, found := v.claim(name); found {
			m[name] = value
		}
	}
	return m
}

// at follows a path.
func (v *view) at(p *path) (any, bool) {
	value, found := v.claim(p.name)
	for _, token := range p.rest {
		if !found {
			return nil, false
		}
		value, found = step(value, token)
	}
	return value, found
}

// step takes one token of a JSON Pointer: a member of an object, or an element of an array by its plain number.
func step(value any, token string) (any, bool) {
	switch value := value.(type) {
	case map[string]any:
		member, ok := value[token]
		return member, ok
	case []any:
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(value) || strconv.Itoa(i) != token {
			return nil, false
		}
		return value[i], true
	}
	return nil, false
}

// scalarText gives the text that pins compare: strings as they are, integers in decimal, booleans as true or false.
// Everything else has none: floats have no canonical text and null is not a value.
func scalarText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case int64:
		return strconv.FormatInt(value, 10), true
	case bool:
		return strconv.FormatBool(value), true
	}
	return "", false
}

// texts gives every text that a claim can equal: its own, or that of each element when it is an array.
func texts(value any, yield func(string) bool) {
	elements, ok := value.([]any)
	if !ok {
		elements = []any{value}
	}
	for _, element := range elements {
		if text, ok := scalarText(element); ok && !yield(text) {
			return
		}
	}
}

// equalsAny reports whether a claim equals one of the wanted values.
func equalsAny(value any, wanted []string) bool {
	for text := range func(yield func(string) bool) { texts(value, yield) } {
		if slices.Contains(wanted, text) {
			return true
		}
	}
	return false
}
