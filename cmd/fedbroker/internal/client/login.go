package client

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// loginFor is how long a person may take in the browser.
const loginFor = 10 * time.Minute

// LoginOptions are how a person signs in. All are required.
type LoginOptions struct {
	// Show is given the URL that the person must open, and opens it or prints it.
	Show func(url string) error
	// ShowDevice is given the page and the code to type there.
	ShowDevice func(DevicePrompt) error
	// After returns a channel that fires after a while; time.After is one.
	After func(time.Duration) <-chan time.Time
}

// Login signs in by the system's browser: an authorization code with PKCE that comes back on a loopback port. The
// tokens are kept and the broker becomes the usual one.
func (c *Client) Login(ctx context.Context, o LoginOptions) error {
	r, err := c.registration(ctx, false)
	if err != nil {
		return err
	}
	t, err := c.browserLogin(ctx, r, o)
	if isOAuth(err, "invalid_client", "unauthorized_client") { // the broker has forgotten us
		if r, err = c.registration(ctx, true); err != nil {
			return err
		}
		t, err = c.browserLogin(ctx, r, o)
	}
	if err != nil {
		return err
	}
	return c.signedIn(ctx, t)
}

func (c *Client) browserLogin(ctx context.Context, r registration, o LoginOptions) (Tokens, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, loginFor, errors.New(`nobody signed in for ten minutes; run "fedbroker login" again`))
	defer cancel()
	state, verifier, err := c.attempt()
	if err != nil {
		return Tokens{}, err
	}
	back, err := listen(state)
	if err != nil {
		return Tokens{}, err
	}
	defer back.close()
	if err := o.Show(c.authorizeURL(r, back.redirect(), state, verifier)); err != nil {
		return Tokens{}, err
	}
	code, err := back.wait(ctx)
	if err != nil {
		return Tokens{}, err
	}
	return c.wire.token(ctx, c.o.Now(), tokenRequest{
		ClientID: r.ClientID, ClientSecret: r.ClientSecret, GrantType: grantCode,
		Code: code.Reveal(), RedirectURI: back.redirect(), CodeVerifier: verifier.Reveal(),
	})
}

// attempt makes what binds one login: a state, and a verifier of 43 characters (RFC 7636 section 4.1).
func (c *Client) attempt() (state, verifier secret.Text, err error) {
	b := make([]byte, 64)
	if _, err := io.ReadFull(c.o.Random, b); err != nil {
		return state, verifier, err
	}
	enc := base64.RawURLEncoding
	return secret.New(enc.EncodeToString(b[:32])), secret.New(enc.EncodeToString(b[32:])), nil
}

// authorizeURL has the parameters in the spelling of AWS's own clients: scopes, not scope.
func (c *Client) authorizeURL(r registration, redirect string, state, verifier secret.Text) string {
	challenge := sha256.Sum256([]byte(verifier.Reveal()))
	return c.o.Broker + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {r.ClientID}, "redirect_uri": {redirect}, "state": {state.Reveal()}, "scopes": {scope},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
	}.Encode()
}

// registration returns the kept one while it lasts, or makes a new one.
func (c *Client) registration(ctx context.Context, anew bool) (registration, error) {
	file := filepath.Join(c.dir, "registration.json")
	var r registration
	if !anew && readJSON(file, &r) == nil && r.usable(c.o.Now()) {
		return r, nil
	}
	r, err := c.wire.register(ctx, c.o.Name)
	switch {
	case err != nil:
		return r, err
	case r.ClientID == "":
		return r, &notServed{c.o.Broker, "/client/register"}
	}
	return r, writeJSON(file, r)
}

// signedIn keeps the tokens; a session that they replace is ended.
func (c *Client) signedIn(ctx context.Context, t Tokens) error {
	unlock, err := lock(ctx, filepath.Join(c.dir, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if old, err := c.vault.load(); err == nil {
		_ = c.endSession(ctx, old) // it ends by itself otherwise
	}
	if err := c.vault.save(t); err != nil {
		return fmt.Errorf("you are signed in, but that cannot be kept: %w", err)
	}
	c.mu.Lock()
	c.tokens = t
	c.mu.Unlock()
	k := c.known()
	k.At = time.Time{} // somebody else may have signed in
	c.keep(k)
	return c.o.Home.remember(c.o.Broker)
}
