package iampolicy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"
)

// Limits on what is read at all, before any grammar.
const (
	maxBytes = 131072 // IAM API reference: policyDocumentType
	maxDepth = 10     // the grammar needs 6
)

// nodeKind is the JSON type of a node.
type nodeKind string

const (
	objectNode nodeKind = "object"
	arrayNode  nodeKind = "array"
	stringNode nodeKind = "string"
	numberNode nodeKind = "number"
	boolNode   nodeKind = "boolean"
	nullNode   nodeKind = "null"
)

// node is a JSON value that knows its place. Members keep their order and their exact names.
type node struct {
	kind    nodeKind
	place   string
	text    string // of a string; the literal of a number or boolean
	members []member
	items   []node
}

type member struct {
	name  string
	value node
}

// readTree reads one JSON document. encoding/json alone would take duplicate members and fold the case of names.
func readTree(doc []byte) (node, error) {
	if err := checkBytes(doc); err != nil {
		return node{}, err
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	return readNode(dec, "$", 1)
}

// checkBytes refuses what IAM's pattern for documents refuses: [\t\n\r\x{20}-\x{FF}]+.
func checkBytes(doc []byte) error {
	switch {
	case len(doc) > maxBytes:
		return &SyntaxError{Place: "$", Reason: fmt.Sprintf("more than %d bytes", maxBytes), Err: ErrTooLarge}
	case !utf8.Valid(doc):
		return refuse("$", "not UTF-8")
	case !json.Valid(doc):
		return refuse("$", "The policy is not in the valid JSON format.")
	}
	return checkCharacters("$", string(doc))
}

func checkCharacters(place, text string) error {
	for _, r := range text {
		if r > 0xFF || r < 0x20 && r != '\t' && r != '\n' && r != '\r' {
			return refuse(place, "character %U is outside U+0020-U+00FF", r)
		}
	}
	return nil
}

func readNode(dec *json.Decoder, place string, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, refuse(place, "nested deeper than %d", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return node{}, at(place, err)
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return readObject(dec, place, depth)
		}
		return readArray(dec, place, depth)
	case string:
		return node{kind: stringNode, place: place, text: token}, checkCharacters(place, token)
	case json.Number:
		return node{kind: numberNode, place: place, text: token.String()}, nil
	case bool:
		return node{kind: boolNode, place: place, text: strconv.FormatBool(token)}, nil
	default:
		return node{kind: nullNode, place: place}, nil
	}
}

func readObject(dec *json.Decoder, place string, depth int) (node, error) {
	n := node{kind: objectNode, place: place}
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return node{}, at(place, err)
		}
		name, _ := token.(string)
		inner := memberPlace(place, name)
		if err := checkCharacters(place, name); err != nil {
			return node{}, err
		}
		if seen[name] {
			return node{}, refuse(inner, "appears twice")
		}
		seen[name] = true
		value, err := readNode(dec, inner, depth+1)
		if err != nil {
			return node{}, err
		}
		n.members = append(n.members, member{name, value})
	}
	_, err := dec.Token()
	return n, at(place, err)
}

func readArray(dec *json.Decoder, place string, depth int) (node, error) {
	n := node{kind: arrayNode, place: place}
	for i := 0; dec.More(); i++ {
		item, err := readNode(dec, place+"["+strconv.Itoa(i)+"]", depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err := dec.Token()
	return n, at(place, err)
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// memberPlace is the path of a member, in bracket form when its name is not a plain word.
func memberPlace(place, name string) string {
	if plainName.MatchString(name) {
		return place + "." + name
	}
	return place + "[" + strconv.Quote(name) + "]"
}

// values returns the items of an array, or a single value as a list of one.
func (n node) values() []node {
	if n.kind == arrayNode {
		return n.items
	}
	return []node{n}
}

// strings returns one string or a list of at least one.
func (n node) strings() ([]node, error) {
	values := n.values()
	if len(values) == 0 {
		return nil, refuse(n.place, "the list is empty")
	}
	for _, v := range values {
		if v.kind != stringNode {
			return nil, refuse(v.place, "want a string, have %s", v.kind)
		}
	}
	return values, nil
}

// countCharacters counts as IAM's quotas do: white space between tokens is free.
func countCharacters(doc []byte) int {
	count, inString, escaped := 0, false, false
	for _, r := range string(doc) {
		switch {
		case escaped:
			escaped = false
		case inString && r == '\\':
			escaped = true
		case r == '"':
			inString = !inString
		case !inString && (r == ' ' || r == '\t' || r == '\n' || r == '\r'):
			continue
		}
		count++
	}
	return count
}
