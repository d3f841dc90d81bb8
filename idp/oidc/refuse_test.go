package oidc_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/go-jose/go-jose/v4"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// refusedForms are good tokens whose encoding was changed: what is signed is still the issuer's.
func refusedForms(f *fixture) map[string]string {
	good := f.token()
	p := strings.Split(good, ".")
	header, payload, sig := p[0], p[1], p[2]
	protected := fmt.Sprintf(`"protected":%q,"signature":%q`, header, sig)
	return map[string]string{
		"empty":                      "",
		"a dot":                      ".",
		"two dots":                   "..",
		"one part":                   header,
		"no signature":               header + "." + payload,
		"empty signature":            header + "." + payload + ".",
		"empty payload":              header + ".." + sig,
		"empty header":               "." + payload + "." + sig,
		"four parts":                 good + "." + sig,
		"trailing dot":               good + ".",
		"leading dot":                "." + good,
		"five parts, as JWE":         header + "." + payload + "." + sig + "." + sig + "." + sig,
		"a million dots":             strings.Repeat(".", 1_000_000),
		"16 KiB of dots":             strings.Repeat(".", 16<<10),
		"leading space":              " " + good,
		"trailing space":             good + " ",
		"trailing line break":        good + "\n",
		"line break in the header":   header[:4] + "\n" + header[4:] + "." + payload + "." + sig,
		"line break in the payload":  header + "." + payload[:4] + "\r\n" + payload[4:] + "." + sig,
		"line break in signature":    header + "." + payload + "." + sig[:4] + "\n" + sig[4:],
		"NUL at the end":             good + "\x00",
		"Bearer in front":            "Bearer " + good,
		"quoted":                     `"` + good + `"`,
		"padded":                     header + "." + payload + "." + sig + "==",
		"padded header":              header + "=." + payload + "." + sig,
		"standard alphabet":          header + "." + payload + "." + strings.NewReplacer("-", "+", "_", "/").Replace(sig) + "+",
		"not canonical, signature":   header + "." + payload + "." + bumpLast(sig),
		"not base64url":              header + "." + payload + ".!" + sig[1:],
		"percent-encoded":            strings.Replace(good, ".", "%2E", 1),
		"full-width dots":            strings.ReplaceAll(good, ".", "．"),
		"flattened JSON":             fmt.Sprintf(`{"payload":%q,%s}`, payload, protected),
		"general JSON":               fmt.Sprintf(`{"payload":%q,"signatures":[{%s}]}`, payload, protected),
		"general JSON, two":          fmt.Sprintf(`{"payload":%q,"signatures":[{%s},{%s}]}`, payload, protected, protected),
		"flattened, unprotected alg": fmt.Sprintf(`{"payload":%q,"header":{"alg":"ES256"},%s}`, payload, protected),
		"token inside a JSON key":    fmt.Sprintf(`{"%s":1,"payload":%q,%s}`, good, payload, protected),
		"payload swapped":            header + "." + b64(string(mustJSON(f.t, f.claims(map[string]any{"sub": "canary-mallory"})))) + "." + sig,
		"header swapped":             b64(`{"alg":"ES256","kid":"key-1"}`) + "." + payload + "." + sig,
		"parts swapped":              payload + "." + header + "." + sig,
		"header is not an object":    f.header(`["alg","ES256"]`),
		"header is null":             f.header(`null`),
		"header is empty":            f.header(`{}`),
		"header has trailing data":   f.header(`{"alg":"ES256","kid":"key-1"} {}`),
		"header too large":           f.header(`{"alg":"ES256","kid":"key-1","x":"` + strings.Repeat("x", 4<<10) + `"}`),
		"header too deep":            f.header(`{"alg":"ES256","kid":"key-1","x":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`),
		"header with a name twice":   f.header(`{"alg":"ES256","kid":"key-1","kid":"key-1"}`),
		"token too large":            f.token(map[string]any{"pad": strings.Repeat("x", 12<<10)}),
		"payload is an array":        f.payload(`[1]`),
		"payload is a string":        f.payload(`"x"`),
		"payload is null":            f.payload(`null`),
		"payload has trailing data":  f.payload(string(mustJSON(f.t, f.claims())) + `{}`),
		"payload is not UTF-8":       f.spelled("x", "\"x\":\"\xff\""),
		"payload too deep":           f.spelled("x", `"x":`+strings.Repeat("[", 99)+strings.Repeat("]", 99)),
		"payload with many digits":   f.spelled("x", `"x":`+strings.Repeat("1", 99)),
		"payload with a huge number": f.spelled("x", `"x":1e999`),
		"payload, nested name twice": f.spelled("x", `"x":{"a":1,"a":2}`),
	}
}

// bumpLast changes the unused bits of the last character: the same bytes, spelled another way.
func bumpLast(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, s[len(s)-1])
	return s[:len(s)-1] + string(alphabet[i+1])
}

// refusedHeaders carry a valid signature of the issuer's key.
func refusedHeaders() []string {
	headers := []string{
		`{"kid":"key-1"}`,
		`{"ALG":"ES256","kid":"key-1"}`,
		`{"alg":null,"kid":"key-1"}`,
		`{"alg":256,"kid":"key-1"}`,
		`{"alg":["ES256"],"kid":"key-1"}`,
		`{"alg":{"a":"ES256"},"kid":"key-1"}`,
		`{"alg":true,"kid":"key-1"}`,
		`{"alg":"","kid":"key-1"}`,
		`{"alg":"ES256","alg":"none","kid":"key-1"}`,
		`{"alg":"none","alg":"ES256","kid":"key-1"}`,
		`{"alg":"ES256","\u0061lg":"none","kid":"key-1"}`,
		`{"alg":"ES256 ","kid":"key-1"}`,
		`{"alg":"es256","kid":"key-1"}`,
		`{"alg":"ES256K","kid":"key-1"}`,
		`{"alg":"ES384","kid":"key-1"}`,
		`{"alg":"RS256","kid":"key-1"}`,
		`{"alg":"EdDSA","kid":"key-1"}`,
		`{"alg":"E","kid":"key-1"}`,
		`{"alg":"A256KW","kid":"key-1"}`,
		`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"key-1"}`,
		`{"alg":"ES256","enc":"A256GCM","kid":"key-1"}`,
		`{"alg":"ES256","zip":"DEF","kid":"key-1"}`,
		`{"alg":"ES256","b64":false,"crit":["b64"],"kid":"key-1"}`,
		`{"alg":"ES256","b64":false,"kid":"key-1"}`,
		`{"alg":"ES256","b64":true,"kid":"key-1"}`,
		`{"alg":"ES256","kid":1}`,
		`{"alg":"ES256","kid":null}`,
		`{"alg":"ES256","kid":""}`,
		`{"alg":"ES256","kid":["key-1"]}`,
		`{"alg":"ES256","kid":"key-1 "}`,
		`{"alg":"ES256","kid":"key-1\u0000"}`,
		`{"alg":"ES256","kid":"key\u200b-1"}`,
		`{"alg":"ES256","kid":"KEY-1"}`,
		`{"alg":"ES256","kid":"../../key-1"}`,
		`{"alg":"ES256","kid":"/dev/null"}`,
		`{"alg":"ES256","kid":"key-1' OR '1'='1"}`,
		`{"alg":"ES256","kid":"http://127.0.0.1/key"}`,
		`{"alg":"ES256","kid":"` + strings.Repeat("k", 300) + `"}`,
		`{"alg":"ES256","kid":"key-1","typ":"JWE"}`,
		`{"alg":"ES256","kid":"key-1","typ":"dpop+jwt"}`,
		`{"alg":"ES256","kid":"key-1","typ":"logout+jwt"}`,
		`{"alg":"ES256","kid":"key-1","typ":"secevent+jwt"}`,
		`{"alg":"ES256","kid":"key-1","typ":"application/application/jwt"}`,
		`{"alg":"ES256","kid":"key-1","typ":""}`,
		`{"alg":"ES256","kid":"key-1","typ":null}`,
		`{"alg":"ES256","kid":"key-1","typ":["JWT"]}`,
	}
	for _, crit := range []string{`[]`, `null`, `["exp"]`, `["b64"]`, `"exp"`, `[1]`, `{}`, `["alg","alg"]`} {
		headers = append(headers, `{"alg":"ES256","kid":"key-1","crit":`+crit+`}`)
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", "nonE", " none", "none ", "none\\u0000", "n\\u006fne", "null", "nil", "no", "plain", "0", "false", "none,ES256", "ES256,none", "ｎone"} {
		headers = append(headers, `{"alg":"`+none+`","kid":"key-1"}`)
	}
	return headers
}

func TestRefusedForms(t *testing.T) {
	f := newFixture(t)
	for name, token := range refusedForms(f) {
		t.Run(name, func(t *testing.T) { f.refuses(t, idp.KindInvalid, token) })
	}
}

func TestRefusedHeaders(t *testing.T) {
	f := newFixture(t)
	for _, header := range refusedHeaders() {
		t.Run(header[:min(len(header), 80)], func(t *testing.T) {
			f.refuses(t, idp.KindInvalid, f.header(header))
			p := strings.Split(f.header(header), ".")
			f.refuses(t, idp.KindInvalid, p[0]+"."+p[1]+".")
		})
	}
}

// What anybody can know of the issuer's keys makes no HMAC key.
func TestPublicValuesAreNoSecrets(t *testing.T) {
	f := newFixture(t)
	public := idptest.RSAKey(0).Signer.Public().(*rsa.PublicKey)
	f.issuer.SetKeys(f.issuer.Key(), idptest.SigningKey{ID: "rsa", Alg: jose.RS256, Key: idptest.RSAKey(0).Signer})
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(public)
	var keys [][]byte
	for label, der := range map[string][]byte{"PUBLIC KEY": spki, "RSA PUBLIC KEY": pkcs1, "CERTIFICATE": idptest.RSAKey(0).Cert.Raw} {
		armoured := pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
		keys = append(keys, der, armoured, armoured[:len(armoured)-1], []byte(strings.ReplaceAll(string(armoured), "\n", "\r\n")), []byte(base64.StdEncoding.EncodeToString(der)))
	}
	n := public.N.Bytes()
	keys = append(keys, nil, n, []byte(base64.RawURLEncoding.EncodeToString(n)), f.issuer.JWKS(), []byte("rsa"), []byte(f.issuer.URL), make([]byte, 32))
	for alg, h := range map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New} {
		for i, key := range keys {
			for _, kid := range []string{"rsa", "key-1"} {
				input := b64(fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, alg, kid)) + "." + b64(string(mustJSON(t, f.claims())))
				mac := hmac.New(h, key)
				mac.Write([]byte(input))
				t.Run(fmt.Sprint(alg, kid, i), func(t *testing.T) { f.refuses(t, idp.KindInvalid, input+"."+b64(string(mac.Sum(nil)))) })
			}
		}
	}
}

// A header that brings or names its own key gets the issuer's key all the same.
func TestKeysInTheHeaderAreNotRead(t *testing.T) {
	f := newFixture(t)
	evil := idptest.SigningKey{ID: "key-1", Alg: jose.ES256, Key: idptest.ECKey(t)}
	canary := idptest.NewIssuer(t)
	canary.SetKeys(evil)
	jwk := string(mustJSON(t, jose.JSONWebKey{Key: evil.Key.Public(), KeyID: "key-1", Algorithm: "ES256"}))
	cert := base64.StdEncoding.EncodeToString(idptest.RSAKey(1).Cert.Raw)
	for name, member := range map[string]string{
		"jwk": `"jwk":` + jwk, "jku": `"jku":"` + canary.URL + idptest.JWKSPath + `"`, "x5u": `"x5u":"` + canary.URL + `/cert"`, "x5c": `"x5c":["` + cert + `"]`,
	} {
		for _, kid := range []string{`"kid":"key-1",`, ``, `"kid":"new",`} {
			t.Run(name+kid, func(t *testing.T) {
				header := `{"alg":"ES256",` + kid + member + `}`
				f.refuses(t, idp.KindInvalid, idptest.SignJWS(t, evil, []byte(header), mustJSON(t, f.claims())))
			})
		}
	}
	if n := canary.Fetches(idptest.JWKSPath) + canary.Fetches("/cert"); n != 0 {
		t.Errorf("%d fetches of URLs in tokens", n)
	}
}

func TestForgedSignatures(t *testing.T) {
	f := newFixture(t)
	keys := signingKeys(t)
	f.issuer.SetKeys(keys...)
	byID := func(id string) idptest.SigningKey {
		return keys[slices.IndexFunc(keys, func(k idptest.SigningKey) bool { return k.ID == id })]
	}
	input := func(id string) string {
		return b64(fmt.Sprintf(`{"alg":%q,"kid":%q}`, byID(id).Alg, id)) + "." + b64(string(mustJSON(t, f.claims())))
	}
	order := elliptic.P256().Params().N
	word := func(n *big.Int) string { return string(n.FillBytes(make([]byte, 32))) }
	zero, one := big.NewInt(0), big.NewInt(1)
	es, rs, ps := string(idptest.JWSSignature(t, byID("es256"), []byte(input("es256")))), string(idptest.JWSSignature(t, byID("rs256"), []byte(input("rs256")))), string(idptest.JWSSignature(t, byID("ps256"), []byte(input("ps256"))))
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes([]byte(es[:32])), new(big.Int).SetBytes([]byte(es[32:]))})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, key, sig string }{
		{"r and s zero", "es256", word(zero) + word(zero)},
		{"r zero, s one", "es256", word(zero) + word(one)},
		{"r one, s zero", "es256", word(one) + word(zero)},
		{"r and s one", "es256", word(one) + word(one)},
		{"r and s the order", "es256", word(order) + word(order)},
		{"r the order, s one", "es256", word(order) + word(one)},
		{"r zero, s the order", "es256", word(zero) + word(order)},
		{"all ones", "es256", strings.Repeat("\xff", 64)},
		{"one byte", "es256", "\x00"},
		{"half", "es256", es[:32]},
		{"63 bytes", "es256", es[:63]},
		{"65 bytes", "es256", es + "\x00"},
		{"leading zero", "es256", "\x00" + es},
		{"zero in the middle", "es256", es[:32] + "\x00" + es[32:]},
		{"both padded to P-384", "es256", strings.Repeat("\x00", 16) + es[:32] + strings.Repeat("\x00", 16) + es[32:]},
		{"DER", "es256", string(der)},
		{"swapped", "es256", es[32:] + es[:32]},
		{"zeros under P-384", "es384", strings.Repeat("\x00", 96)},
		{"zeros under P-521", "es512", strings.Repeat("\x00", 132)},
		{"P-521 in 128 bytes", "es512", strings.Repeat("\x01", 128)},
		{"P-256's under P-384", "es384", es},
		{"zeros under RSA", "rs256", strings.Repeat("\x00", 256)},
		{"one under RSA", "rs256", strings.Repeat("\x00", 255) + "\x01"},
		{"modulus under RSA", "rs256", string(idptest.RSAKey(0).Signer.Public().(*rsa.PublicKey).N.Bytes())},
		{"RSA with leading zero", "rs256", "\x00" + rs},
		{"RSA cut", "rs256", rs[:255]},
		{"RSA extended", "rs256", rs + "\x00"},
		{"PSS where PKCS #1 is asked", "rs256", ps},
		{"PKCS #1 where PSS is asked", "ps256", rs},
		{"zeros under Ed25519", "eddsa", strings.Repeat("\x00", 64)},
		{"Ed25519 cut", "eddsa", strings.Repeat("\x00", 63)},
		{"one byte under Ed25519", "eddsa", "\x01"},
	} {
		t.Run(tc.name, func(t *testing.T) { f.refuses(t, idp.KindInvalid, input(tc.key)+"."+b64(tc.sig)) })
	}
	t.Run("PSS with another salt length", func(t *testing.T) {
		digest := sha256.Sum256([]byte(input("ps256")))
		f.refuses(t, idp.KindInvalid, input("ps256")+"."+b64(pssSalt(t, digest[:], 20)))
	})
	for _, wrong := range keys {
		for _, named := range keys {
			if wrong.ID == named.ID {
				continue
			}
			header := fmt.Sprintf(`{"alg":%q,"kid":%q}`, wrong.Alg, named.ID)
			t.Run(fmt.Sprintf("%s with the kid of %s", wrong.ID, named.ID), func(t *testing.T) {
				f.refuses(t, idp.KindInvalid, idptest.SignJWS(t, wrong, []byte(header), mustJSON(t, f.claims())))
			})
		}
	}
}

func pssSalt(t *testing.T, digest []byte, salt int) string {
	t.Helper()
	sig, err := rsa.SignPSS(rand.Reader, idptest.RSAKey(0).Signer.(*rsa.PrivateKey), crypto.SHA256, digest, &rsa.PSSOptions{SaltLength: salt})
	if err != nil {
		t.Fatal(err)
	}
	return string(sig)
}

// claimCase is one claim spelled by hand under a valid signature.
type claimCase struct {
	name, raw string
	kind      idp.Kind
}

func refusedClaims(f *fixture) []claimCase {
	var cases []claimCase
	add := func(kind idp.Kind, name string, raws ...string) {
		for _, raw := range raws {
			cases = append(cases, claimCase{name: name, raw: raw, kind: kind})
		}
	}
	iss, _ := json.Marshal(f.issuer.URL)
	url := f.issuer.URL
	add(idp.KindUntrusted, "iss", `"x":1`, `"iss":null`, `"iss":1`, `"iss":""`, `"iss":["`+url+`"]`, `"iss":"`+url+`/"`, `"iss":"`+strings.ToUpper(url)+`"`,
		`"iss":"`+url+` "`, `"iss":"`+url+`\u0000"`, `"iss":"`+strings.TrimPrefix(url, "http://")+`"`, `"iss":"`+url+`?x"`, `"iss":"`+url+`#"`,
		`"iss":"`+url+`/../evil"`, `"iss":"https://evil.example"`, `"iss":"http://evil@`+strings.TrimPrefix(url, "http://")+`"`, `"Iss":`+string(iss), `"iſs":`+string(iss))
	add(idp.KindInvalid, "iss", `"iss":`+string(iss)+`,"iss":"https://evil.example"`, `"iss":"https://evil.example","\u0069ss":`+string(iss))
	add(idp.KindInvalid, "sub", `"x":1`, `"sub":null`, `"sub":""`, `"sub":" "`, `"sub":1`, `"sub":true`, `"sub":["canary-a"]`, `"sub":{"a":1}`, `"sub":"a\u0000b"`,
		`"sub":"a\nb"`, `"sub":"\u200b"`, `"sub":"canary\u200b"`, `"sub":"\u202ecanary"`, `"sub":" canary"`, `"sub":"canary "`, `"sub":"\ud800"`, `"sub":"\ufeffcanary"`, `"sub":"a\u0085b"`,
		`"sub":"`+strings.Repeat("x", 1025)+`"`, `"Sub":"canary"`, `"ſub":"canary"`, `"SUB":"canary"`, `"sub":"a","sub":"b"`, `"sub":"a","\u0073ub":"b"`, `"\u0073ub":"a","s\u0075b":"a"`)
	add(idp.KindInvalid, "aud", `"x":1`, `"aud":null`, `"aud":""`, `"aud":[]`, `"aud":[""]`, `"aud":1`, `"aud":true`, `"aud":{"`+audience+`":1}`, `"aud":[["`+audience+`"]]`,
		`"aud":["`+audience+`",1]`, `"aud":["`+audience+`",null]`, `"aud":["`+audience+`",""]`, `"aud":"other"`, `"aud":["other"]`, `"aud":"`+audience+`/"`, `"aud":"`+audience+` "`,
		`"aud":"`+strings.ToUpper(audience)+`"`, `"aud":"`+audience+`,other"`, `"aud":"other `+audience+`"`, `"aud":"`+audience[:len(audience)-1]+`"`, `"aud":"*"`,
		`"Aud":"`+audience+`"`, `"aud":"`+audience+`","aud":"other"`, `"aud":["`+audience+`"`+strings.Repeat(`,"x"`, 64)+`]`)
	add(idp.KindInvalid, "aud", `"aud":["`+audience+`","other"],"azp":"foreign"`, `"aud":["`+audience+`","other"],"azp":"other"`)
	add(idp.KindInvalid, "azp", `"azp":""`, `"azp":null`, `"azp":1`, `"azp":["`+audience+`"]`)
	for _, bad := range []string{`null`, `"1790000300"`, `""`, `true`, `[]`, `{}`, `0`, `-1`, `-1790000300`, `1e300`, `18446744073709551616`, `9223372036854775807`, `9223372036854775808`, `253402300800`, `1e15`, `0.0`, `-0.5`, `1e-400`} {
		add(idp.KindInvalid, "exp", `"exp":`+bad)
		add(idp.KindInvalid, "nbf", `"nbf":`+bad)
		add(idp.KindInvalid, "iat", `"iat":`+bad)
		add(idp.KindInvalid, "auth_time", `"auth_time":`+bad)
	}
	add(idp.KindInvalid, "exp", `"x":1`, `"Exp":1790000300`)
	add(idp.KindInvalid, "exp", `"exp":1`, `"exp":1789999999`) // before iat and nbf
	add(idp.KindInvalid, "iat", `"iat":1790000061`, `"iat":1790000060.5`, `"iat":1790000301`)
	add(idp.KindInvalid, "nbf", `"nbf":1790000061`, `"nbf":1790000301`)
	add(idp.KindInvalid, "auth_time", `"auth_time":1790000061`)
	add(idp.KindInvalid, "jti", `"jti":1`, `"jti":null`, `"jti":["id"]`, `"jti":"`+strings.Repeat("x", 513)+`"`)
	add(idp.KindInvalid, "groups", `"groups":1`, `"groups":{"a":1}`, `"groups":["a",1]`, `"groups":[["a"]]`, `"hasgroups":true`, `"hasgroups":"true"`,
		`"_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://graph"}}`, `"_claim_names":{"groups":"src1"}`, `"_claim_names":"groups"`)
	return cases
}

func TestRefusedClaims(t *testing.T) {
	f := newFixture(t)
	for _, tc := range refusedClaims(f) {
		t.Run(tc.raw[:min(len(tc.raw), 100)], func(t *testing.T) { f.refuses(t, tc.kind, f.spelled(tc.name, tc.raw)) })
	}
	now := f.clock.now().Unix()
	for name, change := range map[string]map[string]any{
		"no date at all":               {"iat": idptest.Absent{}, "nbf": idptest.Absent{}, "exp": idptest.Absent{}},
		"ends before iat, in the skew": {"iat": now + 30, "nbf": idptest.Absent{}, "exp": now + 20},
		"ends before nbf, in the skew": {"iat": idptest.Absent{}, "nbf": now + 30, "exp": now + 20},
	} {
		t.Run(name, func(t *testing.T) { f.refuses(t, idp.KindInvalid, f.token(change)) })
	}
	early := map[string]any{"iat": now - 600, "nbf": now - 600}
	for name, exp := range map[string]any{"at the end of the skew": now - 60, "long ago": now - 500, "with a fraction": float64(now) - 60.5} {
		t.Run("expired "+name, func(t *testing.T) { f.refuses(t, idp.KindExpired, f.token(early, map[string]any{"exp": exp})) })
	}
}

// The corpus of hostile tokens is counted, so that a table that silently lost its cases is noticed.
func TestTheTablesAreNotEmpty(t *testing.T) {
	f := newFixture(t)
	if n := len(refusedForms(f)) + len(refusedHeaders()) + len(refusedClaims(f)); n < 250 {
		t.Errorf("only %d hostile tokens", n)
	}
}

func TestASubjectThatIsNoStringIsNamed(t *testing.T) {
	f := newFixture(t)
	_, err := f.verify(f.token(map[string]any{"sub": 4711}))
	var e *idp.Error
	if !errors.As(err, &e) || e.Kind != idp.KindInvalid || e.Reason != "the token's subject (sub) is not a string" {
		t.Errorf("got %v", err)
	}
	parts := strings.Split(f.token(), ".")
	_, err = f.verify(parts[0] + "." + parts[1] + "." + strings.Split(f.token(map[string]any{"sub": "other"}), ".")[2])
	if !errors.As(err, &e) || !strings.Contains(e.Reason, "signature") {
		t.Errorf("another token's signature: %v", err)
	}
}
