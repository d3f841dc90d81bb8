package oidc

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/idp/internal/codeflow"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// DefaultLoginMaxAge is how old an ID token may be: it was made for this sign-in moments ago.
const DefaultLoginMaxAge = 5 * time.Minute

// client is the part of [fetch.Client] that a login needs: it fetches, posts codes and asks userinfo.
type client interface {
	fetcher
	HTTPClient() *http.Client
}

// LoginOptions of a [Login].
type LoginOptions struct {
	// ID, Issuer, Tenant, Claims, Algorithms, Skew, JWKSFile, StaleFor, MinRefetch, Clock and Logger are as in [Options].
	ID         string
	Issuer     string
	Tenant     map[string][]string
	Claims     ClaimNames
	Algorithms []string
	Skew       time.Duration
	JWKSFile   []byte
	StaleFor   time.Duration
	MinRefetch time.Duration
	Clock      func() time.Time
	Logger     *slog.Logger

	// ClientID is our registration; it is the only audience that an ID token may have beside others.
	ClientID string
	// ClientSecret is empty for a public client.
	ClientSecret secret.Text
	// RedirectURL is our callback for this provider, and for no other.
	RedirectURL string
	// Leave keeps the ID token, with which people who sign out here can be signed out at the provider, too. It sends them
	// back to RedirectURL.
	Leave bool
	// Scopes are asked for; openid is always among them. Left out: openid, profile and email.
	Scopes []string
	// Userinfo also reads the userinfo endpoint, for providers that keep groups out of the ID token.
	Userinfo bool
	// MaxAge is how long after its iat an ID token is taken; DefaultLoginMaxAge when zero.
	MaxAge time.Duration
	// Fetch reaches the provider; normally a [fetch.Client].
	Fetch client
	// Rand makes nonces and code verifiers; crypto/rand when nil.
	Rand io.Reader
}

func (o LoginOptions) withDefaults() LoginOptions {
	if o.MaxAge == 0 {
		o.MaxAge = DefaultLoginMaxAge
	}
	if len(o.Scopes) == 0 {
		o.Scopes = []string{"profile", "email"}
	}
	if !slices.Contains(o.Scopes, "openid") {
		o.Scopes = append([]string{"openid"}, o.Scopes...)
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return o
}

// validate checks what [NewWorkload] does not.
func (o LoginOptions) validate() error {
	var errs []error
	if o.Fetch == nil {
		errs = append(errs, errors.New("no fetcher"))
	}
	if o.ClientID == "" {
		errs = append(errs, errors.New("no client id"))
	}
	if err := codeflow.CheckEndpoint(o.RedirectURL, true); err != nil {
		errs = append(errs, fmt.Errorf("redirect URL: %w", err))
	}
	for _, scope := range o.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \"\\") {
			errs = append(errs, fmt.Errorf("scope %q is not one scope", scope))
		}
	}
	return errors.Join(errs...)
}

// verifier is how the ID tokens of this login are verified: as workload tokens are, and then further.
func (o LoginOptions) verifier() Options {
	return Options{
		ID: o.ID, Issuer: o.Issuer, Audiences: []string{o.ClientID}, Tenant: o.Tenant, Claims: o.Claims, Algorithms: o.Algorithms,
		Skew: o.Skew, MaxAge: o.MaxAge, Once: true, JWKSFile: o.JWKSFile, StaleFor: o.StaleFor, MinRefetch: o.MinRefetch,
		Fetch: o.Fetch, Clock: o.Clock, Logger: o.Logger,
	}
}
