package configs

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
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
	c.domains()
}

func (c *checker) kind(p *IdP, path string) {
	kinds := []struct {
		given bool
		check func(*IdP, string)
	}{{p.SAML != nil, c.saml}, {p.OIDC != nil, c.oidc}, {p.Workload != nil, c.workload}, {p.OAuth2 != nil, c.oauth2}, {p.LDAP != nil, c.ldap}}
	given := 0
	for _, kind := range kinds {
		if kind.given {
			given++
			kind.check(p, path)
		}
	}
	c.logout(p, path)
	switch given {
	case 0:
		c.problem(path, "say what it is: saml, oidc, oauth2, ldap or workload")
	case 1:
	default:
		c.problem(path, "one of saml, oidc, oauth2, ldap and workload, not two")
	}
}

func (c *checker) logout(p *IdP, path string) {
	switch p.Logout {
	case "":
	case "provider", "local":
		if p.SAML == nil && p.OIDC == nil {
			c.problem(path+".logout", "is for saml and oidc; other providers have no logout")
		}
	default:
		c.problem(path+".logout", "want provider or local, got %q", p.Logout)
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
	c.workloadOnly(p, path)
	if p.JWKSFile != "" {
		c.problem(path+".jwks_file", "is for tokens; a SAML provider's keys are in its metadata")
	}
}

// workloadOnly refuses keys that mean nothing for people: their proofs are for us alone and are always accepted once.
func (c *checker) workloadOnly(p *IdP, path string) {
	for key, set := range map[string]bool{"authorized_parties": p.AuthorizedParties != nil, "once": p.Once} {
		if set {
			c.problem(path+"."+key, "is for workload tokens; the proof of a login is for this broker alone and accepted once")
		}
	}
}

func (c *checker) oidc(p *IdP, path string) {
	o := p.OIDC
	c.fetched(p, path+".oidc.issuer", o.Issuer)
	c.scopes(path+".oidc.scopes", o.Scopes)
	if claim, shared := sharedIssuers[o.Issuer]; shared && len(o.Tenant) == 0 {
		c.problem(path+".oidc", "%s serves everybody; pin yourselves with tenant: {%s: …}", o.Issuer, claim)
	}
	if p.MaxAge.Or(0) > time.Hour {
		c.problem(path+".max_age", "at most 1h for a login by OIDC")
	}
	c.workloadOnly(p, path)
}

func (c *checker) scopes(path string, scopes []string) {
	for i, scope := range scopes {
		if scope == "" || strings.ContainsAny(scope, " \"\\") {
			c.problem(fmt.Sprintf("%s[%d]", path, i), "want one scope an item, got %q", scope)
		}
	}
}

func (c *checker) oauth2(p *IdP, idp string) {
	o, path := p.OAuth2, idp+".oauth2"
	if o.Preset != "" && !slices.Contains(oauth2Presets(), o.Preset) {
		c.problem(path+".preset", "want one of %s, got %q", strings.Join(oauth2Presets(), ", "), o.Preset)
	}
	if (o.Preset == "github-enterprise") != (o.BaseURL != "") {
		c.problem(path, "preset: github-enterprise and base_url go together")
	}
	for key, raw := range map[string]string{"base_url": o.BaseURL, "authorize_url": o.AuthorizeURL, "token_url": o.TokenURL, "userinfo_url": o.UserinfoURL} {
		if raw != "" {
			c.fetched(p, path+"."+key, raw)
		} else if o.Preset == "" && key != "base_url" {
			c.problem(path, "without a preset %s is needed", key)
		}
	}
	c.fields(o, path+".fields")
	c.scopes(path+".scopes", o.Scopes)
	c.workloadOnly(p, idp)
	c.cannotSay(p, idp)
}

func oauth2Presets() []string { return []string{"github", "github-enterprise", "facebook", "x"} }

func (c *checker) fields(o *OAuth2, path string) {
	for name, pointer := range o.Fields {
		switch {
		case !slices.Contains([]string{"subject", "username", "email", "groups"}, name):
			c.problem(path+"."+name, "want subject, username, email or groups")
		case !strings.HasPrefix(pointer, "/"):
			c.problem(path+"."+name, "want a JSON Pointer such as /data/id, got %q", pointer)
		}
	}
	if o.Preset == "" && o.Fields["subject"] == "" {
		c.problem(path, "without a preset fields.subject is needed")
	}
}

// cannotSay refuses keys about what an OAuth 2.0 service never tells.
func (c *checker) cannotSay(p *IdP, path string) {
	for key, set := range map[string]bool{"mfa": p.MFA.AMR != nil || p.MFA.ACR != nil, "jwks_file": p.JWKSFile != "", "max_age": p.MaxAge != 0, "skew": p.Skew != 0} {
		if set {
			c.problem(path+"."+key, "an OAuth 2.0 service says nothing that this could be held against")
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
