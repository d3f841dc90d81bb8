package iampolicy

// Source is a policy with the name that a trace shows for it.
type Source struct {
	Name   string
	Policy *Policy
}

// Input is one request and every policy that has a say in it.
type Input struct {
	Principal Principal
	// Action is service:Name, such as sts:AssumeRole.
	Action string
	// Resource is the ARN of the target, or * for actions that have none.
	Resource string
	// ResourceAccount owns the resource. When it is not exactly the principal's account, both accounts must allow.
	ResourceAccount string
	Context         Context

	Identity []Source // the user's own and its groups', or the role's
	Boundary *Source  // nil: none
	// Session are the session policies; empty: none were passed.
	Session []Source
	// ResourcePolicy is the policy of the resource; nil: none.
	ResourcePolicy *Source
	// MustAllow says that identity policies alone are never enough: role trust policies and KMS key policies.
	MustAllow bool
}

// Reason says how a decision came about. The zero value is an implicit deny.
type Reason int

// The reasons.
const (
	ImplicitDeny Reason = iota // nothing allowed it
	ExplicitDeny               // a Deny statement matched
	Allowed
)

// String spells the reason as IAM's policy simulator does.
func (r Reason) String() string {
	switch r {
	case Allowed:
		return "allowed"
	case ExplicitDeny:
		return "explicitDeny"
	default:
		return "implicitDeny"
	}
}

// Decision is the answer. The zero Decision refuses.
type Decision struct {
	Allowed bool
	Reason  Reason
	// By is the kind of policy that refused; zero when allowed.
	By Kind
	// Because completes AWS's refusal: "because no identity-based policy allows the sts:AssumeRole action" or "with
	// an explicit deny in a resource-based policy". Empty when allowed.
	Because string
	// Trace holds every statement that was looked at, in order: identity, boundary, session, resource policies.
	Trace []StatementTrace
}

// Evaluate decides one request.
func Evaluate(in Input) Decision {
	return Decision{By: Identity}
}
