package daemon

import (
	"fmt"
	"net/url"

	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp/oauth2"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/internal/fetch"
)

// callback is the redirect URI of a provider, and of no other: an answer of one cannot be taken to another.
func (p *provider) callback() string {
	return p.publicURL + "/oidc/" + url.PathEscape(p.config.ID) + "/callback"
}

// leaves says that signing out here goes on to the provider.
func leaves(p *configs.IdP) bool { return p.Logout != "local" }

func (m makings) buildOIDC(p *provider, client *fetch.Client) (*oidc.Login, error) {
	c, o := &p.config, p.config.OIDC
	return oidc.NewLogin(oidc.LoginOptions{
		ID: c.ID, Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Text(), RedirectURL: p.callback(),
		Leave: leaves(c), Scopes: o.Scopes, Userinfo: o.Userinfo, Tenant: pins(o.Tenant), Claims: claimNames(o.Claims), JWKSFile: p.pinnedKeys(),
		Skew: c.Skew.Or(0), MaxAge: c.MaxAge.Or(0), Fetch: client, Clock: m.opts.Clock, Rand: m.opts.Rand, Logger: m.opts.Logger,
	})
}

func (m makings) buildOAuth2(p *provider, client *fetch.Client) (*oauth2.Login, error) {
	c, o := &p.config, p.config.OAuth2
	service, err := serviceOf(o)
	if err != nil {
		return nil, err
	}
	return oauth2.New(oauth2.Options{
		ID: c.ID, Service: service, ClientID: o.ClientID, ClientSecret: o.ClientSecret.Text(), RedirectURL: p.callback(),
		Scopes: o.Scopes, HTTP: client.HTTPClient(), AllowHTTP: c.InsecureHTTP, Clock: m.opts.Clock, Rand: m.opts.Rand,
	})
}

// serviceOf is the preset, if any, with what the configuration overwrites. Without a preset the service is named by the
// origin that people sign in at.
func serviceOf(o *configs.OAuth2) (oauth2.Service, error) {
	var s oauth2.Service
	if o.Preset != "" {
		var err error
		if s, err = oauth2.Preset(o.Preset, o.BaseURL); err != nil {
			return s, fmt.Errorf("oauth2.preset: %w", err)
		}
	} else if u, err := url.Parse(o.AuthorizeURL); err == nil {
		s.Issuer = u.Scheme + "://" + u.Host
	}
	for _, overwrite := range []struct {
		field *string
		value string
	}{
		{&s.AuthorizeURL, o.AuthorizeURL},
		{&s.TokenURL, o.TokenURL},
		{&s.UserinfoURL, o.UserinfoURL},
		{&s.Fields.Subject, o.Fields["subject"]},
		{&s.Fields.Username, o.Fields["username"]},
		{&s.Fields.Email, o.Fields["email"]},
		{&s.Fields.Groups, o.Fields["groups"]},
	} {
		if overwrite.value != "" {
			*overwrite.field = overwrite.value
		}
	}
	return s, nil
}

func pins(tenant map[string]configs.Values) map[string][]string {
	out := make(map[string][]string, len(tenant))
	for claim, values := range tenant {
		out[claim] = values
	}
	return out
}

func claimNames(c configs.Claims) oidc.ClaimNames {
	return oidc.ClaimNames{Username: c.Username, Email: c.Email, Groups: c.Groups}
}

// pinnedKeys is nil where keys are fetched.
func (p *provider) pinnedKeys() []byte {
	if p.config.JWKSFile == "" {
		return nil
	}
	return []byte(p.document)
}
