package idptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ECKey makes a key on P-256.
func ECKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// SigningKey is one key of an [Issuer] and how it appears in tokens and in the key set.
type SigningKey struct {
	ID  string
	Alg jose.SignatureAlgorithm
	Key crypto.Signer
}

// Issuer is an OpenID Connect issuer of tokens for machines: discovery document, key set, tokens. Its methods are safe
// for concurrent use.
type Issuer struct {
	// URL is the issuer, http on loopback.
	URL string
	// Clock dates tokens; time.Now unless set before the first token.
	Clock func() time.Time

	t      testing.TB
	server *httptest.Server

	mu        sync.Mutex
	keys      []SigningKey
	jwks      []byte // replaces the key set
	discovery map[string]any
	header    http.Header
	status    int
	gate      chan struct{}
	fetches   map[string]int
	handlers  map[string]http.HandlerFunc // further paths
}

// NewIssuer starts an issuer with one ES256 key, "key-1". It stops with the test.
func NewIssuer(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t, Clock: time.Now, fetches: make(map[string]int)}
	i.server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.server.Close)
	i.URL = i.server.URL
	i.keys = []SigningKey{{ID: "key-1", Alg: jose.ES256, Key: ECKey(t)}}
	return i
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	gate, further := i.gate, i.handlers[r.URL.Path]
	i.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if further != nil {
		further(w, r)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetches[r.URL.Path]++
	maps.Copy(w.Header(), i.header)
	w.Header().Set("Content-Type", "application/json")
	if i.status != 0 {
		w.WriteHeader(i.status)
		return
	}
	switch r.URL.Path {
	case DiscoveryPath:
		i.write(w, i.metadata())
	case JWKSPath:
		if i.jwks != nil {
			_, _ = w.Write(i.jwks)
			return
		}
		i.write(w, i.publicKeys())
	default:
		http.NotFound(w, r)
	}
}

// The paths of an [Issuer].
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	JWKSPath      = "/jwks"
)

func (i *Issuer) metadata() map[string]any {
	doc := map[string]any{
		"issuer":                                i.URL,
		"jwks_uri":                              i.URL + JWKSPath,
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256"},
	}
	maps.Copy(doc, i.discovery)
	return doc
}

func (i *Issuer) publicKeys() jose.JSONWebKeySet {
	var set jose.JSONWebKeySet
	for _, k := range i.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Key.Public(), KeyID: k.ID, Algorithm: string(k.Alg), Use: "sig"})
	}
	return set
}

func (i *Issuer) write(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

// JWKS is the key set that the issuer publishes.
func (i *Issuer) JWKS() []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	b, err := json.Marshal(i.publicKeys())
	if err != nil {
		i.t.Fatal(err)
	}
	return b
}

// SetKeys replaces the keys: the first signs, all are published.
func (i *Issuer) SetKeys(keys ...SigningKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = keys
}

// Rotate puts a new ES256 key in front of the others and returns it.
func (i *Issuer) Rotate() SigningKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	key := SigningKey{ID: fmt.Sprintf("key-%d", len(i.keys)+1), Alg: jose.ES256, Key: ECKey(i.t)}
	i.keys = append([]SigningKey{key}, i.keys...)
	return key
}

// Key is the key that signs.
func (i *Issuer) Key() SigningKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[0]
}

// Fail answers everything with that status; 0 mends the issuer.
func (i *Issuer) Fail(status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status = status
}

// Hold makes requests wait until release is called, once.
func (i *Issuer) Hold() (release func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	gate := make(chan struct{})
	i.gate = gate
	return sync.OnceFunc(func() {
		i.mu.Lock()
		i.gate = nil
		i.mu.Unlock()
		close(gate)
	})
}

// SetDiscovery overwrites members of the discovery document; nil restores it.
func (i *Issuer) SetDiscovery(members map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.discovery = members
}

// SetJWKS replaces the published key set, byte by byte; nil restores it.
func (i *Issuer) SetJWKS(doc []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.jwks = doc
}

// SetHeader adds header fields to every answer.
func (i *Issuer) SetHeader(h http.Header) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.header = h
}

// Fetches counts the requests for a path.
func (i *Issuer) Fetches(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches[path]
}

// Token signs claims with the first key. iss, iat and exp (in five minutes) are filled in where they are missing; a
// claim whose value is [Absent] is left out.
func (i *Issuer) Token(claims map[string]any) string { return i.TypedToken("JWT", claims) }

// TypedToken is Token with another type in its header; empty leaves it out.
func (i *Issuer) TypedToken(typ string, claims map[string]any) string {
	now := i.Clock()
	all := map[string]any{"iss": i.URL, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == Absent{} })
	payload, err := json.Marshal(all)
	if err != nil {
		i.t.Fatal(err)
	}
	return SignTyped(i.t, i.Key(), typ, payload)
}

// LogoutToken signs a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4). iss, iat, exp (in two minutes),
// jti and events are filled in where they are missing; a claim whose value is [Absent] is left out.
func (i *Issuer) LogoutToken(claims map[string]any) string {
	return i.TypedToken("logout+jwt", i.logoutClaims(claims))
}

func (i *Issuer) logoutClaims(claims map[string]any) map[string]any {
	all := map[string]any{
		"exp": i.Clock().Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	maps.Copy(all, claims)
	return all
}

// Absent as a claim's value leaves the claim out of [Issuer.Token].
type Absent struct{}

// KeyNamed is the published key of that id.
func (i *Issuer) KeyNamed(id string) SigningKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, k := range i.keys {
		if k.ID == id {
			return k
		}
	}
	i.t.Fatalf("the issuer has no key %q", id)
	return SigningKey{}
}
