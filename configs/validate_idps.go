package configs

import (
	"fmt"
	"net/netip"
	"net/url"
	"time"
)

// sharedIssuers serve many customers with one iss. A token of theirs says nothing until a tenant is pinned.
var sharedIssuers = map[string]string{
	"https://token.actions.githubusercontent.com": "repository_owner_id",
	"https://gitlab.com":                          "namespace_id",
	"https://agent.buildkite.com":                 "organization_id or organization_slug",
	"https://app.terraform.io":                    "terraform_organization_id",
	"https://accounts.google.com":                 "hd",
	"https://oidc.vercel.com":                     "owner_id",
}

func (c *checker) idps() {
	seen := map[string]bool{}
	for i := range c.IdPs {
		p, path := &c.IdPs[i], fmt.Sprintf("idps[%d]", i)
		if !idPattern.MatchString(p.ID) {
			c.problem(path+".id", "want 1 to 32 of a-z, 0-9 and -, got %q", p.ID)
		}
		if seen[p.ID] {
			c.problem(path+".id", "the id %q is there twice", p.ID)
		}
		seen[p.ID] = true
		if p.Skew.Or(0) > 5*time.Minute {
			c.problem(path+".skew", "at most 5m")
		}
		c.kind(p, path)
	}
	c.audiences()
}

func (c *checker) kind(p *IdP, path string) {
	switch {
	case p.SAML != nil && p.Workload != nil:
		c.problem(path, "one of saml and workload, not both")
	case p.SAML != nil:
		c.saml(p, path)
	case p.Workload != nil:
		c.workload(p, path)
	default:
		c.problem(path, "say what it is: saml or workload")
	}
}

func (c *checker) saml(p *IdP, path string) {
	s := p.SAML
	if (s.MetadataURL == "") == (s.MetadataFile == "") {
		c.problem(path+".saml", "exactly one of metadata_url and metadata_file")
	}
	if s.MetadataURL != "" {
		c.fetched(p, path+".saml.metadata_url", s.MetadataURL)
	}
	if s.SPKey.Given() != s.SPCertificate.Given() {
		c.problem(path+".saml", "sp_key and sp_certificate go together")
	}
	if p.MaxAge.Or(0) > time.Hour {
		c.problem(path+".max_age", "at most 1h for SAML")
	}
	for key, set := range map[string]bool{"jwks_file": p.JWKSFile != "", "authorized_parties": p.AuthorizedParties != nil, "once": p.Once} {
		if set {
			c.problem(path+"."+key, "is for workload tokens; a SAML assertion is always accepted once")
		}
	}
}

func (c *checker) workload(p *IdP, path string) {
	w := p.Workload
	if p.JWKSFile == "" {
		c.fetched(p, path+".workload.issuer", w.Issuer)
	} else if u, err := url.Parse(w.Issuer); err != nil || u.Host == "" {
		c.problem(path+".workload.issuer", "want a URL, got %q", w.Issuer)
	}
	if len(w.Audiences) == 0 {
		c.problem(path+".workload.audiences", "at least one: a token for nobody in particular is for nobody")
	}
	if claim, shared := sharedIssuers[w.Issuer]; shared && len(w.Tenant) == 0 {
		c.problem(path+".workload", "%s serves everybody; pin yourselves with tenant: {%s: …}", w.Issuer, claim)
	}
}

// fetched checks a URL that the broker will open.
func (c *checker) fetched(p *IdP, path, raw string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Fragment != "" || u.User != nil:
		c.problem(path, "want an https URL, got %q", raw)
	case u.Scheme == "http" && !IsLoopback(u.Hostname()):
		c.problem(path, "plain http is for loopback addresses only; use https")
	case u.Scheme == "http" && !p.InsecureHTTP:
		c.problem(path, "plain http needs insecure_http: true on this idp")
	case u.Scheme != "https" && u.Scheme != "http":
		c.problem(path, "want https")
	case u.Scheme == "https" && private(u.Hostname()) && !p.PrivateNetwork:
		c.problem(path, "%s is a private address; say private_network: true on this idp if that is meant", u.Hostname())
	}
}

// private reports whether a host says of itself that it is not on the internet. Names are looked up when they are used.
func private(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast())
}

// audiences keeps entries that share an issuer apart: a token must fit one of them only.
func (c *checker) audiences() {
	type key struct{ issuer, audience string }
	owner := map[key]string{}
	for i, p := range c.IdPs {
		if p.Workload == nil {
			continue
		}
		for _, aud := range p.Workload.Audiences {
			k := key{p.Workload.Issuer, aud}
			if other, taken := owner[k]; taken && other != p.ID {
				c.problem(fmt.Sprintf("idps[%d].workload.audiences", i), "audience %q of this issuer already means idp %q", aud, other)
			}
			owner[k] = p.ID
		}
	}
}
