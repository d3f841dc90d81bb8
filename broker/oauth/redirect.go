package oauth

import (
	"regexp"
	"strconv"
	"strings"
)

const maxRedirectURI = 200 // bytes

// loopback is every redirect URI that is taken, whole: literal loopback addresses only (RFC 8252 section 8.3 advises
// against the name localhost), no query, no fragment, nobody before an @, one spelling.
var loopback = regexp.MustCompile(`^(http://(?:127\.0\.0\.1|\[::1\]))(:[1-9][0-9]{0,4})?((?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?|/)$`)

// redirectURI is a loopback redirect URI in its parts.
type redirectURI struct{ base, port, path string }

func parseLoopback(uri string) (redirectURI, bool) {
	if len(uri) > maxRedirectURI {
		return redirectURI{}, false
	}
	m := loopback.FindStringSubmatch(uri)
	if m == nil {
		return redirectURI{}, false
	}
	if m[2] != "" {
		if port, err := strconv.Atoi(strings.TrimPrefix(m[2], ":")); err != nil || port > 65535 {
			return redirectURI{}, false
		}
	}
	return redirectURI{m[1], m[2], m[3]}, true
}

// origin is what a content policy calls it.
func (u redirectURI) origin() string { return u.base + u.port }

// redirectTo finds a redirect URI that the client registered: address and path are equal, the port is any (RFC 8252
// section 7.3).
func (c *client) redirectTo(uri string) (redirectURI, bool) {
	wanted, ok := parseLoopback(uri)
	if !ok {
		return redirectURI{}, false
	}
	for _, registered := range c.RedirectURIs {
		if known, ok := parseLoopback(registered); ok && known.base == wanted.base && known.path == wanted.path {
			return wanted, true
		}
	}
	return redirectURI{}, false
}
