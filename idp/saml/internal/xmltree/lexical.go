package xmltree

import (
	"bytes"
	"errors"
	"strings"
)

// checkTag looks at the raw text of a start tag for what the tokenizer hides: attributes that are not set apart by
// white space, and whether tabs and line ends stand literally in values (XML 1.0 section 3.3.3 turns those into
// spaces, but keeps the ones that are written as character references).
func checkTag(raw []byte) (literal bool, err error) {
	for {
		open := bytes.IndexAny(raw, `"'`)
		if open < 0 {
			return literal, nil
		}
		value := raw[open+1:]
		end := bytes.IndexByte(value, raw[open])
		if end < 0 || end+1 >= len(value) || !strings.ContainsRune(" \t\r\n/>", rune(value[end+1])) {
			return false, errors.New("attributes are not set apart")
		}
		if hasBreak := bytes.ContainsAny(value[:end], "\t\r\n"); hasBreak && bytes.Contains(value[:end], []byte("&#")) {
			return false, errors.New("an attribute mixes literal and written white space")
		} else if hasBreak {
			literal = true
		}
		raw = value[end+1:]
	}
}

// normaliseSpace turns the white space of an attribute value into spaces.
func normaliseSpace(s string) string {
	return strings.NewReplacer("\t", " ", "\r", " ", "\n", " ").Replace(s)
}

// isName admits the ASCII part of NCName: no colon, nothing that two readers could fold or split differently.
func isName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return s != ""
}

// absolute reports whether a namespace name begins with a URI scheme (RFC 3986 section 3.1).
func absolute(uri string) bool {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || scheme == "" || rest == "" || scheme[0] < 'A' {
		return false
	}
	for i := range len(scheme) {
		c := scheme[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || !strings.ContainsRune("0123456789+-.", rune(scheme[i]))) {
			return false
		}
	}
	return true
}
