package iampolicy

import "strings"

// condition is one operator and key with its values.
type condition struct {
	place string
	// operator and key are spelled as in the document.
	operator, key string
	// folded is key as [Context] looks it up.
	folded   string
	op       operator
	set      setMode
	ifExists bool
	// texts are the values as the document has them, values the same compiled.
	texts  []string
	values []value
}

// setMode says how many of a key's values must satisfy the operator.
type setMode int

const (
	scalar setMode = iota
	forAnyValue
	forAllValues
)

// readConditions takes { OPERATOR : { KEY : value | [value…] } }.
func (p *Policy) readConditions(n node) ([]condition, error) {
	if n.kind != objectNode {
		return nil, refuse(n.place, "want an object of operators, have %s", n.kind)
	}
	var conditions []condition
	for _, m := range n.members {
		op, err := readOperator(m)
		if err != nil {
			return nil, err
		}
		keys, err := p.readKeys(op, m.value)
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, keys...)
	}
	return conditions, nil
}

// readOperator takes prefix and suffix off an operator's name. Null asks about presence itself and has neither.
func readOperator(m member) (condition, error) {
	c := condition{operator: m.name}
	name := m.name
	if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		name, c.set = rest, forAnyValue
	} else if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		name, c.set = rest, forAllValues
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	op, ok := findOperator(name)
	if !ok || name == nullOperator && name != m.name {
		return condition{}, refuse(m.value.place, "unknown condition operator %q", m.name)
	}
	c.op = op
	return c, nil
}

// readKeys makes one condition of each key. Two spellings of one key under one operator are refused: they would
// be read as one.
func (p *Policy) readKeys(proto condition, n node) ([]condition, error) {
	if n.kind != objectNode || len(n.members) == 0 {
		return nil, refuse(n.place, "want an object of condition keys, have %s", n.kind)
	}
	seen := make(map[string]bool)
	conditions := make([]condition, len(n.members))
	for i, m := range n.members {
		folded := foldKey(m.name)
		switch {
		case !strings.Contains(m.name, ":"):
			return nil, refuse(m.value.place, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
		case seen[folded]:
			return nil, refuse(m.value.place, "appears twice")
		}
		seen[folded] = true
		c := proto
		c.place, c.key, c.folded = m.value.place, m.name, folded
		if err := p.readValues(&c, m.value); err != nil {
			return nil, err
		}
		conditions[i] = c
	}
	return conditions, nil
}

func (p *Policy) readValues(c *condition, n node) error {
	nodes := n.values()
	if len(nodes) == 0 {
		return refuse(n.place, "the list is empty")
	}
	syntax := templateSyntax{variables: p.version == version2012} // operators that do not substitute ignore it
	for _, v := range nodes {
		switch v.kind {
		case stringNode, numberNode, boolNode:
		default:
			return refuse(v.place, "want a string, number or boolean, have %s", v.kind)
		}
		compiled, err := c.op.compile(v.text, syntax)
		if err != nil {
			return at(v.place, err)
		}
		c.texts, c.values = append(c.texts, v.text), append(c.values, compiled)
	}
	return nil
}

// holds reports whether the request, in which the key is actual if present, satisfies the condition; note says what
// the values alone would not.
func (c condition) holds(actual Value, present bool, request Context) (held bool, note string) {
	switch {
	case c.op.name == nullOperator:
		return c.holdsNull(actual, present), ""
	case !present:
		return c.holdsAbsent(), ""
	case c.set == scalar && (actual.Multi || len(actual.Values) != 1):
		return false, "a list key matches no operator without ForAnyValue or ForAllValues"
	}
	for _, v := range actual.Values {
		if c.accepts(v, request) != (c.set == forAllValues) {
			return c.set != forAllValues, ""
		}
	}
	return c.set == forAllValues, ""
}

// holdsNull tests for presence. A list without values counts as null, as the advice to pair ForAllValues with Null
// supposes; an empty string does not.
func (c condition) holdsNull(actual Value, present bool) bool {
	null := "true"
	if present && len(actual.Values) > 0 {
		null = "false"
	}
	return c.accepts(null, Context{})
}

// holdsAbsent is the rule for a key that the request does not have.
func (c condition) holdsAbsent() bool {
	switch {
	case c.ifExists, c.set == forAllValues:
		return true
	case c.set == forAnyValue:
		return false
	default:
		return c.op.negated
	}
}

// accepts applies the operator to one value of the request: it must equal any of the document's values, or none of
// them for a negated operator.
func (c condition) accepts(actual string, request Context) bool {
	bad := false
	for _, v := range c.values {
		switch v.compare(actual, request) {
		case equals:
			return !c.op.negated
		case malformed:
			bad = true
		case differs:
		}
	}
	return c.op.negated && !bad
}
