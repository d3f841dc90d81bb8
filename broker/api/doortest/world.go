package doortest

import (
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/oauth"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/idp/saml"
)

const (
	// PublicURL is the broker's origin.
	PublicURL = "https://broker.test"
	// Subject is whom [World.Token] speaks of.
	Subject = "repo:acme/shop"
)

// Start is a minute before the first test can look at a clock.
var Start = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// Seed is randomness that is the same in each run, for golden files.
type Seed struct {
	mu  sync.Mutex
	src *rand.ChaCha8
}

func (s *Seed) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.src.Read(b)
}

// World is a broker and everything around it.
type World struct {
	Broker   *broker.Broker
	Sessions *session.Sessions
	Tokens   *oauth.Tokens
	Logins   *session.Logins
	Cookies  session.Cookies
	Policy   *policy.Policy

	// CI is the issuer of workload tokens of idp "ci".
	CI *idptest.Issuer
	// Corp takes answers that nobody asked for, in the browser and directly; Other takes neither.
	Corp, Other     *idptest.SAMLIDP
	CorpSP, OtherSP *saml.Provider

	Store            *Store
	STS              *STS
	SignIn           *SignIn
	Audit, Strangers *Audit
	Rand             io.Reader

	t     testing.TB
	roles []*broker.Role
	mu    sync.Mutex
	now   time.Time
}

// New builds a world. The staff of corp have further roles, too.
func New(t testing.TB, further ...*broker.Role) *World {
	t.Helper()
	w := &World{
		Audit: &Audit{}, Strangers: &Audit{}, Rand: &Seed{src: rand.NewChaCha8([32]byte{1})}, t: t, roles: append(roles(), further...),
		now: Start.Add(-time.Microsecond), // Prepare waits for the end of a second
	}
	w.STS = &STS{now: w.Now}
	var err error
	w.SignIn, err = newSignIn()
	w.must(err)
	sealed, err := store.Open(t.Context(), store.Config{Clock: w.Now, Rand: w.Rand})
	w.must(err)
	w.Store = &Store{inner: sealed}
	w.providers()
	w.Policy = w.policy(further)
	w.Broker, err = broker.New(broker.Options{
		Policy: w.Policy, Roles: w.roles, Assumer: w.STS, Minter: minter{}, Subject: func(p, s string) string { return p + ":" + s },
		SignIn: w.SignIn, Store: w.Store, Auditor: w.Audit, Strangers: w.Strangers, Workload: w.workload(), Direct: w.CorpSP,
		CacheKey: make([]byte, 32), Endpoint: "https://sts.test", Clock: w.Now, Rand: w.Rand,
	})
	w.must(err)
	w.must(w.Broker.Prepare(t.Context()))
	w.Sessions, err = session.New(session.Options{Store: w.Store, Clock: w.Now, Rand: w.Rand})
	w.must(err)
	w.Tokens, err = oauth.NewTokens(oauth.TokenOptions{Store: w.Store, Sessions: w.Sessions, Clock: w.Now, Rand: w.Rand})
	w.must(err)
	w.Logins, err = session.NewLogins(session.LoginOptions{Store: w.Store, Clock: w.Now, Rand: w.Rand})
	w.must(err)
	w.Cookies, err = session.NewCookies(session.CookieOptions{})
	w.must(err)
	w.Pass(time.Microsecond + time.Minute) // proofs are issued after the floor
	return w
}

func (w *World) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// Now is the time in the world.
func (w *World) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// Pass lets time go by.
func (w *World) Pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *World) workload() idp.Verifier {
	w.CI = idptest.NewIssuer(w.t)
	w.CI.Clock = w.Now
	ci, err := oidc.NewWorkload(oidc.Options{ID: "ci", Issuer: w.CI.URL, Audiences: []string{PublicURL}, JWKSFile: w.CI.JWKS(), Clock: w.Now})
	w.must(err)
	return ci
}

// Token is a good workload token of [Subject].
func (w *World) Token() string {
	return w.CI.Token(map[string]any{"aud": PublicURL, "sub": Subject, "jti": "t1", "repository": "acme/shop", "nbf": w.Now().Unix()})
}

func (w *World) providers() {
	w.Corp, w.Other = idptest.NewSAMLIDP(w.Now), idptest.NewSAMLIDP(w.Now)
	w.Other.EntityID, w.Other.Redirect = "https://other.example.com/metadata", ""
	w.Other.Post = "https://other.example.com/sso"
	w.Other.Keys = []idptest.SAMLKey{idptest.RSAKey(1)}
	w.CorpSP, w.OtherSP = w.provider("corp", w.Corp, true), w.provider("other", w.Other, false)
}

func (w *World) provider(id string, from *idptest.SAMLIDP, free bool) *saml.Provider {
	key := idptest.RSAKey(2)
	p, err := saml.New(saml.Options{
		ID: id, EntityID: EntityID(id), ACSURL: ACS(id), Metadata: from.Metadata(), Signing: saml.SigningKey{Key: key.Signer, Cert: key.Cert},
		AllowIDPInitiated: free, Direct: free, Clock: w.Now, Rand: w.Rand,
		Claims: saml.ClaimMapping{Username: []string{"user"}, Email: []string{"mail"}, Groups: []string{"groups"}},
	})
	w.must(err)
	return p
}

// EntityID is the broker's name towards a SAML provider.
func EntityID(id string) string { return PublicURL + "/saml/" + id + "/metadata" }

// ACS is where a SAML provider's Responses go.
func ACS(id string) string { return PublicURL + "/saml/" + id + "/acs" }

// Answer is a good signed answer of a provider about a person; inResponseTo is empty for one that nobody asked for.
func Answer(id, person, inResponseTo string) idptest.SAMLAnswer {
	return idptest.SAMLAnswer{
		ACS: ACS(id), Audience: EntityID(id), InResponseTo: inResponseTo, NameID: person, SignAssertion: true,
		NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
		ACR:          "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		Attributes: []idptest.SAMLAttribute{
			{Name: "user", Values: []string{person}}, {Name: "mail", Values: []string{"mail@corp.example"}}, {Name: "groups", Values: []string{"staff"}},
		},
	}
}
