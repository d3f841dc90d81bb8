package iampolicy

import (
	"slices"
	"strings"
)

// sharedIssuer is an identity provider that signs tokens for everybody's tenants. A role that trusts it must say
// whose tokens it means, in one of the keys (IAM user guide, identity-provider controls for shared OIDC providers).
type sharedIssuer struct {
	// host is the provider's URL without scheme, or its first part when prefix is set.
	host   string
	prefix bool
	// claims are the key names behind "<url>:".
	claims []string
}

// sharedIssuers is data; a function so that nobody can change it.
func sharedIssuers() []sharedIssuer {
	subject := []string{"sub"}
	audience := []string{"aud"}
	return []sharedIssuer{
		{host: "token.actions.githubusercontent.com", prefix: true, claims: []string{"sub", "job_workflow_ref"}},
		{host: "oidc-configuration.audit-log.githubusercontent.com", claims: subject},
		{host: "vstoken.actions.githubusercontent.com", claims: subject},
		{host: "gitlab.com", claims: []string{"sub", "project_id", "namespace_id"}},
		{host: "agent.buildkite.com", claims: []string{"sub", "organization_id"}},
		{host: "oidc.circleci.com", prefix: true, claims: []string{"sub", "aud", "oidc.circleci.com/project-id"}},
		{host: "app.terraform.io", claims: subject},
		{host: "scalr.io", claims: subject},
		{host: "oidc.codefresh.io", claims: subject},
		{host: "studio.datachain.ai/api", claims: subject},
		{host: "tokens.cloud.shisho.dev", claims: subject},
		{host: "proidc.upbound.io", claims: subject},
		{host: "rh-oidc.s3.us-east-1.amazonaws.com", prefix: true, claims: subject},
		{host: "api.pulumi.com/oidc", claims: audience},
		{host: "oidc.vercel.com", prefix: true, claims: []string{"aud", "sub"}},
		{host: "sandboxes.cloud", claims: audience},
		{host: "accounts.google.com", claims: []string{"aud", "oaud", "sub"}},
		{host: "cognito-identity.amazonaws.com", claims: audience},
		{host: "www.amazon.com", claims: []string{"app_id", "sub"}},
		{host: "graph.facebook.com", claims: []string{"app_id", "sub"}},
	}
}

// findSharedIssuer returns the shared issuer that url, without scheme, belongs to.
func findSharedIssuer(url string) (sharedIssuer, bool) {
	url = lower(url)
	if strings.HasPrefix(url, "token.actions.") && strings.HasSuffix(url, ".ghe.com") {
		url = "token.actions.githubusercontent.com" // GitHub Enterprise Cloud with data residency
	}
	for _, issuer := range sharedIssuers() {
		if url == issuer.host || issuer.prefix && strings.HasPrefix(url, issuer.host+"/") {
			return issuer, true
		}
	}
	return sharedIssuer{}, false
}

// keys lists the condition keys that pin the issuer's tokens, folded.
func (i sharedIssuer) keys(url string) []string {
	keys := make([]string, len(i.claims))
	for n, claim := range i.claims {
		keys[n] = foldKey(url + ":" + claim)
	}
	return keys
}

// pins reports whether a condition on one of the keys narrows the issuer's tokens at all. A key that may be absent
// does not, nor does a value that begins with a wildcard or a variable.
func (c condition) pins(keys []string) bool {
	return c.demands(keys) && !slices.ContainsFunc(c.texts, startsOpen)
}

// demands reports whether the condition compares one of the keys positively, as text.
func (c condition) demands(keys []string) bool {
	switch c.op.name {
	case "StringEquals", "StringEqualsIgnoreCase", "StringLike":
		return !c.ifExists && slices.Contains(keys, c.folded)
	default:
		return false
	}
}

func startsOpen(text string) bool {
	return strings.HasPrefix(text, "*") || strings.HasPrefix(text, "?") || strings.HasPrefix(text, "${")
}

// namesOwner reports whether a subject pattern writes an owner out in full before its first wildcard: repo:acme/*
// does, repo:acme* lets acme-evil in as well. The owner ends at the first slash or colon after the leading word.
func namesOwner(pattern string) bool {
	fixed := pattern[:min(indexOr(pattern, "*"), indexOr(pattern, "?"), indexOr(pattern, "${"))]
	if fixed == pattern {
		return true
	}
	if _, owner, ok := strings.Cut(fixed, ":"); ok {
		fixed = owner
	}
	return strings.ContainsAny(fixed, ":/")
}

// indexOr returns where sep begins in s, or the end of s.
func indexOr(s, sep string) int {
	if i := strings.Index(s, sep); i >= 0 {
		return i
	}
	return len(s)
}
