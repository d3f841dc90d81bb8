package devidp

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"github.com/crewjam/saml"
)

// ParseServiceProvider reads a service provider's SAML metadata: entity id, HTTP-POST consumers (the default one
// first), signing certificates when it says that it signs requests, and an RSA encryption certificate when it has one.
func ParseServiceProvider(metadata []byte) (ServiceProvider, error) {
	if len(metadata) > maxBody {
		return ServiceProvider{}, fmt.Errorf("service provider metadata is larger than %d bytes", maxBody)
	}
	if err := plainXML(metadata); err != nil {
		return ServiceProvider{}, fmt.Errorf("service provider metadata: %w", err)
	}
	var entity saml.EntityDescriptor
	if err := xml.Unmarshal(metadata, &entity); err != nil {
		return ServiceProvider{}, fmt.Errorf("service provider metadata: %w", err)
	}
	if len(entity.SPSSODescriptors) != 1 {
		return ServiceProvider{}, errors.New("service provider metadata must have one SPSSODescriptor")
	}
	role := entity.SPSSODescriptors[0]
	sp := ServiceProvider{EntityID: entity.EntityID, ACS: consumers(role.AssertionConsumerServices)}
	signs := role.AuthnRequestsSigned != nil && *role.AuthnRequestsSigned
	for _, key := range role.KeyDescriptors {
		if err := sp.addKey(key, signs); err != nil {
			return ServiceProvider{}, err
		}
	}
	return sp, sp.check()
}

func consumers(endpoints []saml.IndexedEndpoint) []string {
	var urls []string
	for _, e := range endpoints {
		switch {
		case e.Binding != bindingPOST:
		case e.IsDefault != nil && *e.IsDefault:
			urls = append([]string{e.Location}, urls...)
		default:
			urls = append(urls, e.Location)
		}
	}
	return urls
}

// addKey takes a key descriptor's certificates. One without use serves both ends (SAML metadata 2.4.1.1).
func (sp *ServiceProvider) addKey(key saml.KeyDescriptor, signs bool) error {
	for _, c := range key.KeyInfo.X509Data.X509Certificates {
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.Data), ""))
		if err != nil {
			return errors.New("service provider metadata: a certificate is not base64")
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("service provider metadata: %w", err)
		}
		if signs && key.Use != "encryption" {
			sp.SigningCerts = append(sp.SigningCerts, cert)
		}
		if key.Use != "signing" && sp.EncryptionCert == nil && cert.PublicKeyAlgorithm == x509.RSA {
			sp.EncryptionCert = cert
		}
	}
	return nil
}
