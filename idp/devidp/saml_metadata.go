package devidp

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"time"

	"github.com/crewjam/saml"
)

// samlMetadata describes the identity provider (SAML metadata 2.4.3).
func (s *Server) samlMetadata(w http.ResponseWriter, _ *http.Request) error {
	wantSigned := false
	sso := s.url("/saml/sso")
	entity := saml.EntityDescriptor{
		EntityID:   s.EntityID(),
		ValidUntil: s.clock().Add(7 * 24 * time.Hour).UTC(),
		IDPSSODescriptors: []saml.IDPSSODescriptor{{
			SSODescriptor: saml.SSODescriptor{
				RoleDescriptor: saml.RoleDescriptor{
					ProtocolSupportEnumeration: nsProtocol,
					KeyDescriptors: []saml.KeyDescriptor{{Use: "signing", KeyInfo: saml.KeyInfo{X509Data: saml.X509Data{
						X509Certificates: []saml.X509Certificate{{Data: base64.StdEncoding.EncodeToString(s.saml.certDER)}},
					}}}},
				},
				NameIDFormats: []saml.NameIDFormat{formatPersistent, formatEmail, formatTransient},
			},
			WantAuthnRequestsSigned: &wantSigned,
			SingleSignOnServices: []saml.Endpoint{
				{Binding: saml.HTTPRedirectBinding, Location: sso}, {Binding: saml.HTTPPostBinding, Location: sso},
			},
		}},
	}
	body, err := xml.MarshalIndent(entity, "", "  ")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, err = w.Write(append([]byte(xml.Header), append(body, '\n')...))
	return err
}
