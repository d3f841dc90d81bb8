package policy

import (
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

// Policy is a compiled set of rules. It does not change and may be used by any number of goroutines.
type Policy struct {
}

var _ broker.Policy = (*Policy)(nil)

// Compile checks a set of rules and prepares it. All problems are reported at once, in file order; with any problem
// there is no policy.
func Compile(o Options) (*Policy, []Problem) { return &Policy{}, nil }

// Decide says which roles the identity has at a moment, in the configuration's order.
func (p *Policy) Decide(id *idp.Identity, now time.Time) broker.Decision { return broker.Decision{} }

// Explain tells how Decide came to its answer.
func (p *Policy) Explain(id *idp.Identity, role string, now time.Time) broker.Explanation {
	return broker.Explanation{}
}
