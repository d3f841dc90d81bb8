package iampolicy

import (
	"strings"
	"unicode/utf8"
)

// template is a value of a document in which policy variables may stand.
type template struct {
	source string
	parts  []templatePart
}

// templatePart is a piece of pattern, or a variable when variable is not empty.
type templatePart struct {
	pattern glob
	// variable is a folded key.
	variable string
	// fallback replaces a variable without value; nil: there is none.
	fallback *string
}

// templateSyntax says what is special in a template.
type templateSyntax struct {
	wildcards bool // * and ?
	variables bool // ${…}, in documents of version 2012-10-17
}

// newTemplate reads text. It fails on a variable that is not closed, has no name or has a malformed default.
func newTemplate(text string, syntax templateSyntax) (template, error) {
	t := template{source: text}
	rest := text
	for syntax.variables {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			break
		}
		t.add(before, syntax)
		part, tail, err := readVariable(after)
		if err != nil {
			return template{}, err
		}
		t.parts = append(t.parts, part)
		rest = tail
	}
	t.add(rest, syntax)
	return t, nil
}

func (t *template) add(text string, syntax templateSyntax) {
	switch {
	case text == "":
	case syntax.wildcards:
		t.parts = append(t.parts, templatePart{pattern: newGlob(text)})
	default:
		t.parts = append(t.parts, templatePart{pattern: glob(text)})
	}
}

// readVariable reads what follows ${ up to and with the closing brace.
func readVariable(s string) (templatePart, string, error) {
	end := strings.IndexByte(s, '}')
	if quote := strings.IndexByte(s, '\''); quote >= 0 && quote < end {
		closing := strings.Index(s, "'}")
		if closing <= quote {
			return templatePart{}, "", reason("a policy variable's default is not closed by '}")
		}
		end = closing + 1
	}
	if end < 0 {
		return templatePart{}, "", reason("a policy variable is not closed by }")
	}
	part, err := newVariable(s[:end])
	return part, s[end+1:], err
}

// newVariable reads key, or key, 'default', or one of the literals *, ? and $.
func newVariable(inner string) (templatePart, error) {
	switch inner {
	case "*", "?", "$":
		return templatePart{pattern: glob(inner)}, nil
	}
	key, fallback, has := strings.Cut(inner, ",")
	key = strings.TrimSpace(key)
	if key == "" || strings.ContainsAny(key, "'${") {
		return templatePart{}, reason("a policy variable has no proper name")
	}
	if !has {
		return templatePart{variable: foldKey(key)}, nil
	}
	fallback = strings.TrimSpace(fallback)
	if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
		return templatePart{}, reason("a policy variable's default is not in single quotes")
	}
	fallback = fallback[1 : len(fallback)-1]
	return templatePart{variable: foldKey(key), fallback: &fallback}, nil
}

// expand fills the variables in. What they insert is text, whatever characters it has. It reports false when one
// has neither value nor default, or a value that is not UTF-8 and so could hold a glob's own wildcards.
func (t template) expand(c Context) (glob, bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].variable == "":
		return t.parts[0].pattern, true
	}
	var b strings.Builder
	for _, part := range t.parts {
		text, ok := part.text(c)
		if !ok {
			return "", false
		}
		b.WriteString(text)
	}
	return glob(b.String()), true
}

func (p templatePart) text(c Context) (string, bool) {
	if p.variable == "" {
		return string(p.pattern), true
	}
	if v, ok := c.single(p.variable); ok {
		return v, utf8.ValidString(v)
	}
	if p.fallback != nil {
		return *p.fallback, true
	}
	return "", false
}

// show returns the template as a trace shows it, with a note when a variable has no value.
func (t template) show(c Context) (text, note string) {
	if g, ok := t.expand(c); ok {
		return g.String(), ""
	}
	return t.source, "a policy variable has no value"
}
