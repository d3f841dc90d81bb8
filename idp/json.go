package idp

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a JSON document that came from outside (threats: a million dots, depth, digits, claims).
const (
	maxClaimsBytes  = 1 << 18
	maxClaimsDepth  = 16
	maxClaimsNames  = 2000
	maxNumberDigits = 40
)

// ParseClaims reads one JSON object (RFC 8259) strictly: UTF-8, nothing after it, no name twice at any level after
// unescaping, no unpaired surrogate, no number outside float64, bounded size, depth, number of names and digits.
// encoding/json alone would fold case and let the last of two equal names win, which is how one user becomes another
// (CVE-2024-29892); and it would read every unpaired surrogate as the same U+FFFD.
//
// Values are checked now and decoded when they are asked for.
func ParseClaims(doc []byte) (Claims, error) {
	if len(doc) > maxClaimsBytes {
		return Claims{}, fmt.Errorf("claims are larger than %d bytes", maxClaimsBytes)
	}
	if !utf8.Valid(doc) {
		return Claims{}, errors.New("claims are not UTF-8")
	}
	s := scanner{doc: string(doc)} // one copy: names and values are parts of it
	s.space()
	if s.peek() != '{' {
		return Claims{}, errors.New("not a JSON object")
	}
	raw := make(map[string]string, 16)
	if err := s.object(1, raw); err != nil {
		return Claims{}, err
	}
	s.space()
	if s.pos != len(s.doc) {
		return Claims{}, errors.New("data after the JSON object")
	}
	return Claims{raw: raw}, nil
}

// scanner walks a document once. Each method reads one production of RFC 8259 and leaves pos behind it.
type scanner struct {
	doc   string
	pos   int
	names int
}

// errJSON is every departure from the grammar: where it stands is nobody's business who sent it.
var errJSON = errors.New("malformed JSON")

// peek returns the next byte, or 0 at the end; 0 itself is no JSON.
func (s *scanner) peek() byte {
	if s.pos < len(s.doc) {
		return s.doc[s.pos]
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) space() {
	for s.pos < len(s.doc) {
		switch s.doc[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// object reads an object that begins here and notes the text of each member's value.
func (s *scanner) object(depth int, members map[string]string) error {
	s.pos++
	if s.space(); s.take('}') {
		return nil
	}
	for {
		name, err := s.name(members)
		if err != nil {
			return err
		}
		start := s.pos
		if err := s.value(depth); err != nil {
			return err
		}
		members[name] = s.doc[start:s.pos]
		s.space()
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return errJSON
		}
	}
}

// name reads a member's name and the colon, up to the value.
func (s *scanner) name(members map[string]string) (string, error) {
	s.space()
	start := s.pos
	if err := s.text(); err != nil {
		return "", err
	}
	name := unquote(s.doc[start:s.pos])
	if _, twice := members[name]; twice {
		return "", errors.New("a name occurs twice in one JSON object")
	}
	if s.names++; s.names > maxClaimsNames {
		return "", fmt.Errorf("more than %d names", maxClaimsNames)
	}
	if s.space(); !s.take(':') {
		return "", errJSON
	}
	s.space()
	return name, nil
}

func (s *scanner) array(depth int) error {
	s.pos++
	if s.space(); s.take(']') {
		return nil
	}
	for {
		s.space()
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return errJSON
		}
	}
}

// value reads any value; depth is that of the object or array which it stands in.
func (s *scanner) value(depth int) error {
	switch c := s.peek(); c {
	case '"':
		return s.text()
	case '{', '[':
		if depth++; depth > maxClaimsDepth {
			return fmt.Errorf("nested deeper than %d", maxClaimsDepth)
		}
		if c == '[' {
			return s.array(depth)
		}
		return s.object(depth, make(map[string]string))
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	}
	return s.number()
}

func (s *scanner) literal(word string) error {
	if !strings.HasPrefix(s.doc[s.pos:], word) {
		return errJSON
	}
	s.pos += len(word)
	return nil
}

// number reads -? int frac? exp?, of a value that float64 holds.
func (s *scanner) number() error {
	start := s.pos
	s.take('-')
	if !s.take('0') && !s.digits() {
		return errJSON
	}
	if s.take('.') && !s.digits() {
		return errJSON
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return errJSON
		}
	}
	if s.pos-start > maxNumberDigits {
		return fmt.Errorf("a number has more than %d digits", maxNumberDigits)
	}
	if f, err := strconv.ParseFloat(s.doc[start:s.pos], 64); err != nil || math.IsInf(f, 0) {
		return errors.New("a number is out of range")
	}
	return nil
}

// digits reads one or more.
func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// text reads a string, quotes included.
func (s *scanner) text() error {
	if !s.take('"') {
		return errJSON
	}
	for s.pos < len(s.doc) {
		c := s.doc[s.pos]
		s.pos++
		switch {
		case c == '"':
			return nil
		case c < ' ':
			return errJSON
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		}
	}
	return errJSON
}

// escape reads what follows a backslash. A surrogate must be one of a pair.
func (s *scanner) escape() error {
	c := s.peek()
	s.pos++
	if c != 'u' {
		if c == 0 || !strings.ContainsRune(`"\/bfnrt`, rune(c)) {
			return errJSON
		}
		return nil
	}
	switch unit, ok := s.hex(); {
	case !ok:
		return errJSON
	case unit >= 0xDC00 && unit <= 0xDFFF:
		return errors.New("an unpaired surrogate")
	case unit < 0xD800 || unit > 0xDBFF:
		return nil
	}
	if !s.take('\\') || !s.take('u') {
		return errors.New("an unpaired surrogate")
	}
	if low, ok := s.hex(); !ok || low < 0xDC00 || low > 0xDFFF {
		return errors.New("an unpaired surrogate")
	}
	return nil
}

// hex reads four hexadecimal digits. With the base given, ParseUint takes no sign, prefix or underscore.
func (s *scanner) hex() (uint64, bool) {
	if len(s.doc)-s.pos < 4 {
		return 0, false
	}
	unit, err := strconv.ParseUint(s.doc[s.pos:s.pos+4], 16, 16)
	s.pos += 4
	return unit, err == nil
}
