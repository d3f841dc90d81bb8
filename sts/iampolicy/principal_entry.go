package iampolicy

import (
	"regexp"
	"strings"
)

// principalEntry is one value of Principal or NotPrincipal.
type principalEntry struct {
	// kind is AWS, Federated, Service or CanonicalUser.
	kind string
	text string
	// account is the account that an AWS value names as a whole, in either spelling; empty if it names less.
	account string
}

// grade says how directly a statement names the caller. In the caller's own account that decides what else must
// allow (IAM user guide, policy evaluation logic).
type grade int

const (
	notNamed  grade = iota
	byAccount       // the account: delegates to identity policies
	byRole          // the role of a session: as good as an identity policy, boundary and session policies still cap it
	bySelf          // the caller, or everybody: enough by itself
)

const everybody = "*"

// What each kind of principal may look like. Wildcards within a value are not known to IAM.
var (
	accountSyntax   = regexp.MustCompile(`^(?:arn:aws[a-z-]*:iam::)?([0-9]{12})(:root)?$`)
	entitySyntax    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(user|role)/([!-)+->@-~]+/)*[\w+=,.@-]+$`)
	sessionSyntax   = regexp.MustCompile(`^arn:aws[a-z-]*:sts::[0-9]{12}:(assumed-role/[\w+=,.@-]+|federated-user)/[\w+=,.@-]+$`)
	uniqueIDSyntax  = regexp.MustCompile(`^(AIDA|AROA)[A-Z0-9]{12,124}$`)
	providerSyntax  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(saml-provider/[\w.-]+|oidc-provider/[A-Za-z0-9.-]+(:[0-9]+)?(/[!-)+->@-~]*)?)$`)
	serviceSyntax   = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
	canonicalSyntax = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// builtInProvider reports whether a domain is an identity provider that needs no IAM object.
func builtInProvider(domain string) bool {
	switch domain {
	case "accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com":
		return true
	default:
		return false
	}
}

// readPrincipals takes "*" or an object of lists.
func (p *Policy) readPrincipals(n node) ([]principalEntry, error) {
	if !p.kind.namesPrincipals() {
		return nil, refuse(n.place, "Policy document should not specify a principal.")
	}
	if n.kind == stringNode && n.text == everybody && p.kind == Resource {
		return []principalEntry{{kind: "AWS", text: everybody}}, nil
	}
	if n.kind == stringNode {
		return nil, refuse(n.place, "AssumeRolepolicy contained an invalid principal: \"STAR\":%q.", n.text)
	}
	if n.kind != objectNode || len(n.members) == 0 {
		return nil, refuse(n.place, "want an object of principals, have %s", n.kind)
	}
	var entries []principalEntry
	for _, m := range n.members {
		values, err := m.value.strings()
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			entry, err := p.readPrincipal(m.name, v)
			if err != nil {
				return nil, err
			}
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

func (p *Policy) readPrincipal(kind string, v node) (principalEntry, error) {
	entry, valid := principalEntry{kind: kind, text: v.text}, false
	switch kind {
	case "AWS":
		entry.account = accountOf(v.text)
		valid = v.text == everybody || entry.account != "" || entitySyntax.MatchString(v.text) ||
			sessionSyntax.MatchString(v.text) || uniqueIDSyntax.MatchString(v.text)
	case "Federated":
		if !providerSyntax.MatchString(v.text) && !builtInProvider(v.text) {
			return entry, refuse(v.place, "Federated principals must be valid domain names or SAML metadata ARNs")
		}
		valid = true
	case "Service":
		valid = serviceSyntax.MatchString(v.text)
	case "CanonicalUser":
		valid = p.kind == Resource && canonicalSyntax.MatchString(v.text)
	default:
		return entry, refuse(v.place, "unknown kind of principal")
	}
	if !valid {
		return entry, refuse(v.place, "Invalid principal in policy: %q:%q", kind, v.text)
	}
	return entry, nil
}

// accountOf returns the account of 111122223333 or arn:aws:iam::111122223333:root, which mean the same.
func accountOf(text string) string {
	m := accountSyntax.FindStringSubmatch(text)
	if m == nil || strings.HasPrefix(text, "arn:") != (m[2] != "") {
		return ""
	}
	return m[1]
}

// names grades how the entry names the caller. Values are compared exactly.
func (e principalEntry) names(p Principal) grade {
	switch e.kind {
	case "AWS":
		return e.namesAWS(p)
	case "Federated":
		return self(p.Kind == Federated && e.text == p.Provider)
	case "Service":
		return self(p.Kind == ServicePrincipal && e.text == p.Service)
	default:
		if e.text == p.CanonicalUserID {
			return byAccount
		}
		return notNamed
	}
}

func (e principalEntry) namesAWS(p Principal) grade {
	if e.text == everybody {
		// Whoever an IdP vouches for is not an AWS principal: {"AWS":"*"} does not open a role to federation.
		return self(p.Kind == Anonymous || p.hasIdentityPolicies())
	}
	if !p.hasIdentityPolicies() {
		return notNamed
	}
	switch {
	case e.account != "":
		if e.account == p.AccountID {
			return byAccount
		}
	case e.text == p.ARN:
		return bySelf
	case p.Kind == User && e.text == p.UniqueID:
		return bySelf
	case p.Kind == RoleSession && (e.text == p.RoleARN || e.text == p.UniqueID):
		return byRole
	}
	return notNamed
}

func self(named bool) grade {
	if named {
		return bySelf
	}
	return notNamed
}

// names grades how the statement's Principal or NotPrincipal takes the caller in.
//
// Where AWS leaves room the answer errs against the caller: a Deny for everybody reaches federated callers and
// services too, an Allow for all but an account leaves out everyone in it, and a Deny for all but an account lets
// only its root user off, so that a caller must be excepted by name.
func (s statement) names(p Principal) grade {
	best, all := notNamed, false
	for _, e := range s.principals {
		best = max(best, e.names(p))
		all = all || e.text == everybody
	}
	switch {
	case !s.notPrincipal && s.effect == Deny && all:
		return bySelf
	case !s.notPrincipal:
		return best
	case s.effect == Deny:
		excepted := best > byAccount || best == byAccount && p.Kind == AccountRoot
		return self(!excepted)
	default:
		return self(best == notNamed && p.hasIdentityPolicies())
	}
}
