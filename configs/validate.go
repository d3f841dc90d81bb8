package configs

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts"
)

var (
	idPattern      = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)
	hexColour      = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)
	redisURLScheme = regexp.MustCompile(`^rediss?://`)
)

// checker collects problems of a decoded file.
type checker struct {
	*File
	problems Problems
}

func (c *checker) problem(path, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	c.problems = append(c.problems, Problem{c.Place(path), path + ": " + message})
}

// validate checks everything that needs nothing but the file. Rules are checked where they are compiled.
func (f *File) validate() Problems {
	c := &checker{File: f}
	c.server()
	c.store()
	c.issuer()
	c.branding()
	c.idps()
	c.aws()
	c.tests()
	return c.problems
}

func (c *checker) server() {
	if why := badBaseURL(c.Server.PublicURL); why != "" {
		c.problem("server.public_url", "%s", why)
	}
	for path, listen := range map[string]string{"server.listen": c.Server.Listen, "server.admin_listen": c.Server.AdminListen} {
		if _, _, err := net.SplitHostPort(listen); listen != "" && err != nil {
			c.problem(path, "want host:port, got %q", listen)
		}
	}
	for i, proxy := range c.Server.TrustedProxies {
		_, errPrefix := netip.ParsePrefix(proxy)
		_, errAddr := netip.ParseAddr(proxy)
		if errPrefix != nil && errAddr != nil {
			c.problem(fmt.Sprintf("server.trusted_proxies[%d]", i), "want an address or a CIDR range, got %q", proxy)
		}
	}
	c.lifetimes()
}

func (c *checker) lifetimes() {
	absolute := c.Session.Absolute.Or(12 * time.Hour)
	if idle := c.Session.Idle.Or(0); idle > absolute {
		c.problem("session.idle", "%s is longer than session.absolute, %s", idle, absolute)
	}
	if absolute < sts.MinDuration {
		c.problem("session.absolute", "at least 15m: AWS issues credentials for no less")
	}
	if c.Cache.MinRemaining.Or(0) > time.Hour {
		c.problem("cache.min_remaining", "at most 1h: beyond that nothing would be served from the cache")
	}
}

// badBaseURL wants an origin without a path; http is for loopback only.
func badBaseURL(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return fmt.Sprintf("want a URL such as https://aws.example.com, got %q", raw)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || u.Path != "":
		return "want scheme and host only, without a slash at the end"
	case u.Host != strings.ToLower(u.Host):
		return "write the host in lower case"
	case u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" || strings.HasSuffix(u.Host, ":"):
		return "leave the scheme's own port out: browsers do, and compare" // RFC 6454 section 6.2
	}
	return badScheme(u)
}

func badScheme(u *url.URL) string {
	switch {
	case u.Scheme == "https":
		return ""
	case u.Scheme == "http" && IsLoopback(u.Hostname()):
		return ""
	case u.Scheme == "http":
		return "plain http is for loopback addresses only; use https"
	}
	return "want https"
}

// IsLoopback reports whether a host is localhost or a loopback address literal.
func IsLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func (c *checker) store() {
	if c.Store.Redis != nil {
		if c.Keys.Sealing == nil {
			c.problem("store.redis", "Redis needs keys.sealing: what is stored there must be sealed")
		}
		c.redisURL(c.Store.Redis.URL)
	}
	ring := c.Keys.Sealing
	if ring == nil {
		return
	}
	if _, ok := ring.Ring[ring.Active]; !ok {
		c.problem("keys.sealing.active", "there is no key %q in the ring", ring.Active)
	}
	for name, key := range ring.Ring {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key.Text().Reveal()))
		if err != nil || len(raw) != 32 {
			c.problem("keys.sealing.ring."+name, "want 32 bytes in base64; fedbroker keys generate makes one")
		}
	}
}

func (c *checker) redisURL(given URL) {
	raw := given.Text().Reveal()
	if raw == "" {
		return
	}
	if !redisURLScheme.MatchString(raw) {
		c.problem("store.redis.url", "want redis:// or rediss://")
	}
	if u, err := url.Parse(raw); err == nil && given.literal() {
		if _, has := u.User.Password(); has {
			c.problem("store.redis.url", "a password is not written here; use env:NAME or file:PATH for the whole URL, or password:")
		}
	}
}

func (c *checker) issuer() {
	if c.Issuer.URL != "" {
		u, err := url.Parse(c.Issuer.URL)
		switch {
		case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
			c.problem("issuer.url", "want a URL without query or fragment, got %q", c.Issuer.URL)
		case badScheme(u) != "":
			c.problem("issuer.url", "%s", badScheme(u))
		}
	}
	if c.Issuer.SAMLKey.Given() != c.Issuer.SAMLCertificate.Given() {
		c.problem("issuer", "saml_key and saml_certificate go together")
	}
}

func (c *checker) branding() {
	if a := c.Branding.Accent; a != "" && !hexColour.MatchString(a) {
		c.problem("branding.accent", "want a colour such as #0b6 or #00bb66, got %q", a)
	}
	if len(c.Branding.Logo.Text().Reveal()) > 64<<10 {
		c.problem("branding.logo", "the image is larger than 64 KiB")
	}
	contact := c.Branding.Contact
	if contact != "" && !strings.HasPrefix(contact, "https://") && strings.Count(contact, "@") != 1 {
		c.problem("branding.contact", "want a mail address or an https URL, got %q", contact)
	}
}

func (c *checker) tests() {
	known := map[string]bool{}
	for _, p := range c.IdPs {
		known[p.ID] = true
	}
	for i, t := range c.Tests {
		if !known[t.IdP] {
			c.problem(fmt.Sprintf("tests[%d].idp", i), "there is no idp %q", t.IdP)
		}
	}
}
