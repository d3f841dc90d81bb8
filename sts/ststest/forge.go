package ststest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

func parts(token string) []string { return strings.SplitN(token, ".", 3) }

func otherPayload(t *testing.T, _ *suite, good string) string {
	t.Helper()
	p := parts(good)
	body, err := base64.RawURLEncoding.DecodeString(p[1])
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(body), oneSubject, "ci:two", 1)
	return p[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(changed)) + "." + p[2]
}

func otherSignature(t *testing.T, _ *suite, good string) string {
	t.Helper()
	p := parts(good)
	sig, err := base64.RawURLEncoding.DecodeString(p[2])
	if err != nil {
		t.Fatal(err)
	}
	sig[0] ^= 1
	return p[0] + "." + p[1] + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func algNone(_ *testing.T, _ *suite, good string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts(good)[1] + "."
}

// algHS256 signs with the published key set as an HMAC key: the oldest of all confusions.
func algHS256(t *testing.T, s *suite, good string) string {
	t.Helper()
	jwks, err := s.issuer.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.JWTKeys.Published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"` + keys[0].ID + `","typ":"JWT"}`))
	mac := hmac.New(sha256.New, jwks)
	mac.Write([]byte(header + "." + parts(good)[1]))
	return header + "." + parts(good)[1] + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
