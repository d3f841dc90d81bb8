package codeflow

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Client is our registration at an authorization server.
type Client struct {
	ID string
	// Secret is empty for a public client.
	Secret      secret.Text
	RedirectURL string
	Scopes      []string
	// HTTP is the guarded client that the code is exchanged with.
	HTTP *http.Client
}

// Server is what is known of an authorization server.
type Server struct {
	// Issuer is what iss must be when an answer has one; empty: iss is not compared, because the server has no issuer.
	Issuer string
	// PromisesIssuer says that every answer has iss (RFC 9207 section 3).
	PromisesIssuer bool
	// AuthorizeURL is for the browser, TokenURL for us.
	AuthorizeURL, TokenURL string
	// SecretInBody sends client id and secret in the form rather than by HTTP Basic (RFC 6749 section 2.3.1).
	SecretInBody bool
}

// Random makes a value of 256 bits in 43 characters of base64url: a nonce, or a code verifier (RFC 7636 section 4.1).
func Random(rand io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("random value: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// AuthorizeURL is the authorization request (RFC 6749 section 4.1.1) with the PKCE challenge of verifier. extra adds
// parameters of the protocol above.
func (c Client) AuthorizeURL(s Server, state, verifier string, extra url.Values) string {
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	for name := range extra {
		options = append(options, oauth2.SetAuthURLParam(name, extra.Get(name)))
	}
	return c.config(s).AuthCodeURL(state, options...)
}

func (c Client) config(s Server) *oauth2.Config {
	style := oauth2.AuthStyleInHeader
	if s.SecretInBody || c.Secret.Empty() {
		style = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret.Reveal(), RedirectURL: c.RedirectURL, Scopes: c.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: s.AuthorizeURL, TokenURL: s.TokenURL, AuthStyle: style},
	}
}

// CheckEndpoint wants an absolute URL without user and fragment: https, or http where that is allowed.
func CheckEndpoint(raw string, allowHTTP bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.Contains(raw, "#"):
		return fmt.Errorf("%q is not an absolute URL without user and fragment", raw)
	case u.Scheme != "https" && (u.Scheme != "http" || !allowHTTP):
		return fmt.Errorf("%q is not https", raw)
	}
	return nil
}
