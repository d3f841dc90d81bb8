package oidc_test

import (
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/internal/fetch"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/go-jose/go-jose/v4"
)

const (
	audience = "https://aws.example.com"
	subject  = "repo:canary-org/shop:ref:refs/heads/main"
)

// clock is set by hand.
type clock struct{ unix atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.unix.Store(1790000000)
	return c
}

func (c *clock) now() time.Time { return time.Unix(c.unix.Load(), 0) }

func (c *clock) advance(d time.Duration) { c.unix.Add(int64(d / time.Second)) }

// fixture is a verifier, the issuer that it trusts, and their common clock.
type fixture struct {
	*oidc.Workload
	t      testing.TB
	issuer *idptest.Issuer
	clock  *clock
}

func newFixture(t testing.TB, change ...func(*oidc.Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, issuer: idptest.NewIssuer(t), clock: newClock()}
	f.issuer.Clock = f.clock.now
	o := oidc.Options{
		ID: "ci", Issuer: f.issuer.URL, Audiences: []string{audience}, Clock: f.clock.now, Fetch: loopback(t),
	}
	for _, c := range change {
		c(&o)
	}
	w, err := oidc.NewWorkload(o)
	if err != nil {
		t.Fatal(err)
	}
	f.Workload = w
	return f
}

func loopback(t testing.TB) *fetch.Client {
	t.Helper()
	c, err := fetch.New(fetch.Options{AllowLoopbackHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// claims are good ones, changed by the arguments.
func (f *fixture) claims(changes ...map[string]any) map[string]any {
	now := f.clock.now().Unix()
	all := map[string]any{"iss": f.issuer.URL, "aud": audience, "sub": subject, "iat": now, "nbf": now, "exp": now + 300, "jti": "id-1"}
	for _, c := range changes {
		maps.Copy(all, c)
	}
	return all
}

// token is a good one, but for the changes.
func (f *fixture) token(changes ...map[string]any) string {
	return f.issuer.Token(f.claims(changes...))
}

// payload signs a payload as it stands.
func (f *fixture) payload(doc string) string {
	return idptest.SignJWT(f.t, f.issuer.Key(), []byte(doc))
}

// spelled is a good payload with one member spelled by hand, in place of the usual one.
func (f *fixture) spelled(name, raw string) string {
	all := f.claims()
	delete(all, name)
	doc := string(mustJSON(f.t, all))
	return f.payload(strings.TrimSuffix(doc, "}") + "," + raw + "}")
}

// header signs the good payload under a header as it stands.
func (f *fixture) header(doc string) string {
	return idptest.SignJWS(f.t, f.issuer.Key(), []byte(doc), mustJSON(f.t, f.claims()))
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (f *fixture) verify(token string) (idp.Identity, error) {
	return f.Verify(f.t.Context(), secret.New(token))
}

func (f *fixture) accepts(t *testing.T, token string) idp.Identity {
	t.Helper()
	id, err := f.verify(token)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return id
}

// refuses wants that kind of error, no identity beside it, and nothing of the token in its text.
func (f *fixture) refuses(t *testing.T, want idp.Kind, token string) {
	t.Helper()
	id, err := f.verify(token)
	wantKind(t, want, id, err)
}

func wantKind(t *testing.T, want idp.Kind, id idp.Identity, err error) {
	t.Helper()
	var refusal *idp.Error
	switch {
	case !errors.As(err, &refusal):
		t.Errorf("got %v, want an idp.Error", err)
	case refusal.Kind != want:
		t.Errorf("got kind %d (%v), want %d", refusal.Kind, err, want)
	case refusal.Reason == "" || strings.Contains(err.Error(), "canary"):
		t.Errorf("the error says nothing, or too much: %v", err)
	}
	if !reflect.DeepEqual(id, idp.Identity{}) {
		t.Errorf("an identity beside the error: %+v", id)
	}
}

// signingKeys is one key for every algorithm.
func signingKeys(t testing.TB) []idptest.SigningKey {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa := idptest.RSAKey(0).Signer
	return []idptest.SigningKey{
		{ID: "es256", Alg: jose.ES256, Key: idptest.ECDSAKey(elliptic.P256()).Signer},
		{ID: "es384", Alg: jose.ES384, Key: idptest.ECDSAKey(elliptic.P384()).Signer},
		{ID: "es512", Alg: jose.ES512, Key: idptest.ECDSAKey(elliptic.P521()).Signer},
		{ID: "rs256", Alg: jose.RS256, Key: rsa},
		{ID: "rs384", Alg: jose.RS384, Key: rsa},
		{ID: "rs512", Alg: jose.RS512, Key: rsa},
		{ID: "ps256", Alg: jose.PS256, Key: rsa},
		{ID: "ps384", Alg: jose.PS384, Key: rsa},
		{ID: "ps512", Alg: jose.PS512, Key: rsa},
		{ID: "eddsa", Alg: jose.EdDSA, Key: ed},
	}
}
