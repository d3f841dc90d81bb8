package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

// maxExplained bounds the rules of an explanation. Where there are more, those are shown that come closest.
const maxExplained = 100

// Explain tells how Decide came to its answer, by the rules of the identity's own provider: what other providers' people
// may have is none of its business. A role that does not exist, and one that no rule of the provider names, read alike.
// A rule's Matched covers its requirement, too.
func (p *Policy) Explain(id *idp.Identity, role string, now time.Time) broker.Explanation {
	x := explainer{policy: p, view: newView(id), now: now, asked: role, only: noRule, parts: map[*expression][]conjunct{}}
	if n, ok := p.byName[role]; ok {
		x.only = int32(n)
	}
	e := broker.Explanation{
		Identity: broker.ExplainedIdentity{
			Provider: id.Provider, Subject: id.Subject, Username: id.Username, Email: id.Email, Groups: id.Groups,
		},
		Rules: []broker.ExplainedRule{},
		Roles: []broker.ExplainedRole{},
	}
	numbers := x.relevant()
	for _, n := range numbers {
		e.Rules = append(e.Rules, x.rule(n))
	}
	return x.withRoles(e, numbers)
}

// Effects of a rule in an explanation.
const (
	effectAllow = "allow"
	effectDeny  = "deny"
)

// explainer makes one explanation.
type explainer struct {
	policy *Policy
	view   *view
	now    time.Time
	asked  string // alias or ARN; empty: every role
	only   int32  // the number of the role asked for; noRule when there is none
	// parts are the conditions taken apart so far: many rules share a few.
	parts map[*expression][]conjunct
}

// relevant lists the rules to show, in file order.
func (x *explainer) relevant() []int32 {
	var numbers []int32
	own := x.policy.idps[x.view.id.Provider]
	for i := range x.policy.rules {
		r := &x.policy.rules[i]
		if r.idp == own && (x.asked == "" || r.every || slices.Contains(r.roles, x.only)) {
			numbers = append(numbers, int32(i))
		}
	}
	if len(numbers) <= maxExplained {
		return numbers
	}
	return x.closest(numbers)
}

// closest keeps the rules with the fewest pins that are not met.
func (x *explainer) closest(numbers []int32) []int32 {
	failing := make(map[int32]int, len(numbers))
	for _, n := range numbers {
		for _, p := range x.policy.rules[n].pins {
			if !p.met(x.view) {
				failing[n]++
			}
		}
	}
	slices.SortStableFunc(numbers, func(a, b int32) int { return cmp.Compare(failing[a], failing[b]) })
	numbers = numbers[:maxExplained]
	slices.Sort(numbers)
	return numbers
}

// rule shows one rule with all of its conditions, those after the first that fails included.
func (x *explainer) rule(n int32) broker.ExplainedRule {
	r := &x.policy.rules[n]
	e := broker.ExplainedRule{
		Rule: r.src.Name, Place: placeText(r.src.Place), Effect: effectAllow, Roles: r.src.Roles, Matched: true,
		Conditions: []broker.ExplainedCondition{{Kind: "idp", Expected: r.src.IdP, Actual: x.view.id.Provider, Met: true}},
	}
	if r.src.Deny {
		e.Effect = effectDeny
	}
	for _, p := range r.pins {
		e.Conditions = append(e.Conditions, x.pin(p))
	}
	e.Conditions = append(e.Conditions, x.when(r)...)
	for _, d := range demands(r.src.Require, &r.idp.IdP, x.view.id, x.now) {
		e.Conditions = append(e.Conditions, broker.ExplainedCondition{
			Kind: "require", Key: d.key, Expected: d.expected, Actual: d.actual, Met: d.met,
		})
	}
	for _, c := range e.Conditions {
		e.Matched = e.Matched && c.Met
	}
	return e
}

func (x *explainer) pin(p pin) broker.ExplainedCondition {
	c := broker.ExplainedCondition{Kind: "match", Key: p.at.text, Expected: anyOf(p.wanted), Actual: absent, Met: p.met(x.view)}
	if value, found := x.view.at(p.at); found {
		c.Actual = printable(value)
	}
	return c
}

// withRoles adds what became of each role: of the one that was asked for, or of those that the shown rules speak of.
func (x *explainer) withRoles(e broker.Explanation, numbers []int32) broker.Explanation {
	decided := map[int32]*outcome{}
	outcomes := x.policy.outcomes(x.view, x.now)
	named := map[int32]bool{}
	for i := range outcomes {
		decided[outcomes[i].role] = &outcomes[i]
		named[outcomes[i].role] = true
	}
	for _, n := range numbers {
		for _, role := range x.policy.rules[n].roles {
			named[role] = true
		}
	}
	if x.asked != "" && !named[x.only] {
		e.Roles = append(e.Roles, x.unnamed())
		return e
	}
	for role := range x.policy.roles {
		n := int32(role)
		if named[n] && (x.asked == "" || n == x.only) {
			e.Roles = append(e.Roles, x.role(n, decided[n]))
		}
	}
	return e
}

func (x *explainer) unnamed() broker.ExplainedRole {
	return broker.ExplainedRole{
		Role: x.asked, Code: broker.CodeRoleNotGranted,
		Reason: fmt.Sprintf("No rule for the identity provider %q gives this role.", x.view.id.Provider),
	}
}

// role shows the outcome of one role; o is nil when no rule that gives it is met.
func (x *explainer) role(n int32, o *outcome) broker.ExplainedRole {
	p, role := x.policy, x.policy.roles[n]
	e := broker.ExplainedRole{Role: role.Name, ARN: string(role.ARN)}
	if o == nil {
		e.Code, e.Reason = broker.CodeRoleNotGranted, "No rule that gives this role is met."
		return e
	}
	e.Granted = o.granted()
	e.Rule = p.rules[o.decisive()].src.Name
	if !e.Granted {
		w := p.withheld(o, x.view, x.now)
		e.Code, e.Reason = w.Code, w.Detail
		return e
	}
	e.Session = &broker.ExplainedSession{
		Action:         role.Mode.Action(),
		Name:           o.session.name,
		SourceIdentity: o.session.source,
		Tags:           tagMap(o.session.tags),
		TransitiveTags: o.session.transitive,
		MaxDuration:    shortDuration(leastSet(p.rules[o.grants].src.MaxDuration, role.MaxDuration)),
	}
	return e
}

// decisive is the rule that made the outcome what it is.
func (o *outcome) decisive() int32 {
	switch {
	case o.denies != noRule:
		return o.denies
	case o.grants != noRule:
		return o.grants
	}
	return o.unmet
}

// leastSet is the lesser of two bounds, where zero is none.
func leastSet(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

func placeText(place any) string {
	if place == nil {
		return ""
	}
	return fmt.Sprint(place)
}
