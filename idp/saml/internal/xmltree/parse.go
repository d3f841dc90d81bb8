package xmltree

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits bound a document before and while it is parsed. A zero limit admits nothing.
type Limits struct {
	Bytes      int // of the document
	Depth      int // of nested elements
	Elements   int // in the whole document
	Attributes int // of one element, namespace declarations among them
	Namespaces int // declared by one element
	Value      int // bytes of one attribute value
}

// Parse reads one document. Namespaces that the document does not declare are looked up in scope, which is the place
// that an encrypted fragment came from and otherwise nil.
func Parse(doc []byte, limits Limits, scope *Element) (*Element, error) {
	doc = bytes.TrimPrefix(doc, []byte("\ufeff"))
	switch {
	case len(doc) > limits.Bytes:
		return nil, fmt.Errorf("the document is larger than %d bytes", limits.Bytes)
	case !utf8.Valid(doc):
		return nil, errors.New("the document is not UTF-8")
	case bytes.Contains(doc, []byte("<![CDATA[")):
		return nil, errors.New("the document has a CDATA section")
	}
	p := parser{doc: doc, dec: xml.NewDecoder(bytes.NewReader(doc)), limits: limits, at: scope, scope: scope}
	for {
		start := p.dec.InputOffset()
		tok, err := p.dec.RawToken()
		if errors.Is(err, io.EOF) {
			return p.finish()
		}
		if err != nil {
			return nil, errors.New("the document is not well-formed")
		}
		if err := p.token(tok, start); err != nil {
			return nil, err
		}
	}
}

type parser struct {
	doc      []byte
	dec      *xml.Decoder
	limits   Limits
	scope    *Element
	root, at *Element
	open     []openElement
	elements int
	ids      map[string]struct{}
}

// openElement is what is known of the content of an element that has not ended.
type openElement struct{ text, child bool }

func (p *parser) finish() (*Element, error) {
	if p.root == nil || len(p.open) > 0 {
		return nil, errors.New("the document ends early")
	}
	return p.root, nil
}

func (p *parser) token(tok xml.Token, start int64) error {
	switch tok := tok.(type) {
	case xml.StartElement:
		return p.start(tok, p.doc[start:p.dec.InputOffset()])
	case xml.EndElement:
		return p.end(tok)
	case xml.CharData:
		return p.text(tok)
	case xml.Comment:
		return p.comment()
	case xml.ProcInst:
		if tok.Target == "xml" && start == 0 {
			return nil
		}
		return errors.New("the document has a processing instruction")
	}
	return errors.New("the document has a DOCTYPE or another directive")
}

func (p *parser) start(tok xml.StartElement, raw []byte) error {
	p.elements++
	switch {
	case p.root != nil && len(p.open) == 0:
		return errors.New("the document has more than one root")
	case len(p.open) >= p.limits.Depth:
		return fmt.Errorf("elements are nested deeper than %d", p.limits.Depth)
	case p.elements > p.limits.Elements:
		return fmt.Errorf("the document has more than %d elements", p.limits.Elements)
	case len(tok.Attr) > p.limits.Attributes:
		return fmt.Errorf("an element has more than %d attributes", p.limits.Attributes)
	}
	el := &Element{Prefix: tok.Name.Space, Local: tok.Name.Local, Parent: p.at}
	if err := p.attributes(el, tok.Attr, raw); err != nil {
		return err
	}
	if len(el.Decls) > p.limits.Namespaces {
		return fmt.Errorf("an element declares more than %d namespaces", p.limits.Namespaces)
	}
	if err := p.resolve(el); err != nil {
		return err
	}
	if p.root == nil {
		p.root = el
	} else {
		p.at.Nodes = append(p.at.Nodes, Node{Element: el})
		p.open[len(p.open)-1].child = true
	}
	p.at = el
	p.open = append(p.open, openElement{})
	return nil
}

// attributes sorts a start tag's attributes into declarations and the rest.
func (p *parser) attributes(el *Element, attrs []xml.Attr, raw []byte) error {
	literal, err := checkTag(raw)
	if err != nil {
		return err
	}
	for _, a := range attrs {
		if len(a.Value) > p.limits.Value {
			return fmt.Errorf("an attribute is longer than %d bytes", p.limits.Value)
		}
		value := a.Value
		if literal {
			value = normaliseSpace(value)
		}
		switch {
		case a.Name.Space == "xmlns":
			err = el.declare(a.Name.Local, value)
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			err = el.declare("", value)
		default:
			el.Attrs = append(el.Attrs, Attr{Prefix: a.Name.Space, Local: a.Name.Local, Value: value})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// declare adds a namespace declaration. Namespace names are absolute: for a relative one canonicalisation is
// undefined, and implementations that return nothing then sign nothing (CVE-2025-66568).
func (e *Element) declare(prefix, space string) error {
	for i := range e.Decls {
		if e.Decls[i].Prefix == prefix {
			return errors.New("an attribute occurs twice")
		}
	}
	switch {
	case prefix == "xml" && space == xmlSpace:
		return nil
	case prefix == "xml" || prefix == "xmlns" || space == xmlSpace || space == xmlnsSpace:
		return errors.New("a reserved namespace is declared")
	case space == "" && prefix != "":
		return errors.New("a prefix is undeclared")
	case prefix != "" && !isName(prefix):
		return errors.New("a name has unexpected characters")
	case space != "" && !absolute(space):
		return errors.New("a namespace name is relative")
	}
	e.Decls = append(e.Decls, Decl{Prefix: prefix, Space: space})
	return nil
}

// resolve checks the names of an element and its attributes and finds their namespaces.
func (p *parser) resolve(el *Element) error {
	space, ok := el.lookup(el.Prefix)
	if !ok || el.Prefix == "xml" || !isName(el.Local) {
		return errors.New("an element has a bad or undeclared name")
	}
	el.Space = space
	for i := range el.Attrs {
		a := &el.Attrs[i]
		if !isName(a.Local) {
			return errors.New("an attribute has a bad name")
		}
		if a.Prefix != "" {
			if a.Space, ok = el.lookup(a.Prefix); !ok {
				return errors.New("an attribute has an undeclared prefix")
			}
		}
		for j := range i {
			if b := &el.Attrs[j]; b.Local == a.Local && b.Space == a.Space {
				return errors.New("an attribute occurs twice")
			}
		}
		if err := p.noteID(a); err != nil {
			return err
		}
	}
	return nil
}

// ErrTwice is what Parse fails with where two elements have one id, as an element that was copied has.
var ErrTwice = errors.New("an id occurs twice")

// noteID keeps ids unique under every spelling, so that no two readers of one reference find two elements.
func (p *parser) noteID(a *Attr) error {
	if !strings.EqualFold(a.Local, "id") {
		return nil
	}
	if p.ids == nil {
		p.ids = make(map[string]struct{})
	}
	if _, dup := p.ids[a.Value]; dup {
		return ErrTwice
	}
	p.ids[a.Value] = struct{}{}
	return nil
}

func (p *parser) end(tok xml.EndElement) error {
	if len(p.open) == 0 || p.at.Prefix != tok.Name.Space || p.at.Local != tok.Name.Local {
		return errors.New("an end tag does not match its start tag")
	}
	if o := p.open[len(p.open)-1]; o.text && (o.child || p.at.Commented) {
		return errors.New("text stands beside elements or comments")
	}
	p.open = p.open[:len(p.open)-1]
	p.at = p.at.Parent
	return nil
}

func (p *parser) text(text xml.CharData) error {
	blank := len(bytes.Trim(text, " \t\r\n")) == 0
	if len(p.open) == 0 {
		if !blank {
			return errors.New("text stands outside the root element")
		}
		return nil
	}
	p.at.Nodes = append(p.at.Nodes, Node{Text: string(text)})
	if !blank {
		p.open[len(p.open)-1].text = true
	}
	return nil
}

func (p *parser) comment() error {
	if len(p.open) > 0 {
		p.at.Commented = true
	} else if p.root != nil {
		return errors.New("a comment stands after the root element")
	}
	return nil
}
