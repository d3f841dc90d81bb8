package issuer_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/sts"
)

func decodePart(t *testing.T, token string, part int) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestTokenIsWhatTheDesignSays(t *testing.T) {
	token, err := newIssuer(t).WebIdentityToken(t.Context(), mintRequest())
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, decodePart(t, token.Reveal(), 1), "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "claims.json", append(pretty.Bytes(), '\n'))

	bare := mintRequest()
	bare.Tags, bare.TransitiveTags, bare.SourceIdentity = nil, nil, ""
	token, err = newIssuer(t).WebIdentityToken(t.Context(), bare)
	if err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"tags", "source_identity"} {
		if strings.Contains(string(decodePart(t, token.Reveal(), 1)), absent) {
			t.Errorf("a request without %s has a claim for it", absent)
		}
	}
}

// The JWKS is what AWS has; another library than the one that signed must verify with it alone.
func TestTokenVerifiesWithThePublishedKeys(t *testing.T) {
	for name, pem := range map[string]string{"ES256": pkcs8(ecKeyP256), "RS256": pkcs8(rsaKey())} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, func(o *issuer.Options) { o.Keys = fixed(t, issuer.PurposeJWT, pem) })
			token, err := i.WebIdentityToken(t.Context(), mintRequest())
			if err != nil {
				t.Fatal(err)
			}
			var set jose.JSONWebKeySet
			if err := json.Unmarshal(must(i.JWKS(t.Context())), &set); err != nil {
				t.Fatal(err)
			}
			parsed, err := jwt.Parse(token.Reveal(), func(tok *jwt.Token) (any, error) {
				keys := set.Key(fmt.Sprint(tok.Header["kid"]))
				if len(keys) != 1 {
					return nil, fmt.Errorf("%d keys for kid %v", len(keys), tok.Header["kid"])
				}
				return keys[0].Key, nil
			}, jwt.WithValidMethods([]string{name}), jwt.WithIssuer(issuerURL), jwt.WithAudience("sts.amazonaws.com"),
				jwt.WithExpirationRequired(), jwt.WithTimeFunc(func() time.Time { return noon.Add(4 * time.Minute) }))
			if err != nil || !parsed.Valid {
				t.Fatal(err)
			}
			if parsed.Header["typ"] != "JWT" || len(parsed.Header) != 3 {
				t.Errorf("header %v, want alg, kid and typ", parsed.Header)
			}
		})
	}
}

func TestJWKSIsWhatAWSReads(t *testing.T) {
	i := newIssuer(t, func(o *issuer.Options) {
		o.Keys = fixed(t, issuer.PurposeJWT, pkcs8(ecKeyP256), pkcs8(rsaKey()))
	})
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(must(i.JWKS(t.Context())), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 2 {
		t.Fatalf("%d keys", len(set.Keys))
	}
	for _, k := range set.Keys {
		if k["kid"] == "" || k["use"] != "sig" || k["key_ops"] != nil || k["x5c"] != nil {
			t.Errorf("key %v: AWS wants a kid, use sig, no key_ops and no x5c", k)
		}
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if k[private] != nil {
				t.Fatalf("the private member %s is published", private)
			}
		}
	}
	if set.Keys[0]["kty"] != "EC" || set.Keys[0]["crv"] != "P-256" || set.Keys[1]["kty"] != "RSA" {
		t.Errorf("kinds of key: %v", set.Keys)
	}
}

func manyTags(n int, value string) []sts.Tag {
	var out []sts.Tag
	for i := range n {
		out = append(out, sts.Tag{Key: fmt.Sprintf("key%d", i), Value: value})
	}
	return out
}

// hostile holds requests that must be refused by both forms of proof.
var hostile = map[string]func(*broker.MintRequest){
	"no id":                        func(p *broker.MintRequest) { p.ID = "" },
	"id with a quote":              func(p *broker.MintRequest) { p.ID = `a" Version="1.1` },
	"no subject":                   func(p *broker.MintRequest) { p.Subject = "" },
	"subject of 256":               func(p *broker.MintRequest) { p.Subject = strings.Repeat("a", 256) },
	"subject with newline":         func(p *broker.MintRequest) { p.Subject = "ci:a\nb" },
	"subject with NUL":             func(p *broker.MintRequest) { p.Subject = "ci:a\x00b" },
	"subject not UTF-8":            func(p *broker.MintRequest) { p.Subject = "ci:\xff" },
	"subject with U+FFFE":          func(p *broker.MintRequest) { p.Subject = "ci:\ufffe" },
	"no role":                      func(p *broker.MintRequest) { p.RoleARN = "" },
	"a wildcard role":              func(p *broker.MintRequest) { p.RoleARN = "arn:aws:iam::111122223333:role/*" },
	"two roles in one":             func(p *broker.MintRequest) { p.RoleARN = "arn:aws:iam::111122223333:role/a;b/Deploy" },
	"role and provider in one":     func(p *broker.MintRequest) { p.RoleARN = "arn:aws:iam::111122223333:role/a,b/Deploy" },
	"no time":                      func(p *broker.MintRequest) { p.Now = time.Time{} },
	"source identity of 1":         func(p *broker.MintRequest) { p.SourceIdentity = "a" },
	"source identity of 65":        func(p *broker.MintRequest) { p.SourceIdentity = strings.Repeat("a", 65) },
	"source identity aws:":         func(p *broker.MintRequest) { p.SourceIdentity = "aws:alice" },
	"source identity with newline": func(p *broker.MintRequest) { p.SourceIdentity = "alice\n" },
	"51 tags":                      func(p *broker.MintRequest) { p.Tags = manyTags(51, "v"); p.TransitiveTags = nil },
	"tag key empty":                func(p *broker.MintRequest) { p.Tags[0].Key = "" },
	"tag key of 129":               func(p *broker.MintRequest) { p.Tags[0].Key = strings.Repeat("k", 129) },
	"tag key reserved":             func(p *broker.MintRequest) { p.Tags[0].Key = "AWS:x" },
	"tag key with markup":          func(p *broker.MintRequest) { p.Tags[0].Key = `x"><y` },
	"tag value of 257":             func(p *broker.MintRequest) { p.Tags[0].Value = strings.Repeat("v", 257) },
	"tag value with markup":        func(p *broker.MintRequest) { p.Tags[0].Value = "</saml:AttributeValue>" },
	"tags equal but for case":      func(p *broker.MintRequest) { p.Tags[0].Key = "REPOSITORY" },
	"transitive key is no tag":     func(p *broker.MintRequest) { p.TransitiveTags = []string{"project"} },
}

func TestHostileRequestsGetNoProof(t *testing.T) {
	i := newIssuer(t)
	for name, change := range hostile {
		p := mintRequest()
		change(&p)
		if token, err := i.WebIdentityToken(t.Context(), p); err == nil || !token.Empty() {
			t.Errorf("%s: a token was signed", name)
		}
		if response, err := i.SAMLResponse(t.Context(), p); err == nil || !response.Empty() {
			t.Errorf("%s: a SAML response was signed", name)
		}
	}
}

func TestAProofLongerThanAWSTakesIsRefused(t *testing.T) {
	p := mintRequest()
	p.Tags, p.TransitiveTags = manyTags(50, strings.Repeat("漢", 256)), nil
	if _, err := newIssuer(t).WebIdentityToken(t.Context(), p); err == nil {
		t.Error("a token of more than 20000 characters was signed")
	}
}

func TestWithoutKeysNothingIsSigned(t *testing.T) {
	store := newMemory()
	store.setDown(true)
	c := newClock()
	i := newIssuer(t, func(o *issuer.Options) {
		o.Keys = node(t, store, c)
		o.SAML.Keys = node(t, store, c, func(o *issuer.KeyringOptions) { o.Purpose = issuer.PurposeSAML })
	})
	if _, err := i.WebIdentityToken(t.Context(), mintRequest()); err == nil {
		t.Error("a token without a key")
	}
	if _, err := i.SAMLResponse(t.Context(), mintRequest()); err == nil {
		t.Error("a SAML response without a key")
	}
	if _, err := i.JWKS(t.Context()); err == nil {
		t.Error("an empty JWKS")
	}
	none := newIssuer(t, func(o *issuer.Options) { o.SAML = nil })
	if _, err := none.SAMLResponse(t.Context(), mintRequest()); err == nil {
		t.Error("a SAML response from an issuer without SAML")
	}
}
