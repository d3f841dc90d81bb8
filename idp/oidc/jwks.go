package oidc

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/go-jose/go-jose/v4"
)

// Limits of a key set. An RSA key over 4096 bits makes every verification dear; one below 2048 is weak (NIST SP
// 800-131A). Exponents up to 65536 are refused with SP 800-56B section 6.2.
const (
	maxKeys        = 100
	minRSABits     = 2048
	maxRSABits     = 4096
	minRSAExponent = 65537
)

// publicKey is one key that may verify signatures.
type publicKey struct {
	kid string
	alg string // of the JWK; empty: any that fits the key
	key any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// keySet is an issuer's usable keys, parsed once.
type keySet []publicKey

// parseJWKS reads a key set (RFC 7517 section 5). Keys that cannot be used are left out, each with its reason; a set
// that is malformed, too large or has nothing usable is an error.
func parseJWKS(doc []byte) (keySet, []error, error) {
	set, err := idp.ParseClaims(doc)
	if err != nil {
		return nil, nil, fmt.Errorf("key set: %w", err)
	}
	v, _ := set.Get("keys")
	list, ok := v.([]any)
	if !ok || len(list) > maxKeys {
		return nil, nil, fmt.Errorf("key set: no array of at most %d keys", maxKeys)
	}
	var keys keySet
	var left []error
	for i, v := range list {
		key, err := parseJWK(v)
		if err != nil {
			left = append(left, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, left, fmt.Errorf("key set: no usable key: %w", errors.Join(left...))
	}
	return keys, left, nil
}

// parseJWK reads one key. Only the members that make up a public key reach the library.
func parseJWK(v any) (publicKey, error) {
	jwk, ok := v.(map[string]any)
	if !ok {
		return publicKey{}, errors.New("not an object")
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, ok := jwk[private]; ok {
			return publicKey{}, errors.New("it carries private or symmetric key material")
		}
	}
	if err := checkUse(jwk); err != nil {
		return publicKey{}, err
	}
	k := publicKey{}
	if k.kid, ok = optionalText(jwk, "kid"); !ok {
		return publicKey{}, errors.New("kid is malformed")
	}
	if k.alg, ok = optionalText(jwk, "alg"); !ok {
		return publicKey{}, errors.New("alg is malformed")
	}
	public := make(map[string]any)
	for _, name := range []string{"kty", "crv", "x", "y", "n", "e"} {
		if v, ok := jwk[name]; ok {
			public[name] = v
		}
	}
	b, err := json.Marshal(public)
	if err != nil {
		return publicKey{}, err
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(b); err != nil {
		return publicKey{}, err
	}
	k.key = parsed.Key
	return k, k.check()
}

// optionalText reads a member that is absent or a plain string.
func optionalText(jwk map[string]any, name string) (string, bool) {
	v, ok := jwk[name]
	if !ok {
		return "", true
	}
	s, ok := v.(string)
	return s, ok && plainText(s, maxKidBytes)
}

// checkUse wants a key that is published for signatures (RFC 7517 sections 4.2 and 4.3).
func checkUse(jwk map[string]any) error {
	if use, ok := jwk["use"]; ok && use != "sig" {
		return errors.New("its use is not sig")
	}
	ops, ok := jwk["key_ops"]
	if !ok {
		return nil
	}
	if list, ok := ops.([]any); !ok || !slices.Contains(list, any("verify")) {
		return errors.New("its key_ops do not include verify")
	}
	return nil
}

// check holds a key to its strength, and its alg to its type. go-jose bounds the modulus too, but by a variable that
// any package can change.
func (k publicKey) check() error {
	if key, ok := k.key.(*rsa.PublicKey); ok {
		bits := key.N.BitLen()
		if bits < minRSABits || bits > maxRSABits || key.N.Bit(0) == 0 {
			return fmt.Errorf("an RSA modulus of %d bits, or even", bits)
		}
		if key.E < minRSAExponent || key.E%2 == 0 || key.E > 1<<31-1 {
			return errors.New("an odd RSA exponent of at least 65537 is needed")
		}
	}
	for _, alg := range algorithms() {
		if k.fits(alg) {
			return nil
		}
	}
	return errors.New("no supported algorithm fits the key")
}

// fits reports whether a token's alg may use this key: the type of key decides, and the JWK's alg where it has one.
func (k publicKey) fits(alg string) bool {
	if k.alg != "" && k.alg != alg && (k.alg != "Ed25519" || alg != "EdDSA") { // RFC 9864 renames EdDSA
		return false
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return alg[:2] == "RS" || alg[:2] == "PS"
	case *ecdsa.PublicKey:
		return alg == map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[key.Params().Name]
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

// has reports whether a key id is in the set; a token without one names no key that could be missing.
func (s keySet) has(kid string) bool {
	return kid == "" || slices.ContainsFunc(s, func(k publicKey) bool { return k.kid == kid })
}

// find returns the keys of that id which fit the algorithm. Without an id the set must leave no choice: exactly one
// key fits.
func (s keySet) find(kid, alg string) []publicKey {
	var fitting []publicKey
	for _, k := range s {
		if (kid == "" || k.kid == kid) && k.fits(alg) {
			fitting = append(fitting, k)
		}
	}
	if kid == "" && len(fitting) != 1 {
		return nil
	}
	return fitting
}
