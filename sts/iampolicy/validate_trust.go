package iampolicy

import (
	"slices"
	"strings"
)

// The actions by which federated callers assume a role, folded.
const (
	withWebIdentity = "sts:assumerolewithwebidentity"
	withSAML        = "sts:assumerolewithsaml"
)

// checkTrust looks at an Allow of a trust policy, principal by principal.
func (s statement) checkTrust() []Finding {
	var found []Finding
	for _, p := range s.principals {
		url, oidc := p.issuerURL()
		switch {
		case oidc && s.matchesAction(withWebIdentity):
			found = append(found, s.checkWebIdentity(url)...)
		case p.kind == "Federated" && !oidc && s.matchesAction(withSAML):
			if !slices.ContainsFunc(s.conditions, func(c condition) bool { return c.demands([]string{"saml:aud"}) }) {
				found = append(found, warn(s.place, "no condition on saml:aud: assertions for any audience of the provider are taken"))
			}
		case p.text == everybody && len(s.conditions) == 0:
			found = append(found, warn(s.place, "everybody in every account may assume the role"))
		}
	}
	return found
}

// issuerURL returns the URL, without scheme, of an OIDC provider's issuer; it is the prefix of its condition keys.
func (e principalEntry) issuerURL() (url string, oidc bool) {
	if e.kind != "Federated" {
		return "", false
	}
	if builtInProvider(e.text) {
		return e.text, true
	}
	_, url, oidc = strings.Cut(e.text, ":oidc-provider/")
	return url, oidc
}

// checkWebIdentity refuses trust in a shared issuer that does not say whose tokens are meant, and warns of trust
// in a whole issuer or of owners left open.
func (s statement) checkWebIdentity(url string) []Finding {
	issuer, shared := findSharedIssuer(url)
	if !shared {
		return s.checkOwnIssuer(url)
	}
	keys := issuer.keys(url)
	if slices.ContainsFunc(s.conditions, func(c condition) bool { return c.pins(keys) }) {
		return s.checkOwners(keys)
	}
	place, message := s.place, "a role that trusts "+url+" needs a StringEquals or StringLike condition on "+strings.Join(keys, " or ")
	for _, c := range s.conditions {
		if c.demands(keys) {
			place, message = c.place, "the value of "+c.key+" must not begin with a wildcard or variable"
		}
	}
	return []Finding{{Severity: Error, Place: place, Message: message}}
}

func (s statement) checkOwnIssuer(url string) []Finding {
	prefix := foldKey(url) + ":"
	for _, c := range s.conditions {
		if strings.HasPrefix(c.folded, prefix) && !c.op.negated && !c.ifExists {
			return nil
		}
	}
	return []Finding{warn(s.place, "no condition on a key of %s: every token of the issuer for a registered client is taken", url)}
}

// checkOwners warns unless one of the pinning conditions writes the owner out.
func (s statement) checkOwners(keys []string) []Finding {
	var found []Finding
	for _, c := range s.conditions {
		if !c.pins(keys) {
			continue
		}
		i := slices.IndexFunc(c.texts, func(text string) bool { return c.op.name == "StringLike" && !namesOwner(text) })
		if i < 0 {
			return nil
		}
		found = append(found, warn(c.place, "%q does not write the owner out: look-alike owners match", c.texts[i]))
	}
	return found
}
