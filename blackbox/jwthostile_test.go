package blackbox

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/idptest"
)

// bad is one hostile message.
type bad struct {
	name    string
	forged  bool // nobody may be believed; otherwise the signer's own message in a form that is refused
	message string
}

// hostileJWTs makes a fresh batch for one issuer.
func hostileJWTs(idp string) []bad {
	var out []bad
	for _, family := range []func(idp string) []bad{
		algorithmTricks, hmacTricks, headerTricks, signatureTricks, formTricks, claimTricks, timeTricks, audienceTricks, strangers, jwtBombs,
	} {
		out = append(out, family(idp)...)
	}
	for i := range out {
		out[i].name = idp + ": " + out[i].name
	}
	return out
}

// algorithmTricks have no signature, or one by an algorithm that the key is not for.
func algorithmTricks(idp string) []bad {
	var out []bad
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "none ", " none", "none\x00", "null", "", "n\u00f6ne", "RS0", "HS0", "rs256", "Rs256", "RS256 ", "ES256K", "RSA", "RSA1_5", "dir", "A128KW", "RS1", "SHA256", "HS256", "Ed448", "ML-DSA-44"} {
		unsigned := workload(idp, victimSub).by(alg, "rsa", nil)
		out = append(out, bad{fmt.Sprintf("alg %q unsigned", alg), true, unsigned.string()})
		stripped := workload(idp, victimSub).by(alg, "", nil)
		stripped.finish = func(h, p, _ string) string { return h + "." + p }
		out = append(out, bad{fmt.Sprintf("alg %q two parts", alg), true, stripped.string()})
	}
	for _, value := range []string{"null", "0", "true", "[]", "{}", `["RS256"]`, `{"alg":"RS256"}`} {
		t := workload(idp, victimSub)
		t.rawHeader = `{"alg":` + value + `,"kid":"rsa","typ":"JWT"}`
		out = append(out, bad{"alg is " + value, true, t.string()})
	}
	k := keysOfIssuers()
	for name, t := range map[string]*token{
		"no alg":                  {rawHeader: `{"kid":"rsa"}`, claims: workload(idp, victimSub).claims, key: k.foreignRSA, header: map[string]any{"alg": "RS256"}},
		"foreign RSA key":         workload(idp, victimSub).by("RS256", "rsa", k.foreignRSA),
		"foreign RSA key, no kid": workload(idp, victimSub).by("RS256", "", k.foreignRSA),
		"foreign PSS":             workload(idp, victimSub).by("PS256", "ps", k.foreignRSA),
		"foreign EC key":          workload(idp, victimSub).by("ES256", "ec", k.foreignEC),
		"foreign Ed key":          workload(idp, victimSub).by("EdDSA", "ed", k.foreignEd),
		"unknown kid":             workload(idp, victimSub).by("RS256", "nobody", k.foreignRSA),
		"encryption key":          workload(idp, victimSub).by("RS256", "enc", k.encOnly),
		"weak key":                workload(idp, victimSub).by("RS256", "weak", k.weak),
		"published secret":        workload(idp, victimSub).by("HS256", "oct", []byte("this key is public and thirty-two")),
		"RS256 by the PS256 key":  workload(idp, victimSub).by("RS256", "ps", k.ps),
		"ES384 by P-256":          workload(idp, victimSub).by("ES384", "ec", k.ec),
		"ES256 by P-384":          workload(idp, victimSub).by("ES256", "ec384", k.ec384),
		"RSA kid with ES256":      workload(idp, victimSub).by("ES256", "rsa", k.foreignEC),
		"EC kid with RS256":       workload(idp, victimSub).by("RS256", "ec", k.foreignRSA),
		"EdDSA by EC":             workload(idp, victimSub).by("EdDSA", "ec", k.ec),
	} {
		out = append(out, bad{name, true, t.string()})
	}
	return out
}

// hmacTricks use what everybody knows as a secret.
func hmacTricks(idp string) []bad {
	k := keysOfIssuers()
	pkix, _ := x509.MarshalPKIXPublicKey(&k.rsa.PublicKey)
	pkcs1 := x509.MarshalPKCS1PublicKey(&k.rsa.PublicKey)
	cert := idptest.RSAKey(0).Cert.Raw
	text := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	secrets := map[string][]byte{
		"PKIX PEM": text("PUBLIC KEY", pkix), "PKIX PEM trimmed": bytes.TrimSpace(text("PUBLIC KEY", pkix)), "PKIX DER": pkix, "PKCS1 PEM": text("RSA PUBLIC KEY", pkcs1),
		"PKCS1 DER": pkcs1, "certificate PEM": text("CERTIFICATE", cert), "certificate DER": cert, "modulus": k.rsa.N.Bytes(), "modulus text": []byte(b64(k.rsa.N.Bytes())),
		"JWKS": jwks(), "JWK": mustJSON(rsaJWK("rsa", k.rsa, map[string]any{"use": "sig"})), "empty": {}, "kid": []byte("rsa"), "null": {0}, "secret": []byte("secret"), "issuer": []byte(issuerPinned),
	}
	var out []bad
	for name, secret := range secrets {
		for _, alg := range []string{"HS256", "HS384", "HS512"} {
			out = append(out, bad{alg + " with " + name, true, workload(idp, victimSub).by(alg, "rsa", secret).string()})
		}
	}
	return out
}

// headerTricks bring a key along, or ask for what is not supported.
func headerTricks(idp string) []bad {
	k := keysOfIssuers()
	foreign := rsaJWK("rsa", k.foreignRSA, nil)
	chain := []string{base64.StdEncoding.EncodeToString(foreignKey().Cert.Raw)}
	url := w.idps.URL + "/canary/"
	var out []bad
	for name, more := range map[string]map[string]any{
		"jwk": {"jwk": foreign}, "jku": {"jku": url + "jku"}, "x5u": {"x5u": url + "x5u"}, "x5c": {"x5c": chain}, "jwk and jku": {"jwk": foreign, "jku": url + "both"},
		"jku is issuer": {"jku": w.idps.URL + "@evil.example/jwks"}, "kid is a URL": {"kid": url + "kid"}, "kid is a path": {"kid": "../../../../dev/null"}, "kid is SQL": {"kid": "rsa' UNION SELECT 'x"},
		"kid is a command": {"kid": "rsa|id"}, "kid is null": {"kid": nil}, "kid is a number": {"kid": 1}, "kid is a list": {"kid": []string{"rsa"}}, "kid is long": {"kid": strings.Repeat("k", 3000)}, "kid is empty": {"kid": ""},
		"iss in header": {"iss": "x"}, "enc": {"enc": "A128GCM"}, "zip": {"zip": "DEF"},
	} {
		t := workload(idp, victimSub).by("RS256", "rsa", k.foreignRSA)
		for n, v := range more {
			t.header[n] = v
		}
		out = append(out, bad{"foreign key with " + name, true, t.string()})
	}
	for _, crit := range []string{`[]`, `null`, `["exp"]`, `["b64"]`, `["alg"]`, `"exp"`, `[""]`, `["x","x"]`} {
		out = append(out, bad{"crit " + crit, false, workload(idp, attackerSub).headerPlus(`,"crit":` + crit).string()})
	}
	for name, more := range map[string]string{
		"b64 false": `,"b64":false,"crit":["b64"]`, "b64 false alone": `,"b64":false`, "alg twice": `,"alg":"none"`, "alg twice the same": `,"alg":"RS256"`, "kid twice": `,"kid":"ec"`,
		"typ logout": `,"typ":"logout+jwt"`, "zip": `,"zip":"DEF"`, "enc": `,"enc":"A128GCM"`, "escaped twice": `,"\u0061lg":"none"`, "trailing": `} {"x":1`,
	} {
		out = append(out, bad{"header " + name, false, workload(idp, attackerSub).headerPlus(more).string()})
	}
	for _, typ := range []any{"dpop+jwt", "logout+jwt", "secevent+jwt", 1, nil, []string{"JWT"}} {
		t := workload(idp, attackerSub)
		t.header["typ"] = typ
		out = append(out, bad{fmt.Sprintf("typ %v", typ), false, t.string()})
	}
	return out
}

// signatureTricks damage a signature.
func signatureTricks(idp string) []bad {
	k := keysOfIssuers()
	curve := elliptic.P256().Params()
	n, zero, one := curve.N, big.NewInt(0), big.NewInt(1)
	var out []bad
	pair := func(r, s *big.Int) []byte {
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	minus := new(big.Int).Sub(n, one)
	for name, sig := range map[string][]byte{
		"0 0": pair(zero, zero), "0 1": pair(zero, one), "1 0": pair(one, zero), "1 1": pair(one, one), "n n": pair(n, n), "n 1": pair(n, one), "1 n": pair(one, n), "n 0": pair(n, zero), "0 n": pair(zero, n),
		"n-1 n-1": pair(minus, minus), "p p": pair(curve.P, curve.P), "gx 1": pair(curve.Gx, one), "short": make([]byte, 63), "long": make([]byte, 65), "one byte": {1}, "none": {}, "double": make([]byte, 128),
	} {
		t := workload(idp, victimSub).by("ES256", "ec", k.ec)
		t.sign = func(string) []byte { return sig }
		out = append(out, bad{"ECDSA " + name, true, t.string()})
	}
	der := workload(idp, attackerSub).by("ES256", "ec", k.ec)
	der.sign = func(input string) []byte {
		digest := sha256.Sum256([]byte(input))
		sig, _ := ecdsa.SignASN1(rand.Reader, k.ec, digest[:])
		return sig
	}
	out = append(out, bad{"ECDSA in DER", false, der.string()})
	good := workload(idp, victimSub)
	parts := strings.Split(good.string(), ".")
	other := strings.Split(workload(idp, attackerSub).string(), ".")
	sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
	for name, bytes := range map[string][]byte{
		"first bit": flip(sig, 0), "last bit": flip(sig, len(sig)-1), "middle": flip(sig, len(sig)/2), "zero in front": append([]byte{0}, sig...), "zero behind": append(append([]byte{}, sig...), 0),
		"cut": sig[:len(sig)-1], "empty": {}, "all zero": make([]byte, 256), "one": append(make([]byte, 255), 1), "modulus": k.rsa.N.Bytes(), "plus modulus": new(big.Int).Add(new(big.Int).SetBytes(sig), k.rsa.N).Bytes(), "half": sig[:128], "twice": append(append([]byte{}, sig...), sig...),
	} {
		out = append(out, bad{"RSA signature " + name, true, parts[0] + "." + parts[1] + "." + b64(bytes)})
	}
	out = append(out,
		bad{"claims of another token", true, other[0] + "." + parts[1] + "." + other[2]},
		bad{"header of another alg", true, b64([]byte(`{"alg":"RS512","kid":"rsa"}`)) + "." + parts[1] + "." + parts[2]},
	)
	return out
}

func flip(b []byte, at int) []byte {
	out := append([]byte(nil), b...)
	out[at] ^= 1
	return out
}

// formTricks are well signed and not a compact JWS in its one spelling.
func formTricks(idp string) []bad {
	own := func() []string { return strings.Split(workload(idp, attackerSub).string(), ".") }
	p := own()
	full := strings.Join(p, ".")
	jsonForm := func(v any) string { return string(mustJSON(v)) }
	std := strings.NewReplacer("-", "+", "_", "/")
	forms := map[string]string{
		"flattened JSON": jsonForm(map[string]any{"protected": p[0], "payload": p[1], "signature": p[2]}),
		"general JSON":   jsonForm(map[string]any{"payload": p[1], "signatures": []any{map[string]any{"protected": p[0], "signature": p[2]}}}),
		"unprotected":    jsonForm(map[string]any{"header": map[string]any{"alg": "none"}, "payload": p[1], "signature": ""}),
		"inside JSON":    jsonForm(map[string]any{full: ""}), "inside an array": jsonForm([]string{full}),
		"padding": p[0] + "=." + p[1] + "=." + p[2] + "==", "padded signature": full + "==", "standard alphabet": std.Replace(full) + "+/", "four parts": full + ".x", "five parts": full + ".x.y", "leading dot": "." + full, "trailing dot": full + ".",
		"two dots": p[0] + ".." + p[1] + "." + p[2], "detached": p[0] + ".." + p[2], "no header": "." + p[1] + "." + p[2], "newline": p[0] + ".\n" + p[1] + "." + p[2], "space": p[0] + " ." + p[1] + "." + p[2], "tab": p[0] + "\t." + p[1] + "." + p[2],
		"twice": full + "," + full, "percent": strings.Replace(full, ".", "%2E", 1), "quoted": `"` + full + `"`, "Bearer twice": "Bearer " + full, "null byte": full + "\x00", "other bits": nonCanonical(p), "empty": "", "dots": "..", "one dot": ".", "unicode dot": strings.ReplaceAll(full, ".", "。"),
		"BOM": "\ufeff" + full, "JWE": b64([]byte(`{"alg":"dir","enc":"A128GCM"}`)) + "..aaaa.bbbb.cccc", "nested": nested(idp, full),
	}
	var out []bad
	for name, text := range forms {
		out = append(out, bad{"form " + name, false, text})
	}
	for name, payload := range map[string]string{
		"array": "[1]", "string": `"x"`, "number": "1", "null": "null", "empty": "", "two objects": "{}{}", "comment": `{"a":1}//x`, "single quotes": `{'a':1}`, "UTF-16": "\xff\xfe{\x00}\x00", "bad UTF-8": "{\"sub\":\"\xff\"}", "trailing comma": `{"a":1,}`, "NaN": `{"exp":NaN}`, "BOM": "\ufeff{}",
	} {
		t := workload(idp, attackerSub)
		t.rawClaims = payload
		if payload == "" {
			t.finish = func(h, _, _ string) string {
				return h + ".." + b64(signJWS("RS256", keysOfIssuers().rsa, h+"."))
			}
		}
		out = append(out, bad{"payload " + name, false, t.string()})
	}
	return out
}

// nonCanonical sets bits of the last character that decode to nothing.
func nonCanonical(p []string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	sig := p[2]
	last := strings.IndexByte(alphabet, sig[len(sig)-1])
	return p[0] + "." + p[1] + "." + sig[:len(sig)-1] + string(alphabet[last|1])
}

// nested is a JWT whose payload is a JWT (cty).
func nested(idp, inner string) string {
	t := workload(idp, attackerSub)
	t.header["cty"] = "JWT"
	t.rawClaims = inner
	return t.string()
}

// claimTricks say who one is in two ways, or not at all.
func claimTricks(idp string) []bad {
	issuer, audience := issuerOf(idp)
	var out []bad
	for name, more := range map[string]string{
		"sub twice": `,"sub":"` + victimSub + `"`, "sub escaped": `,"\u0073ub":"` + victimSub + `"`, "sub twice the same": `,"sub":"` + attackerSub + `"`, "iss twice": `,"iss":"` + issuer + `"`, "aud twice": `,"aud":"` + audience + `"`,
		"exp twice": `,"exp":9999999999`, "tenant twice": `,"tenant":"acme"`, "nested twice": `,"x":{"a":1,"a":2}`, "lone surrogate": `,"x":"\ud800"`, "surrogate name": `,"\ud800":1,"\udfff":2`, "trailing": `} {"sub":"` + victimSub + `"`, "comment": `/* */`, "control": ",\"x\":\"\x01\"",
	} {
		out = append(out, bad{"claims " + name, false, workload(idp, attackerSub).plus(more).string()})
	}
	for name, sub := range map[string]any{
		"null": nil, "empty": "", "number": 7, "bool": true, "list": []string{victimSub}, "object": map[string]any{"sub": victimSub}, "space": " ", "padded": " " + victimSub, "trailing space": victimSub + " ", "newline": victimSub + "\n", "null byte": victimSub + "\x00",
		"zero width": victimSub + "\u200b", "direction": "\u202e" + victimSub, "soft hyphen": "repo\u00ad" + victimSub[4:], "BOM": "\ufeff" + victimSub, "huge": strings.Repeat("a", 2000), "tab": victimSub + "\t", "line separator": victimSub + "\u2028", "ideographic space": victimSub + "\u3000",
	} {
		out = append(out, bad{"sub " + name, false, workload(idp, attackerSub).with("sub", sub).string()})
	}
	out = append(out, bad{"no sub", false, workload(idp, attackerSub).without("sub").string()}, bad{"sub only in other case", false, workload(idp, attackerSub).without("sub").with("Sub", victimSub).with("ſub", victimSub).string()})
	for name, tenant := range map[string]any{"absent": nil, "other": "evil", "list": []string{"acme"}, "case": "Acme", "padded": "acme ", "object": map[string]any{"acme": 1}, "prefix": "acme-evil", "number": 0} {
		t := workload(idp, attackerSub).with("tenant", tenant)
		if tenant == nil {
			t.without("tenant")
		}
		out = append(out, bad{"tenant " + name, true, t.string()})
	}
	return out
}

// timeTricks are out of time, or say so in no way that means a time.
func timeTricks(idp string) []bad {
	now := time.Now()
	at := func(d time.Duration) int64 { return now.Add(d).Unix() }
	var out []bad
	add := func(name string, t *token) { out = append(out, bad{"time " + name, false, t.string()}) }
	for name, exp := range map[string]any{
		"null": nil, "string": fmt.Sprint(at(time.Hour)), "zero": 0, "negative": -1, "past": at(-2 * time.Minute), "long past": at(-24 * time.Hour), "1e300": raw("1e300"), "1e400": raw("1e400"), "2^63": raw("9223372036854775808"), "2^64": raw("18446744073709551616"), "-1e300": raw("-1e300"),
		"bool": true, "list": []int64{at(time.Hour)}, "object": map[string]any{}, "milliseconds": now.Add(time.Hour).UnixMilli(), "text": "tomorrow", "ISO": now.Add(time.Hour).Format(time.RFC3339), "60000 digits": raw("1" + strings.Repeat("0", 5000)), "fraction": raw("0." + strings.Repeat("1", 5000)),
	} {
		add(fmt.Sprintf("exp %v", name), workload(idp, attackerSub).with("exp", exp))
	}
	add("no exp", workload(idp, attackerSub).without("exp"))
	for name, nbf := range map[string]any{"future": at(3 * time.Minute), "1e300": raw("1e300"), "2^64": raw("18446744073709551616"), "string": fmt.Sprint(at(-time.Minute)), "null": nil, "after exp": at(time.Hour), "list": []int64{1}, "milliseconds": now.UnixMilli(), "bool": false, "negative": -5} {
		add("nbf "+name, workload(idp, attackerSub).with("nbf", nbf))
	}
	for name, iat := range map[string]any{"future": at(3 * time.Minute), "1e300": raw("1e300"), "string": fmt.Sprint(at(0)), "null": nil, "days ago": at(-48 * time.Hour), "after exp": at(time.Hour), "milliseconds": now.UnixMilli(), "object": map[string]any{}} {
		add("iat "+name, workload(idp, attackerSub).with("iat", iat))
	}
	add("no iat", workload(idp, attackerSub).without("iat"))
	return out
}

// audienceTricks are meant for others.
func audienceTricks(idp string) []bad {
	_, ours := issuerOf(idp)
	var out []bad
	add := func(name string, t *token) { out = append(out, bad{"aud " + name, true, t.string()}) }
	for name, aud := range map[string]any{
		"null": nil, "empty": "", "other": "https://other.example", "empty list": []string{}, "list of others": []string{"a", "b"}, "prefix": ours[:len(ours)-1], "longer": ours + "/", "case": strings.ToUpper(ours), "padded": " " + ours, "comma": ours + ",x", "space list": ours + " x", "number": 1, "bool": true,
		"object": map[string]any{ours: true}, "nested list": [][]string{{ours}}, "mixed list": []any{ours, 1}, "list with null": []any{ours, nil}, "star": "*", "null byte": ours + "\x00", "subdomain": strings.Replace(ours, "https://", "https://evil.", 1), "list with empty": []string{ours, ""}, "too many": append(strings.Split(strings.Repeat("x,", 70), ","), ours),
	} {
		add(name, workload(idp, attackerSub).with("aud", aud))
	}
	add("absent", workload(idp, attackerSub).without("aud"))
	add("only in azp", workload(idp, attackerSub).without("aud").with("azp", ours))
	add("AUD", workload(idp, attackerSub).without("aud").with("AUD", ours))
	add("foreign azp beside two", workload(idp, attackerSub).with("aud", []string{ours, "https://other.example"}).with("azp", "https://evil.example"))
	for name, azp := range map[string]any{"null": nil, "number": 1, "list": []string{ours}, "empty": ""} {
		add("azp "+name, workload(idp, attackerSub).with("aud", []string{ours, "x"}).with("azp", azp))
	}
	for _, other := range []string{"ci", "pinned", "once"} {
		if _, aud := issuerOf(other); other != idp {
			add("of "+other, workload(idp, attackerSub).with("aud", aud))
		}
	}
	return out
}

// strangers come from nobody who is configured, or say so.
func strangers(idp string) []bad {
	issuer, _ := issuerOf(idp)
	var out []bad
	for name, iss := range map[string]any{
		"other": "https://evil.example", "canary": w.idps.URL + "/canary", "slash": issuer + "/", "case": strings.ToUpper(issuer), "null": nil, "empty": "", "list": []string{issuer}, "userinfo": strings.Replace(issuer, "://", "://x@", 1), "port": issuer + ":443", "query": issuer + "?x", "fragment": issuer + "#", "padded": issuer + " ",
		"longer": issuer + ".evil.example", "scheme": strings.Replace(issuer, "http", "ftp", 1), "number": 1, "path": issuer + "/../x", "metadata service": "http://169.254.169.254/", "object": map[string]any{"iss": issuer}, "null byte": issuer + "\x00", "homoglyph": strings.Replace(issuer, "i", "і", 1), "encoded": strings.Replace(issuer, "/", "%2f", 1),
	} {
		if iss == issuer {
			continue
		}
		out = append(out, bad{"iss " + name, true, workload(idp, victimSub).with("iss", iss).string()})
	}
	out = append(out, bad{"no iss", true, workload(idp, victimSub).without("iss").string()})
	return out
}

// jwtBombs are large, deep or many.
func jwtBombs(idp string) []bad {
	own := func() *token { return workload(idp, attackerSub) }
	deep := strings.Repeat("[", 100000) + strings.Repeat("]", 100000)
	var names strings.Builder
	for i := range 2500 {
		fmt.Fprintf(&names, `,"a%d":1`, i)
	}
	return []bad{
		{"a million dots", true, strings.Repeat(".", 1<<20)},
		{"many dots", true, strings.Repeat(".", 60000)},
		{"many parts", true, strings.Repeat("eyJ9.", 10000)},
		{"deep", false, own().plus(`,"x":` + deep).string()},
		{"deep in 14 kB", false, own().plus(`,"x":` + deep[:4500] + deep[len(deep)-4500:]).string()},
		{"deep header", false, own().headerPlus(`,"x":` + strings.Repeat("[", 900) + strings.Repeat("]", 900)).string()},
		{"deep objects", false, own().plus(`,"x":` + strings.Repeat(`{"a":`, 1500) + "1" + strings.Repeat("}", 1500)).string()},
		{"40 kB", false, own().with("x", strings.Repeat("a", 30000)).string()},
		{"600 kB", false, own().with("x", strings.Repeat("a", 450000)).string()},
		{"2500 claims", false, own().plus(names.String()).string()},
		{"digits", false, own().plus(`,"x":1` + strings.Repeat("0", 9000)).string()},
		{"exponent", false, own().plus(`,"x":1e999999999`).string()},
		{"header of 6 kB", false, own().headerPlus(`,"x":"` + strings.Repeat("a", 6000) + `"`).string()},
		{"PBES2", true, b64([]byte(`{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":2147483647,"p2s":"AAAA"}`)) + ".AAAA.AAAA.AAAA.AAAA"},
	}
}

// TestHostileJWTs sends the whole batch to the issuers whose keys are pinned and to the one whose keys are fetched.
func TestHostileJWTs(t *testing.T) {
	var c tally
	c.watch(t, func() {
		for i, idp := range []string{"ci", "pinned"} {
			batch := hostileJWTs(idp)
			if len(batch) < 250 {
				t.Errorf("%s: only %d messages", idp, len(batch))
			}
			for _, b := range batch {
				c.hostile(t, b.name, b.forged, func() (answer, error) { return headerSafe(w.nodeURLs[i], b.message) })
			}
		}
	})
	for _, path := range canary.seen() {
		c.bypass++
		t.Errorf("bypass: a URL of a message was fetched: %s", path)
	}
	c.report(t, "hostile JWTs")
}

// headerSafe presents a token even where no HTTP client would send the bytes: what cannot stand in a header is refused
// by everybody's HTTP, and counts as refused.
func headerSafe(node, token string) (answer, error) {
	if strings.ContainsAny(token, "\x00\r\n") {
		return answer{status: 400}, nil
	}
	return bearer(node, token)
}
