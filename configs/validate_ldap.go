package configs

import (
	"fmt"
	"net/url"
)

// ldap checks a directory. Filters, DNs and certificates are checked where they are used.
func (c *checker) ldap(p *IdP, idp string) {
	l, path := p.LDAP, idp+".ldap"
	if len(l.URL) == 0 {
		c.problem(path+".url", "at least one server")
	}
	for i, raw := range l.URL {
		at := path + ".url"
		if len(l.URL) > 1 {
			at = fmt.Sprintf("%s[%d]", at, i)
		}
		c.directoryURL(p, at, raw)
	}
	switch {
	case l.BindDN != "" && l.UPNSuffix != "":
		c.problem(path, "one of bind_dn and upn_suffix: people are found by a service account, or bind themselves")
	case l.BindDN == "" && l.UPNSuffix == "":
		c.problem(path, "say who looks people up: bind_dn with bind_password, or upn_suffix")
	case (l.BindDN != "") != l.BindPassword.Given():
		c.problem(path, "bind_dn and bind_password go together")
	}
	for key, set := range map[string]bool{
		"skew": p.Skew != 0, "max_age": p.MaxAge != 0, "jwks_file": p.JWKSFile != "", "authorized_parties": p.AuthorizedParties != nil, "once": p.Once,
	} {
		if set {
			c.problem(idp+"."+key, "means nothing for a directory: a password is proven at the moment it is typed")
		}
	}
	if p.MFA.AMR != nil || p.MFA.ACR != nil {
		c.problem(idp+".mfa", "a directory checks a password and no second factor")
	}
}

func (c *checker) directoryURL(p *IdP, path, raw string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" || u.Scheme != "ldaps" && u.Scheme != "ldap":
		c.problem(path, "want ldaps://host or, with start_tls, ldap://host, got %q", raw)
	case u.Scheme == "ldaps" && p.LDAP.StartTLS:
		c.problem(path, "ldaps:// is encrypted from the start; start_tls is for ldap://")
	case u.Scheme == "ldaps" || p.LDAP.StartTLS:
	case !IsLoopback(u.Hostname()):
		c.problem(path, "ldap:// would send passwords in the clear; use ldaps:// or start_tls")
	case !p.InsecureHTTP:
		c.problem(path, "ldap:// without start_tls needs insecure_http: true on this idp, and is for loopback")
	}
}
