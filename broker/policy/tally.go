package policy

import (
	"cmp"
	"slices"
)

// tally collects what the met rules say of each role while they are walked in file order.
type tally struct {
	roles  map[int32]*outcome
	denied map[int32]int32 // role to the first rule that takes it
	every  int32           // the first rule that takes all
}

func newTally() *tally {
	return &tally{roles: map[int32]*outcome{}, denied: map[int32]int32{}, every: noRule}
}

func (t *tally) deny(n int32, r *rule) {
	if r.every && t.every == noRule {
		t.every = n
	}
	for _, role := range r.roles {
		if _, ok := t.denied[role]; !ok {
			t.denied[role] = n
		}
	}
}

func (t *tally) allow(n int32, r *rule, satisfied bool) {
	for _, role := range r.roles {
		o := t.roles[role]
		if o == nil {
			o = &outcome{role: role, grants: noRule, unmet: noRule, denies: noRule}
			t.roles[role] = o
		}
		switch {
		case satisfied && o.grants == noRule:
			o.grants = n
		case !satisfied && o.unmet == noRule:
			o.unmet = n
		}
	}
}

// deniedBy returns the first rule that takes the role away.
func (t *tally) deniedBy(role int32) int32 {
	n, ok := t.denied[role]
	if !ok || (t.every != noRule && t.every < n) {
		return t.every
	}
	return n
}

// settle lays the deny rules over the others and puts the roles in order.
func (t *tally) settle() []outcome {
	out := make([]outcome, 0, len(t.roles))
	for _, o := range t.roles {
		o.denies = t.deniedBy(o.role)
		out = append(out, *o)
	}
	slices.SortFunc(out, func(a, b outcome) int { return cmp.Compare(a.role, b.role) })
	return out
}
