package idptest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"html"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// RSA key pairs are costly to make: two are shared by all tests.
var (
	firstKey  = sync.OnceValue(newRSAKey)
	secondKey = sync.OnceValue(newRSAKey)
)

func newRSAKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// SAML is a SAML identity provider.
type SAML struct {
	EntityID    string
	Certificate []byte // DER
	key         *rsa.PrivateKey
}

// NewSAML returns an identity provider; two with the same entity id and different second have different keys.
func NewSAML(t testing.TB, entityID string, second bool) *SAML {
	t.Helper()
	key := firstKey()
	if second {
		key = secondKey()
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Unix(1_000_000_000, 0), NotAfter: time.Unix(1_100_000_000, 0), // long expired: AWS does not look
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &SAML{EntityID: entityID, Certificate: der, key: key}
}

// Metadata returns the provider's metadata with its own certificate and those of others.
func (p *SAML) Metadata(others ...*SAML) string {
	keys := ""
	for _, idp := range append([]*SAML{p}, others...) {
		keys += `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>` +
			base64.StdEncoding.EncodeToString(idp.Certificate) + `</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
	}
	return `<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="` + p.EntityID +
		`"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` + keys +
		`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`
}

// Statement is what an assertion says. Times left zero follow from Now.
type Statement struct {
	Now        time.Time
	Issuer     string
	Recipient  string
	NameID     string // inner XML
	Roles      []string
	Session    string
	Attributes map[string][]string
	// SessionEnd is SessionNotOnOrAfter; zero leaves it out.
	SessionEnd time.Time
	// Edit changes the assertion's XML before it is signed.
	Edit func(string) string
}

const samlTime = "2006-01-02T15:04:05Z"

// AttributePrefix begins the names of AWS's attributes.
const AttributePrefix = "https://aws.amazon.com/SAML/Attributes/"

// Assertion returns the unsigned assertion.
func (p *SAML) Assertion(s Statement) string {
	if s.Issuer == "" {
		s.Issuer = p.EntityID
	}
	if s.NameID == "" {
		s.NameID = "alice"
	}
	sessionEnd := ""
	if !s.SessionEnd.IsZero() {
		sessionEnd = ` SessionNotOnOrAfter="` + s.SessionEnd.UTC().Format(samlTime) + `"`
	}
	end := s.Now.Add(5 * time.Minute).UTC().Format(samlTime)
	issued := s.Now.UTC().Format(samlTime)
	text := `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_assertion" Version="2.0" IssueInstant="` + issued + `">` +
		`<saml:Issuer>` + s.Issuer + `</saml:Issuer>` +
		`<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">` + s.NameID + `</saml:NameID>` +
		`<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="` + end +
		`" Recipient="` + s.Recipient + `"/></saml:SubjectConfirmation></saml:Subject>` +
		`<saml:Conditions NotBefore="` + issued + `" NotOnOrAfter="` + end + `"><saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
		`<saml:AuthnStatement AuthnInstant="` + issued + `"` + sessionEnd + `><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
		`<saml:AttributeStatement>` + attributes(s) + `</saml:AttributeStatement></saml:Assertion>`
	if s.Edit != nil {
		text = s.Edit(text)
	}
	return text
}

func attributes(s Statement) string {
	all := map[string][]string{}
	if s.Roles != nil {
		all[AttributePrefix+"Role"] = s.Roles
	}
	if s.Session != "" {
		all[AttributePrefix+"RoleSessionName"] = []string{s.Session}
	}
	for name, values := range s.Attributes {
		all[name] = values
	}
	text := ""
	for name, values := range all {
		text += `<saml:Attribute Name="` + html.EscapeString(name) + `">`
		for _, value := range values {
			text += `<saml:AttributeValue>` + html.EscapeString(value) + `</saml:AttributeValue>`
		}
		text += `</saml:Attribute>`
	}
	return text
}

// Sign puts an enveloped signature into an element's XML. A nil edit leaves signing as SAML wants it.
func (p *SAML) Sign(t testing.TB, element string, edit func(*dsig.SigningContext)) string {
	t.Helper()
	signer, err := dsig.NewSigningContext(p.key, [][]byte{p.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	signer.Hash = crypto.SHA256
	signer.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if edit != nil {
		edit(signer)
	}
	document := etree.NewDocument()
	if err := document.ReadFromString(element); err != nil {
		t.Fatal(err)
	}
	signed, err := signer.SignEnveloped(document.Root())
	if err != nil {
		t.Fatal(err)
	}
	out := etree.NewDocument()
	out.SetRoot(signed)
	text, err := out.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Envelope puts inner XML, assertions mostly, into a successful response.
func Envelope(inner string) string {
	return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0" IssueInstant="2026-01-02T03:04:05Z">` +
		`<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` + inner + `</samlp:Response>`
}

// Encode is base64 as a SAMLAssertion parameter has it.
func Encode(response string) string { return base64.StdEncoding.EncodeToString([]byte(response)) }

// Response returns an encoded response with one signed assertion.
func (p *SAML) Response(t testing.TB, s Statement) string {
	t.Helper()
	return Encode(Envelope(p.Sign(t, p.Assertion(s), nil)))
}

// Pair is a Role attribute value.
func Pair(role, provider string) string { return fmt.Sprintf("%s,%s", role, provider) }

// Without returns an edit that removes the first element or attribute that begins with start and ends with end.
func Without(start, end string) func(string) string {
	return func(s string) string {
		i := strings.Index(s, start)
		if i < 0 {
			panic("idptest: nothing to remove: " + start)
		}
		rest := s[i+len(start):]
		j := strings.Index(rest, end)
		if j < 0 {
			panic("idptest: no end: " + end)
		}
		return s[:i] + rest[j+len(end):]
	}
}

// Replace returns an edit that replaces the first occurrence.
func Replace(from, to string) func(string) string {
	return func(s string) string {
		if !strings.Contains(s, from) {
			panic("idptest: nothing to replace: " + from)
		}
		return strings.Replace(s, from, to, 1)
	}
}
