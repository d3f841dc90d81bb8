package samlassert_test

import (
	"crypto"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/idptest"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/samlassert"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const entity = "https://idp.example.com/saml"

type fixture struct {
	idp, evil *idptest.SAML
	metadata  samlassert.Metadata
}

func newFixture(t testing.TB) fixture {
	t.Helper()
	f := fixture{idp: idptest.NewSAML(t, entity, false), evil: idptest.NewSAML(t, entity, true)}
	metadata, err := samlassert.ParseMetadata([]byte(f.idp.Metadata()))
	if err != nil {
		t.Fatal(err)
	}
	f.metadata = metadata
	return f
}

func statement(edits ...func(string) string) idptest.Statement {
	s := idptest.Statement{Now: now, Recipient: "https://signin.aws.amazon.com/saml", Session: "alice", Roles: []string{"r,p"}}
	s.Edit = func(text string) string {
		for _, edit := range edits {
			text = edit(text)
		}
		return text
	}
	return s
}

// signed is a signed assertion.
func (f fixture) signed(t testing.TB, edits ...func(string) string) string {
	t.Helper()
	return f.idp.Sign(t, f.idp.Assertion(statement(edits...)), nil)
}

func code(err error) string {
	var e *wire.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestAccepted(t *testing.T) {
	f := newFixture(t)
	signed := f.signed(t)
	whole := f.idp.Sign(t, idptest.Envelope(signed), nil)
	keyInfo := idptest.Without("<ds:KeyInfo>", "</ds:KeyInfo>")
	rollover, err := samlassert.ParseMetadata([]byte(f.evil.Metadata(f.idp)))
	if err != nil {
		t.Fatal(err)
	}
	inherited := strings.Replace(idptest.Envelope(signed), `<samlp:Response `, `<samlp:Response xmlns:unused="urn:x" `, 1)
	for name, test := range map[string]struct {
		response string
		metadata samlassert.Metadata
	}{
		"assertion signed":             {idptest.Envelope(signed), f.metadata},
		"both signed":                  {whole, f.metadata},
		"without KeyInfo":              {idptest.Envelope(keyInfo(signed)), f.metadata},
		"a KeyInfo that says nothing":  {idptest.Envelope(strings.Replace(keyInfo(signed), "</ds:Signature>", "<ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo></ds:Signature>", 1)), f.metadata},
		"resigned":                     {idptest.Envelope(f.idp.Resign(t, signed, crypto.SHA256, func(*etree.Element) {})), f.metadata},
		"two certificates, no KeyInfo": {idptest.Envelope(keyInfo(signed)), rollover},
		"line breaks in a signature":   {idptest.Envelope(strings.Replace(signed, "<ds:SignatureValue>", "<ds:SignatureValue>\n  ", 1)), f.metadata},
		"an XML declaration":           {`<?xml version="1.0" encoding="UTF-8"?>` + idptest.Envelope(signed), f.metadata},
		"a namespace around":           {inherited, f.metadata},
		"a comment outside":            {strings.Replace(idptest.Envelope(signed), "<samlp:Status>", "<!-- x --><samlp:Status>", 1), f.metadata},
	} {
		read, err := samlassert.Verify(idptest.Encode(test.response), test.metadata)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if read.Subject != "alice" || read.Issuer != entity || read.Check(now) != nil {
			t.Errorf("%s: read %+v", name, read)
		}
	}
}

// A comment does not cut a name: what is read is what the signature's canonical form says.
func TestCommentInNameID(t *testing.T) {
	f := newFixture(t)
	signed := f.signed(t, idptest.Replace(">alice<", ">alice.evil.example.com<"))
	commented := strings.Replace(signed, "alice.evil", "alice<!-- x -->.evil", 1)
	read, err := samlassert.Verify(idptest.Encode(idptest.Envelope(commented)), f.metadata)
	if err != nil {
		t.Fatal(err)
	}
	if read.Subject != "alice.evil.example.com" {
		t.Errorf("the subject is %q", read.Subject)
	}
}

// The classic ways of wrapping a signature, and everything else that must not get in.
func TestHostile(t *testing.T) {
	f := newFixture(t)
	signed := f.signed(t)
	forged := f.idp.Assertion(statement(idptest.Replace(">alice<", ">root<")))
	forgedOther := strings.Replace(forged, `ID="_assertion"`, `ID="_forged"`, 1)
	bare := idptest.Without("<ds:Signature", "</ds:Signature>")
	signature := signed[strings.Index(signed, "<ds:Signature"):strings.Index(signed, "</saml:Assertion>")]
	within := func(outer, inner string) string { // inner at the end of outer's assertion
		return strings.Replace(outer, "</saml:Assertion>", inner+"</saml:Assertion>", 1)
	}
	insideSignature := func(outer, object string) string {
		moved := strings.Replace(signature, "</ds:Signature>", "<ds:Object>"+object+"</ds:Object></ds:Signature>", 1)
		return within(outer, moved)
	}
	resigned := func(hash crypto.Hash, path, attribute, value string) string {
		return f.idp.Resign(t, idptest.Envelope(signed), hash, func(info *etree.Element) { info.FindElement(path).CreateAttr(attribute, value) })
	}
	responseSigned := f.idp.Sign(t, idptest.Envelope(f.idp.Assertion(statement())), nil)
	cases := map[string]string{
		"unsigned":                                   idptest.Envelope(forged),
		"only the response is signed":                responseSigned,
		"signed by a foreign key":                    idptest.Envelope(f.evil.Sign(t, forged, nil)),
		"response signed by a foreign key":           f.evil.Sign(t, idptest.Envelope(signed), nil),
		"XSW1: original response inside a signature": strings.Replace(responseSigned, ">alice<", ">root<", 1),
		"XSW3: forged beside, before":                idptest.Envelope(forgedOther + signed),
		"XSW4: original inside the forged":           idptest.Envelope(within(forgedOther, signed)),
		"XSW5: forged with the signature, then bare": idptest.Envelope(within(forgedOther, signature) + bare(signed)),
		"XSW6: original in the forged's signature":   idptest.Envelope(insideSignature(forgedOther, bare(signed))),
		"XSW7: forged in extensions":                 strings.Replace(idptest.Envelope(signed), "<samlp:Status>", "<samlp:Extensions>"+forged+"</samlp:Extensions><samlp:Status>", 1),
		"XSW8: original in an object of the forged":  idptest.Envelope(insideSignature(forged, bare(signed))),
		"same ID twice":                              idptest.Envelope(forged + signed),
		"the response with the assertion's ID":       strings.Replace(idptest.Envelope(signed), `ID="_response"`, `ID="_assertion"`, 1),
		"the ID on another element":                  strings.Replace(idptest.Envelope(signed), "<samlp:StatusCode ", `<samlp:StatusCode Id="_assertion" `, 1),
		"a signature deeper":                         idptest.Envelope(strings.Replace(signed, "<saml:Subject>", "<saml:Advice>"+signature+"</saml:Advice><saml:Subject>", 1)),
		"a signature in extensions":                  strings.Replace(idptest.Envelope(signed), "<samlp:Status>", "<samlp:Extensions>"+signature+"</samlp:Extensions><samlp:Status>", 1),
		"XSW3: forged beside, after":                 idptest.Envelope(signed + forgedOther),
		"XSW7: forged in extensions, other ID":       strings.Replace(idptest.Envelope(signed), "<samlp:Status>", "<samlp:Extensions>"+forgedOther+"</samlp:Extensions><samlp:Status>", 1),
		"an instruction outside the assertion":       strings.Replace(idptest.Envelope(signed), "<samlp:Status>", "<?x?><samlp:Status>", 1),
		"two signed assertions":                      idptest.Envelope(signed + f.idp.Sign(t, forgedOther, nil)),
		"the signature of another":                   idptest.Envelope(within(forged, signature)),
		"the signature twice":                        idptest.Envelope(within(signed, signature)),
		"an assertion deeper":                        idptest.Envelope("<x>" + signed + "</x>"),
		"no assertion":                               idptest.Envelope(""),
		"the assertion alone":                        signed,
		"an encrypted one beside":                    idptest.Envelope(signed + `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>`),
		"a changed name":                             idptest.Envelope(strings.Replace(signed, ">alice<", ">root<", 1)),
		"a changed attribute":                        idptest.Envelope(strings.Replace(signed, ">r,p<", ">admin,p<", 1)),
		"an added attribute":                         idptest.Envelope(strings.Replace(signed, "</saml:AttributeStatement>", `<saml:Attribute Name="x"/></saml:AttributeStatement>`, 1)),
		"a changed recipient":                        idptest.Envelope(strings.Replace(signed, "signin.aws", "signin.evil", 1)),
		"a DTD":                                      `<!DOCTYPE x>` + idptest.Envelope(signed),
		"an entity":                                  `<!DOCTYPE x [<!ENTITY e "root">]>` + idptest.Envelope(strings.Replace(signed, ">alice<", ">&e;<", 1)),
		"an undeclared entity":                       idptest.Envelope(strings.Replace(signed, ">alice<", ">&e;<", 1)),
		"a processing instruction":                   idptest.Envelope(strings.Replace(signed, ">alice<", "><?x?>alice<", 1)),
		"two roots":                                  idptest.Envelope(signed) + idptest.Envelope(signed),
		"text after the root":                        idptest.Envelope(signed) + "x",
		"a null byte":                                idptest.Envelope(strings.Replace(signed, ">alice<", ">al\x00ice<", 1)),
		"UTF-16 by declaration":                      `<?xml version="1.0" encoding="UTF-16"?>` + idptest.Envelope(signed),
		"not UTF-8":                                  idptest.Envelope(strings.Replace(signed, ">alice<", ">\xff<", 1)),
		"depth":                                      idptest.Envelope(signed + strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)),
		"an attribute twice":                         strings.Replace(idptest.Envelope(signed), `ID="_response"`, `ID="_response" ID="_x"`, 1),
		"an ID with a prefix":                        idptest.Envelope(strings.Replace(signed, `ID="_assertion"`, `xmlns:q="urn:q" q:ID="_other" ID="_assertion"`, 1)),
		"another version":                            strings.Replace(idptest.Envelope(signed), `Version="2.0"`, `Version="1.1"`, 1),
		"no status":                                  idptest.Without("<samlp:Status>", "</samlp:Status>")(idptest.Envelope(signed)),
		"two statuses":                               strings.Replace(idptest.Envelope(signed), "</samlp:Status>", "</samlp:Status><samlp:Status/>", 1),
		"another protocol namespace":                 strings.Replace(idptest.Envelope(signed), "SAML:2.0:protocol", "SAML:2.1:protocol", 1),
		"a reference to nothing":                     idptest.Envelope(strings.Replace(signed, `URI="#_assertion"`, `URI=""`, 1)),
		"a reference elsewhere":                      idptest.Envelope(strings.Replace(signed, `URI="#_assertion"`, `URI="#_response"`, 1)),
		"HMAC with the certificate":                  idptest.Envelope(strings.Replace(signed, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha1", 1)),
		"an XSLT transform":                          idptest.Envelope(strings.Replace(signed, "http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116", 1)),
		"an empty signature value":                   idptest.Envelope(idptest.Without("<ds:SignatureValue>", "</ds:SignatureValue>")(signed)),
		"a signature value with an element":          idptest.Envelope(strings.Replace(signed, "<ds:SignatureValue>", "<ds:SignatureValue><x/>", 1)),
		"SHA-1":                                      idptest.Envelope(f.idp.Sign(t, f.idp.Assertion(statement()), func(c *dsig.SigningContext) { c.Hash = crypto.SHA1 })),
		"a SHA-1 signature of a SHA-256 digest":      resigned(crypto.SHA1, "./ds:SignatureMethod", "Algorithm", dsig.RSASHA1SignatureMethod),
		"signed, a reference to the document":        resigned(crypto.SHA256, "./ds:Reference", "URI", ""),
		"signed, inclusive SignedInfo":               resigned(crypto.SHA256, "./ds:CanonicalizationMethod", "Algorithm", string(dsig.CanonicalXML10RecAlgorithmId)),
		"signed, another order of transforms": f.idp.Resign(t, idptest.Envelope(signed), crypto.SHA256, func(info *etree.Element) {
			first, second := info.FindElement("./ds:Reference/ds:Transforms/ds:Transform[1]"), info.FindElement("./ds:Reference/ds:Transforms/ds:Transform[2]")
			first.CreateAttr("Algorithm", string(dsig.CanonicalXML10ExclusiveAlgorithmId))
			second.CreateAttr("Algorithm", string(dsig.EnvelopedSignatureAltorithmId))
		}),
		"inclusive canonicalization":                  idptest.Envelope(f.idp.Sign(t, f.idp.Assertion(statement()), func(c *dsig.SigningContext) { c.Canonicalizer = dsig.MakeC14N10RecCanonicalizer() })),
		"signed, no ID":                               idptest.Envelope(strings.Replace(signed, ` ID="_assertion"`, "", 1)),
		"signed, a foreign issuer":                    idptest.Envelope(f.signed(t, idptest.Replace(entity, "https://evil.example.com"))),
		"signed, no issuer":                           idptest.Envelope(f.signed(t, idptest.Without("<saml:Issuer>", "</saml:Issuer>"))),
		"signed, two issuers":                         idptest.Envelope(f.signed(t, idptest.Replace("<saml:Subject>", "<saml:Issuer>x</saml:Issuer><saml:Subject>"))),
		"signed, no subject":                          idptest.Envelope(f.signed(t, idptest.Without("<saml:Subject>", "</saml:Subject>"))),
		"signed, two subjects":                        idptest.Envelope(f.signed(t, idptest.Replace("<saml:Conditions", "<saml:Subject/><saml:Conditions"))),
		"signed, no NameID":                           idptest.Envelope(f.signed(t, idptest.Without("<saml:NameID", "</saml:NameID>"))),
		"signed, two NameIDs":                         idptest.Envelope(f.signed(t, idptest.Replace("<saml:SubjectConfirmation ", `<saml:NameID Format="x">root</saml:NameID><saml:SubjectConfirmation `))),
		"signed, an empty NameID":                     idptest.Envelope(f.signed(t, idptest.Replace(">alice<", "> <"))),
		"signed, markup in NameID":                    idptest.Envelope(f.signed(t, idptest.Replace(">alice<", ">al<x/>ice<"))),
		"signed, no Format":                           idptest.Envelope(f.signed(t, idptest.Without(` Format="`, `"`))),
		"signed, no confirmation":                     idptest.Envelope(f.signed(t, idptest.Without("<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>"))),
		"signed, two confirmations":                   idptest.Envelope(f.signed(t, idptest.Replace("</saml:Subject>", `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"/></saml:Subject>`))),
		"signed, holder of key":                       idptest.Envelope(f.signed(t, idptest.Replace("cm:bearer", "cm:holder-of-key"))),
		"signed, no confirmation data":                idptest.Envelope(f.signed(t, idptest.Without("<saml:SubjectConfirmationData", "/>"))),
		"signed, no Recipient":                        idptest.Envelope(f.signed(t, idptest.Without(` Recipient="`, `"`))),
		"signed, no NotOnOrAfter in the confirmation": idptest.Envelope(f.signed(t, idptest.Without(` NotOnOrAfter="`, `"`))),
		"signed, no Conditions":                       idptest.Envelope(f.signed(t, idptest.Without("<saml:Conditions", "</saml:Conditions>"))),
		"signed, two Conditions":                      idptest.Envelope(f.signed(t, idptest.Replace("<saml:AuthnStatement", "<saml:Conditions/><saml:AuthnStatement"))),
		"signed, no AuthnStatement":                   idptest.Envelope(f.signed(t, idptest.Without("<saml:AuthnStatement", "</saml:AuthnStatement>"))),
		"signed, a time without a zone":               idptest.Envelope(f.signed(t, idptest.Replace(`IssueInstant="2026-01-02T03:04:05Z"`, `IssueInstant="2026-01-02T03:04:05"`))),
		"signed, no IssueInstant":                     idptest.Envelope(f.signed(t, idptest.Without(` IssueInstant="`, `"`))),
		"signed, another version":                     idptest.Envelope(f.signed(t, idptest.Replace(`Version="2.0"`, `Version="1.1"`))),
		"signed, an attribute without a name":         idptest.Envelope(f.signed(t, idptest.Replace("</saml:AttributeStatement>", "<saml:Attribute/></saml:AttributeStatement>"))),
	}
	for name, response := range cases {
		read, err := samlassert.Verify(idptest.Encode(response), f.metadata)
		if code(err) != "InvalidIdentityToken" || read != nil {
			t.Errorf("%s: got %v, %+v", name, err, read)
		}
	}
}

func TestTimes(t *testing.T) {
	f := newFixture(t)
	far := func(what string) func(string) string {
		return idptest.Replace(what, `NotOnOrAfter="2099-01-01T00:00:00Z"`)
	}
	end := `NotOnOrAfter="2026-01-02T03:09:05Z"`
	for name, test := range map[string]struct {
		edits []func(string) string
		at    time.Time
		want  string
	}{
		"fresh":                   {nil, now, ""},
		"at the confirmation end": {nil, now.Add(5 * time.Minute), "ExpiredTokenException"},
		"five minutes old":        {[]func(string) string{far(end), far(end)}, now.Add(5 * time.Minute), ""},
		"older":                   {[]func(string) string{far(end), far(end)}, now.Add(5*time.Minute + time.Second), "ExpiredTokenException"},
		"conditions ended":        {[]func(string) string{far(end), idptest.Replace(end, `NotOnOrAfter="2026-01-02T03:04:06Z"`)}, now.Add(time.Second), "ExpiredTokenException"},
		"confirmation ended":      {[]func(string) string{idptest.Replace(end, `NotOnOrAfter="2026-01-02T03:04:06Z"`), far(end)}, now.Add(time.Second), "ExpiredTokenException"},
		"session ended":           {[]func(string) string{idptest.Replace("AuthnInstant=", `SessionNotOnOrAfter="2026-01-02T03:04:05Z" AuthnInstant=`)}, now, "ExpiredTokenException"},
		"a second session ended": {[]func(string) string{
			idptest.Replace("AuthnInstant=", `SessionNotOnOrAfter="2099-01-02T03:04:05Z" AuthnInstant=`),
			idptest.Replace("<saml:AttributeStatement>", `<saml:AuthnStatement SessionNotOnOrAfter="2026-01-02T03:04:05Z"/><saml:AttributeStatement>`),
		}, now, "ExpiredTokenException"},
		"NotBefore is not enforced": {[]func(string) string{idptest.Replace(`NotBefore="2026`, `NotBefore="2027`)}, now, ""},
		"from the future":           {nil, now.Add(-5*time.Minute - time.Second), "InvalidIdentityToken"},
	} {
		read, err := samlassert.Verify(idptest.Encode(idptest.Envelope(f.signed(t, test.edits...))), f.metadata)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := code(read.Check(test.at)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// The example of AWS's documentation (SAML fact sheet, section 5).
func TestNameQualifier(t *testing.T) {
	a := samlassert.Assertion{Issuer: "https://example.com/saml"}
	if got := a.NameQualifier("123456789012", "MySAMLIdP"); got != "1uAJanUnBc2XeUkHURMht+xam2c=" {
		t.Errorf("got %s", got)
	}
}

func TestConditionKeys(t *testing.T) {
	a := samlassert.Assertion{
		Issuer: entity, Subject: "alice", SubjectType: "persistent", Recipient: "https://r",
		Attributes: map[string][]string{
			"urn:oid:1.3.6.1.4.1.5923.1.1.1.1":                                        {"staff", "member"},
			"urn:oid:1.3.6.1.4.1.5923.1.1.1.6":                                        {"alice@example.com", "second"},
			"http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid": {"S-1"},
		},
	}
	got := map[string]samlassert.Key{}
	for _, key := range a.ConditionKeys("111122223333", "corp") {
		got[key.Name] = key
	}
	for name, want := range map[string]string{
		"saml:aud": "https://r", "saml:iss": entity, "saml:sub": "alice", "saml:sub_type": "persistent", "saml:doc": "111122223333/corp",
		"saml:eduPersonAffiliation": "staff,member", "saml:eduPersonPrincipalName": "alice@example.com", "saml:uid": "S-1", "saml:primaryGroupSID": "S-1",
	} {
		if strings.Join(got[name].Values, ",") != want {
			t.Errorf("%s: %v, want %s", name, got[name].Values, want)
		}
	}
	if !got["saml:eduPersonAffiliation"].Multi || got["saml:eduPersonPrincipalName"].Multi || !got["saml:sub"].Persists || got["saml:aud"].Persists {
		t.Errorf("wrong kinds: %+v", got)
	}
}

func TestMetadataRefused(t *testing.T) {
	idp := idptest.NewSAML(t, entity, false)
	good := idp.Metadata()
	for name, document := range map[string]string{
		"empty":             "",
		"a byte order mark": "\xef\xbb\xbf" + good,
		"a DTD":             "<!DOCTYPE x>" + good,
		"no entity id":      strings.Replace(good, ` entityID="`+entity+`"`, "", 1),
		"no certificate":    idptest.Without("<md:KeyDescriptor", "</md:KeyDescriptor>")(good),
		"encryption only":   strings.Replace(good, `use="signing"`, `use="encryption"`, 1),
		"no role":           idptest.Without("<md:IDPSSODescriptor", "</md:IDPSSODescriptor>")(good),
		"not base64":        strings.Replace(good, "<ds:X509Certificate>", "<ds:X509Certificate>!", 1),
		"not a certificate": idptest.Replace(base64.StdEncoding.EncodeToString(idp.Certificate), "AAAA")(good),
		"eleven keys":       idp.Metadata(idp, idp, idp, idp, idp, idp, idp, idp, idp, idp),
		"an SP":             strings.ReplaceAll(good, "IDPSSODescriptor", "SPSSODescriptor"),
	} {
		if m, err := samlassert.ParseMetadata([]byte(document)); err == nil {
			t.Errorf("%s: accepted: %+v", name, m)
		}
	}
	unused, err := samlassert.ParseMetadata([]byte(strings.Replace(good, ` use="signing"`, "", 1)))
	if err != nil || len(unused.Certificates) != 1 {
		t.Errorf("a key without use is for signing too: %v", err)
	}
}

func FuzzSAMLAssertion(f *testing.F) {
	x := newFixture(f)
	f.Add([]byte(idptest.Envelope(x.signed(f))))
	f.Add([]byte(idptest.Envelope(x.idp.Assertion(statement()))))
	f.Add([]byte(`<!DOCTYPE a><samlp:Response/>`))
	f.Add([]byte(`<a:b xmlns:a="x" ID="1"><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/></a:b>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		read, err := samlassert.Verify(base64.StdEncoding.EncodeToString(document), x.metadata)
		if err == nil {
			// Only what the provider signed gets here, whatever was put around it.
			if read.Subject != "alice" || read.Recipient != "https://signin.aws.amazon.com/saml" {
				t.Errorf("forged: %+v", read)
			}
			return
		}
		if code(err) == "" || strings.Contains(err.Error(), "panic") {
			t.Errorf("not an AWS error: %v", err)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(idptest.NewSAML(f, entity, false).Metadata()))
	f.Fuzz(func(t *testing.T, document []byte) {
		m, err := samlassert.ParseMetadata(document)
		if err == nil && (m.EntityID == "" || len(m.Certificates) == 0) {
			t.Errorf("useless metadata accepted: %+v", m)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	b.ReportAllocs()
	f := newFixture(b)
	encoded := idptest.Encode(idptest.Envelope(f.signed(b)))
	for b.Loop() {
		if _, err := samlassert.Verify(encoded, f.metadata); err != nil {
			b.Fatal(err)
		}
	}
}

// A failed sign-in is the provider's own refusal, whatever else the response holds.
func TestFailedStatus(t *testing.T) {
	f := newFixture(t)
	for _, inner := range []string{"", f.signed(t)} {
		failed := strings.Replace(idptest.Envelope(inner), "status:Success", "status:Responder", 1)
		if _, err := samlassert.Verify(idptest.Encode(failed), f.metadata); code(err) != "IDPRejectedClaim" {
			t.Errorf("got %v", err)
		}
	}
}
