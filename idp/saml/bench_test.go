package saml_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
)

// benchAnswer is a Response of about 6 KB.
func benchAnswer() idptest.SAMLAnswer {
	a := good()
	a.Signature.KeyInfo = []idptest.SAMLKey{idptest.RSAKey(0)}
	for _, n := range []string{"givenname", "surname", "department", "title"} {
		a.Attributes = append(a.Attributes, idptest.SAMLAttribute{Name: "http://schemas.example.com/" + n, Values: []string{strings.Repeat("x", 30)}})
	}
	a.Attributes = append(a.Attributes, idptest.SAMLAttribute{Name: "memberOf", Values: []string{
		"CN=one,OU=Groups,DC=example,DC=com", "CN=two,OU=Groups,DC=example,DC=com", "CN=three,OU=Groups,DC=example,DC=com",
	}})
	return a
}

func BenchmarkFinish(b *testing.B) {
	for _, name := range []string{"assertion signed", "response signed", "both signed", "encrypted"} {
		b.Run(name, func(b *testing.B) {
			i := idptest.NewSAMLIDP(clock)
			a := benchAnswer()
			variants()[name](&a)
			p, response := newProvider(b, i), i.Respond(b, a)
			back := idp.Callback{Form: url.Values{"SAMLResponse": {response}}}
			b.SetBytes(int64(len(response) / 4 * 3))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Finish(context.Background(), state(), back); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCrewjam is the library's own reading of the same message, for comparison.
func BenchmarkCrewjam(b *testing.B) {
	now := time.Now().UTC()
	i := idptest.NewSAMLIDP(func() time.Time { return now })
	idpKey := freshKey(b, i.Keys[0])
	i.Keys = []idptest.SAMLKey{idpKey}
	md := &saml.EntityDescriptor{}
	if err := xml.Unmarshal(i.Metadata(), md); err != nil {
		b.Fatal(err)
	}
	acs, _ := url.Parse(ourACS)
	sp := saml.ServiceProvider{EntityID: ourEntityID, AcsURL: *acs, IDPMetadata: md}
	a := benchAnswer()
	a.Signature.KeyInfo = []idptest.SAMLKey{idpKey}
	response, err := base64.StdEncoding.DecodeString(i.Respond(b, a))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(response)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sp.ParseXMLResponse(response, []string{requestID}, *acs); err != nil {
			b.Fatal(err)
		}
	}
}

// freshKey gives a key a certificate that is valid today, which crewjam insists on.
func freshKey(b *testing.B, k idptest.SAMLKey) idptest.SAMLKey {
	b.Helper()
	template := *k.Cert
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, k.Cert.PublicKey, k.Signer)
	if err != nil {
		b.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		b.Fatal(err)
	}
	return idptest.SAMLKey{Signer: k.Signer, Cert: cert}
}

func BenchmarkBegin(b *testing.B) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(b, i)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := p.Begin(context.Background(), idp.LoginRequest{Handle: "h"}); err != nil {
			b.Fatal(err)
		}
	}
}
