package devidp

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// jwtSigner signs JWTs with one key and publishes its public half.
type jwtSigner struct {
	signer jose.Signer
	alg    jose.SignatureAlgorithm
	public jose.JSONWebKeySet
}

// newJWTSigner signs RS256 with an RSA key and ES256 with one on P-256.
func newJWTSigner(key crypto.Signer) (jwtSigner, error) {
	alg := jose.RS256
	if _, ec := key.(*ecdsa.PrivateKey); ec {
		alg = jose.ES256
	}
	thumbprint, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return jwtSigner{}, fmt.Errorf("naming a key: %w", err)
	}
	kid := base64.RawURLEncoding.EncodeToString(thumbprint)
	signingKey := jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}
	signer, err := jose.NewSigner(signingKey, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return jwtSigner{}, fmt.Errorf("making a signer: %w", err)
	}
	public := jose.JSONWebKey{Key: key.Public(), KeyID: kid, Algorithm: string(alg), Use: "sig"}
	return jwtSigner{signer: signer, alg: alg, public: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}}}, nil
}

func (j jwtSigner) sign(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := j.signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
