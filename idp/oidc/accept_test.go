package oidc_test

import (
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
)

func TestIdentity(t *testing.T) {
	f := newFixture(t, func(o *oidc.Options) { o.Once = true })
	now := f.clock.now()
	token := f.token(map[string]any{
		"preferred_username": "alice", "email": "alice@example.com", "email_verified": true,
		"groups": []string{"dev", "ops"}, "auth_time": now.Unix() - 60, "amr": []string{"pwd", "otp"}, "acr": "urn:high", "extra": map[string]any{"n": 1},
	})
	got := f.accepts(t, token)
	input := token[:strings.LastIndexByte(token, '.')]
	sum := sha256.Sum256([]byte(input))
	claims := got.Claims
	got.Claims = idp.Claims{}
	want := idp.Identity{
		Provider: "ci", Issuer: f.issuer.URL, Subject: subject, Username: "alice", Email: "alice@example.com", Groups: []string{"dev", "ops"},
		AuthTime: now.Add(-time.Minute).UTC(), AMR: []string{"pwd", "otp"}, ACR: "urn:high",
		Proof: idp.Proof{
			Kind: idp.ProofJWT, ID: "id-1", Hash: hex.EncodeToString(sum[:]), Once: true,
			IssuedAt: now.UTC(), Expires: now.Add(5 * time.Minute).UTC(),
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if v, _ := claims.At("/extra/n"); v != int64(1) {
		t.Errorf("raw claims: %v", claims.Map())
	}
}

func TestEveryAlgorithmVerifies(t *testing.T) {
	f := newFixture(t)
	keys := signingKeys(t)
	for i, key := range keys {
		t.Run(key.ID, func(t *testing.T) {
			f.clock.advance(time.Minute)
			f.issuer.SetKeys(slices.Concat(keys[i:], keys[:i])...)
			f.accepts(t, f.token())
		})
	}
}

func TestAlgorithmsOutsideTheAllowListAreRefused(t *testing.T) {
	f := newFixture(t, func(o *oidc.Options) { o.Algorithms = []string{"ES256"} })
	keys := signingKeys(t)
	f.issuer.SetKeys(keys...)
	f.accepts(t, f.token())
	for _, key := range keys[1:] {
		f.refuses(t, idp.KindInvalid, idptest.SignJWT(t, key, mustJSON(t, f.claims())))
	}
}

// Good tokens in forms that issuers use, or that the standards allow.
func TestAcceptedForms(t *testing.T) {
	f := newFixture(t, func(o *oidc.Options) { o.AuthorizedParties = []string{"listed"} })
	now := f.clock.now().Unix()
	for name, token := range map[string]string{
		"no typ":                    f.header(`{"alg":"ES256","kid":"key-1"}`),
		"typ in lower case":         f.header(`{"alg":"ES256","kid":"key-1","typ":"jwt"}`),
		"access token typ":          f.header(`{"alg":"ES256","kid":"key-1","typ":"at+jwt"}`),
		"full media type":           f.header(`{"alg":"ES256","kid":"key-1","typ":"application/at+jwt"}`),
		"JOSE, as SPIFFE":           f.header(`{"alg":"ES256","kid":"key-1","typ":"JOSE"}`),
		"x5t, as Entra":             f.header(`{"alg":"ES256","kid":"key-1","x5t":"abc"}`),
		"spaces in the header":      f.header(` { "alg" : "ES256" , "kid" : "key-1" } `),
		"no kid, one key":           f.header(`{"alg":"ES256"}`),
		"escaped alg":               f.header(`{"alg":"\u0045S256","kid":"key-1"}`),
		"aud in an array":           f.token(map[string]any{"aud": []string{audience}}),
		"aud of several":            f.token(map[string]any{"aud": []string{"other", audience}}),
		"azp with one aud":          f.token(map[string]any{"azp": "foreign"}),
		"azp with one aud in array": f.token(map[string]any{"aud": []string{audience}, "azp": "foreign"}),
		"azp is us":                 f.token(map[string]any{"aud": []string{"other", audience}, "azp": audience}),
		"azp is listed":             f.token(map[string]any{"aud": []string{"other", audience}, "azp": "listed"}),
		"fractions of seconds":      f.spelled("iat", `"iat":1789999999.25`),
		"exponents":                 f.spelled("iat", `"iat":1.789999999e9`),
		"no iat":                    f.token(map[string]any{"iat": idptest.Absent{}}),
		"no nbf":                    f.token(map[string]any{"nbf": idptest.Absent{}}),
		"no jti":                    f.token(map[string]any{"jti": idptest.Absent{}}),
		"expired within the skew":   f.token(map[string]any{"iat": now - 300, "nbf": now - 300, "exp": now - 59}),
		"iat within the skew":       f.token(map[string]any{"iat": now + 60}),
		"nbf within the skew":       f.token(map[string]any{"nbf": now + 60}),
		"a long life":               f.token(map[string]any{"exp": now + 86400*365}),
		"the last of dates":         f.token(map[string]any{"exp": 253402300799}),
		"numeric subject, as text":  f.token(map[string]any{"sub": "12345"}),
		"spaces in the subject":     f.token(map[string]any{"sub": "organization:acme:project:My Project:workspace:x"}),
		"subject in other letters":  f.token(map[string]any{"sub": "пользователь"}),
		"look-alikes beside sub":    f.spelled("x", `"Sub":"mallory","ſub":"mallory","SUB":"mallory","sub ":"mallory"`),
		"upper-case time names":     f.spelled("x", `"EXP":1,"Nbf":99999999999`),
	} {
		t.Run(name, func(t *testing.T) {
			id := f.accepts(t, token)
			if strings.Contains(id.Subject, "mallory") {
				t.Errorf("subject %q", id.Subject)
			}
		})
	}
}

// Anyone can turn an ECDSA signature (r, s) into (r, n-s). It is as valid, so it must be the same proof.
func TestAMalleatedSignatureIsTheSameProof(t *testing.T) {
	f := newFixture(t)
	token := f.token()
	input, sig := cutLast(token)
	raw, err := base64.RawURLEncoding.DecodeString(sig)
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(raw[32:]))
	s.FillBytes(raw[32:])
	twin := input + "." + base64.RawURLEncoding.EncodeToString(raw)
	a, b := f.accepts(t, token), f.accepts(t, twin)
	if a.Proof.Hash == "" || a.Proof != b.Proof {
		t.Errorf("two proofs: %+v and %+v", a.Proof, b.Proof)
	}
	if other := f.accepts(t, f.token(map[string]any{"jti": "id-2"})); other.Proof.Hash == a.Proof.Hash {
		t.Error("two tokens, one proof")
	}
}

func cutLast(token string) (input, signature string) {
	i := strings.LastIndexByte(token, '.')
	return token[:i], token[i+1:]
}

func TestMapping(t *testing.T) {
	f := newFixture(t, func(o *oidc.Options) {
		o.Claims = oidc.ClaimNames{Username: "upn", Email: "/contact/mail", Groups: "/realm_access/roles"}
	})
	id := f.accepts(t, f.token(map[string]any{
		"upn": "bob", "preferred_username": "not me", "groups": []string{"not", "these"},
		"contact": map[string]any{"mail": "bob@example.com"}, "realm_access": map[string]any{"roles": []string{"r"}},
		"_claim_names": map[string]string{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]string{"endpoint": "https://graph"}},
	}))
	if id.Username != "bob" || id.Email != "bob@example.com" || !slices.Equal(id.Groups, []string{"r"}) {
		t.Errorf("got %+v", id)
	}
}

func TestAttributesThatSayNothing(t *testing.T) {
	f := newFixture(t)
	for name, tc := range map[string]struct {
		claims map[string]any
		holds  func(idp.Identity) bool
	}{
		"one group as text":     {map[string]any{"groups": "dev"}, func(id idp.Identity) bool { return slices.Equal(id.Groups, []string{"dev"}) }},
		"groups null":           {map[string]any{"groups": nil}, func(id idp.Identity) bool { return id.Groups == nil }},
		"no groups":             {nil, func(id idp.Identity) bool { return id.Groups == nil }},
		"groups empty":          {map[string]any{"groups": []string{}}, func(id idp.Identity) bool { return len(id.Groups) == 0 }},
		"hasgroups false":       {map[string]any{"hasgroups": false}, func(id idp.Identity) bool { return id.Groups == nil }},
		"unverified mail":       {map[string]any{"email": "a@b", "email_verified": false}, func(id idp.Identity) bool { return id.Email == "" }},
		"unverified, in text":   {map[string]any{"email": "a@b", "email_verified": "false"}, func(id idp.Identity) bool { return id.Email == "" }},
		"verified, in text":     {map[string]any{"email": "a@b", "email_verified": "true"}, func(id idp.Identity) bool { return id.Email == "a@b" }},
		"mail, nothing said":    {map[string]any{"email": "a@b"}, func(id idp.Identity) bool { return id.Email == "a@b" }},
		"a number as user name": {map[string]any{"preferred_username": 7}, func(id idp.Identity) bool { return id.Username == "" }},
		"amr as text":           {map[string]any{"amr": "mfa"}, func(id idp.Identity) bool { return slices.Equal(id.AMR, []string{"mfa"}) }},
		"amr mixed":             {map[string]any{"amr": []any{"mfa", 1}}, func(id idp.Identity) bool { return id.AMR == nil }},
		"acr as number":         {map[string]any{"acr": 1}, func(id idp.Identity) bool { return id.ACR == "" }},
		"no auth_time":          {nil, func(id idp.Identity) bool { return id.AuthTime.IsZero() }},
	} {
		if id := f.accepts(t, f.token(tc.claims)); !tc.holds(id) {
			t.Errorf("%s: got %+v", name, id)
		}
	}
}

func TestTenantPins(t *testing.T) {
	f := newFixture(t, func(o *oidc.Options) {
		o.Tenant = map[string][]string{"repository_owner_id": {"9919", "42"}, "/kubernetes.io/namespace": {"ci"}, "ours": {"true"}}
	})
	good := map[string]any{"ours": true, "repository_owner_id": "9919", "kubernetes.io": map[string]any{"namespace": "ci"}}
	f.accepts(t, f.token(good))
	f.accepts(t, f.token(good, map[string]any{"repository_owner_id": 42}))
	for name, change := range map[string]map[string]any{
		"other":             {"repository_owner_id": "9918"},
		"absent":            {"repository_owner_id": idptest.Absent{}},
		"null":              {"repository_owner_id": nil},
		"other case":        {"repository_owner_id": idptest.Absent{}, "Repository_owner_id": "9919"},
		"array":             {"repository_owner_id": []string{"9919"}},
		"prefix":            {"repository_owner_id": "991"},
		"longer":            {"repository_owner_id": "9919 "},
		"fraction":          {"repository_owner_id": 42.5},
		"boolean":           {"ours": false},
		"nested, other":     {"kubernetes.io": map[string]any{"namespace": "prod"}},
		"nested, absent":    {"kubernetes.io": "ci"},
		"outside, and late": {"repository_owner_id": "1", "exp": f.clock.now().Unix() - 3600, "iat": 1, "nbf": 1},
	} {
		t.Run(name, func(t *testing.T) { f.refuses(t, idp.KindUntrusted, f.token(good, change)) })
	}
}

func TestMaxAgeAndOnceNeedIat(t *testing.T) {
	aged := newFixture(t, func(o *oidc.Options) { o.MaxAge = time.Hour })
	now := aged.clock.now().Unix()
	late := map[string]any{"nbf": idptest.Absent{}, "exp": now + 3600}
	aged.accepts(t, aged.token(late, map[string]any{"iat": now - 3660}))
	aged.refuses(t, idp.KindExpired, aged.token(late, map[string]any{"iat": now - 3661}))
	aged.refuses(t, idp.KindInvalid, aged.token(late, map[string]any{"iat": idptest.Absent{}}))
	once := newFixture(t, func(o *oidc.Options) { o.Once = true })
	once.refuses(t, idp.KindInvalid, once.token(map[string]any{"iat": idptest.Absent{}}))
}

func TestRequiredClaims(t *testing.T) {
	f := newFixture(t, func(o *oidc.Options) { o.RequiredClaims = []string{"environment", "/a/b"} })
	good := map[string]any{"environment": "", "a": map[string]any{"b": false}}
	f.accepts(t, f.token(good))
	f.refuses(t, idp.KindInvalid, f.token(good, map[string]any{"environment": idptest.Absent{}}))
	f.refuses(t, idp.KindInvalid, f.token(good, map[string]any{"environment": nil}))
	f.refuses(t, idp.KindInvalid, f.token(good, map[string]any{"a": map[string]any{"B": true}}))
}

// The allowed skew is the configured one, on both sides of the interval.
func TestSkew(t *testing.T) {
	f := newFixture(t, func(o *oidc.Options) { o.Skew = 5 * time.Second })
	now := f.clock.now().Unix()
	early := map[string]any{"iat": now - 600, "nbf": now - 600}
	f.accepts(t, f.token(early, map[string]any{"exp": now - 4}))
	f.refuses(t, idp.KindExpired, f.token(early, map[string]any{"exp": now - 5}))
	f.accepts(t, f.token(map[string]any{"nbf": now + 5}))
	f.refuses(t, idp.KindInvalid, f.token(map[string]any{"nbf": now + 6}))
	f.accepts(t, f.token(map[string]any{"iat": now + 5}))
	f.refuses(t, idp.KindInvalid, f.token(map[string]any{"iat": now + 6}))
}

// Two issuers may use the same key id: each one's tokens verify with its own keys only.
func TestKeysOfAnotherIssuerAreNotUsed(t *testing.T) {
	a, b := newFixture(t), newFixture(t)
	a.accepts(t, a.token())
	b.accepts(t, b.token())
	forged := idptest.SignJWT(t, b.issuer.Key(), mustJSON(t, a.claims()))
	a.refuses(t, idp.KindInvalid, forged)
}
