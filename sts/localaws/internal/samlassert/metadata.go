package samlassert

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// Limits of IAM on a SAML provider (SAML fact sheet, section 7).
const (
	maxMetadata = 10_000_000
	maxKeys     = 10
	minRSABits  = 1024
)

// Metadata is what is read from an identity provider's metadata.
type Metadata struct {
	EntityID     string
	Certificates []*x509.Certificate // signing
}

// ParseMetadata reads an EntityDescriptor with one IDPSSODescriptor.
func ParseMetadata(data []byte) (Metadata, error) {
	if len(data) > maxMetadata {
		return Metadata{}, fmt.Errorf("metadata is longer than %d bytes", maxMetadata)
	}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return Metadata{}, errors.New("metadata begins with a byte order mark")
	}
	root, err := parse(data)
	if err != nil {
		return Metadata{}, fmt.Errorf("metadata: %w", err)
	}
	if root.Tag != "EntityDescriptor" || root.NamespaceURI() != nsMetadata {
		return Metadata{}, errors.New("metadata is no EntityDescriptor")
	}
	m := Metadata{EntityID: attr(root, "entityID")}
	if m.EntityID == "" {
		return Metadata{}, errors.New("metadata has no entityID")
	}
	idp, err := only(root, nsMetadata, "IDPSSODescriptor")
	if err != nil {
		return Metadata{}, fmt.Errorf("metadata: %w", err)
	}
	m.Certificates, err = signingCertificates(idp)
	return m, err
}

func signingCertificates(idp *etree.Element) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, descriptor := range children(idp, nsMetadata, "KeyDescriptor") {
		if use := attr(descriptor, "use"); use != "" && use != "signing" {
			continue
		}
		found, err := certificates(descriptor)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) == 0 || len(out) > maxKeys {
		return nil, fmt.Errorf("metadata must have 1 to %d signing certificates, it has %d", maxKeys, len(out))
	}
	return out, nil
}

func certificates(descriptor *etree.Element) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	var failed error
	walk(descriptor, func(el *etree.Element) {
		if el.Tag != "X509Certificate" || el.NamespaceURI() != nsSignature || failed != nil {
			return
		}
		certificate, err := certificate(el)
		if err != nil {
			failed = err
			return
		}
		out = append(out, certificate)
	})
	return out, failed
}

func certificate(el *etree.Element) (*x509.Certificate, error) {
	encoded, err := text(el)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return nil, errors.New("metadata: a certificate is not base64")
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if key, ok := certificate.PublicKey.(*rsa.PublicKey); !ok || key.N.BitLen() < minRSABits {
		return nil, fmt.Errorf("metadata: a signing certificate must hold an RSA key of at least %d bits", minRSABits)
	}
	return certificate, nil
}
