package saml

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"

	"github.com/crewjam/saml"

	"github.com/fedbroker/fedbroker/idp/saml/internal/xmlenc"
)

// entityDescriptor is the envelope of our metadata. crewjam's own would print a validUntil of the year 1, and we have
// none to give: the document is uploaded to IdPs that read it once.
type entityDescriptor struct {
	XMLName  xml.Name               `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	EntityID string                 `xml:"entityID,attr"`
	Roles    []saml.SPSSODescriptor `xml:"SPSSODescriptor"`
}

// Metadata returns our metadata for this IdP (SAML metadata section 2.4.4): signing and encryption keys, the ACS with
// the POST binding, the logout service with both, WantAssertionsSigned. Its media type is application/samlmetadata+xml.
func (p *Provider) Metadata() ([]byte, error) {
	yes, signs := true, p.signsRequests(p.source.now.Load())
	keys := []saml.KeyDescriptor{keyDescriptor("signing", p.opt.Signing.Cert, nil)}
	for _, k := range p.opt.Encryption {
		keys = append(keys, keyDescriptor("encryption", k.Cert, encryptionMethods()))
	}
	role := saml.SPSSODescriptor{
		SSODescriptor: saml.SSODescriptor{
			RoleDescriptor: saml.RoleDescriptor{ProtocolSupportEnumeration: protocolSpace, KeyDescriptors: keys},
			SingleLogoutServices: []saml.Endpoint{
				{Binding: saml.HTTPRedirectBinding, Location: p.opt.LogoutURL}, {Binding: saml.HTTPPostBinding, Location: p.opt.LogoutURL},
			},
		},
		AuthnRequestsSigned:  &signs,
		WantAssertionsSigned: &yes,
		AssertionConsumerServices: []saml.IndexedEndpoint{{
			Binding: saml.HTTPPostBinding, Location: p.opt.ACSURL, Index: 0, IsDefault: &yes,
		}},
	}
	if p.opt.NameIDFormat != "" {
		role.NameIDFormats = []saml.NameIDFormat{saml.NameIDFormat(p.opt.NameIDFormat)}
	}
	doc, err := xml.MarshalIndent(entityDescriptor{EntityID: p.opt.EntityID, Roles: []saml.SPSSODescriptor{role}}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(doc, '\n')...), nil
}

func keyDescriptor(use string, cert *x509.Certificate, methods []saml.EncryptionMethod) saml.KeyDescriptor {
	data := base64.StdEncoding.EncodeToString(cert.Raw)
	return saml.KeyDescriptor{
		Use:               use,
		KeyInfo:           saml.KeyInfo{X509Data: saml.X509Data{X509Certificates: []saml.X509Certificate{{Data: data}}}},
		EncryptionMethods: methods,
	}
}

// encryptionMethods is our order of preference: authenticated ciphers first.
func encryptionMethods() []saml.EncryptionMethod {
	return []saml.EncryptionMethod{
		{Algorithm: xmlenc.Space11 + "aes256-gcm"},
		{Algorithm: xmlenc.Space11 + "aes128-gcm"},
		{Algorithm: xmlenc.Space + "aes256-cbc"},
		{Algorithm: xmlenc.Space + "aes128-cbc"},
		{Algorithm: xmlenc.Space11 + "rsa-oaep"},
		{Algorithm: xmlenc.Space + "rsa-oaep-mgf1p"},
	}
}
