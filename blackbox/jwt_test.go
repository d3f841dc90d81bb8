package blackbox

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/idp/idptest"
)

// jwtKeys are the issuers' keys: one of each kind, all under the same key ids at every issuer.
type jwtKeys struct {
	rsa            *rsa.PrivateKey
	ps             *rsa.PrivateKey
	ec, ec384, ec5 *ecdsa.PrivateKey
	ed             ed25519.PrivateKey

	foreignRSA *rsa.PrivateKey
	foreignEC  *ecdsa.PrivateKey
	foreignEd  ed25519.PrivateKey
	encOnly    *rsa.PrivateKey // published for encryption
	weak       *rsa.PrivateKey // published, of 1024 bits
}

var keysOfIssuers = sync.OnceValue(func() *jwtKeys {
	ec := func(curve elliptic.Curve) *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	}
	ed := func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	}
	of := func(k idptest.SAMLKey) *rsa.PrivateKey { key, _ := k.Signer.(*rsa.PrivateKey); return key }
	return &jwtKeys{
		rsa: of(idptest.RSAKey(0)), ps: of(idptest.RSAKey(1)), ec: ec(elliptic.P256()), ec384: ec(elliptic.P384()), ec5: ec(elliptic.P521()), ed: ed(),
		foreignRSA: of(idptest.RSAKey(2)), foreignEC: ec(elliptic.P256()), foreignEd: ed(), encOnly: of(idptest.RSAKey(3)), weak: of(idptest.WeakRSAKey()),
	}
})

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaJWK(kid string, key *rsa.PrivateKey, more map[string]any) map[string]any {
	out := map[string]any{"kty": "RSA", "kid": kid, "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}
	maps.Copy(out, more)
	return out
}

func ecJWK(kid string, key *ecdsa.PrivateKey) map[string]any {
	public, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	size := (len(public) - 1) / 2
	return map[string]any{"kty": "EC", "kid": kid, "crv": key.Params().Name, "x": b64(public[1 : 1+size]), "y": b64(public[1+size:])}
}

// jwks is the key set of every workload issuer.
var jwks = sync.OnceValue(func() []byte {
	k := keysOfIssuers()
	edPublic, _ := k.ed.Public().(ed25519.PublicKey)
	return mustJSON(map[string]any{"keys": []any{
		rsaJWK("rsa", k.rsa, map[string]any{"use": "sig"}), rsaJWK("ps", k.ps, map[string]any{"alg": "PS256"}),
		ecJWK("ec", k.ec), ecJWK("ec384", k.ec384), ecJWK("ec521", k.ec5),
		map[string]any{"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": b64(edPublic)},
		rsaJWK("enc", k.encOnly, map[string]any{"use": "enc"}), rsaJWK("weak", k.weak, nil),
		map[string]any{"kty": "oct", "kid": "oct", "k": b64([]byte("this key is public and thirty-two"))},
	}})
})

// token is a JWT before it is written.
type token struct {
	header, claims map[string]any
	rawHeader      string // JSON instead of header
	rawClaims      string
	key            any // nil: no signature
	sign           func(input string) []byte
	finish         func(h, p, s string) string
}

// issuerOf says who issues for which audience.
func issuerOf(idp string) (issuer, audience string) {
	switch idp {
	case "pinned":
		return issuerPinned, audiencePinned
	case "once":
		return issuerOnce, audienceOnce
	}
	return w.idps.URL, audienceCI
}

// workload is a token that must be accepted as subject.
func workload(idp, subject string) *token {
	issuer, audience := issuerOf(idp)
	now := time.Now()
	return &token{
		header: map[string]any{"alg": "RS256", "kid": "rsa", "typ": "JWT"},
		claims: map[string]any{
			"iss": issuer, "aud": audience, "sub": subject, "tenant": "acme", "jti": randomID(),
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
		},
		key: keysOfIssuers().rsa,
	}
}

func (t *token) with(name string, value any) *token {
	t.claims[name] = value
	return t
}

func (t *token) without(name string) *token {
	delete(t.claims, name)
	return t
}

func (t *token) by(alg, kid string, key any) *token {
	t.header["alg"], t.key = alg, key
	t.header["kid"] = kid
	if kid == "" {
		delete(t.header, "kid")
	}
	return t
}

func (t *token) string() string {
	header, claims := t.rawHeader, t.rawClaims
	if header == "" {
		header = string(mustJSON(t.header))
	}
	if claims == "" {
		claims = string(mustJSON(t.claims))
	}
	h, p := b64([]byte(header)), b64([]byte(claims))
	var sig []byte
	switch {
	case t.sign != nil:
		sig = t.sign(h + "." + p)
	case t.key != nil:
		alg, _ := t.header["alg"].(string)
		sig = signJWS(alg, t.key, h+"."+p)
	}
	if t.finish != nil {
		return t.finish(h, p, b64(sig))
	}
	return h + "." + p + "." + b64(sig)
}

// signJWS signs with what the key can: the number in alg is the hash.
func signJWS(alg string, key any, input string) []byte {
	hash := crypto.SHA256
	switch {
	case strings.HasSuffix(alg, "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(alg, "512"):
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write([]byte(input))
	digest := h.Sum(nil)
	var out []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if strings.HasPrefix(alg, "PS") {
			out, err = rsa.SignPSS(rand.Reader, k, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			out, err = rsa.SignPKCS1v15(rand.Reader, k, hash, digest)
		}
	case *ecdsa.PrivateKey:
		r, s, signErr := ecdsa.Sign(rand.Reader, k, digest)
		if err = signErr; err == nil {
			size := (k.Params().BitSize + 7) / 8
			out = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}
	case ed25519.PrivateKey:
		out = ed25519.Sign(k, []byte(input))
	case []byte:
		mac := hmac.New(hash.New, k)
		mac.Write([]byte(input))
		out = mac.Sum(nil)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// members writes an object with the given text behind the usual claims.
func (t *token) plus(text string) *token {
	claims := string(mustJSON(t.claims))
	t.rawClaims = claims[:len(claims)-1] + text + "}"
	return t
}

// headerPlus is the same for the header.
func (t *token) headerPlus(text string) *token {
	header := string(mustJSON(t.header))
	t.rawHeader = header[:len(header)-1] + text + "}"
	return t
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }

// negated turns an ECDSA signature on P-256 into the other one that verifies.
func negated(sig string) string {
	b, err := base64.RawURLEncoding.DecodeString(sig)
	if err != nil {
		panic(err)
	}
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(b[32:]))
	return b64(append(b[:32:32], s.FillBytes(make([]byte, 32))...))
}
