package oidc_test

import (
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/go-jose/go-jose/v4"
)

// FuzzToken holds the strict front to go-jose: what it lets through, the library reads as the same compact token, and
// writes again byte by byte.
func FuzzToken(f *testing.F) {
	fix := newFixture(f)
	for _, token := range refusedForms(fix) {
		if len(token) < 4<<10 {
			f.Add(token)
		}
	}
	for _, header := range refusedHeaders() {
		f.Add(fix.header(header))
	}
	f.Add(fix.token())
	algs := []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
	f.Fuzz(func(t *testing.T, token string) {
		if oidc.ParseToken(token) != nil {
			return
		}
		parsed, err := jose.ParseSignedCompact(token, algs)
		if err != nil {
			return // an algorithm outside the list, or a key in the header that the library dislikes
		}
		if again, err := parsed.CompactSerialize(); err != nil || again != token {
			t.Fatalf("two spellings of one token: %q, then %q (%v)", token, again, err)
		}
	})
}

// Every prefix of a good token, and every token with one byte changed, is refused.
func TestNoByteOfATokenIsFree(t *testing.T) {
	f := newFixture(t)
	f.issuer.SetKeys(idptest.SigningKey{ID: "key-1", Alg: jose.RS256, Key: idptest.RSAKey(0).Signer})
	token := f.token()
	f.accepts(t, token)
	for i := range len(token) {
		if _, err := f.verify(token[:i]); err == nil {
			t.Fatalf("the first %d bytes were accepted", i)
		}
		flipped := "A"
		if strings.HasPrefix(token[i:], "A") {
			flipped = "B"
		}
		if _, err := f.verify(token[:i] + flipped + token[i+1:]); err == nil {
			t.Fatalf("byte %d may be changed", i)
		}
	}
}
