package doortest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/console"
)

// Secrets that the fakes hand out, to be looked for where they must not be.
const (
	SecretKey    = "canary-secret-key"
	SessionToken = "canary-session-token"
	SignInURL    = "https://signin.test/federation?SigninToken=canary-signin"
)

// Store fails when told to.
type Store struct {
	inner broker.Store
	mu    sync.Mutex
	left  int // round trips until it breaks; below zero after that
	armed bool
	once  bool // one round trip fails, not all
}

// Break makes the store fail after that many more round trips.
func (s *Store) Break(after int) { s.arm(after, false) }

// Stumble makes one round trip fail, after that many more.
func (s *Store) Stumble(after int) { s.arm(after, true) }

func (s *Store) arm(after int, once bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed, s.left, s.once = true, after, once
}

// Mend makes the store work again.
func (s *Store) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
}

// Do carries out operations unless the store is broken.
func (s *Store) Do(ctx context.Context, ops ...broker.Op) ([]broker.Result, error) {
	s.mu.Lock()
	broken := s.armed && (s.left == 0 || s.left < 0 && !s.once)
	s.left--
	s.mu.Unlock()
	if broken {
		return nil, errors.New("connection refused")
	}
	return s.inner.Do(ctx, ops...)
}

// STS issues numbered credentials, or fails with Err.
type STS struct {
	now   func() time.Time
	mu    sync.Mutex
	calls []sts.Request
	Err   error
}

// Assume answers one request.
func (f *STS) Assume(_ context.Context, req sts.Request) (sts.Credentials, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, req)
	if f.Err != nil {
		return sts.Credentials{}, f.Err
	}
	return sts.Credentials{
		AccessKeyID: fmt.Sprintf("ASIA%016d", len(f.calls)), SecretAccessKey: secret.New(SecretKey), SessionToken: secret.New(SessionToken),
		Expiration: f.now().Add(req.Duration + time.Millisecond), AssumedRoleARN: req.RoleARN.AssumedRoleARN(req.SessionName),
		SourceIdentity: req.SourceIdentity, RequestID: "aws-1",
	}, nil
}

// Calls are the requests so far.
func (f *STS) Calls() []sts.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sts.Request(nil), f.calls...)
}

// SignIn makes one and the same console URL, or fails with Err.
type SignIn struct {
	console *console.Federation
	mu      sync.Mutex
	got     broker.SignInRequest
	Err     error
}

func newSignIn() (*SignIn, error) {
	f, err := console.New(console.Options{})
	return &SignIn{console: f}, err
}

// SignOut is AWS's own sign-out.
func (f *SignIn) SignOut(p sts.Partition) string { return f.console.SignOut(p) }

// Destination reads a page as the real one does.
func (f *SignIn) Destination(req broker.SignInRequest) (string, error) {
	return f.console.Destination(req.Partition, req.Region, req.Page)
}

// SignInURL answers one request.
func (f *SignIn) SignInURL(_ context.Context, creds sts.Credentials, req broker.SignInRequest) (broker.SignInURL, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = req
	return broker.SignInURL{URL: secret.New(SignInURL), Expires: creds.Expiration}, f.Err
}

// Got is the last request.
func (f *SignIn) Got() broker.SignInRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got
}

type minter struct{}

func (minter) WebIdentityToken(_ context.Context, p broker.MintRequest) (secret.Text, error) {
	return secret.New("jwt for " + p.Subject), nil
}

func (minter) SAMLResponse(_ context.Context, p broker.MintRequest) (secret.Text, error) {
	return secret.New("saml for " + p.Subject), nil
}

// Audit keeps records, or fails.
type Audit struct {
	mu     sync.Mutex
	events []broker.Event
	err    error
}

// Break makes every record fail.
func (a *Audit) Break() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = errors.New("disk full")
}

// Record keeps an event.
func (a *Audit) Record(_ context.Context, e broker.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.events = append(a.events, e)
	return nil
}

// Events are the records so far.
func (a *Audit) Events() []broker.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]broker.Event(nil), a.events...)
}

// Last is the newest record; the zero Event when there is none.
func (a *Audit) Last() broker.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.events) == 0 {
		return broker.Event{}
	}
	return a.events[len(a.events)-1]
}
