package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/internal/codeflow"
)

// Keys of idp.State.
const (
	stateHandle   = "state"
	stateNonce    = "nonce"
	stateVerifier = "code_verifier"
	stateAfter    = "auth_after" // RFC 3339: the oldest sign-in that answers the request
	stateACR      = "acr"        // the classes asked for, separated by spaces
)

// Login signs people in at one OpenID provider: authorization code with PKCE, state and nonce, always. It is safe for
// concurrent use.
type Login struct {
	opts     LoginOptions
	tokens   *Workload
	provider *providerSource
	client   codeflow.Client
}

var _ idp.Login = (*Login)(nil)

// NewLogin checks the options. It fetches nothing: the first sign-in does.
func NewLogin(o LoginOptions) (*Login, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("idp %s: %w", o.ID, err)
	}
	tokens, err := NewWorkload(o.verifier())
	if err != nil {
		return nil, err
	}
	return &Login{
		opts: o, tokens: tokens, provider: newProviderSource(tokens.opts),
		client: codeflow.Client{ID: o.ClientID, Secret: o.ClientSecret, RedirectURL: o.RedirectURL, Scopes: o.Scopes, HTTP: o.Fetch.HTTPClient()},
	}, nil
}

// Begin makes the authentication request (OIDC Core section 3.1.2.1).
func (l *Login) Begin(ctx context.Context, want idp.LoginRequest) (idp.Redirect, idp.State, error) {
	meta, err := l.provider.current(ctx)
	if err != nil {
		return idp.Redirect{}, nil, err
	}
	server, err := l.server(meta)
	if err != nil {
		return idp.Redirect{}, nil, err
	}
	nonce, errNonce := codeflow.Random(l.opts.Rand)
	verifier, errVerifier := codeflow.Random(l.opts.Rand)
	if err := errors.Join(errNonce, errVerifier); err != nil {
		return idp.Redirect{}, nil, err
	}
	state := idp.State{stateHandle: want.Handle, stateNonce: nonce, stateVerifier: verifier}
	extra := url.Values{"nonce": {nonce}}
	l.ask(want, state, extra)
	return idp.Redirect{URL: l.client.AuthorizeURL(server, want.Handle, verifier, extra)}, state, nil
}

// ask adds whom to expect, and what freshness and strength need; these are noted: providers may pass over both. max_age goes along with
// prompt=login because only max_age obliges the provider to say auth_time.
func (l *Login) ask(want idp.LoginRequest, state idp.State, extra url.Values) {
	if want.Force || want.MaxAge > 0 {
		age := want.MaxAge.Truncate(time.Second)
		if want.Force {
			age = 0
			extra.Set("prompt", "login")
		}
		extra.Set("max_age", strconv.FormatInt(int64(age/time.Second), 10))
		state[stateAfter] = l.tokens.opts.Clock().Add(-age).UTC().Format(time.RFC3339Nano)
	}
	if want.Hint != "" {
		extra.Set("login_hint", want.Hint)
	}
	if len(want.ACR) > 0 {
		classes := strings.Join(want.ACR, " ")
		extra.Set("acr_values", classes)
		state[stateACR] = classes
	}
}

// Finish redeems the code and verifies the ID token (OIDC Core section 3.1.3.7). A login that nobody here began is
// refused: OpenID Connect has no provider-initiated form that carries a code.
func (l *Login) Finish(ctx context.Context, state idp.State, back idp.Callback) (idp.Identity, error) {
	if back.Unsolicited {
		return idp.Identity{}, invalid("this sign-in did not begin in this browser, or took too long; begin again")
	}
	meta, err := l.provider.current(ctx)
	if err != nil {
		return idp.Identity{}, err
	}
	server, err := l.server(meta)
	if err != nil {
		return idp.Identity{}, err
	}
	code, err := codeflow.Code(server, state[stateHandle], back.Form)
	if err != nil {
		return idp.Identity{}, err
	}
	tokens, err := l.client.Exchange(ctx, server, code, state[stateVerifier])
	if err != nil {
		return idp.Identity{}, err
	}
	return l.identify(ctx, meta, tokens, state)
}

// identify verifies the ID token, adds what userinfo says and holds the result to what was asked for.
func (l *Login) identify(ctx context.Context, meta *provider, tokens codeflow.Tokens, state idp.State) (idp.Identity, error) {
	if tokens.ID.Empty() {
		return idp.Identity{}, invalid("the identity provider sent no ID token; openid must be among the scopes")
	}
	t, err := parseToken(tokens.ID.Reveal())
	if err != nil {
		return idp.Identity{}, err
	}
	id, err := l.tokens.verify(ctx, t)
	if err != nil {
		return idp.Identity{}, err
	}
	for _, check := range []error{
		checkNonce(id.Claims, state[stateNonce]),
		checkParty(id.Claims, l.opts.ClientID),
		checkAccessHash(id.Claims, t.alg, tokens.Access.Reveal()),
		l.checkAsked(id, state),
	} {
		if check != nil {
			return idp.Identity{}, check
		}
	}
	if l.opts.Userinfo {
		if id, err = l.enrich(ctx, meta, tokens.Access, id); err != nil {
			return idp.Identity{}, err
		}
	}
	l.leave(&id, tokens.ID.Reveal())
	return id, nil
}
