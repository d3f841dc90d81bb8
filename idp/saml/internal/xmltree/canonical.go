package xmltree

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"
)

// DefaultPrefix stands for the default namespace in a PrefixList (Exclusive XML Canonicalization section 4).
const DefaultPrefix = "#default"

// Canonical writes the Exclusive XML Canonicalization 1.0 form, without comments, of apex and what is beneath it.
// The namespaces of prefixes (the PrefixList) are treated as inclusive canonicalisation does. The element skip, where
// it is not nil, is left out: that is the enveloped-signature transform (XML Signature section 6.6.4).
//
// The form can be far longer than what was parsed, as it repeats declarations; more than limit bytes are refused.
func Canonical(apex *Element, prefixes []string, skip *Element, limit int) ([]byte, error) {
	w := canonicalWriter{prefixes: prefixes, skip: skip, limit: limit}
	w.element(apex)
	if w.out.Len() > limit {
		return nil, errTooLong
	}
	return w.out.Bytes(), nil
}

var errTooLong = errors.New("the canonical form is too long")

type canonicalWriter struct {
	out      bytes.Buffer
	prefixes []string
	skip     *Element
	limit    int
	rendered []Decl // a stack: what the output's ancestors have declared
}

func (w *canonicalWriter) element(el *Element) {
	if w.out.Len() > w.limit {
		return
	}
	mark := len(w.rendered)
	w.out.WriteByte('<')
	w.name(el.Prefix, el.Local)
	w.declarations(el)
	w.attributes(el.Attrs)
	w.out.WriteByte('>')
	for i := range el.Nodes {
		switch n := &el.Nodes[i]; {
		case n.Element == nil:
			w.escape(n.Text, false)
		case n.Element != w.skip:
			w.element(n.Element)
		}
	}
	w.out.WriteString("</")
	w.name(el.Prefix, el.Local)
	w.out.WriteByte('>')
	w.rendered = w.rendered[:mark]
}

func (w *canonicalWriter) name(prefix, local string) {
	if prefix != "" {
		w.out.WriteString(prefix)
		w.out.WriteByte(':')
	}
	w.out.WriteString(local)
}

// declarations writes the namespaces that the element or its attributes use visibly, or that the PrefixList names,
// and that the output does not have in force already.
func (w *canonicalWriter) declarations(el *Element) {
	mark := len(w.rendered)
	w.declare(el, el.Prefix, mark)
	for i := range el.Attrs {
		if el.Attrs[i].Prefix != "" {
			w.declare(el, el.Attrs[i].Prefix, mark)
		}
	}
	for _, p := range w.prefixes {
		if p == DefaultPrefix {
			p = ""
		}
		w.declare(el, p, mark)
	}
	fresh := w.rendered[mark:]
	slices.SortFunc(fresh, func(a, b Decl) int { return strings.Compare(a.Prefix, b.Prefix) })
	for _, d := range fresh {
		w.out.WriteString(" xmlns")
		if d.Prefix != "" {
			w.out.WriteByte(':')
			w.out.WriteString(d.Prefix)
		}
		w.value(d.Space)
	}
}

func (w *canonicalWriter) declare(el *Element, prefix string, mark int) {
	if prefix == "xml" {
		return
	}
	space, ok := el.lookup(prefix)
	if !ok {
		return // a PrefixList may name what is not in scope
	}
	inForce := ""
	for i := len(w.rendered) - 1; i >= 0; i-- {
		if w.rendered[i].Prefix == prefix {
			if i >= mark {
				return
			}
			inForce = w.rendered[i].Space
			break
		}
	}
	if inForce != space {
		w.rendered = append(w.rendered, Decl{Prefix: prefix, Space: space})
	}
}

// attributes come ordered by namespace name, then by local name (Canonical XML section 2.2).
func (w *canonicalWriter) attributes(attrs []Attr) {
	sorted := attrs
	byName := func(a, b Attr) int {
		return cmp.Or(strings.Compare(a.Space, b.Space), strings.Compare(a.Local, b.Local))
	}
	if !slices.IsSortedFunc(attrs, byName) {
		sorted = slices.Clone(attrs)
		slices.SortFunc(sorted, byName)
	}
	for i := range sorted {
		w.out.WriteByte(' ')
		w.name(sorted[i].Prefix, sorted[i].Local)
		w.value(sorted[i].Value)
	}
}

func (w *canonicalWriter) value(s string) {
	w.out.WriteString(`="`)
	w.escape(s, true)
	w.out.WriteByte('"')
}

// escape writes text as Canonical XML section 2.3 wants it, for attribute values or for text.
func (w *canonicalWriter) escape(s string, attr bool) {
	last := 0
	for i := range len(s) {
		if esc := escapeByte(s[i], attr); esc != "" {
			w.out.WriteString(s[last:i])
			w.out.WriteString(esc)
			last = i + 1
		}
	}
	w.out.WriteString(s[last:])
}

func escapeByte(c byte, attr bool) string {
	switch {
	case c == '&':
		return "&amp;"
	case c == '<':
		return "&lt;"
	case c == '\r':
		return "&#xD;"
	case c == '>' && !attr:
		return "&gt;"
	case c == '"' && attr:
		return "&quot;"
	case c == '\t' && attr:
		return "&#x9;"
	case c == '\n' && attr:
		return "&#xA;"
	}
	return ""
}
