package iampolicy

import "strings"

// TrustInput is one attempt to assume a role.
type TrustInput struct {
	// RoleARN is the role, TrustPolicy its trust policy.
	RoleARN     string
	TrustPolicy Source
	// Action is sts:AssumeRole, sts:AssumeRoleWithSAML or sts:AssumeRoleWithWebIdentity, or one of the
	// permission-only sts:TagSession, sts:SetSourceIdentity and sts:SetContext, which are asked for separately.
	Action    string
	Principal Principal
	Context   Context

	// Identity, Boundary and Session are the caller's own policies. A federated caller has none.
	Identity []Source
	Boundary *Source
	Session  []Source
}

// EvaluateTrust decides whether a role may be assumed. The trust policy must allow it. A federated caller needs
// nothing more. In the role's own account a statement that names the caller is enough, one that names the account
// leaves it to the caller's policies; from another account both must allow (sts fact sheet, section 11).
func EvaluateTrust(in TrustInput) Decision {
	var account string
	if parts := strings.SplitN(in.RoleARN, ":", 6); len(parts) == 6 {
		account = parts[4]
	}
	return Evaluate(Input{
		Principal: in.Principal, Action: in.Action, Resource: in.RoleARN, ResourceAccount: account, Context: in.Context,
		Identity: in.Identity, Boundary: in.Boundary, Session: in.Session,
		ResourcePolicy: &in.TrustPolicy, MustAllow: true,
	})
}
