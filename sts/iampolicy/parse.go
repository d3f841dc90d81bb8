package iampolicy

import (
	"fmt"
	"regexp"
)

// Parse reads a document of a kind. It fails with a [SyntaxError]. What IAM refuses only when a policy is written
// is left to [Policy.Validate], so that documents written under older rules can still be evaluated.
func Parse(doc []byte, kind Kind) (*Policy, error) {
	most := kind.maxCharacters()
	if most == 0 {
		return nil, refuse("$", "a %v", kind)
	}
	root, err := readTree(doc)
	if err != nil {
		return nil, err
	}
	p := &Policy{kind: kind, size: countCharacters(doc), version: version2008}
	if p.size > most {
		reason := fmt.Sprintf("%d characters; a %v may have %d", p.size, kind, most)
		return nil, &SyntaxError{Place: "$", Reason: reason, Err: ErrTooLarge}
	}
	if err := p.read(root); err != nil {
		return nil, err
	}
	return p, nil
}

// read takes the top level: Version, Id and Statement.
func (p *Policy) read(root node) error {
	if root.kind != objectNode {
		return refuse(root.place, "want an object, have %s", root.kind)
	}
	var statements *node
	for _, m := range root.members {
		var err error
		switch m.name {
		case "Version":
			err = p.readVersion(m.value)
		case "Id":
			err = p.readID(m.value)
		case "Statement":
			statements = &m.value
		default:
			err = refuse(m.value.place, "unknown element")
		}
		if err != nil {
			return err
		}
	}
	if statements == nil {
		return refuse(root.place, "Statement is missing")
	}
	return p.readStatements(*statements)
}

func (p *Policy) readVersion(n node) error {
	if n.kind != stringNode || n.text != version2008 && n.text != version2012 {
		return refuse(n.place, "want %q or %q", version2012, version2008)
	}
	p.version = n.text
	return nil
}

// readID takes an Id, which only policies of resources and roles have.
func (p *Policy) readID(n node) error {
	if !p.kind.namesPrincipals() {
		return refuse(n.place, "Has prohibited field Id")
	}
	if n.kind != stringNode {
		return refuse(n.place, "want a string, have %s", n.kind)
	}
	p.id = n.text
	return nil
}

// readStatements runs after the version is known, which may stand behind the statements.
func (p *Policy) readStatements(n node) error {
	if len(n.values()) == 0 {
		return refuse(n.place, "Policy statement must contain actions.")
	}
	sids := make(map[string]bool)
	for _, item := range n.values() {
		s, err := p.readStatement(item)
		if err != nil {
			return err
		}
		if s.sid != "" && sids[s.sid] {
			return refuse(memberPlace(item.place, "Sid"), "Statement IDs (SID) in a single policy must be unique.")
		}
		sids[s.sid] = true
		p.statements = append(p.statements, s)
	}
	return nil
}

func (p *Policy) readStatement(n node) (statement, error) {
	if n.kind != objectNode {
		return statement{}, refuse(n.place, "want an object, have %s", n.kind)
	}
	s := statement{place: n.place}
	for _, m := range n.members {
		if err := p.readElement(&s, m); err != nil {
			return statement{}, err
		}
	}
	return s, p.complete(s, n)
}

// readElement takes one element of a statement. Exclusive pairs are told apart by what the first of them left.
func (p *Policy) readElement(s *statement, m member) (err error) {
	switch m.name {
	case "Sid":
		s.sid, err = p.readSID(m.value)
	case "Effect":
		s.effect, err = readEffect(m.value)
	case "Principal", "NotPrincipal":
		if len(s.principals) > 0 {
			return refuse(m.value.place, "both Principal and NotPrincipal")
		}
		s.notPrincipal = m.name == "NotPrincipal"
		s.principals, err = p.readPrincipals(m.value)
	case "Action", "NotAction":
		if len(s.actions) > 0 {
			return refuse(m.value.place, "both Action and NotAction")
		}
		s.notAction = m.name == "NotAction"
		s.actions, err = p.readActions(m.value, s.notAction)
	case "Resource", "NotResource":
		if len(s.resources) > 0 {
			return refuse(m.value.place, "both Resource and NotResource")
		}
		s.notResource = m.name == "NotResource"
		s.resources, err = p.readResources(m.value)
	case "Condition":
		s.conditions, err = p.readConditions(m.value)
	default:
		err = refuse(m.value.place, "unknown element")
	}
	return err
}

// complete refuses a statement that lacks what its kind requires.
func (p *Policy) complete(s statement, n node) error {
	switch {
	case s.effect == "":
		return refuse(n.place, "Effect is missing")
	case len(s.actions) == 0:
		return refuse(n.place, "Policy statement must contain actions.")
	case p.kind.namesPrincipals() && len(s.principals) == 0:
		return refuse(n.place, "Missing required field Principal")
	case p.kind != Trust && len(s.resources) == 0:
		return refuse(n.place, "Policy statement must contain resources.")
	}
	return nil
}

var sidPattern = regexp.MustCompile(`^[A-Za-z0-9]*$`)

// readSID takes a statement's name. Policies of other services' resources may use any text.
func (p *Policy) readSID(n node) (string, error) {
	if n.kind != stringNode || p.kind != Resource && !sidPattern.MatchString(n.text) {
		return "", refuse(n.place, "Statement IDs (SID) must be alpha-numeric.")
	}
	return n.text, nil
}

func readEffect(n node) (Effect, error) {
	if n.kind != stringNode || Effect(n.text) != Allow && Effect(n.text) != Deny {
		return "", refuse(n.place, "want %q or %q", Allow, Deny)
	}
	return Effect(n.text), nil
}

func (p *Policy) readResources(n node) ([]resourcePattern, error) {
	if p.kind == Trust {
		return nil, refuse(n.place, "Has prohibited field Resource")
	}
	values, err := n.strings()
	if err != nil {
		return nil, err
	}
	resources := make([]resourcePattern, len(values))
	for i, v := range values {
		if resources[i], err = newResourcePattern(v.text, p.version == version2012); err != nil {
			return nil, at(v.place, err)
		}
	}
	return resources, nil
}
