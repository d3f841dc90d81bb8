package policy

import (
	"cel.dev/cel-go/cel"

	"github.com/fedbroker/fedbroker/broker"
)

// Policy is a compiled set of rules. It does not change and may be used by any number of goroutines.
type Policy struct {
	roles  []*broker.Role // configuration order
	byName map[string]int // alias or ARN to index in roles
	idps   map[string]*provider
	rules  []rule   // file order
	env    *cel.Env // explanations look into expressions
}

var _ broker.Policy = (*Policy)(nil)

// provider is an identity provider with the index over its rules.
type provider struct {
	IdP
	index index
}

// rule is a compiled rule. There may be 100,000 of them: strings and lists are those of the source.
type rule struct {
	src   *Rule
	idp   *provider
	pins  []pin // by key
	when  *expression
	roles []int32 // indices in Policy.roles
	// every stands for "*", which only deny rules have; roles may stand beside it.
	every   bool
	session *session
}

// pin is one exact condition: the claim at the path equals one of the values.
type pin struct {
	at     *path
	wanted []string
}

func (p pin) met(v *view) bool {
	value, found := v.at(p.at)
	return found && equalsAny(value, p.wanted)
}

// pinned reports whether every pin of the rule is met.
func (r *rule) pinned(v *view) bool {
	for _, p := range r.pins {
		if !p.met(v) {
			return false
		}
	}
	return true
}

// applies reports whether the rule is met by the claims. An error in `when` counts against whoever asks: it does not
// give, and it does take away.
func (r *rule) applies(v *view) bool {
	if !r.pinned(v) {
		return false
	}
	if r.when == nil {
		return true
	}
	holds, err := r.when.holds(v)
	if err != nil {
		return r.src.Deny
	}
	return holds
}
