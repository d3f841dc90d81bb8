package policy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/fedbroker/fedbroker/broker"
)

// Compile checks a set of rules and prepares it. All problems are reported at once, in file order; with any problem
// there is no policy. The options are kept, and must not be changed afterwards.
func Compile(o Options) (*Policy, []Problem) {
	env, err := newEnvironment()
	if err != nil {
		return nil, []Problem{{Message: "the language of rules cannot be set up: " + err.Error()}}
	}
	c := &compiler{
		policy: &Policy{
			roles: o.Roles, byName: indexRoles(o.Roles), idps: make(map[string]*provider, len(o.IdPs)),
			rules: make([]rule, 0, len(o.Rules)), env: env,
		},
		expressions: newExpressions(env),
		paths:       map[string]*path{},
		sessions:    map[string]*session{},
		names:       map[string]bool{},
	}
	for _, p := range o.IdPs {
		c.policy.idps[p.ID] = &provider{IdP: p}
	}
	for i := range o.Rules {
		c.rule(&o.Rules[i])
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	c.policy.buildIndexes()
	return c.policy, nil
}

// indexRoles lists roles by alias and by ARN. An alias that looks like another role's ARN cannot be: ARNs are checked
// to be unique where the configuration is read.
func indexRoles(roles []*broker.Role) map[string]int {
	byName := make(map[string]int, 2*len(roles))
	for i, role := range roles {
		byName[string(role.ARN)] = i
	}
	for i, role := range roles {
		byName[role.Name] = i
	}
	return byName
}

func (p *Policy) buildIndexes() {
	numbers := map[*provider][]int32{}
	for i := range p.rules {
		from := p.rules[i].idp
		numbers[from] = append(numbers[from], int32(i))
	}
	for from, own := range numbers {
		from.index = buildIndex(p.rules, own)
	}
}

// compiler gathers rules and problems.
type compiler struct {
	policy      *Policy
	problems    []Problem
	expressions *expressions
	paths       map[string]*path
	sessions    map[string]*session
	names       map[string]bool
}

// problem notes what is wrong with a part of a rule.
func (c *compiler) problem(src *Rule, field, format string, args ...any) {
	c.problems = append(c.problems, Problem{
		Place:   src.place(field),
		Message: fmt.Sprintf("rule %q: ", src.Name) + fmt.Sprintf(format, args...),
	})
}

// rule compiles one rule as far as it goes, so that each of its problems is found.
func (c *compiler) rule(src *Rule) {
	r := rule{src: src, idp: c.policy.idps[src.IdP]}
	c.checkName(src)
	if r.idp == nil {
		c.problem(src, "idp", "there is no identity provider %q", src.IdP)
	}
	r.pins = c.pins(src)
	r.when = c.when(src)
	r.roles, r.every = c.roleNumbers(src)
	r.session = c.session(src)
	if src.Deny {
		c.checkDeny(src)
	} else {
		c.checkAllow(src, &r)
	}
	c.policy.rules = append(c.policy.rules, r)
}

func (c *compiler) checkName(src *Rule) {
	switch {
	case src.Name == "":
		c.problem(src, "name", "a rule needs a name: the audit record and explanations go by it")
	case c.names[src.Name]:
		c.problem(src, "name", "another rule has this name")
	}
	c.names[src.Name] = true
}

func (c *compiler) pins(src *Rule) []pin {
	pins := make([]pin, 0, len(src.Match))
	for _, key := range slices.Sorted(maps.Keys(src.Match)) {
		wanted := src.Match[key]
		if len(wanted) == 0 {
			c.problem(src, "match."+key, "match %s lists no value, so that the rule can never be met", key)
		}
		at, err := c.path(key)
		if err != nil {
			c.problem(src, "match."+key, "match %q: %v", key, err)
			continue
		}
		pins = append(pins, pin{at: at, wanted: wanted})
	}
	return pins
}

// path parses each different key once.
func (c *compiler) path(key string) (*path, error) {
	if at, ok := c.paths[key]; ok {
		return at, nil
	}
	at, err := parsePath(key)
	if err == nil {
		c.paths[key] = at
	}
	return at, err
}

func (c *compiler) when(src *Rule) *expression {
	if src.When == "" {
		return nil
	}
	expr, err := c.expressions.condition(src.When)
	if err != nil {
		c.problem(src, "when", "when: %v", err)
	}
	return expr
}

func (c *compiler) roleNumbers(src *Rule) (numbers []int32, every bool) {
	if len(src.Roles) == 0 {
		c.problem(src, "roles", "a rule needs roles")
	}
	for _, name := range src.Roles {
		if name == "*" {
			if every = true; !src.Deny {
				c.problem(src, "roles.*", "\"*\" is for deny rules: a rule that gives roles names them")
			}
			continue
		}
		i, ok := c.policy.byName[name]
		if !ok || c.policy.roles[i].Name != name {
			c.problem(src, "roles."+name, "there is no role %q", name)
			continue
		}
		numbers = append(numbers, int32(i))
	}
	return numbers, every
}
