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
	l := newLocal(t)
	ststest.Run(t, ststest.Target{
		Endpoint: l.url, Region: "eu-central-1", AccountID: account,
		AccessKeyID: l.key.AccessKeyID, SecretAccessKey: secret.New(l.key.SecretAccessKey),
		IssuerURL: issuerURL, Audience: audience, JWTKeys: l.jwt, SAMLKeys: l.saml,
		Now: l.now, Advance: func(d time.Duration) { l.ahead.Add(int64(d)) },
	})
}

// local is an embedded AWS that trusts an issuer.
type local struct {
	url, provider string
	key           localaws.AccessKey
	jwt, saml     *issuer.Keyring
	issuer        *issuer.Issuer
	ahead         atomic.Int64
}

func (l *local) now() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }

func newLocal(t *testing.T) *local {
	t.Helper()
	l := &local{
		provider: "arn:aws:iam::" + account + ":saml-provider/" + ststest.ProviderName,
		jwt:      keyring(t, issuer.PurposeJWT), saml: keyring(t, issuer.PurposeSAML),
	}
	l.issuer = must(issuer.New(issuer.Options{URL: issuerURL, Audience: audience, Keys: l.jwt, SAML: &issuer.SAMLOptions{Keys: l.saml}}))
	late := new(lateHandler)
	listener := httptest.NewServer(late)
	t.Cleanup(listener.Close)
	server := must(localaws.New(localaws.Options{Seed: seed(t, l.issuer), URL: listener.URL, Clock: l.now}))
	late.handler.Store(server)
	l.url, l.key = listener.URL, server.AccessKeys()[0]
	return l
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// lateHandler lets the server know its own address before it exists.
type lateHandler struct {
	handler atomic.Pointer[localaws.Server]
}

func (l *lateHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.handler.Load().ServeHTTP(w, r)
}

func keyring(t *testing.T, p issuer.Purpose) *issuer.Keyring {
	t.Helper()
	memory := must(store.NewMemory(store.MemoryOptions{Clock: time.Now}))
	k := must(issuer.NewKeyring(issuer.KeyringOptions{Purpose: p, Store: memory}))
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

func seed(t *testing.T, trusted *issuer.Issuer) localaws.Seed {
	t.Helper()
	jwks, metadata := must(trusted.JWKS(t.Context())), must(trusted.Metadata(t.Context()))
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
