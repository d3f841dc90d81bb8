package ststest_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts/localaws"
	"github.com/fedbroker/fedbroker/sts/ststest"
)

const (
	account   = "111122223333"
	issuerURL = "https://aws.example.com"
	audience  = "sts.amazonaws.com"
)

// TestLocalAWS runs the whole suite against the embedded AWS. The issuer's keys reach it as AWS gets them: as a JWKS
// and as SAML metadata.
func TestLocalAWS(t *testing.T) {
	jwt, saml := keyring(t, issuer.PurposeJWT), keyring(t, issuer.PurposeSAML)
	trusted, err := issuer.New(issuer.Options{URL: issuerURL, Audience: audience, Keys: jwt, SAML: &issuer.SAMLOptions{Keys: saml}})
	if err != nil {
		t.Fatal(err)
	}
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }

	late := new(lateHandler)
	listener := httptest.NewServer(late)
	t.Cleanup(listener.Close)
	server, err := localaws.New(localaws.Options{Seed: seed(t, trusted), URL: listener.URL, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	late.handler.Store(server)
	key := server.AccessKeys()[0]

	ststest.Run(t, ststest.Target{
		Endpoint: listener.URL, Region: "eu-central-1", AccountID: account,
		AccessKeyID: key.AccessKeyID, SecretAccessKey: secret.New(key.SecretAccessKey),
		IssuerURL: issuerURL, Audience: audience, JWTKeys: jwt, SAMLKeys: saml,
		Now: now, Advance: func(d time.Duration) { ahead.Add(int64(d)) },
	})
}

// lateHandler lets the server know its own address before it exists.
type lateHandler struct{ handler atomic.Pointer[localaws.Server] }

func (l *lateHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.handler.Load().ServeHTTP(w, r)
}

func keyring(t *testing.T, p issuer.Purpose) *issuer.Keyring {
	t.Helper()
	memory, err := store.NewMemory(store.MemoryOptions{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	k, err := issuer.NewKeyring(issuer.KeyringOptions{Purpose: p, Store: memory})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

func seed(t *testing.T, trusted *issuer.Issuer) localaws.Seed {
	t.Helper()
	jwks, err := trusted.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := trusted.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := localaws.SeedAccount{
		ID: account, Name: "ststest",
		OIDCProviders: []localaws.SeedOIDCProvider{{URL: issuerURL, ClientIDs: []string{audience}, JWKS: jwks}},
		SAMLProviders: []localaws.SeedSAMLProvider{{Name: ststest.ProviderName, Metadata: string(metadata)}},
		Users: []localaws.SeedUser{{
			Name: ststest.UserName, AccessKeys: []localaws.SeedAccessKey{{Generate: true}},
			Policies: []localaws.SeedPolicy{{Name: "assume", Document: ststest.UserPolicy()}},
		}},
	}
	for _, r := range ststest.Setup(account, issuerURL, audience) {
		role := localaws.SeedRole{
			Name: r.Name, Path: ststest.RolePath, TrustPolicy: r.TrustPolicy, MaxSessionDuration: r.MaxSessionSeconds,
		}
		if r.Policy != nil {
			role.Policies = []localaws.SeedPolicy{{Name: "assume", Document: r.Policy}}
		}
		a.Roles = append(a.Roles, role)
	}
	return localaws.Seed{Accounts: []localaws.SeedAccount{a}}
}
