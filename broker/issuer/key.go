package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Purpose is what a key is for. A key of one purpose is never used, nor accepted, for another.
type Purpose string

// The purposes.
const (
	PurposeJWT  Purpose = "jwt"  // signs web identity tokens
	PurposeSAML Purpose = "saml" // signs SAML assertions and Responses
)

const (
	// AWS takes RSA keys of 1024 bits and more (facts, saml-aws section 7); below 2048 is no longer a signature.
	// Above 4096 verification costs ten times as much for nothing.
	minRSABits, maxRSABits = 2048, 4096
	certificateLife        = 10 * 365 * 24 * time.Hour
)

// Key is the public view of one signing key.
type Key struct {
	// ID is the RFC 7638 thumbprint of the public key: kid in the JWKS.
	ID string
	// Algorithm is ES256 or RS256.
	Algorithm string
	// SignsFrom is when the key begins to sign; zero for a key that was loaded.
	SignsFrom time.Time
	// Certificate is the self-signed X.509 certificate in DER; PurposeSAML only.
	Certificate []byte

	signer crypto.Signer
	jws    jose.Signer // PurposeJWT only
	// putBack and until are as in generation; zero for a key that no store ever lost.
	putBack, until time.Time
}

func generateKey(p Purpose, random io.Reader) (crypto.Signer, error) {
	if p == PurposeSAML {
		return rsa.GenerateKey(random, minRSABits)
	}
	return ecdsa.GenerateKey(elliptic.P256(), random)
}

// newKey checks that the key pair fits its purpose and prepares it for signing.
func newKey(p Purpose, signer crypto.Signer, certificate []byte, signsFrom time.Time) (*Key, error) {
	alg, err := algorithm(signer)
	if err != nil {
		return nil, err
	}
	jwk := jose.JSONWebKey{Key: signer.Public()}
	thumb, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("naming a key: %w", err)
	}
	k := &Key{
		ID: base64.RawURLEncoding.EncodeToString(thumb), Algorithm: alg, SignsFrom: signsFrom,
		Certificate: certificate, signer: signer,
	}
	if p == PurposeSAML {
		return k, checkCertificate(signer, alg, certificate)
	}
	k.jws, err = jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: signer, KeyID: k.ID}},
		new(jose.SignerOptions).WithType("JWT"))
	return k, err
}

// algorithm allows ECDSA on P-256 and RSA of 2048 to 4096 bits (AWS verifies RS and ES, facts, oidc-aws section A.2).
func algorithm(signer crypto.Signer) (string, error) {
	switch key := signer.(type) {
	case *ecdsa.PrivateKey:
		if key.Curve != elliptic.P256() {
			return "", errors.New("an ECDSA signing key must be on P-256")
		}
		return string(jose.ES256), nil
	case *rsa.PrivateKey:
		if n := key.N.BitLen(); n < minRSABits || n > maxRSABits {
			return "", fmt.Errorf("an RSA signing key must have %d to %d bits, not %d", minRSABits, maxRSABits, n)
		}
		return string(jose.RS256), nil
	default:
		return "", fmt.Errorf("a %T cannot sign for AWS", signer)
	}
}

func checkCertificate(signer crypto.Signer, alg string, der []byte) error {
	if alg != string(jose.RS256) {
		return errors.New("AWS takes SAML signed with an RSA key; this one is " + alg)
	}
	if len(der) == 0 {
		return errors.New("a SAML signing key needs its certificate beside it: AWS holds it in the provider's metadata")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("reading the SAML certificate: %w", err)
	}
	if pub, ok := cert.PublicKey.(*rsa.PublicKey); !ok || !pub.Equal(signer.Public()) {
		return errors.New("the SAML certificate belongs to another key")
	}
	return nil
}

// selfSign makes the certificate that SAML metadata carries. It has one key usage and no other extension (AWS refuses
// repeated ones), and a serial number taken from the key, so that nothing but the key is random. AWS ignores the end
// date (facts, saml-aws section 3); other verifiers do not.
func selfSign(signer crypto.Signer, random io.Reader, now time.Time) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(spki)
	sum[0] = sum[0]&0x7f | 0x40 // positive and of constant length (RFC 5280 section 4.1.2.2)
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(sum[:16]),
		Subject:      pkix.Name{CommonName: "fedbroker SAML signing"},
		NotBefore:    now.Add(-time.Hour).UTC(),
		NotAfter:     now.Add(certificateLife).UTC(),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	return x509.CreateCertificate(random, template, template, signer.Public(), signer)
}

// parsePEM reads one private key (PKCS 8, PKCS 1 or SEC 1) and, for SAML, one certificate. Anything else is refused.
func parsePEM(p Purpose, text secret.Text) (*Key, error) {
	var signer crypto.Signer
	var certificate []byte
	for rest := []byte(text.Reveal()); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == "CERTIFICATE" && certificate == nil && p == PurposeSAML:
			certificate = block.Bytes
		case block.Type == "EC PARAMETERS": // openssl ecparam writes it in front; the key names its curve itself
		case signer == nil:
			var err error
			if signer, err = parsePrivate(block); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("a second or unknown PEM block %q", block.Type)
		}
	}
	if signer == nil {
		return nil, errors.New("no private key in PEM form")
	}
	return newKey(p, signer, certificate, time.Time{})
}

// parsePrivate reports the kind of trouble only: a parser's own error may quote what it read.
func parsePrivate(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("PEM block %q is not a private key", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("PEM block %q does not hold a usable private key", block.Type)
	}
	return asSigner(key)
}

func asSigner(key any) (crypto.Signer, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T cannot sign", key)
	}
	return signer, nil
}
