package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes that algorithms names
	_ "crypto/sha512"
	"errors"
	"math/big"
	"slices"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/fedbroker/fedbroker/idp"
)

// algorithms lists what can be allowed (RFC 7518 section 3.1, RFC 8037), all asymmetric.
func algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// hashOf is the hash that the number in an algorithm's name means.
func hashOf(alg string) crypto.Hash {
	switch alg[2:] {
	case "256":
		return crypto.SHA256
	case "384":
		return crypto.SHA384
	}
	return crypto.SHA512
}

// verifySignature chooses the key from the configured issuer's set and lets go-oidc's verifier frame the rest: it
// reads the token a second time with go-jose, and both readers must agree. Times and audience are ours to check.
func (w *Workload) verifySignature(ctx context.Context, t *token) (idp.Claims, error) {
	if !slices.Contains(w.opts.Algorithms, t.alg) {
		return idp.Claims{}, invalid("the token's algorithm is not allowed")
	}
	candidates, err := w.keys.candidates(ctx, t.kid, t.alg)
	if err != nil {
		return idp.Claims{}, err
	}
	verifier := oidc.NewVerifier(w.opts.Issuer, tokenKeys{t, candidates}, &oidc.Config{
		SupportedSigningAlgs: []string{t.alg},
		SkipClientIDCheck:    true,
		SkipExpiryCheck:      true,
	})
	if _, err := verifier.Verify(ctx, t.raw); err != nil {
		if sub, ok := t.unverified.Get("sub"); ok && !isText(sub) { // go-oidc reads it before it verifies
			return idp.Claims{}, invalidBecause("the token's subject (sub) is not a string", err)
		}
		return idp.Claims{}, invalidBecause("the token's signature or form is not valid", err)
	}
	return t.unverified, nil
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

// tokenKeys is the key set for one token: the keys that its kid and alg select.
type tokenKeys struct {
	token *token
	keys  []publicKey
}

var _ oidc.KeySet = tokenKeys{}

// VerifySignature verifies the token that the set was made for, whatever it is handed, and returns the payload under
// the signature.
func (k tokenKeys) VerifySignature(context.Context, string) ([]byte, error) {
	for _, key := range k.keys {
		if key.verifies(k.token) {
			return k.token.payload, nil
		}
	}
	return nil, errors.New("no key verifies the signature")
}

// verifies checks one signature. Forms are exact: an RSA signature as long as the modulus, a PSS salt as long as the
// hash (RFC 7518 section 3.5), an ECDSA signature of two fixed-width integers (section 3.4).
func (k publicKey) verifies(t *token) bool {
	if key, ok := k.key.(ed25519.PublicKey); ok {
		return ed25519.Verify(key, []byte(t.input), t.signature)
	}
	hash := hashOf(t.alg)
	h := hash.New()
	h.Write([]byte(t.input))
	digest := h.Sum(nil)
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		if t.alg[:2] == "PS" {
			return rsa.VerifyPSS(key, hash, digest, t.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(key, hash, digest, t.signature) == nil
	case *ecdsa.PublicKey:
		size := (key.Params().BitSize + 7) / 8
		if len(t.signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(t.signature[:size]), new(big.Int).SetBytes(t.signature[size:])
		return ecdsa.Verify(key, digest, r, s)
	}
	return false
}
