package iampolicy

import "strings"

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

// Evaluate decides one request. It cannot fail: whatever is missing from the input, accounts, action or policies,
// leads to a refusal.
func Evaluate(in Input) Decision {
	e := evaluation{in: in, action: lower(in.Action)}
	e.identity = e.verdict(Identity, in.Identity)
	e.boundary = e.verdict(Boundary, optional(in.Boundary))
	e.session = e.verdict(Session, in.Session)
	e.resource = e.verdict(Resource, optional(in.ResourcePolicy))
	d := e.decide()
	d.Trace = e.trace
	return d
}

func optional(s *Source) []Source {
	if s == nil {
		return nil
	}
	return []Source{*s}
}

// evaluation is one run of Evaluate.
type evaluation struct {
	in     Input
	action string // folded

	identity, boundary, session, resource verdict
	trace                                 []StatementTrace
}

// verdict is what the policies of one kind say together.
type verdict struct {
	denied bool
	// allowed is how directly the strongest matching Allow names the caller; policies that name nobody speak of
	// the caller they are attached to.
	allowed grade
}

// verdict reads every statement of the sources, which stand in the place of the given kind.
func (e *evaluation) verdict(kind Kind, sources []Source) verdict {
	var v verdict
	for _, source := range sources {
		if source.Policy == nil {
			continue
		}
		for i, s := range source.Policy.statements {
			t, named := e.examine(s, kind)
			t.Source, t.Index = source.Name, i
			e.trace = append(e.trace, t)
			switch {
			case !t.Matched:
			case s.effect == Deny:
				v.denied = true
			default:
				v.allowed = max(v.allowed, named)
			}
		}
	}
	return v
}

// decide combines the verdicts in AWS's order (IAM user guide, policy evaluation logic).
func (e *evaluation) decide() Decision {
	if kind, denied := e.explicitDeny(); denied {
		return Decision{Reason: ExplicitDeny, By: kind, Because: "with an explicit deny in " + article(kind)}
	}
	var refusing Kind
	switch p := e.in.Principal; {
	case !strings.Contains(e.action, ":") || e.in.Resource == "":
		refusing = Identity
	case !p.hasIdentityPolicies():
		refusing = e.resourceAlone()
	case p.AccountID == "" || p.AccountID != e.in.ResourceAccount:
		refusing = e.acrossAccounts()
	default:
		refusing = e.withinAccount()
	}
	if refusing != 0 {
		because := "because no " + refusing.String() + " allows the " + e.in.Action + " action"
		return Decision{By: refusing, Because: because}
	}
	return Decision{Allowed: true, Reason: Allowed}
}

func (e *evaluation) explicitDeny() (Kind, bool) {
	switch {
	case e.identity.denied:
		return Identity, true
	case e.boundary.denied:
		return Boundary, true
	case e.session.denied:
		return Session, true
	default:
		return Resource, e.resource.denied
	}
}

// article puts a or an before a kind.
func article(k Kind) string {
	if k == Identity {
		return "an " + k.String()
	}
	return "a " + k.String()
}

// The following return the kind of policy that refuses, 0 when all allow.

func (e *evaluation) resourceAlone() Kind {
	if e.resource.allowed == notNamed {
		return Resource
	}
	return 0
}

// acrossAccounts asks both accounts. That the resource policy names the caller directly spares it nothing at home.
func (e *evaluation) acrossAccounts() Kind {
	if refusing := e.callerSide(); refusing != 0 {
		return refusing
	}
	return e.resourceAlone()
}

func (e *evaluation) withinAccount() Kind {
	switch {
	case e.in.MustAllow && e.resource.allowed == notNamed:
		return Resource
	case e.resource.allowed == bySelf:
		return 0
	case e.resource.allowed == byRole:
		return e.caps()
	default:
		return e.callerSide()
	}
}

// callerSide asks the caller's own policies. A root user has none and may do all that its account may.
func (e *evaluation) callerSide() Kind {
	switch {
	case e.in.Principal.Kind == AccountRoot:
		return 0
	case e.identity.allowed == notNamed:
		return Identity
	default:
		return e.caps()
	}
}

// caps asks boundary and session policies, which grant nothing by themselves. A GetFederationToken session without
// session policies may do nothing (STS API reference, GetFederationToken).
func (e *evaluation) caps() Kind {
	sessionPolicies := len(e.in.Session) > 0 || e.in.Principal.Kind == FederatedUser
	switch {
	case e.in.Boundary != nil && e.boundary.allowed == notNamed:
		return Boundary
	case sessionPolicies && e.session.allowed == notNamed:
		return Session
	default:
		return 0
	}
}

// Message is AWS's sentence for a refusal, AccessDenied's Message. caller is the ARN that called.
func (d Decision) Message(caller, action, resource string) string {
	message := "User: " + caller + " is not authorized to perform: " + action + " on resource: " + resource
	if d.Because == "" {
		return message
	}
	return message + " " + d.Because
}
