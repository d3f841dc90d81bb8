package xmltree

import (
	"errors"
	"strings"
)

// Element is one element of a parsed document.
type Element struct {
	// Prefix and Local are the name as spelled, Space the namespace that Prefix stands for.
	Prefix, Local, Space string
	// Attrs are the attributes in document order, namespace declarations (Decls) not among them.
	Attrs []Attr
	Decls []Decl
	Nodes []Node
	// Parent is the element around this one; for a root, the scope that [Parse] was given.
	Parent *Element
	// Commented says that comments stood directly in the element; they are not kept.
	Commented bool
}

// Attr is one attribute. An attribute without a prefix is in no namespace.
type Attr struct{ Prefix, Local, Space, Value string }

// Decl is one namespace declaration; Prefix "" is the default namespace.
type Decl struct{ Prefix, Space string }

// Node is a child: an element, or text when Element is nil. Comments are not kept.
type Node struct {
	Element *Element
	Text    string
}

// Is reports whether the element has this expanded name.
func (e *Element) Is(space, local string) bool { return e.Local == local && e.Space == space }

// Attr returns the value of the attribute of that name in no namespace.
func (e *Element) Attr(local string) (string, bool) {
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Local == local && a.Prefix == "" {
			return a.Value, true
		}
	}
	return "", false
}

// Elements returns the child elements.
func (e *Element) Elements() []*Element {
	var out []*Element
	for i := range e.Nodes {
		if c := e.Nodes[i].Element; c != nil {
			out = append(out, c)
		}
	}
	return out
}

// Named returns the child elements of that expanded name.
func (e *Element) Named(space, local string) []*Element {
	var out []*Element
	for i := range e.Nodes {
		if c := e.Nodes[i].Element; c != nil && c.Is(space, local) {
			out = append(out, c)
		}
	}
	return out
}

var errHasElements = errors.New("an element that must hold text holds elements")

// Text returns the text of an element that has no child elements.
func (e *Element) Text() (string, error) {
	switch {
	case len(e.Nodes) == 0:
		return "", nil
	case len(e.Nodes) == 1 && e.Nodes[0].Element == nil:
		return e.Nodes[0].Text, nil
	}
	var b strings.Builder
	for i := range e.Nodes {
		if e.Nodes[i].Element != nil {
			return "", errHasElements
		}
		b.WriteString(e.Nodes[i].Text)
	}
	return b.String(), nil
}

// Walk calls visit for the element and everything beneath it, in document order, until visit returns an error.
func (e *Element) Walk(visit func(*Element) error) error {
	if err := visit(e); err != nil {
		return err
	}
	for i := range e.Nodes {
		if c := e.Nodes[i].Element; c != nil {
			if err := c.Walk(visit); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

// lookup resolves a prefix in the scope of the element. The empty prefix always resolves.
func (e *Element) lookup(prefix string) (string, bool) {
	if prefix == "xml" {
		return xmlSpace, true
	}
	for at := e; at != nil; at = at.Parent {
		for i := range at.Decls {
			if at.Decls[i].Prefix == prefix {
				return at.Decls[i].Space, true
			}
		}
	}
	return "", prefix == ""
}
