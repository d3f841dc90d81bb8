package iampolicy

import "strings"

// PrincipalKind says what sort of caller a [Principal] is.
type PrincipalKind int

// The kinds of caller. The zero value is a caller without credentials.
const (
	Anonymous        PrincipalKind = iota
	AccountRoot                    // an account's root user
	User                           // IAM user, its GetSessionToken sessions included
	RoleSession                    // assumed role
	FederatedUser                  // GetFederationToken session
	Federated                      // whoever an IdP vouches for, while assuming a role with SAML or web identity
	ServicePrincipal               // an AWS service
)

// Principal is the caller in every form a policy may name it by.
type Principal struct {
	Kind PrincipalKind
	// ARN is the caller's own: user ARN, assumed-role session ARN, federated-user ARN or root ARN.
	ARN string
	// RoleARN, with path, is the role of a session.
	RoleARN string
	// UniqueID is AIDA… of a user or AROA… of a session's role: what IAM stores in a trust policy in place of the
	// ARN, and what the statement still says after the user or role was deleted.
	UniqueID string
	// AccountID is the caller's account, for Federated the provider's. An empty one is nobody's account.
	AccountID string
	// Provider is the ARN of the IAM SAML or OIDC provider, or a built-in domain such as accounts.google.com.
	Provider string
	// Service is a service's name such as ec2.amazonaws.com.
	Service string
	// CanonicalUserID is the 64 hexadecimal digits that S3 knows the account by; empty where nothing needs it.
	CanonicalUserID string
}

// NewFederated is a caller that the IAM provider, or built-in domain, vouches for.
func NewFederated(provider string) Principal {
	p := Principal{Kind: Federated, Provider: provider}
	if parts := strings.SplitN(provider, ":", 6); len(parts) == 6 {
		p.AccountID = parts[4]
	}
	return p
}

// hasIdentityPolicies reports whether identity policies can grant the caller anything. Those without are allowed by
// the resource policy alone.
func (p Principal) hasIdentityPolicies() bool {
	switch p.Kind {
	case AccountRoot, User, RoleSession, FederatedUser:
		return true
	default:
		return false
	}
}
