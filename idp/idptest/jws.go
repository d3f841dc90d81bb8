package idptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of RFC 7518
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// SignJWT makes a compact JWS with the usual header {alg, kid, typ} over a payload.
func SignJWT(t testing.TB, k SigningKey, payload []byte) string {
	t.Helper()
	return SignTyped(t, k, "JWT", payload)
}

// SignTyped is SignJWT with another type; empty leaves it out.
func SignTyped(t testing.TB, k SigningKey, typ string, payload []byte) string {
	t.Helper()
	members := map[string]string{"alg": string(k.Alg), "kid": k.ID}
	if typ != "" {
		members["typ"] = typ
	}
	header, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return SignJWS(t, k, header, payload)
}

// SignJWS makes a compact JWS over any header bytes with a valid signature of key k by k.Alg, whatever the header says.
func SignJWS(t testing.TB, k SigningKey, header, payload []byte) string {
	t.Helper()
	input := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return input + "." + base64.RawURLEncoding.EncodeToString(JWSSignature(t, k, []byte(input)))
}

// JWSSignature signs the bytes with k by k.Alg (RFC 7518 section 3).
func JWSSignature(t testing.TB, k SigningKey, input []byte) []byte {
	t.Helper()
	sig, err := signJWS(k, input)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// signJWS makes a signature by hand, so that tests can put it under headers that no library would write.
func signJWS(k SigningKey, input []byte) ([]byte, error) {
	if key, ok := k.Key.(ed25519.PrivateKey); ok {
		return ed25519.Sign(key, input), nil
	}
	hash, err := jwsHash(k.Alg)
	if err != nil {
		return nil, err
	}
	h := hash.New()
	h.Write(input)
	digest := h.Sum(nil)
	switch key := k.Key.(type) {
	case *rsa.PrivateKey:
		if k.Alg[0] == 'P' {
			return rsa.SignPSS(rand.Reader, key, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(rand.Reader, key, hash, digest)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			return nil, err
		}
		size := (key.Params().BitSize + 7) / 8
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out, nil
	}
	return nil, fmt.Errorf("a key of type %T", k.Key)
}

func jwsHash(alg jose.SignatureAlgorithm) (crypto.Hash, error) {
	switch alg[2:] {
	case "256":
		return crypto.SHA256, nil
	case "384":
		return crypto.SHA384, nil
	case "512":
		return crypto.SHA512, nil
	}
	return 0, fmt.Errorf("algorithm %q", alg)
}
