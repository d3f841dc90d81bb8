package iampolicy

import "strings"

// arnComponents is how many colon-separated components an ARN has; colons in the last one belong to it.
const arnComponents = 6

// splitARN returns the six components of a well-formed ARN.
func splitARN(s string) ([]string, bool) {
	parts := strings.SplitN(s, ":", arnComponents)
	return parts, len(parts) == arnComponents && parts[0] == "arn"
}

// arnPattern matches ARNs component by component, so that no wildcard reaches over a colon, save in the last.
type arnPattern struct {
	parts []template
}

// newARNPattern compiles text, of which splitOutsideVariables found the components.
func newARNPattern(components []string, syntax templateSyntax) (arnPattern, error) {
	p := arnPattern{parts: make([]template, len(components))}
	for i, text := range components {
		t, err := newTemplate(text, syntax)
		if err != nil {
			return arnPattern{}, err
		}
		p.parts[i] = t
	}
	return p, nil
}

// match compares arn with the pattern; the last component of the pattern takes what is left of the ARN.
func (p arnPattern) match(arn string, c Context) bool {
	actual := strings.SplitN(arn, ":", len(p.parts))
	if len(actual) != len(p.parts) {
		return false
	}
	for i, part := range p.parts {
		g, ok := part.expand(c)
		if !ok || !g.match(actual[i]) {
			return false
		}
	}
	return true
}

// splitOutsideVariables splits text at its first five colons, not counting those in ${…}: the names of variables
// contain colons.
func splitOutsideVariables(text string, variables bool) []string {
	var parts []string
	start, depth := 0, 0
	for i := range len(text) {
		switch {
		case variables && strings.HasPrefix(text[i:], "${"):
			depth = 1
		case text[i] == '}':
			depth = 0
		case text[i] == ':' && depth == 0 && len(parts) < arnComponents-1:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// resourcePattern is one value of Resource or NotResource.
type resourcePattern struct {
	source string
	any    bool
	arn    arnPattern
}

// newResourcePattern reads * or an ARN. Variables may stand after the fifth colon only. An ARN that stops early must
// end in a star, which then stands for all the rest (arn:aws:iam::*); the service must be written out.
func newResourcePattern(text string, variables bool) (resourcePattern, error) {
	if text == "*" {
		return resourcePattern{source: text, any: true}, nil
	}
	parts := splitOutsideVariables(text, variables)
	switch {
	case parts[0] != "arn" || len(parts) < 4:
		return resourcePattern{}, reason("Resource must be in ARN format or \"*\".")
	case parts[2] == "" || strings.ContainsAny(parts[2], "*?"):
		return resourcePattern{}, reason("the service of a resource ARN must be written out")
	case len(parts) < arnComponents && !strings.HasSuffix(text, "*"):
		return resourcePattern{}, reason("an incomplete resource ARN must end in *")
	}
	for _, part := range parts[:min(len(parts), arnComponents-1)] {
		if variables && strings.Contains(part, "${") {
			return resourcePattern{}, reason("policy variables belong after the fifth colon of a resource ARN")
		}
	}
	pattern, err := newARNPattern(parts, templateSyntax{wildcards: true, variables: variables})
	return resourcePattern{source: text, arn: pattern}, err
}

func (r resourcePattern) match(resource string, c Context) bool {
	return r.any || r.arn.match(resource, c)
}

// show returns the pattern as a trace shows it.
func (r resourcePattern) show(c Context) string {
	if r.any {
		return "*"
	}
	text, _ := r.arn.show(c)
	return text
}

// show joins the components with variables filled in.
func (p arnPattern) show(c Context) (text, note string) {
	shown := make([]string, len(p.parts))
	for i, part := range p.parts {
		var n string
		if shown[i], n = part.show(c); n != "" {
			note = n
		}
	}
	return strings.Join(shown, ":"), note
}
