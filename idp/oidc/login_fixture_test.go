package oidc_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/internal/secret"
)

const (
	callbackURL = "https://aws.example.com/oidc/corp/callback"
	handle      = "handle-of-22-characters"
)

// loginFixture is a login, its provider, and their common clock.
type loginFixture struct {
	*oidc.Login
	t     testing.TB
	op    *idptest.OpenID
	clock *clock
}

func newLogin(t testing.TB, change ...func(*oidc.LoginOptions)) *loginFixture {
	t.Helper()
	f := &loginFixture{t: t, op: idptest.NewOpenID(t, "broker", "s3cret-canary", callbackURL), clock: newClock()}
	f.op.Clock = f.clock.now
	o := oidc.LoginOptions{
		ID: "corp", Issuer: f.op.URL, ClientID: "broker", ClientSecret: secret.New("s3cret-canary"), RedirectURL: callbackURL,
		Fetch: loopback(t), Clock: f.clock.now,
	}
	for _, c := range change {
		c(&o)
	}
	login, err := oidc.NewLogin(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Login = login
	return f
}

// attempt is a login that was begun and came back.
type attempt struct {
	state idp.State
	back  url.Values
}

func (f *loginFixture) attempt(want idp.LoginRequest) attempt {
	f.t.Helper()
	want.Handle = handle
	redirect, state, err := f.Begin(f.t.Context(), want)
	if err != nil {
		f.t.Fatal(err)
	}
	if len(redirect.Form) != 0 {
		f.t.Fatal("a form, where a redirect is wanted")
	}
	return attempt{state, f.op.SignIn(redirect.URL)}
}

func (f *loginFixture) finish(a attempt) (idp.Identity, error) {
	return f.Finish(f.t.Context(), a.state, idp.Callback{Form: a.back})
}

func (f *loginFixture) signsIn(t *testing.T, want idp.LoginRequest) idp.Identity {
	t.Helper()
	id, err := f.finish(f.attempt(want))
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return id
}

func (f *loginFixture) turnsAway(t *testing.T, kind idp.Kind, want idp.LoginRequest) {
	t.Helper()
	id, err := f.finish(f.attempt(want))
	wantKind(t, kind, id, err)
}

func (f *loginFixture) ago(d time.Duration) int64 { return f.clock.now().Add(-d).Unix() }
