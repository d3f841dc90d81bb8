package idptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
)

// Namespaces of SAML.
const (
	samlAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	samlProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	samlMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
)

// SAMLKey is a key pair with a self-signed certificate.
type SAMLKey struct {
	Signer crypto.Signer
	Cert   *x509.Certificate
}

//go:embed testdata/saml-key-*.pem
var keyFiles embed.FS

// RSAKey returns one of four RSA-2048 keys, n is 0 to 3. They are the same in every process.
func RSAKey(n int) SAMLKey { return rsaKeys()[n] }

var rsaKeys = sync.OnceValue(func() (keys [4]SAMLKey) {
	for n := range keys {
		text, err := keyFiles.ReadFile(fmt.Sprintf("testdata/saml-key-%d.pem", n))
		if err != nil {
			panic(err)
		}
		block, _ := pem.Decode(text)
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			panic(err)
		}
		signer, _ := key.(crypto.Signer)
		keys[n] = SelfSign(signer)
	}
	return keys
})

// ECDSAKey makes a new key on a curve.
func ECDSAKey(curve elliptic.Curve) SAMLKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return SelfSign(key)
}

// WeakRSAKey makes a new 1024-bit key, which nobody should accept.
func WeakRSAKey() SAMLKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		panic(err)
	}
	return SelfSign(key)
}

// SelfSign gives a key a certificate that expired long ago: who trusts metadata must not mind.
func SelfSign(key crypto.Signer) SAMLKey {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "saml test"},
		NotBefore:    time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return SAMLKey{Signer: key, Cert: cert}
}

// SAMLIDP is a SAML 2.0 identity provider that speaks the real protocol with real keys, and misbehaves on request. Its
// signatures and ciphertexts are made with goxmldsig's canonicalisation and the standard library, and share no code
// with the reader under test.
type SAMLIDP struct {
	EntityID string
	// Redirect and Post are the locations of its SingleSignOnService; empty is not offered.
	Redirect, Post string
	// Logout and LogoutPost are those of its SingleLogoutService, LogoutAnswer the ResponseLocation of both.
	Logout, LogoutPost, LogoutAnswer string
	// Keys are published in the metadata; the first one signs.
	Keys []SAMLKey
	// WantSigned is WantAuthnRequestsSigned.
	WantSigned bool
	// Clock is the IdP's time.
	Clock func() time.Time
}

// NewSAMLIDP returns an IdP with one RSA key and both bindings at https://idp.example.com.
func NewSAMLIDP(clock func() time.Time) *SAMLIDP {
	return &SAMLIDP{
		EntityID: "https://idp.example.com/metadata",
		Redirect: "https://idp.example.com/sso/redirect",
		Post:     "https://idp.example.com/sso/post",
		Keys:     []SAMLKey{RSAKey(0)},
		Clock:    clock,
	}
}

// Metadata returns the IdP's EntityDescriptor.
func (i *SAMLIDP) Metadata() []byte {
	root := etree.NewElement("md:EntityDescriptor")
	root.CreateAttr("xmlns:md", samlMetadata)
	root.CreateAttr("xmlns:ds", dsigSpace)
	root.CreateAttr("entityID", i.EntityID)
	role := root.CreateElement("md:IDPSSODescriptor")
	role.CreateAttr("protocolSupportEnumeration", samlProtocol)
	if i.WantSigned {
		role.CreateAttr("WantAuthnRequestsSigned", "true")
	}
	for _, k := range i.Keys {
		kd := role.CreateElement("md:KeyDescriptor")
		kd.CreateAttr("use", "signing")
		kd.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").
			SetText("\n" + base64.StdEncoding.EncodeToString(k.Cert.Raw) + "\n")
	}
	for binding, location := range map[string]string{"HTTP-Redirect": i.Logout, "HTTP-POST": i.LogoutPost} {
		if location != "" {
			slo := role.CreateElement("md:SingleLogoutService")
			slo.CreateAttr("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:"+binding)
			slo.CreateAttr("Location", location)
			if i.LogoutAnswer != "" {
				slo.CreateAttr("ResponseLocation", i.LogoutAnswer)
			}
		}
	}
	for binding, location := range map[string]string{"HTTP-Redirect": i.Redirect, "HTTP-POST": i.Post} {
		if location != "" {
			sso := role.CreateElement("md:SingleSignOnService")
			sso.CreateAttr("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:"+binding)
			sso.CreateAttr("Location", location)
		}
	}
	return serialise(root)
}

// SAMLAnswer says what a Response holds and how it is protected. The zero value of a field leaves the part out.
type SAMLAnswer struct {
	ACS          string // Destination and Recipient
	Audience     string
	InResponseTo string
	NameID       string
	NameIDFormat string
	Attributes   []SAMLAttribute
	ACR          string
	SessionEnd   time.Time
	AuthInstant  time.Time // zero: now

	SignAssertion, SignResponse bool
	Signature                   SAMLSignature
	// Encrypt, when its recipient is set, puts the assertion into an EncryptedAssertion.
	Encrypt SAMLEncryption

	// EditAssertion and EditResponse change the message before that part is signed: what they do is signed for real.
	EditAssertion, EditResponse func(*etree.Element)
	// Tamper changes the message after everything was signed.
	Tamper func(response *etree.Element)
}

// SAMLAttribute is an attribute with its values.
type SAMLAttribute struct {
	Name   string
	Values []string
}

// Respond returns the base64 of the Response.
func (i *SAMLIDP) Respond(tb testing.TB, a SAMLAnswer) string {
	tb.Helper()
	return base64.StdEncoding.EncodeToString(i.RespondXML(tb, a))
}

// RespondXML returns the Response itself.
func (i *SAMLIDP) RespondXML(tb testing.TB, a SAMLAnswer) []byte {
	tb.Helper()
	if a.Signature.Key.Signer == nil {
		a.Signature.Key = i.Keys[0]
	}
	response := i.response(a)
	assertion := i.assertion(a)
	if a.EditAssertion != nil {
		a.EditAssertion(assertion)
	}
	if a.Encrypt.To == nil {
		response.AddChild(assertion) // signed where it will stand: a PrefixList looks at what surrounds it
	}
	if a.SignAssertion {
		SignXML(tb, assertion, a.Signature)
	}
	if a.Encrypt.To != nil {
		response.AddChild(EncryptXML(tb, assertion, a.Encrypt))
	}
	if a.EditResponse != nil {
		a.EditResponse(response)
	}
	if a.SignResponse {
		SignXML(tb, response, a.Signature)
	}
	if a.Tamper != nil {
		a.Tamper(response)
	}
	return serialise(response)
}

func (i *SAMLIDP) response(a SAMLAnswer) *etree.Element {
	el := etree.NewElement("samlp:Response")
	el.CreateAttr("xmlns:samlp", samlProtocol)
	el.CreateAttr("xmlns:saml", samlAssertion)
	i.common(el, a)
	el.CreateAttr("Destination", a.ACS)
	if a.InResponseTo != "" {
		el.CreateAttr("InResponseTo", a.InResponseTo)
	}
	el.CreateElement("saml:Issuer").SetText(i.EntityID)
	el.CreateElement("samlp:Status").CreateElement("samlp:StatusCode").
		CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Success")
	return el
}

func (i *SAMLIDP) common(el *etree.Element, _ SAMLAnswer) {
	el.CreateAttr("ID", newID())
	el.CreateAttr("Version", "2.0")
	el.CreateAttr("IssueInstant", XMLTime(i.Clock()))
}

func (i *SAMLIDP) assertion(a SAMLAnswer) *etree.Element {
	now := i.Clock()
	el := etree.NewElement("saml:Assertion")
	el.CreateAttr("xmlns:saml", samlAssertion)
	i.common(el, a)
	el.CreateElement("saml:Issuer").SetText(i.EntityID)

	subject := el.CreateElement("saml:Subject")
	nameID := subject.CreateElement("saml:NameID")
	if a.NameIDFormat != "" {
		nameID.CreateAttr("Format", a.NameIDFormat)
	}
	nameID.SetText(a.NameID)
	confirmation := subject.CreateElement("saml:SubjectConfirmation")
	confirmation.CreateAttr("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")
	data := confirmation.CreateElement("saml:SubjectConfirmationData")
	data.CreateAttr("NotOnOrAfter", XMLTime(now.Add(5*time.Minute)))
	data.CreateAttr("Recipient", a.ACS)
	if a.InResponseTo != "" {
		data.CreateAttr("InResponseTo", a.InResponseTo)
	}

	conditions := el.CreateElement("saml:Conditions")
	conditions.CreateAttr("NotBefore", XMLTime(now.Add(-time.Minute)))
	conditions.CreateAttr("NotOnOrAfter", XMLTime(now.Add(5*time.Minute)))
	conditions.CreateElement("saml:AudienceRestriction").CreateElement("saml:Audience").SetText(a.Audience)

	i.statements(el, a)
	return el
}

func (i *SAMLIDP) statements(el *etree.Element, a SAMLAnswer) {
	instant := a.AuthInstant
	if instant.IsZero() {
		instant = i.Clock()
	}
	authn := el.CreateElement("saml:AuthnStatement")
	authn.CreateAttr("AuthnInstant", XMLTime(instant))
	authn.CreateAttr("SessionIndex", "_session")
	if !a.SessionEnd.IsZero() {
		authn.CreateAttr("SessionNotOnOrAfter", XMLTime(a.SessionEnd))
	}
	context := authn.CreateElement("saml:AuthnContext")
	if a.ACR != "" {
		context.CreateElement("saml:AuthnContextClassRef").SetText(a.ACR)
	}
	if len(a.Attributes) == 0 {
		return
	}
	statement := el.CreateElement("saml:AttributeStatement")
	for _, attr := range a.Attributes {
		at := statement.CreateElement("saml:Attribute")
		at.CreateAttr("Name", attr.Name)
		for _, v := range attr.Values {
			value := at.CreateElement("saml:AttributeValue")
			value.CreateAttr("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
			value.CreateAttr("xmlns:xs", "http://www.w3.org/2001/XMLSchema")
			value.CreateAttr("xsi:type", "xs:string")
			value.SetText(v)
		}
	}
}

// XMLTime writes a time as SAML wants it.
func XMLTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return "_" + hex.EncodeToString(b[:])
}

func serialise(root *etree.Element) []byte {
	doc := etree.NewDocument()
	doc.SetRoot(root.Copy())
	doc.WriteSettings.CanonicalText = true
	doc.WriteSettings.CanonicalAttrVal = true
	out, err := doc.WriteToBytes()
	if err != nil {
		panic(err)
	}
	return out
}
