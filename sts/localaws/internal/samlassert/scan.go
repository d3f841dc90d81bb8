package samlassert

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Limits on a document; real responses have a depth below 12 and a few hundred tokens.
const (
	maxDepth      = 32
	maxTokens     = 100_000
	maxAttributes = 64 // of one element
)

// parse reads a document strictly: UTF-8, one root, no DTD, no processing instruction but the XML declaration.
func parse(data []byte) (*etree.Element, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8")
	}
	if err := scan(data); err != nil {
		return nil, err
	}
	document := etree.NewDocument()
	document.ReadSettings.ValidateInput = true
	if err := document.ReadFromBytes(bytes.TrimSpace(data)); err != nil { // etree minds a newline after the root
		return nil, fmt.Errorf("not well-formed XML: %w", err)
	}
	if document.Root() == nil {
		return nil, errors.New("no root element")
	}
	return document.Root(), nil
}

// scan walks the tokens once before a tree is built. encoding/xml expands no entities but the five of XML.
func scan(data []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	depth, roots := 0, 0
	for tokens := 0; ; tokens++ {
		token, err := decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("not well-formed XML: %w", err)
		}
		if tokens > maxTokens {
			return errors.New("too many elements")
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			if err := scanElement(t, depth); err != nil {
				return err
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return errors.New("text outside the root element")
			}
		default:
			if err := scanOther(token, tokens); err != nil {
				return err
			}
		}
	}
	if roots != 1 {
		return errors.New("not exactly one root element")
	}
	return nil
}

func scanElement(t xml.StartElement, depth int) error {
	if depth > maxDepth || len(t.Attr) > maxAttributes {
		return errors.New("too deep, or too many attributes")
	}
	if strings.Contains(t.Name.Local, ":") {
		return errors.New("an element's name has two colons")
	}
	// Libraries look attributes up by their local name, so two that differ in the prefix only are refused as well.
	seen := map[string]bool{}
	for _, attr := range t.Attr {
		if seen[attr.Name.Local] || strings.Contains(attr.Name.Local, ":") {
			return errors.New("an attribute is there twice, or has two colons")
		}
		seen[attr.Name.Local] = true
	}
	return nil
}

func scanOther(token xml.Token, position int) error {
	switch t := token.(type) {
	case xml.Directive:
		return errors.New("a document type declaration is not allowed")
	case xml.ProcInst:
		if t.Target != "xml" || position != 0 {
			return errors.New("a processing instruction is not allowed")
		}
	}
	return nil
}

// The namespaces that are read.
const (
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
)

// children returns the direct children of a name.
func children(el *etree.Element, namespace, tag string) []*etree.Element {
	var out []*etree.Element
	for _, child := range el.ChildElements() {
		if child.Tag == tag && child.NamespaceURI() == namespace {
			out = append(out, child)
		}
	}
	return out
}

// only returns the one direct child of a name.
func only(el *etree.Element, namespace, tag string) (*etree.Element, error) {
	found := children(el, namespace, tag)
	if len(found) != 1 {
		return nil, fmt.Errorf("%s must have exactly one %s, it has %d", el.Tag, tag, len(found))
	}
	return found[0], nil
}

// text returns an element's whole text; anything but text inside it is refused, so that no comment or element can
// cut a name short.
func text(el *etree.Element) (string, error) {
	var b strings.Builder
	for _, child := range el.Child {
		data, ok := child.(*etree.CharData)
		if !ok {
			return "", fmt.Errorf("%s holds more than text", el.Tag)
		}
		b.WriteString(data.Data)
	}
	return strings.TrimSpace(b.String()), nil
}

// attr returns the value of an attribute without a prefix, empty when absent.
func attr(el *etree.Element, name string) string {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value
		}
	}
	return ""
}

// walk visits el and everything below it.
func walk(el *etree.Element, visit func(*etree.Element)) {
	visit(el)
	for _, child := range el.ChildElements() {
		walk(child, visit)
	}
}
