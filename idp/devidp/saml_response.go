package devidp

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	"github.com/crewjam/saml/xmlenc"
	dsig "github.com/russellhaering/goxmldsig"
)

// assertionLife bounds bearer use and conditions; AWS wants an assertion redeemed within five minutes.
const assertionLife = 5 * time.Minute

// clockSkew lets the relying party's clock be a little behind.
const clockSkew = time.Minute

// samlSigner signs with one key, whose certificate the metadata publishes.
type samlSigner struct {
	key     *rsa.PrivateKey
	certDER []byte
}

// sign puts an enveloped RSA-SHA256 signature where the schema wants it: right after Issuer, which comes first.
func (k samlSigner) sign(el *etree.Element) error {
	ctx, err := dsig.NewSigningContext(k.key, [][]byte{k.certDER})
	if err != nil {
		return err
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	signature, err := ctx.ConstructSignature(el, true)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	el.InsertChildAt(el.ChildElements()[0].Index()+1, signature)
	return nil
}

// samlResponse is a signed Response with a signed assertion, encrypted where the party has a key for that, in base64.
func (s *Server) samlResponse(f samlFlow, sess session) (string, error) {
	assertion, err := s.assertion(f, sess)
	if err != nil {
		return "", err
	}
	el := assertion.Element()
	if err := s.saml.sign(el); err != nil {
		return "", err
	}
	if f.sp.EncryptionCert != nil {
		if el, err = encrypt(el, f.sp); err != nil {
			return "", err
		}
	}
	return s.envelope(f, saml.Status{StatusCode: saml.StatusCode{Value: saml.StatusSuccess}}, el)
}

// samlStatus is a signed Response that says why there is no assertion (SAML core 3.2.2.2).
func (s *Server) samlStatus(f samlFlow, why refusal) (string, error) {
	second := map[refusal]string{
		refusedByPerson: saml.StatusAuthnFailed, refusedPassive: saml.StatusNoPassive, refusedClass: saml.StatusNoAuthnContext,
	}[why]
	status := saml.Status{StatusCode: saml.StatusCode{Value: saml.StatusResponder, StatusCode: &saml.StatusCode{Value: second}}}
	return s.envelope(f, status, nil)
}

func (s *Server) envelope(f samlFlow, status saml.Status, assertion *etree.Element) (string, error) {
	id, err := newHandle(s.rand)
	if err != nil {
		return "", err
	}
	response := saml.Response{
		ID: "_" + id, InResponseTo: f.requestID, Version: "2.0", IssueInstant: s.clock().UTC(), Destination: f.acs,
		Issuer: &saml.Issuer{Value: s.EntityID()}, Status: status,
	}
	el := response.Element()
	if assertion != nil {
		el.AddChild(assertion)
	}
	if err := s.saml.sign(el); err != nil {
		return "", err
	}
	out, err := toBytes(el)
	return base64.StdEncoding.EncodeToString(out), err
}

func (s *Server) assertion(f samlFlow, sess session) (*saml.Assertion, error) {
	id, err := newHandle(s.rand)
	if err != nil {
		return nil, err
	}
	nameID, err := s.nameID(f, sess.person)
	if err != nil {
		return nil, err
	}
	now := s.clock().UTC()
	ends := sess.at.Add(sessionLife).UTC()
	until := now.Add(assertionLife)
	return &saml.Assertion{
		ID: "_" + id, Version: "2.0", IssueInstant: now, Issuer: saml.Issuer{Value: s.EntityID()},
		Subject: &saml.Subject{NameID: nameID, SubjectConfirmations: []saml.SubjectConfirmation{{
			Method:                  "urn:oasis:names:tc:SAML:2.0:cm:bearer",
			SubjectConfirmationData: &saml.SubjectConfirmationData{InResponseTo: f.requestID, NotOnOrAfter: until, Recipient: f.acs},
		}}},
		Conditions: &saml.Conditions{
			NotBefore: now.Add(-clockSkew), NotOnOrAfter: until,
			AudienceRestrictions: []saml.AudienceRestriction{{Audience: saml.Audience{Value: f.sp.EntityID}}},
		},
		AuthnStatements: []saml.AuthnStatement{{
			AuthnInstant: sess.at.UTC(), SessionIndex: sess.index, SessionNotOnOrAfter: &ends,
			AuthnContext: saml.AuthnContext{AuthnContextClassRef: &saml.AuthnContextClassRef{Value: sess.acr()}},
		}},
		AttributeStatements: []saml.AttributeStatement{{Attributes: attributes(sess.person)}},
	}, nil
}

func (s *Server) nameID(f samlFlow, p Person) (*saml.NameID, error) {
	value := p.Subject
	switch f.format {
	case formatEmail:
		value = p.Email
	case formatTransient:
		handle, err := newHandle(s.rand)
		if err != nil {
			return nil, err
		}
		value = "_" + handle
	}
	return &saml.NameID{Format: f.format, Value: value, NameQualifier: s.EntityID(), SPNameQualifier: f.sp.EntityID}, nil
}

// attributes have the names that directories give them in SAML (RFC 4524 mail, RFC 4519 uid), as plain names.
func attributes(p Person) []saml.Attribute {
	var list []saml.Attribute
	add := func(name string, values ...string) {
		attribute := saml.Attribute{Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"}
		for _, v := range values {
			if v != "" {
				attribute.Values = append(attribute.Values, saml.AttributeValue{Type: "xs:string", Value: v})
			}
		}
		if len(attribute.Values) > 0 {
			list = append(list, attribute)
		}
	}
	add("uid", p.Username)
	add("displayName", p.Name)
	add("mail", p.Email)
	add("groups", p.Groups...)
	return list
}

// encrypt wraps a signed assertion for the party's RSA key, with the ciphers that every service provider must know
// (XML Encryption 5.2.2 and 5.5.2); the Response around it is signed, so the ciphertext cannot be played with.
func encrypt(assertion *etree.Element, sp ServiceProvider) (*etree.Element, error) {
	plain, err := toBytes(assertion)
	if err != nil {
		return nil, err
	}
	encrypter := xmlenc.OAEP()
	encrypter.BlockCipher = xmlenc.AES256CBC
	encrypter.DigestMethod = &xmlenc.SHA1 // what rsa-oaep-mgf1p means by default; OAEP does not rest on its collision resistance
	data, err := encrypter.Encrypt(sp.EncryptionCert, plain, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypting for %s: %w", sp.EntityID, err)
	}
	data.CreateAttr("Type", "http://www.w3.org/2001/04/xmlenc#Element")
	el := etree.NewElement("saml:EncryptedAssertion")
	el.AddChild(data)
	return el, nil
}

func toBytes(el *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.SetRoot(el)
	return doc.WriteToBytes()
}
