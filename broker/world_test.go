package broker_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// world is a broker over fakes: a real sealed store in memory, an STS that counts, rules that are a function.
type world struct {
	*broker.Broker
	mu      sync.Mutex
	clock   time.Time
	store   *brittleStore
	sts     *fakeSTS
	audit   *fakeAudit
	strange *fakeAudit
	decide  func(*idp.Identity) broker.Decision
	signIn  *fakeSignIn
}

var start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, change ...func(*broker.Options)) *world {
	t.Helper()
	w := &world{clock: start.Add(-time.Microsecond), audit: &fakeAudit{}, strange: &fakeAudit{}, signIn: &fakeSignIn{}}
	sealed, err := store.Open(t.Context(), store.Config{Clock: w.now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	w.store = &brittleStore{Store: sealed}
	w.sts = &fakeSTS{now: w.now}
	w.decide = grantAll
	o := broker.Options{
		Policy: w, Assumer: w.sts, Minter: fakeMinter{}, Subject: func(p, s string) string { return p + ":" + s }, SignIn: w.signIn,
		Store: w.store, Auditor: w.audit, Strangers: w.strange, CacheKey: make([]byte, 32), Endpoint: "https://sts.test",
		Roles: []*broker.Role{deploy, reader, analyst, hub}, Clock: w.now,
	}
	for _, c := range change {
		c(&o)
	}
	if w.Broker, err = broker.New(o); err != nil {
		t.Fatal(err)
	}
	if err := w.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Microsecond)
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// Decide and Explain make the world its own policy.
func (w *world) Decide(id *idp.Identity, _ time.Time) broker.Decision { return w.decide(id) }

func (w *world) Explain(id *idp.Identity, role string, _ time.Time) broker.Explanation {
	return broker.Explanation{
		Identity: broker.ExplainedIdentity{Subject: id.Subject}, Rules: []broker.ExplainedRule{{Rule: "r", Place: "/etc/secret-place.yaml:1:1"}},
		Roles: []broker.ExplainedRole{{Role: role}},
	}
}

var (
	deploy  = &broker.Role{Name: "prod/deploy", ARN: "arn:aws:iam::111122223333:role/Deploy", Mode: sts.ModeWebIdentity, Region: "eu-central-1", Duration: time.Hour, MaxDuration: 4 * time.Hour}
	reader  = &broker.Role{Name: "prod/reader", ARN: "arn:aws:iam::111122223333:role/Reader", Mode: sts.ModeSAML, Region: "eu-central-1", Duration: time.Hour, MaxDuration: time.Hour, ConsoleDuration: 8 * time.Hour}
	hub     = &broker.Role{Name: "prod/hub", ARN: "arn:aws:iam::111122223333:role/Hub", Mode: sts.ModeAssumeRole, Region: "eu-central-1", Duration: time.Hour, MaxDuration: 2 * time.Hour}
	analyst = &broker.Role{Name: "dev/analyst", ARN: "arn:aws:iam::444455556666:role/Analyst", Mode: sts.ModeAssumeRole, Region: "eu-central-1", Duration: time.Hour, MaxDuration: 4 * time.Hour, Through: hub, ExternalID: "acme-7f3"}
)

func grantOf(r *broker.Role) broker.Grant {
	return broker.Grant{Role: r, Rule: "rule of " + r.Name, SessionName: "alice", SourceIdentity: "alice", Tags: []sts.Tag{{Key: "team", Value: "red"}}}
}

func grantAll(*idp.Identity) broker.Decision {
	return broker.Decision{Grants: []broker.Grant{grantOf(deploy), grantOf(reader), grantOf(analyst)}}
}

func grantOnly(g broker.Grant) func(*idp.Identity) broker.Decision {
	return func(*idp.Identity) broker.Decision { return broker.Decision{Grants: []broker.Grant{g}} }
}

func (w *world) identity(subject string) idp.Identity {
	return idp.Identity{
		Provider: "corp", Issuer: "https://idp.test", Subject: subject, Username: subject,
		Proof: idp.Proof{Kind: idp.ProofJWT, ID: "jti-" + subject, Hash: "hash-" + subject, IssuedAt: w.now(), Expires: w.now().Add(5 * time.Minute)},
	}
}

// exchange is one whole request by a bearer of an identity.
func (w *world) exchange(id idp.Identity, want broker.Want) (broker.Issued, error) {
	var issued broker.Issued
	_, err := w.Run(context.Background(), broker.Call{Door: "api", Action: "credentials", Remote: "192.0.2.1"}, func(ctx context.Context, v *broker.Visit) error {
		if err := v.Authenticate(ctx, id.Proof.Kind, func(context.Context) (idp.Identity, error) { return id, nil }); err != nil {
			return err
		}
		var err error
		issued, err = v.Issue(ctx, want)
		return err
	})
	return issued, err
}

// session is one whole request by a login session that ends at end.
func (w *world) session(id idp.Identity, end time.Time, want broker.Want) (broker.Issued, error) {
	var issued broker.Issued
	_, err := w.Run(context.Background(), broker.Call{}, func(ctx context.Context, v *broker.Visit) error {
		v.Resume(&id, "hash", end)
		var err error
		issued, err = v.Issue(ctx, want)
		return err
	})
	return issued, err
}

func wantCode(t *testing.T, err error, code broker.Code) {
	t.Helper()
	var e *broker.Error
	switch {
	case code == "" && err != nil:
		t.Fatalf("refused: %v", err)
	case code != "" && (!errors.As(err, &e) || e.Code != code):
		t.Fatalf("want %s, got %v", code, err)
	}
}

// brittleStore fails when told to.
type brittleStore struct {
	broker.Store
	mu   sync.Mutex
	down bool
	does int
}

func (s *brittleStore) Do(ctx context.Context, ops ...broker.Op) ([]broker.Result, error) {
	s.mu.Lock()
	s.does++
	down := s.down
	s.mu.Unlock()
	if down {
		return nil, errors.New("connection refused")
	}
	return s.Store.Do(ctx, ops...)
}

// swap puts an empty store in the place of this one.
func (s *brittleStore) swap(t *testing.T, w *world) {
	t.Helper()
	empty, err := store.Open(t.Context(), store.Config{Clock: w.now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Store = empty
}

func (s *brittleStore) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// fakeSTS issues numbered credentials, or fails.
type fakeSTS struct {
	now   func() time.Time
	mu    sync.Mutex
	calls []sts.Request
	err   error
	gate  chan struct{} // when set, each call waits for one value
	panic bool
}

func (f *fakeSTS) Assume(ctx context.Context, req sts.Request) (sts.Credentials, error) {
	f.mu.Lock()
	f.calls = append(f.calls, req)
	n, err, gate, boom := len(f.calls), f.err, f.gate, f.panic
	f.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return sts.Credentials{}, ctx.Err()
		}
	}
	if boom {
		panic("the SDK broke")
	}
	if err != nil {
		return sts.Credentials{}, err
	}
	return sts.Credentials{
		AccessKeyID: fmt.Sprintf("ASIA%016d", n), SecretAccessKey: secret.New("canary-secret"), SessionToken: secret.New("canary-token"),
		Expiration: f.now().Add(req.Duration), AssumedRoleARN: req.RoleARN.AssumedRoleARN(req.SessionName), SourceIdentity: req.SourceIdentity, RequestID: "aws-1",
	}, nil
}

func (f *fakeSTS) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

type fakeMinter struct{}

func (fakeMinter) WebIdentityToken(_ context.Context, p broker.MintRequest) (secret.Text, error) {
	return secret.New("jwt for " + p.Subject), nil
}

func (fakeMinter) SAMLResponse(_ context.Context, p broker.MintRequest) (secret.Text, error) {
	return secret.New("saml for " + p.Subject), nil
}

type fakeSignIn struct {
	got     broker.SignInRequest
	refuses error // a page
	err     error
}

func (f *fakeSignIn) Destination(req broker.SignInRequest) (string, error) {
	return "https://console.test/" + req.Page.Destination, f.refuses
}

func (f *fakeSignIn) SignOut(sts.Partition) string { return "https://signin.test/logout" }

func (f *fakeSignIn) SignInURL(_ context.Context, _ sts.Credentials, req broker.SignInRequest) (broker.SignInURL, error) {
	f.got = req
	return broker.SignInURL{URL: secret.New("https://signin.test/x")}, f.err
}

type fakeAudit struct {
	mu     sync.Mutex
	events []broker.Event
	err    error
}

func (a *fakeAudit) Record(_ context.Context, e broker.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.events = append(a.events, e)
	return nil
}

func (a *fakeAudit) last(t *testing.T) broker.Event {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.events) == 0 {
		t.Fatal("nothing was recorded")
	}
	return a.events[len(a.events)-1]
}
