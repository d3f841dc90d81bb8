package webidentity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
)

// AWS's limits on a key set (OIDC fact sheet, section A.3) and ours on a key.
const (
	maxKeysPerType = 100
	minRSABits     = 2048
	maxRSABits     = 8192
)

// KeySet is the usable keys of a JWKS by key id.
type KeySet struct {
	keys map[string]crypto.PublicKey
	// sole is set when the document has exactly one key: then a token needs no kid.
	sole string
}

// ParseKeySet reads a JWKS. A key that is not for signatures, has no kid or is malformed is left out; a set in which
// nothing is left is refused. Above 100 RSA keys the RSA keys are unusable, and likewise for EC.
func ParseKeySet(data []byte) (*KeySet, error) {
	document, err := parseObject(data)
	if err != nil {
		return nil, err
	}
	entries, ok := document["keys"].([]any)
	if !ok {
		return nil, errors.New("no keys")
	}
	set := &KeySet{keys: map[string]crypto.PublicKey{}}
	count := map[string]int{}
	for _, entry := range entries {
		jwk, _ := entry.(map[string]any)
		kty, _ := jwk["kty"].(string)
		count[kty]++
		set.add(jwk)
	}
	set.dropAbove(count)
	if len(set.keys) == 0 {
		return nil, errors.New("no usable key")
	}
	if len(entries) == 1 {
		for kid := range set.keys {
			set.sole = kid
		}
	}
	return set, nil
}

// add takes a usable key in; a later entry of the same kid wins.
func (s *KeySet) add(jwk map[string]any) {
	kid, _ := jwk["kid"].(string)
	_, operations := jwk["key_ops"]
	use, hasUse := jwk["use"]
	if kid == "" || operations || hasUse && use != "sig" {
		return
	}
	key, err := publicKey(jwk)
	if err != nil || !matchesCertificate(jwk, key) {
		return
	}
	s.keys[kid] = key
}

func (s *KeySet) dropAbove(count map[string]int) {
	for kid, key := range s.keys {
		_, isRSA := key.(*rsa.PublicKey)
		if isRSA && count["RSA"] > maxKeysPerType || !isRSA && count["EC"] > maxKeysPerType {
			delete(s.keys, kid)
		}
	}
}

// find returns the key of a kid; without a kid, the only key of a set of one.
func (s *KeySet) find(kid string, hasKid bool) (crypto.PublicKey, bool) {
	if !hasKid {
		if s.sole == "" {
			return nil, false
		}
		kid = s.sole
	}
	key, ok := s.keys[kid]
	return key, ok
}

func publicKey(jwk map[string]any) (crypto.PublicKey, error) {
	switch jwk["kty"] {
	case "RSA":
		return rsaKey(jwk)
	case "EC":
		return ecKey(jwk)
	default:
		return nil, errors.New("unknown key type")
	}
}

func rsaKey(jwk map[string]any) (crypto.PublicKey, error) {
	n, err := number(jwk, "n")
	if err != nil {
		return nil, err
	}
	e, err := number(jwk, "e")
	if err != nil {
		return nil, err
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	if bits := modulus.BitLen(); bits < minRSABits || bits > maxRSABits || modulus.Bit(0) == 0 {
		return nil, errors.New("unsuitable RSA modulus")
	}
	if exponent.BitLen() > 31 || exponent.Int64() < 3 || exponent.Bit(0) == 0 {
		return nil, errors.New("unsuitable RSA exponent")
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, nil
}

func ecKey(jwk map[string]any) (crypto.PublicKey, error) {
	var curve elliptic.Curve
	switch jwk["crv"] {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return nil, errors.New("unknown curve")
	}
	x, err := number(jwk, "x")
	if err != nil {
		return nil, err
	}
	y, err := number(jwk, "y")
	if err != nil {
		return nil, err
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(x) != size || len(y) != size {
		return nil, errors.New("a coordinate has the wrong length")
	}
	point := append(append([]byte{4}, x...), y...) // uncompressed form; parsing checks that it is on the curve
	return ecdsa.ParseUncompressedPublicKey(curve, point)
}

func number(jwk map[string]any, name string) ([]byte, error) {
	encoded, _ := jwk[name].(string)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) == 0 {
		return nil, errors.New("a member of the key is missing or not base64url")
	}
	return raw, nil
}

// matchesCertificate holds x5c, where present, to the key.
func matchesCertificate(jwk map[string]any, key crypto.PublicKey) bool {
	chain, present := jwk["x5c"]
	if !present {
		return true
	}
	list, _ := chain.([]any)
	if len(list) == 0 {
		return false
	}
	encoded, _ := list[0].(string)
	der, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return false
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return false
	}
	comparable, ok := certificate.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(key)
}
