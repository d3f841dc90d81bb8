package iampolicy

import (
	"regexp"
	"strings"
)

// actionPattern is one value of Action or NotAction. Both halves are compared without regard to case.
type actionPattern struct {
	source string
	glob   glob
}

// The service must be written out; the name may hold wildcards. * and *:* mean every action.
var actionSyntax = regexp.MustCompile(`^(\*|\*:\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$`)

func (p *Policy) readActions(n node, not bool) ([]actionPattern, error) {
	if p.kind == Trust && not {
		return nil, refuse(n.place, "AssumeRole policy may only specify STS AssumeRole actions.")
	}
	values, err := n.strings()
	if err != nil {
		return nil, err
	}
	actions := make([]actionPattern, len(values))
	for i, v := range values {
		folded := lower(v.text)
		switch {
		case !actionSyntax.MatchString(v.text):
			return nil, refuse(v.place, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
		case p.kind == Trust && !strings.HasPrefix(folded, "sts:"):
			return nil, refuse(v.place, "AssumeRole policy may only specify STS AssumeRole actions.")
		}
		actions[i] = actionPattern{source: v.text, glob: newGlob(folded)}
	}
	return actions, nil
}

// matchesAction reports whether the folded action is one that the statement is about.
func (s statement) matchesAction(folded string) bool {
	for _, a := range s.actions {
		if a.glob.match(folded) {
			return !s.notAction
		}
	}
	return s.notAction
}
