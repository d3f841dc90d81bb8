package daemon

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp/saml"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// spKey is the broker's own key pair as a SAML service provider: it signs requests and opens encrypted assertions.
type spKey struct {
	signing    saml.SigningKey
	encryption []saml.DecryptionKey
}

// sharedSPKey keeps one pair for all nodes, sealed in the store.
func sharedSPKey(ctx context.Context, s broker.Store, now time.Time, rand io.Reader) (spKey, error) {
	blob, err := shared(ctx, s, "saml-sp-key", func() ([]byte, error) { return makeSPKey(now, rand) })
	if err != nil {
		return spKey{}, err
	}
	return parseSPKey(secret.New(string(blob)), secret.New(string(blob)))
}

func makeSPKey(now time.Time, rand io.Reader) ([]byte, error) {
	key, err := rsa.GenerateKey(rand, 3072)
	if err != nil {
		return nil, err
	}
	der, err := selfSigned(key, now, rand)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	return append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...), nil
}

// standInSPKey takes the place of the pair in the store where a configuration is only checked. It is cheap to make
// and opens nothing.
func standInSPKey(now time.Time, rand io.Reader) (spKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand)
	if err != nil {
		return spKey{}, err
	}
	der, err := selfSigned(key, now, rand)
	if err != nil {
		return spKey{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return spKey{signing: saml.SigningKey{Key: key, Cert: cert}}, err
}

func selfSigned(key crypto.Signer, now time.Time, rand io.Reader) ([]byte, error) {
	// Identity providers pin this certificate and do not look at its dates; ten years keep those that do quiet.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.Unix()), Subject: pkix.Name{CommonName: "fedbroker SAML service provider"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	return x509.CreateCertificate(rand, template, template, key.Public(), key)
}

func parseSPKey(keyPEM, certPEM secret.Text) (spKey, error) {
	keyBlock, certBlock := firstBlock(keyPEM, "PRIVATE KEY"), firstBlock(certPEM, "CERTIFICATE")
	if keyBlock == nil || certBlock == nil {
		return spKey{}, errors.New("want a PEM private key in PKCS #8 and a PEM certificate")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock)
	if err != nil {
		return spKey{}, errors.New("the private key cannot be read") // the cause may quote it
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() < 2048 {
		return spKey{}, errors.New("want an RSA key of at least 2048 bits: identity providers encrypt to it")
	}
	cert, err := x509.ParseCertificate(certBlock)
	if err != nil {
		return spKey{}, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return spKey{}, errors.New("key and certificate do not belong together")
	}
	return spKey{saml.SigningKey{Key: key, Cert: cert}, []saml.DecryptionKey{{Key: key, Cert: cert}}}, nil
}

func firstBlock(text secret.Text, kind string) []byte {
	rest := []byte(text.Reveal())
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil
		}
		if block.Type == kind {
			return block.Bytes
		}
	}
}
