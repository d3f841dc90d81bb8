package oidc_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/go-jose/go-jose/v4"
)

func num(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaJWK(n *big.Int, e int) map[string]any {
	return map[string]any{"kty": "RSA", "kid": "k", "n": num(n.Bytes()), "e": num(big.NewInt(int64(e)).Bytes())}
}

func ecJWK(t testing.TB, crv string, key *ecdsa.PrivateKey) map[string]any {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	half := len(point) / 2
	return map[string]any{"kty": "EC", "kid": "k", "crv": crv, "x": num(point[1 : 1+half]), "y": num(point[1+half:])}
}

func with(jwk map[string]any, changes map[string]any) map[string]any {
	out := maps.Clone(jwk)
	maps.Copy(out, changes)
	return out
}

func bits(n uint) *big.Int {
	v := new(big.Int).Lsh(big.NewInt(1), n-1)
	return v.Or(v, big.NewInt(1))
}

func refusedKeys(t testing.TB) map[string]any {
	t.Helper()
	key := idptest.RSAKey(0).Signer.(*rsa.PrivateKey)
	good := rsaJWK(key.N, key.E)
	p256 := idptest.ECKey(t)
	ec := ecJWK(t, "P-256", p256)
	return map[string]any{
		"null":                 nil,
		"a number":             1,
		"an array":             []any{good},
		"nothing":              map[string]any{},
		"no kty":               map[string]any{"kid": "k", "n": good["n"], "e": good["e"]},
		"unknown kty":          with(good, map[string]any{"kty": "XYZ"}),
		"kty in other case":    with(good, map[string]any{"kty": "rsa"}),
		"kty a number":         with(good, map[string]any{"kty": 1}),
		"symmetric":            map[string]any{"kty": "oct", "kid": "k", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"},
		"symmetric member":     with(good, map[string]any{"k": "c2VjcmV0"}),
		"private RSA":          with(good, map[string]any{"d": num(key.D.Bytes())}),
		"private prime":        with(good, map[string]any{"p": num(key.Primes[0].Bytes())}),
		"private null":         with(good, map[string]any{"d": nil}),
		"private EC":           with(ec, map[string]any{"d": num(mustBytes(t, p256))}),
		"RSA 512":              rsaJWK(bits(512), 65537),
		"RSA 1024":             rsaJWK(idptest.WeakRSAKey().Signer.Public().(*rsa.PublicKey).N, 65537),
		"RSA 2047":             rsaJWK(bits(2047), 65537),
		"RSA 4097":             rsaJWK(bits(4097), 65537),
		"RSA 65536":            rsaJWK(bits(65536), 65537),
		"RSA even":             rsaJWK(new(big.Int).Sub(key.N, big.NewInt(1)), 65537),
		"RSA zero":             with(good, map[string]any{"n": "AA"}),
		"RSA no modulus":       with(good, map[string]any{"n": ""}),
		"RSA exponent 1":       rsaJWK(key.N, 1),
		"RSA exponent 2":       rsaJWK(key.N, 2),
		"RSA exponent 3":       rsaJWK(key.N, 3),
		"RSA exponent 65536":   rsaJWK(key.N, 65536),
		"RSA exponent 65538":   rsaJWK(key.N, 65538),
		"RSA exponent huge":    rsaJWK(key.N, 1<<31+1),
		"RSA exponent 128 bit": with(good, map[string]any{"e": num(bits(128).Bytes())}),
		"RSA no exponent":      with(good, map[string]any{"e": ""}),
		"RSA n a number":       with(good, map[string]any{"n": 5}),
		"RSA n not base64":     with(good, map[string]any{"n": "!!"}),
		"EC off the curve":     with(ec, map[string]any{"x": num(make([]byte, 32))}),
		"EC at infinity":       with(ec, map[string]any{"x": num(make([]byte, 32)), "y": num(make([]byte, 32))}),
		"EC other curve":       with(ec, map[string]any{"crv": "P-384"}),
		"EC unknown curve":     with(ec, map[string]any{"crv": "secp256k1"}),
		"EC P-224":             with(ec, map[string]any{"crv": "P-224"}),
		"EC no y":              map[string]any{"kty": "EC", "kid": "k", "crv": "P-256", "x": ec["x"]},
		"EC short x":           with(ec, map[string]any{"x": num([]byte{1})}),
		"Ed25519 short":        map[string]any{"kty": "OKP", "kid": "k", "crv": "Ed25519", "x": num(make([]byte, 31))},
		"Ed25519 low order":    map[string]any{"kty": "OKP", "kid": "k", "crv": "Ed25519", "x": num(make([]byte, 32))},
		"X25519":               map[string]any{"kty": "OKP", "kid": "k", "crv": "X25519", "x": num(make([]byte, 32))},
		"use enc":              with(good, map[string]any{"use": "enc"}),
		"use null":             with(good, map[string]any{"use": nil}),
		"use in other case":    with(good, map[string]any{"use": "SIG"}),
		"use an array":         with(good, map[string]any{"use": []string{"sig"}}),
		"key_ops sign only":    with(good, map[string]any{"key_ops": []string{"sign"}}),
		"key_ops encrypt":      with(good, map[string]any{"key_ops": []string{"encrypt", "wrapKey"}}),
		"key_ops empty":        with(good, map[string]any{"key_ops": []string{}}),
		"key_ops as text":      with(good, map[string]any{"key_ops": "verify"}),
		"alg RSA-OAEP":         with(good, map[string]any{"alg": "RSA-OAEP"}),
		"alg HS256":            with(good, map[string]any{"alg": "HS256"}),
		"alg none":             with(good, map[string]any{"alg": "none"}),
		"alg of another type":  with(good, map[string]any{"alg": "ES256"}),
		"alg of another curve": with(ec, map[string]any{"alg": "ES384"}),
		"alg a number":         with(good, map[string]any{"alg": 256}),
		"alg empty":            with(good, map[string]any{"alg": ""}),
		"kid a number":         with(good, map[string]any{"kid": 1}),
		"kid empty":            with(good, map[string]any{"kid": ""}),
		"kid with a control":   with(good, map[string]any{"kid": "k\x00"}),
		"kid too long":         with(good, map[string]any{"kid": strings.Repeat("k", 257)}),
	}
}

func mustBytes(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	b, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func keySet(t testing.TB, keys ...any) []byte {
	t.Helper()
	return mustJSON(t, map[string]any{"keys": keys})
}

// A key that is no use is left out; beside a good one it changes nothing.
func TestUnusableKeysAreLeftOut(t *testing.T) {
	good := ecJWK(t, "P-256", idptest.ECKey(t))
	for name, key := range refusedKeys(t) {
		t.Run(name, func(t *testing.T) {
			if n, err := oidc.ParseJWKS(keySet(t, key)); err == nil {
				t.Errorf("alone: %d keys", n)
			}
			if n, err := oidc.ParseJWKS(keySet(t, key, good)); err != nil || n != 1 {
				t.Errorf("beside a good one: %d, %v", n, err)
			}
		})
	}
}

func TestUsableKeys(t *testing.T) {
	key := idptest.RSAKey(0).Signer.(*rsa.PrivateKey)
	good := rsaJWK(key.N, key.E)
	edKey, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, jwk := range map[string]any{
		"RSA 2048": good, "RSA 4096": rsaJWK(bits(4096), 65537), "no kid": map[string]any{"kty": "RSA", "n": good["n"], "e": good["e"]},
		"use sig": with(good, map[string]any{"use": "sig"}), "key_ops verify": with(good, map[string]any{"key_ops": []string{"verify"}}),
		"alg PS512":   with(good, map[string]any{"alg": "PS512"}),
		"P-256":       ecJWK(t, "P-256", idptest.ECKey(t)),
		"P-384":       ecJWK(t, "P-384", idptest.ECDSAKey(elliptic.P384()).Signer.(*ecdsa.PrivateKey)),
		"P-521":       ecJWK(t, "P-521", idptest.ECDSAKey(elliptic.P521()).Signer.(*ecdsa.PrivateKey)),
		"Ed25519":     map[string]any{"kty": "OKP", "kid": "k", "crv": "Ed25519", "alg": "Ed25519", "x": num(edKey)},
		"x5c, unread": with(good, map[string]any{"x5c": []string{"not a certificate"}, "x5u": "http://169.254.169.254/"}),
	} {
		if n, err := oidc.ParseJWKS(keySet(t, jwk)); err != nil || n != 1 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

func TestTheNumberOfKeysIsBounded(t *testing.T) {
	key := ecJWK(t, "P-256", idptest.ECKey(t))
	many := func(n int) []byte {
		keys := make([]any, n)
		for i := range keys {
			keys[i] = with(key, map[string]any{"kid": fmt.Sprint("k", i)})
		}
		return keySet(t, keys...)
	}
	if n, err := oidc.ParseJWKS(many(100)); err != nil || n != 100 {
		t.Errorf("100 keys: %d, %v", n, err)
	}
	for _, n := range []int{101, 10_000} {
		if _, err := oidc.ParseJWKS(many(n)); err == nil {
			t.Errorf("%d keys were accepted", n)
		}
	}
}

// A key verifies what it is for and nothing else: its alg pins it, and a token without kid needs a set without choice.
func TestKeySelection(t *testing.T) {
	f := newFixture(t)
	rsaKey := idptest.RSAKey(0).Signer
	pinned := idptest.SigningKey{ID: "rs256", Alg: jose.RS256, Key: rsaKey}
	ec, second := f.issuer.Key(), idptest.SigningKey{ID: "key-2", Alg: jose.ES256, Key: idptest.ECKey(t)}
	f.issuer.SetKeys(ec, pinned)
	payload := mustJSON(t, f.claims())
	asPS := idptest.SigningKey{ID: "rs256", Alg: jose.PS256, Key: rsaKey}
	f.accepts(t, idptest.SignJWT(t, pinned, payload))
	f.refuses(t, idp.KindInvalid, idptest.SignJWT(t, asPS, payload))
	f.accepts(t, f.header(`{"alg":"ES256"}`)) // one EC key among others: no choice
	other := newFixture(t)
	other.issuer.SetKeys(ec, second)
	other.refuses(t, idp.KindInvalid, other.header(`{"alg":"ES256"}`))
	other.accepts(t, other.header(`{"alg":"ES256","kid":"key-1"}`))
}

// Two keys under one id (RFC 7517 section 4.5 allows it for different types): each verifies its own.
func TestTwoKeysWithOneID(t *testing.T) {
	f := newFixture(t)
	a, b := f.issuer.Key(), idptest.SigningKey{ID: "key-1", Alg: jose.ES256, Key: idptest.ECKey(t)}
	r := idptest.SigningKey{ID: "key-1", Alg: jose.RS256, Key: idptest.RSAKey(0).Signer}
	f.issuer.SetKeys(a, b, r)
	for _, key := range []idptest.SigningKey{a, b, r} {
		f.accepts(t, idptest.SignJWT(t, key, mustJSON(t, f.claims())))
	}
}

func FuzzJWKS(f *testing.F) {
	good := ecJWK(f, "P-256", idptest.ECKey(f))
	for _, key := range refusedKeys(f) {
		if b := keySet(f, key, good); len(b) < 2000 {
			f.Add(b)
		}
	}
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, err := oidc.ParseJWKS(doc)
		if (err == nil) == (n == 0) || n > 100 {
			t.Fatalf("%d keys and %v", n, err)
		}
		if err == nil && !json.Valid(doc) {
			t.Fatal("keys out of what is not JSON")
		}
	})
}
