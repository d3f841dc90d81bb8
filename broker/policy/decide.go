package policy

import (
	"fmt"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

// noRule stands for the number of a rule that there is none of.
const noRule = int32(-1)

// outcome is what the rules say of one role for one identity.
type outcome struct {
	role int32
	// grants is the first rule that is met with its requirement, unmet the first whose requirement is not, denies the
	// first deny rule that is met.
	grants, unmet, denies int32
	session               sessionValues
	sessionErr            error
}

func (o *outcome) granted() bool {
	return o.denies == noRule && o.grants != noRule && o.sessionErr == nil
}

// Decide says which roles the identity has at a moment, in the configuration's order.
func (p *Policy) Decide(id *idp.Identity, now time.Time) broker.Decision {
	var d broker.Decision
	v := newView(id)
	for _, o := range p.outcomes(v, now) {
		if o.granted() {
			d.Grants = append(d.Grants, p.grant(&o))
		} else {
			d.Withheld = append(d.Withheld, p.withheld(&o, v, now))
		}
	}
	return d
}

// outcomes decides every role that some allow rule gives the identity but for its requirement, in configuration order.
func (p *Policy) outcomes(v *view, now time.Time) []outcome {
	from, ok := p.idps[v.id.Provider]
	if !ok {
		return nil
	}
	t := newTally()
	for _, n := range from.index.candidates(v, nil) {
		r := &p.rules[n]
		switch {
		case !r.applies(v):
		case r.src.Deny:
			t.deny(n, r)
		default:
			t.allow(n, r, satisfied(r.src.Require, &from.IdP, v.id, now))
		}
	}
	out := t.settle()
	p.renderSessions(v, out)
	return out
}

// renderSessions computes the session of every role that nothing else withholds, once for each rule.
func (p *Policy) renderSessions(v *view, out []outcome) {
	type rendered struct {
		values sessionValues
		err    error
	}
	known := map[int32]rendered{}
	for i := range out {
		o := &out[i]
		if o.grants == noRule || o.denies != noRule {
			continue
		}
		got, ok := known[o.grants]
		if !ok {
			got.values, got.err = p.rules[o.grants].session.render(v)
			known[o.grants] = got
		}
		o.session, o.sessionErr = got.values, got.err
	}
}

func (p *Policy) grant(o *outcome) broker.Grant {
	src := p.rules[o.grants].src
	return broker.Grant{
		Role:           p.roles[o.role],
		Rule:           src.Name,
		Place:          src.Place,
		SessionName:    o.session.name,
		SourceIdentity: o.session.source,
		Tags:           o.session.tags,
		TransitiveTags: o.session.transitive,
		MaxDuration:    src.MaxDuration,
		Policy:         src.Policy,
		PolicyARNs:     src.PolicyARNs,
	}
}

// withheld says why a role is not granted. Require is the whole of what a new login must satisfy, Detail only what this
// one does not.
func (p *Policy) withheld(o *outcome, v *view, now time.Time) broker.Withheld {
	w := broker.Withheld{Role: p.roles[o.role], Code: broker.CodeNotAuthorized}
	switch {
	case o.denies != noRule:
		w.Detail = fmt.Sprintf("The rule %q takes this role away.", p.rules[o.denies].src.Name)
	case o.grants != noRule:
		w.Detail = fmt.Sprintf("The rule %q gives this role, but %s.", p.rules[o.grants].src.Name, o.sessionErr)
	default:
		w.Code = broker.CodeMFARequired
		r := &p.rules[o.unmet]
		w.Require = r.src.Require
		w.Detail = "This role needs " + requirement(unmet(w.Require, &r.idp.IdP, v.id, now)) + "."
	}
	return w
}
