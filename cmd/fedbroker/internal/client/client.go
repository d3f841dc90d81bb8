package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"time"
)

// Options of a client. Broker, Home and Now are required.
type Options struct {
	// Broker is a URL as ParseBroker returns it.
	Broker string
	Home   Home
	// Keyring is where tokens rest; nil means a file in Home.
	Keyring Keyring
	Now     func() time.Time
	// Random is crypto/rand's reader when nil.
	Random io.Reader
	// Name is what the broker shows a person who approves this client.
	Name string
	// UserAgent is sent with every request.
	UserAgent string
}

// Client is one person's side of one broker. It is safe for concurrent use.
type Client struct {
	o     Options
	wire  *wire
	dir   string
	vault vault

	mu     sync.Mutex
	tokens Tokens // as they were when last seen
}

// New makes a client. It asks nobody and reads nothing yet.
func New(o Options) (*Client, error) {
	if o.Now == nil || o.Home.Dir == "" {
		return nil, errors.New("client: Now and Home are required")
	}
	broker, err := ParseBroker(o.Broker)
	if err != nil {
		return nil, err
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	w, err := newWire(broker, o.UserAgent)
	if err != nil {
		return nil, err
	}
	o.Broker = broker
	dir := o.Home.of(broker)
	return &Client{o: o, wire: w, dir: dir, vault: vault{o.Keyring, broker, filepath.Join(dir, "tokens.json")}}, nil
}

// Broker is the URL that this client speaks to.
func (c *Client) Broker() string { return c.o.Broker }

// token returns an access token that is not stale: one that was not refused, and lasts a while. It refreshes under the
// lock that all commands of this person share, and only if nobody else did meanwhile.
func (c *Client) token(ctx context.Context, stale string) (Tokens, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	usable := func(t Tokens) bool { return t.fresh(c.o.Now()) && t.Access.Reveal() != stale }
	if usable(c.tokens) {
		return c.tokens, nil
	}
	t, err := c.vault.load()
	if err != nil {
		return Tokens{}, c.signIn(err)
	}
	if !usable(t) {
		if t, err = c.refresh(ctx, usable); err != nil {
			return Tokens{}, err
		}
	}
	c.tokens = t
	return t, nil
}

func (c *Client) refresh(ctx context.Context, usable func(Tokens) bool) (Tokens, error) {
	unlock, err := lock(ctx, filepath.Join(c.dir, "lock"))
	if err != nil {
		return Tokens{}, err
	}
	defer unlock()
	old, err := c.vault.load()
	switch {
	case err != nil:
		return Tokens{}, c.signIn(err)
	case usable(old):
		return old, nil // somebody else was here
	case old.Refresh.Empty():
		return Tokens{}, c.signIn(ErrLogin)
	}
	// Whoever presses Ctrl-C now must not lose the successor of a token that was used up.
	ctx = context.WithoutCancel(ctx)
	t, err := c.wire.token(ctx, c.o.Now(), tokenRequest{
		ClientID: old.ClientID, ClientSecret: old.ClientSecret, GrantType: grantRefresh, RefreshToken: old.Refresh.Reveal(),
	})
	switch {
	case isOAuth(err, "invalid_grant", "invalid_client", "unauthorized_client", "expired_token", "access_denied"):
		return Tokens{}, errors.Join(c.signIn(fmt.Errorf("%w: %w", ErrLogin, err)), c.vault.delete())
	case err != nil:
		return Tokens{}, err
	}
	if t.Refresh.Empty() {
		t.Refresh = old.Refresh // RFC 6749 section 6: the old one stays
	}
	return t, c.vault.save(t)
}

// signIn says how to mend an ErrLogin; other errors pass.
func (c *Client) signIn(err error) error {
	if !errors.Is(err, ErrLogin) {
		return err
	}
	return &loginError{c.o.Broker, err}
}

type loginError struct {
	broker string
	err    error
}

func (e *loginError) Error() string {
	why := "you are not signed in to " + e.broker
	var o *OAuthError
	var p *Problem
	if errors.As(e.err, &o) || errors.As(e.err, &p) {
		why = "your sign-in at " + e.broker + " has ended"
	}
	return why + `; run "fedbroker login"`
}

func (e *loginError) Unwrap() error { return e.err }

// api calls the JSON API. A token that the broker does not take is replaced once.
func (c *Client) api(ctx context.Context, method, path string, in, out any) error {
	t, err := c.token(ctx, "")
	if err != nil {
		return err
	}
	err = c.call(ctx, t, method, path, in, out)
	var refused *Problem
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		return err
	}
	if t, err = c.token(ctx, t.Access.Reveal()); err != nil {
		return err
	}
	return c.signIn(c.call(ctx, t, method, path, in, out))
}

func (c *Client) call(ctx context.Context, t Tokens, method, path string, in, out any) error {
	return c.wire.call(ctx, method, path, map[string]string{"Authorization": "Bearer " + t.Access.Reveal()}, in, out, apiRefusal)
}

// Logout ends the login session at the broker and forgets it here, whatever the broker says: its error is told last.
func (c *Client) Logout(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	unlock, err := lock(ctx, filepath.Join(c.dir, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	t, err := c.vault.load()
	if errors.Is(err, ErrLogin) {
		return c.vault.delete()
	}
	if err == nil {
		err = c.endSession(ctx, t)
	}
	c.tokens = Tokens{}
	return errors.Join(c.vault.delete(), err)
}

// endSession refreshes first where it must: only a token that is good can say which session is to end.
func (c *Client) endSession(ctx context.Context, t Tokens) error {
	if !t.fresh(c.o.Now()) && !t.Refresh.Empty() {
		next, err := c.wire.token(ctx, c.o.Now(), tokenRequest{ClientID: t.ClientID, ClientSecret: t.ClientSecret, GrantType: grantRefresh, RefreshToken: t.Refresh.Reveal()})
		var refused *OAuthError
		switch {
		case errors.As(err, &refused):
			return nil // the session is gone already
		case err != nil:
			return err
		}
		t = next
	}
	err := c.wire.endSession(ctx, t.Access)
	var refused *Problem
	if errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
		return nil
	}
	return err
}
