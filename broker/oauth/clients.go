package oauth

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// registrationLifetime is how long a client's id is good for.
	registrationLifetime = 30 * 24 * time.Hour
	maxClientName        = 128 // bytes
	maxRedirectURIs      = 5
	maxClientID          = 2 << 10 // bytes of its text; five redirect URIs of the longest kind and a name fit
)

// accountScope is the one scope there is: the accounts and roles of whoever approves.
const accountScope = "sso:account:access"

// The grant types that are served.
const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
)

// client is a registered client.
type client struct {
	Name         string   `json:"n"`
	RedirectURIs []string `json:"r,omitempty"`
	GrantTypes   []string `json:"g"`
	Expires      int64    `json:"e"` // seconds since 1970

	hash string // names the client in the store
}

// mayUse reports whether the client registered for a grant type.
func (c *client) mayUse(grant string) bool { return slices.Contains(c.GrantTypes, grant) }

// check refuses metadata that we do not want to show or serve.
func (c *client) check() error {
	switch {
	case c.Name == "" || len(c.Name) > maxClientName || !utf8.ValidString(c.Name) || strings.ContainsFunc(c.Name, unprintable):
		return invalidClientMetadata.refuse("clientName must be 1 to 128 bytes of printable text")
	case len(c.RedirectURIs) > maxRedirectURIs:
		return invalidRedirectURI.refuse("at most five redirectUris are taken")
	}
	for _, uri := range c.RedirectURIs {
		if _, ok := parseLoopback(uri); !ok {
			return invalidRedirectURI.refuse("a redirect URI must be http://127.0.0.1[:port]/path or http://[::1][:port]/path")
		}
	}
	for _, grant := range c.GrantTypes {
		if grant != grantCode && grant != grantRefresh && grant != grantDevice {
			return unsupportedGrantType.refuse("grantTypes may be authorization_code, refresh_token and device_code")
		}
	}
	return nil
}

// unprintable are characters that could forge the page on which a person reads the name.
func unprintable(r rune) bool { return !unicode.IsPrint(r) }
