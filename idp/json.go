package idp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// Limits of a JSON document that came from outside (threats: a million dots, depth, digits, claims).
const (
	maxClaimsBytes  = 1 << 18
	maxClaimsDepth  = 16
	maxClaimsNames  = 2000
	maxNumberDigits = 40
)

// ParseClaims reads one JSON object strictly: UTF-8, nothing after it, no name twice at any level after unescaping,
// bounded size, depth, number of names and digits. encoding/json alone would fold case and let the last of two
// equal names win, which is how one user becomes another (CVE-2024-29892).
func ParseClaims(doc []byte) (Claims, error) {
	if len(doc) > maxClaimsBytes {
		return Claims{}, fmt.Errorf("claims are larger than %d bytes", maxClaimsBytes)
	}
	if !utf8.Valid(doc) {
		return Claims{}, errors.New("claims are not UTF-8")
	}
	s := scanner{dec: json.NewDecoder(bytes.NewReader(doc)), doc: doc}
	s.dec.UseNumber()
	top, err := s.object()
	if err != nil {
		return Claims{}, err
	}
	if _, err := s.dec.Token(); !errors.Is(err, io.EOF) {
		return Claims{}, errors.New("data after the JSON object")
	}
	return Claims{raw: top}, nil
}

// scanner walks a document once, checking it, and notes where each top-level value lies.
type scanner struct {
	dec   *json.Decoder
	doc   []byte
	names int
}

func (s *scanner) object() (map[string]json.RawMessage, error) {
	tok, err := s.dec.Token()
	if err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if tok != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	top := make(map[string]json.RawMessage)
	for s.dec.More() {
		name, err := s.name(func(n string) bool { _, dup := top[n]; return dup })
		if err != nil {
			return nil, err
		}
		start := s.dec.InputOffset()
		if err := s.value(1); err != nil {
			return nil, err
		}
		top[name] = trimValue(s.doc[start:s.dec.InputOffset()])
	}
	_, err = s.dec.Token()
	return top, err
}

// trimValue cuts the colon and the white space that lie between a name and its value.
func trimValue(b []byte) []byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	return bytes.TrimLeft(bytes.TrimPrefix(b, []byte(":")), " \t\r\n")
}

func (s *scanner) name(dup func(string) bool) (string, error) {
	tok, err := s.dec.Token()
	if err != nil {
		return "", err
	}
	name, ok := tok.(string)
	switch {
	case !ok:
		return "", errors.New("an object member has no name")
	case dup(name):
		return "", fmt.Errorf("name %q occurs twice", name)
	}
	if s.names++; s.names > maxClaimsNames {
		return "", fmt.Errorf("more than %d names", maxClaimsNames)
	}
	return name, nil
}

func (s *scanner) value(depth int) error {
	if depth > maxClaimsDepth {
		return fmt.Errorf("nested deeper than %d", maxClaimsDepth)
	}
	tok, err := s.dec.Token()
	if err != nil {
		return err
	}
	if n, ok := tok.(json.Number); ok && len(n) > maxNumberDigits {
		return fmt.Errorf("a number has more than %d digits", maxNumberDigits)
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for s.dec.More() {
		if delim == '{' {
			name, err := s.name(func(n string) bool { return seen[n] })
			if err != nil {
				return err
			}
			seen[name] = true
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
	_, err = s.dec.Token()
	return err
}

// decodeValue turns one checked JSON value into the types that Claims promises.
func decodeValue(raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return normalise(v), nil
}

func normalise(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = normalise(v[i])
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = normalise(v[k])
		}
		return v
	}
	return v
}
