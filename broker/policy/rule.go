package policy

import (
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// Options is the part of a configuration that rules speak of, every default filled in.
type Options struct {
	IdPs  []IdP
	Roles []*broker.Role
	Rules []Rule
}

// Kinds of identity provider, spelled as the configuration's sections are.
const (
	KindSAML     = "saml"
	KindOIDC     = "oidc"
	KindWorkload = "workload"
	KindOAuth2   = "oauth2"
	KindLDAP     = "ldap"
)

// IdP is what rules must know of an identity provider.
type IdP struct {
	ID string
	// Kind is one of the kinds above; it tells what the provider can say about a login. Any other kind says nothing.
	Kind string
	MFA  MFA
}

// MFA lists the authentication methods (RFC 8176 amr) and classes (acr, AuthnContextClassRef) of which any one counts
// as a second factor at a provider. Both empty: nothing counts.
type MFA struct{ AMR, ACR []string }

// Rule says which identities may have which roles, and how the session looks (design.md section 8).
type Rule struct {
	// Name is required and unique: it is what the audit record and explanations call the rule.
	Name string
	IdP  string
	// Match are exact pins: claim name or JSON Pointer (RFC 6901) to wanted values, of which any one is enough, in
	// text form: integers in decimal, booleans as true and false.
	Match map[string][]string
	// When is a CEL expression over claims that must be true; empty means true.
	When    string
	Require broker.Require
	// Deny takes Roles away instead of giving them.
	Deny bool
	// Roles are aliases of roles; "*" is all of them.
	Roles []string
	// MaxDuration bounds what may be asked for; 0 sets no bound of its own.
	MaxDuration time.Duration
	Session     Session
	// Policy is a session policy (JSON) and PolicyARNs are managed policies that narrow the session.
	Policy     string
	PolicyARNs []string

	// Place is where the rule stands in the configuration, printable and otherwise opaque.
	Place any
	// PlaceOf finds the place of a part of the rule: name, idp, match, match.KEY, when, require, roles, roles.ALIAS,
	// max_duration, session.name, session.source_identity, session.tags.KEY, session.transitive.KEY, policy,
	// policy_arns. Nil, or a nil answer, means Place.
	PlaceOf func(field string) any
}

// Session holds CEL expressions over claims for what AWS is told of a session, and the keys of tags that stay on
// sessions which are chained from it.
type Session struct {
	Name           string
	SourceIdentity string
	Tags           map[string]string
	Transitive     []string
}

// Problem is one reason why a set of rules is not accepted.
type Problem struct {
	Place   any
	Message string
}

// place finds where a part of the rule stands.
func (r *Rule) place(field string) any {
	if r.PlaceOf != nil {
		if at := r.PlaceOf(field); at != nil {
			return at
		}
	}
	return r.Place
}

// empty reports whether a rule says nothing of its sessions.
func (s *Session) empty() bool {
	return s.Name == "" && s.SourceIdentity == "" && len(s.Tags) == 0 && len(s.Transitive) == 0
}
