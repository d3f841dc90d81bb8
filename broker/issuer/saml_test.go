package issuer_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/sts"
)

func rsaCertificate(t *testing.T) *x509.Certificate {
	t.Helper()
	b, _ := pem.Decode([]byte(certificate(rsaKey())))
	return must(x509.ParseCertificate(b.Bytes))
}

// newSAMLIssuer signs with the given certificate, so that a verifier can be given it beforehand.
func newSAMLIssuer(t testing.TB, cert *x509.Certificate, change ...func(*issuer.Options)) *issuer.Issuer {
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	return newIssuer(t, append([]func(*issuer.Options){func(o *issuer.Options) {
		o.SAML.Keys = fixed(t, issuer.PurposeSAML, pkcs8(rsaKey())+text)
	}}, change...)...)
}

func response(t *testing.T, i *issuer.Issuer, p broker.MintRequest) []byte {
	t.Helper()
	text, err := i.SAMLResponse(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return must(base64.StdEncoding.DecodeString(text.Reveal()))
}

func verify(cert *x509.Certificate, el *etree.Element) (*etree.Element, error) {
	ctx := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
	ctx.Clock = dsig.NewFakeClockAt(noon)
	return ctx.Validate(el)
}

var changing = regexp.MustCompile(`(?s)(<ds:(DigestValue|SignatureValue|X509Certificate)>)[^<]*`)

func TestResponseIsWhatTheDesignSays(t *testing.T) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(response(t, newIssuer(t), mintRequest())); err != nil {
		t.Fatal(err)
	}
	doc.Indent(2)
	golden(t, "response.xml", changing.ReplaceAll(must(doc.WriteToBytes()), []byte("$1…")))
}

func TestResponseAndAssertionAreBothSigned(t *testing.T) {
	cert := rsaCertificate(t)
	raw := response(t, newSAMLIssuer(t, cert), mintRequest())
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	whole, err := verify(cert, doc.Root())
	if err != nil {
		t.Fatalf("Response: %v", err)
	}
	assertion := whole.FindElement("./Assertion")
	if _, err := verify(cert, detached(t, raw)); err != nil {
		t.Errorf("Assertion: %v", err)
	}
	if got := assertion.SelectAttrValue("ID", ""); got != "_01JDHX6T3QF8" {
		t.Errorf("assertion ID %q", got)
	}
	for name, part := range map[string]string{"subject": "acme/shop</saml:NameID>", "role": "role/team/Deploy", "tag": ">prod<"} {
		forged := strings.Replace(string(raw), part, strings.Replace(part, "o", "0", 1), 1)
		doc := etree.NewDocument()
		if err := doc.ReadFromString(forged); err != nil || forged == string(raw) {
			t.Fatal(name, err)
		}
		if _, err := verify(cert, doc.Root()); err == nil {
			t.Errorf("the Response still verifies with another %s", name)
		}
		if _, err := verify(cert, detached(t, []byte(forged))); err == nil {
			t.Errorf("the assertion still verifies with another %s", name)
		}
	}
}

// detached cuts the assertion out of the document's text: AWS verifies its signature on its own.
func detached(t *testing.T, raw []byte) *etree.Element {
	t.Helper()
	text := string(raw)
	start, end := strings.Index(text, "<saml:Assertion"), strings.Index(text, "</saml:Assertion>")
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text[start : end+len("</saml:Assertion>")]); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

// crewjam/saml shares no code with what built the Response; it reads it as its schema has it.
func TestAnotherLibraryReadsTheResponse(t *testing.T) {
	var r saml.Response
	if err := xml.Unmarshal(response(t, newIssuer(t), mintRequest()), &r); err != nil {
		t.Fatal(err)
	}
	a := r.Assertion
	data := a.Subject.SubjectConfirmations[0].SubjectConfirmationData
	if data.Recipient != "https://signin.aws.amazon.com/saml" || !data.NotOnOrAfter.Equal(noon.Add(5*time.Minute)) {
		t.Errorf("confirmation %+v", data)
	}
	if got := a.AuthnStatements[0].SessionNotOnOrAfter; got == nil || !got.Equal(noon.Add(time.Hour)) {
		t.Errorf("SessionNotOnOrAfter %v, want the deadline", got)
	}
	if a.Subject.NameID.Value != "ci:repo%3Aacme/shop" || a.Conditions.AudienceRestrictions[0].Audience.Value != "urn:amazon:webservices" {
		t.Errorf("subject %+v, conditions %+v", a.Subject.NameID, a.Conditions)
	}
	if r.Status.StatusCode.Value != saml.StatusSuccess || r.Issuer.Value != issuerURL+"/issuer/saml/metadata" {
		t.Errorf("status %v issuer %v", r.Status, r.Issuer)
	}
}

func TestPartitionsAndCustomSignIn(t *testing.T) {
	for partition, want := range map[string][2]string{
		"aws":        {"https://signin.aws.amazon.com/saml", "urn:amazon:webservices"},
		"aws-cn":     {"https://signin.amazonaws.cn/saml", "urn:amazon:webservices:cn-north-1"},
		"aws-us-gov": {"https://signin.amazonaws-us-gov.com/saml", "urn:amazon:webservices:govcloud"},
	} {
		p := mintRequest()
		p.RoleARN = sts.RoleARN("arn:" + partition + ":iam::111122223333:role/Deploy")
		p.PrincipalARN = "arn:" + partition + ":iam::111122223333:saml-provider/fedbroker"
		text := string(response(t, newIssuer(t), p))
		for _, part := range []string{`Recipient="` + want[0] + `"`, `Destination="` + want[0] + `"`, ">" + want[1] + "<"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %s", partition, part)
			}
		}
	}
	local := newIssuer(t, func(o *issuer.Options) { o.SAML.Recipient = "http://127.0.0.1:4566/saml" })
	if text := string(response(t, local, mintRequest())); !strings.Contains(text, `Recipient="http://127.0.0.1:4566/saml"`) ||
		!strings.Contains(text, ">urn:amazon:webservices<") {
		t.Error("a custom sign-in endpoint replaces the recipient and leaves the audience")
	}
}

func TestMarkupInASubjectStaysText(t *testing.T) {
	cert := rsaCertificate(t)
	i := newSAMLIssuer(t, cert)
	for _, subject := range []string{
		`corp:</saml:NameID><saml:NameID Format="x">admin`, `corp:<!--x-->admin`, `corp:&amp;`, `corp:]]>`, `corp:"'><`, "corp:ünïcode漢😀",
		`corp:<![CDATA[admin]]>`, `corp:<?pi?>`, "corp: blank ", "corp:&#10;",
	} {
		p := mintRequest()
		p.Subject = subject
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(response(t, i, p)); err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
		verified, err := verify(cert, doc.Root())
		if err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
		ids := verified.FindElements("//NameID")
		if len(ids) != 1 || ids[0].Text() != subject || len(ids[0].ChildElements()) != 0 {
			t.Errorf("%s: read as %q", subject, ids[0].Text())
		}
	}
}

func TestWhatOnlyASAMLResponseCarriesIsChecked(t *testing.T) {
	i := newIssuer(t)
	for name, change := range map[string]func(*broker.MintRequest){
		"no provider":                   func(p *broker.MintRequest) { p.PrincipalARN = "" },
		"provider of another account":   func(p *broker.MintRequest) { p.PrincipalARN = "arn:aws:iam::444455556666:saml-provider/fedbroker" },
		"provider of another partition": func(p *broker.MintRequest) { p.PrincipalARN = "arn:aws-cn:iam::111122223333:saml-provider/fedbroker" },
		"an OIDC provider":              func(p *broker.MintRequest) { p.PrincipalARN = "arn:aws:iam::111122223333:oidc-provider/fedbroker" },
		"a second role pair":            func(p *broker.MintRequest) { p.PrincipalARN += ",x" },
		"no session name":               func(p *broker.MintRequest) { p.SessionName = "" },
		"session name with a blank":     func(p *broker.MintRequest) { p.SessionName = "a b" },
		"session name with newline":     func(p *broker.MintRequest) { p.SessionName = "alice\n" },
		"no deadline":                   func(p *broker.MintRequest) { p.Deadline = time.Time{} },
		"deadline now":                  func(p *broker.MintRequest) { p.Deadline = p.Now },
		"duration below 15 minutes":     func(p *broker.MintRequest) { p.Duration = 14 * time.Minute },
		"duration above 12 hours":       func(p *broker.MintRequest) { p.Duration = 13 * time.Hour },
	} {
		p := mintRequest()
		change(&p)
		if text, err := i.SAMLResponse(t.Context(), p); err == nil || !text.Empty() {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestMetadataIsWhatAWSTakes(t *testing.T) {
	cert := rsaCertificate(t)
	raw, err := newSAMLIssuer(t, cert).Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "metadata.xml", changing.ReplaceAll(raw, []byte("$1…")))
	if len(raw) < 1000 {
		t.Errorf("%d characters; AWS wants 1000", len(raw))
	}
	if strings.HasPrefix(string(raw), "\ufeff") {
		t.Error("a byte order mark")
	}
	var ed saml.EntityDescriptor
	if err := xml.Unmarshal(raw, &ed); err != nil {
		t.Fatal(err)
	}
	idp := ed.IDPSSODescriptors[0]
	got := idp.KeyDescriptors[0].KeyInfo.X509Data.X509Certificates[0].Data
	if ed.EntityID != issuerURL+"/issuer/saml/metadata" || idp.KeyDescriptors[0].Use != "signing" ||
		got != base64.StdEncoding.EncodeToString(cert.Raw) || len(idp.SingleSignOnServices) != 1 || !ed.ValidUntil.IsZero() {
		t.Errorf("metadata %+v", idp)
	}
}
