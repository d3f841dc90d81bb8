package oauth2

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/internal/codeflow"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// codeLife is the longest that a service keeps a code (RFC 6749 section 4.1.2): for so long one must not count twice.
const codeLife = 10 * time.Minute

// Keys of idp.State.
const (
	stateHandle   = "state"
	stateVerifier = "code_verifier"
	stateBegun    = "begun" // RFC 3339
)

// Options of a [Login].
type Options struct {
	// ID is the identity provider's id in the configuration.
	ID string
	// Service is where people sign in.
	Service Service
	// ClientID and ClientSecret are our registration; the secret is empty for a public client.
	ClientID     string
	ClientSecret secret.Text
	// RedirectURL is our callback for this provider, and for no other.
	RedirectURL string
	// Scopes are asked for; those of the service when empty.
	Scopes []string
	// HTTP is the guarded client: it bounds time, bytes and addresses.
	HTTP *http.Client
	// AllowHTTP lets endpoints be http, for a service on loopback.
	AllowHTTP bool
	// Clock is time.Now when nil, Rand crypto/rand.
	Clock func() time.Time
	Rand  io.Reader
}

// Login signs people in at one service. It is safe for concurrent use.
type Login struct {
	opts   Options
	client codeflow.Client
	server codeflow.Server
}

var _ idp.Login = (*Login)(nil)

// New checks the options. It fetches nothing.
func New(o Options) (*Login, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if len(o.Scopes) == 0 {
		o.Scopes = o.Service.Scopes
	}
	errs := []error{o.Service.validate(o.AllowHTTP), codeflow.CheckEndpoint(o.RedirectURL, true)}
	if o.ID == "" || o.ClientID == "" || o.HTTP == nil {
		errs = append(errs, errors.New("ID, ClientID and HTTP are required"))
	}
	if slices.Contains(o.Scopes, "") {
		errs = append(errs, errors.New("a scope is empty"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("idp %s: %w", o.ID, err)
	}
	return &Login{
		opts:   o,
		client: codeflow.Client{ID: o.ClientID, Secret: o.ClientSecret, RedirectURL: o.RedirectURL, Scopes: o.Scopes, HTTP: o.HTTP},
		server: codeflow.Server{AuthorizeURL: o.Service.AuthorizeURL, TokenURL: o.Service.TokenURL, SecretInBody: o.Service.SecretInBody},
	}, nil
}

// Begin makes the authorization request (RFC 6749 section 4.1.1).
func (l *Login) Begin(_ context.Context, want idp.LoginRequest) (idp.Redirect, idp.State, error) {
	if want.Force || want.MaxAge > 0 || len(want.ACR) > 0 {
		return idp.Redirect{}, nil, idp.Refuse(idp.KindDenied, "this identity provider cannot be asked for a fresh or a stronger sign-in", nil)
	}
	verifier, err := codeflow.Random(l.opts.Rand)
	if err != nil {
		return idp.Redirect{}, nil, err
	}
	state := idp.State{stateHandle: want.Handle, stateVerifier: verifier, stateBegun: l.opts.Clock().UTC().Format(time.RFC3339Nano)}
	return idp.Redirect{URL: l.client.AuthorizeURL(l.server, want.Handle, verifier, nil)}, state, nil
}

// Finish redeems the code and asks the API who it stands for. A login that nobody here began is refused.
func (l *Login) Finish(ctx context.Context, state idp.State, back idp.Callback) (idp.Identity, error) {
	if back.Unsolicited {
		return idp.Identity{}, invalid("this sign-in did not begin in this browser, or took too long; begin again", nil)
	}
	code, err := codeflow.Code(l.server, state[stateHandle], back.Form)
	if err != nil {
		return idp.Identity{}, err
	}
	begun, err := time.Parse(time.RFC3339Nano, state[stateBegun])
	if err != nil {
		return idp.Identity{}, invalid("the state of the sign-in is malformed", err)
	}
	tokens, err := l.client.Exchange(ctx, l.server, code, state[stateVerifier])
	if err != nil {
		return idp.Identity{}, err
	}
	claims, err := l.claims(ctx, tokens.Access)
	if err != nil {
		return idp.Identity{}, err
	}
	id, err := l.identity(claims)
	if err != nil {
		return idp.Identity{}, err
	}
	id.Proof = l.proof(code, begun)
	return id, nil
}

// proof is the code. It cannot have been issued before the sign-in began.
func (l *Login) proof(code string, begun time.Time) idp.Proof {
	sum := sha256.Sum256([]byte(code))
	return idp.Proof{
		Kind: idp.ProofCode, Hash: hex.EncodeToString(sum[:]), IssuedAt: begun, Expires: l.opts.Clock().Add(codeLife), Once: true,
	}
}

func invalid(reason string, err error) error { return idp.Refuse(idp.KindInvalid, reason, err) }
