package devidp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/sync/errgroup"
)

// keySet is one start's keys: three, so that a proof of one kind can never pass as another.
type keySet struct {
	saml *rsa.PrivateKey
	ci   *rsa.PrivateKey // GitHub signs with RS256
	oidc *ecdsa.PrivateKey
}

const rsaBits = 2048

func newKeySet() (keySet, error) {
	var ks keySet
	var g errgroup.Group
	g.Go(func() (err error) { ks.saml, err = rsa.GenerateKey(rand.Reader, rsaBits); return err })
	g.Go(func() (err error) { ks.ci, err = rsa.GenerateKey(rand.Reader, rsaBits); return err })
	g.Go(func() (err error) { ks.oidc, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); return err })
	if err := g.Wait(); err != nil {
		return keySet{}, fmt.Errorf("generating keys: %w", err)
	}
	return ks, nil
}

// selfSigned wraps a SAML signing key the way metadata carries it. Nobody checks the chain: the metadata is the trust.
func selfSigned(key *rsa.PrivateKey, now time.Time) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "Development identity provider"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(365 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate for the SAML key: %w", err)
	}
	return der, nil
}
