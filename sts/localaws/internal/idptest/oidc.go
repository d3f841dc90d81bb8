package idptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// OIDC is an issuer over HTTP on loopback.
type OIDC struct {
	URL string
	Key *ecdsa.PrivateKey
	KID string
	// Fetches counts requests for the key set.
	Fetches atomic.Int32
	// Serve replaces the answer to a path when set.
	Serve map[string]http.HandlerFunc
}

// NewOIDC starts an issuer with one ES256 key.
func NewOIDC(t testing.TB) *OIDC {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &OIDC{Key: key, KID: "k1", Serve: map[string]http.HandlerFunc{}}
	server := httptest.NewServer(http.HandlerFunc(o.serve))
	t.Cleanup(server.Close)
	o.URL = server.URL
	return o
}

func (o *OIDC) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/jwks" {
		o.Fetches.Add(1)
	}
	if handler, ok := o.Serve[r.URL.Path]; ok {
		handler(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": o.URL, "jwks_uri": o.URL + "/jwks"})
	case "/jwks":
		_, _ = w.Write(o.JWKS())
	default:
		http.NotFound(w, r)
	}
}

// JWKS returns the issuer's key set.
func (o *OIDC) JWKS() []byte {
	out, err := json.Marshal(map[string]any{"keys": []any{ECKey(o.KID, &o.Key.PublicKey)}})
	if err != nil {
		panic(err)
	}
	return out
}

// ECKey returns a P-256 key as a JWK.
func ECKey(kid string, key *ecdsa.PublicKey) map[string]any {
	point, err := key.Bytes()
	if err != nil {
		panic(err)
	}
	return map[string]any{
		"kty": "EC", "crv": "P-256", "use": "sig", "kid": kid,
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}
}

// Mint signs claims with the issuer's key.
func (o *OIDC) Mint(t testing.TB, claims map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims(claims))
	token.Header["kid"] = o.KID
	signed, err := token.SignedString(o.Key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// Raw signs a header and a payload as they are.
func (o *OIDC) Raw(t testing.TB, header, payload string) string {
	t.Helper()
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := jwt.SigningMethodES256.Sign(text, o.Key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}
