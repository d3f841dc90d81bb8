package blackbox

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// goodSAML are Responses that SAML allows and that identity providers send, each a change to the plain one.
func goodSAML(t *target, cert *x509.Certificate) map[string]func(*message) {
	corp := corpKey()
	out := map[string]func(*message){
		"assertion signed": func(*message) {},
		"response signed":  func(m *message) { m.signA, m.signR = nil, &signature{key: corp} },
		"both signed":      func(m *message) { m.signR = &signature{key: corp} },
		"other prefixes": func(m *message) {
			swap := strings.NewReplacer("saml:", "a:", "xmlns:saml=", "xmlns:a=", "samlp:", "p:", "xmlns:samlp=", "xmlns:p=").Replace
			m.preA, m.preR = swap, func(s string) string { return swap(s) }
		},
		"default namespace in the assertion": func(m *message) {
			m.preA = strings.NewReplacer("<saml:", "<", "</saml:", "</", "xmlns:saml=", "xmlns=").Replace
		},
		"default namespaces, response signed": func(m *message) {
			m.signA, m.signR = nil, &signature{key: corp, prefix: "-"}
			m.preA = strings.NewReplacer("<saml:", "<", "</saml:", "</", "xmlns:saml=", "xmlns=").Replace
			m.preR = strings.NewReplacer("<samlp:", "<", "</samlp:", "</", "xmlns:samlp=", "xmlns=").Replace
		},
		"namespaces on the response only": func(m *message) {
			m.signA, m.signR = nil, &signature{key: corp}
			m.preA = func(s string) string { return strings.Replace(s, ` xmlns:saml="`+nsA+`"`, "", 1) }
		},
		"unused namespaces": func(m *message) {
			m.assertAttrs = ` xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
		},
		"attribute order": func(m *message) {
			m.preA = func(s string) string {
				return regexp.MustCompile(`^<saml:Assertion (xmlns:saml="[^"]*") (ID="[^"]*") (Version="[^"]*") (IssueInstant="[^"]*")`).ReplaceAllString(s, `<saml:Assertion $4 $3 $2 $1`)
			}
		},
		"single quotes": func(m *message) {
			m.preR = func(s string) string { return strings.Replace(s, `Version="2.0"`, `Version='2.0'`, 1) }
		},
		"pretty-printed": func(m *message) {
			indent := func(s string) string { return strings.ReplaceAll(s, "><", ">\n  <") }
			m.preA, m.preR = indent, nil
		},
		"XML declaration": func(m *message) { m.prolog = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" },
		"line at the end": func(m *message) { m.epilog = "\n" },
		"carriage returns": func(m *message) {
			m.post = func(s string) string { return strings.Replace(s, "<samlp:Status>", "\r\n<samlp:Status>", 1) }
		},
		"base64 lines of 76":      func(m *message) { m.encode = func(s string) string { return lines(s, "\r\n") } },
		"base64 lines, LF only":   func(m *message) { m.encode = func(s string) string { return lines(s, "\n") } },
		"wrapped SignatureValue":  func(m *message) { m.signA.wrap = 76 },
		"wrapped at 64":           func(m *message) { m.signA.wrap = 64 },
		"no KeyInfo":              func(m *message) { m.signA.keyInfo = "-" },
		"KeyName":                 func(m *message) { m.signA.keyInfo = "<ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo>" },
		"KeyValue":                func(m *message) { m.signA.keyInfo = keyValue() },
		"SHA-384":                 func(m *message) { m.signA.hash = crypto.SHA384 },
		"SHA-512":                 func(m *message) { m.signA.hash = crypto.SHA512 },
		"ECDSA SHA-256":           func(m *message) { m.signA = &signature{key: corpECKey()} },
		"ECDSA SHA-384":           func(m *message) { m.signA = &signature{key: corpECKey(), hash: crypto.SHA384} },
		"ECDSA over the response": func(m *message) { m.signA, m.signR = nil, &signature{key: corpECKey(), keyInfo: "-"} },
		"rollover, both keys":     func(m *message) { m.signR = &signature{key: corpECKey()} },
		"signature prefix dsig":   func(m *message) { m.signA = &signature{key: corp, prefix: "dsig", keyInfo: "-"} },
		"signature default ns":    func(m *message) { m.signA = &signature{key: corp, prefix: "-"} },
		"InclusiveNamespaces": func(m *message) {
			m.assertAttrs = ` xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
			m.signA.prefixes = "xs"
		},
		"InclusiveNamespaces of two": func(m *message) {
			m.assertAttrs = ` xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
			m.signA.prefixes = "xs xsi"
		},
		"c14n with comments": func(m *message) { m.signA.c14n = excC14 + "WithComments" },
		"two audiences": func(m *message) {
			m.conditions = conditionsXML(stamp(-time.Minute), stamp(5*time.Minute), audienceXML("https://other.example", t.audience()))
		},
		"two restrictions, both ours": func(m *message) {
			m.conditions = conditionsXML(stamp(-time.Minute), stamp(5*time.Minute), audienceXML(t.audience())+audienceXML(t.audience(), "https://other.example"))
		},
		"OneTimeUse": func(m *message) {
			m.conditions = conditionsXML(stamp(-time.Minute), stamp(5*time.Minute), audienceXML(t.audience())+"<saml:OneTimeUse/>")
		},
		"ProxyRestriction": func(m *message) {
			m.conditions = conditionsXML(stamp(-time.Minute), stamp(5*time.Minute), `<saml:ProxyRestriction Count="0"/>`+audienceXML(t.audience()))
		},
		"conditions without NotBefore": func(m *message) {
			m.conditions = `<saml:Conditions NotOnOrAfter="` + stamp(5*time.Minute) + `">` + audienceXML(t.audience()) + "</saml:Conditions>"
		},
		"two bearer confirmations, the second ours": func(m *message) {
			m.confirm = confirmXML("https://other.example/acs", t.answering(), stamp(5*time.Minute)) + m.confirm
		},
		"two bearer confirmations, the first ours": func(m *message) {
			m.confirm += confirmXML("https://other.example/acs", t.answering(), stamp(5*time.Minute))
		},
		"sender-vouches beside bearer": func(m *message) {
			m.confirm = `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"/>` + m.confirm
		},
		"confirmation with Address": func(m *message) {
			m.confirm = strings.Replace(m.confirm, " Recipient=", ` Address="192.0.2.7" Recipient=`, 1)
		},
		"no Issuer of the response": func(m *message) { m.respIssuer = "-" },
		"Issuer with its format": func(m *message) {
			m.assertIssuer = `<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">` + t.entity + "</saml:Issuer>"
		},
		"no attributes":   func(m *message) { m.attributes = "-" },
		"no SessionIndex": func(m *message) { m.authn = regexp.MustCompile(` SessionIndex="[^"]*"`).ReplaceAllString(m.authn, "") },
		"session end": func(m *message) {
			m.authn = strings.Replace(m.authn, " SessionIndex", ` SessionNotOnOrAfter="`+stamp(8*time.Hour)+`" SessionIndex`, 1)
		},
		"no class, a declaration": func(m *message) {
			m.authn = regexp.MustCompile(`<saml:AuthnContextClassRef>.*</saml:AuthnContextClassRef>`).ReplaceAllString(m.authn, "<saml:AuthnContextDeclRef>urn:x</saml:AuthnContextDeclRef>")
		},
		"SubjectLocality": func(m *message) {
			m.authn = strings.Replace(m.authn, "<saml:AuthnContext>", `<saml:SubjectLocality Address="192.0.2.1"/><saml:AuthnContext>`, 1)
		},
		"NameID without format": func(m *message) { m.nameID = "<saml:NameID>" + attacker + "</saml:NameID>" },
		"NameID with qualifiers": func(m *message) {
			m.nameID = `<saml:NameID NameQualifier="x" SPNameQualifier="y">` + attacker + "</saml:NameID>"
		},
		"NameID as character refs": func(m *message) {
			m.nameID = "<saml:NameID>" + strings.Replace(attacker, "@", "&#x40;", 1) + "</saml:NameID>"
		},
		"status message": func(m *message) {
			m.status = strings.Replace(m.status, "</samlp:Status>", "<samlp:StatusMessage>fine</samlp:StatusMessage></samlp:Status>", 1)
		},
		"Extensions": func(m *message) {
			m.status = `<samlp:Extensions><x:Foo xmlns:x="urn:x">y</x:Foo></samlp:Extensions>` + m.status
		},
		"Consent": func(m *message) { m.respAttrs = ` Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified"` },
		"comment between": func(m *message) {
			m.post = func(s string) string { return strings.Replace(s, "<samlp:Status>", "<!-- hello --><samlp:Status>", 1) }
		},
		"whole seconds": func(m *message) {
			m.authn = strings.Replace(m.authn, m.assertTime, time.Now().UTC().Format(time.RFC3339), 1)
		},
		"seven digits": func(m *message) { m.respTime = time.Now().UTC().Format("2006-01-02T15:04:05.0000000Z") },
		"times with an offset": func(m *message) {
			m.respTime = time.Now().In(time.FixedZone("", 2*60*60)).Format("2006-01-02T15:04:05.000-07:00")
		},
		"nine digits, +00:00": func(m *message) { m.respTime = time.Now().UTC().Format("2006-01-02T15:04:05.000000000") + "+00:00" },
		"comment in the assertion": func(m *message) {
			m.preA = func(s string) string {
				return strings.Replace(s, "<saml:Conditions", "<!-- hello --><saml:Conditions", 1)
			}
		},
		"schema location": func(m *message) {
			m.respAttrs = ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="` + nsP + ` saml-schema-protocol-2.0.xsd"`
		},
		"Advice": func(m *message) {
			m.authn = "<saml:Advice><saml:AssertionIDRef>_x</saml:AssertionIDRef></saml:Advice>" + m.authn
		},
		"AuthenticatingAuthority": func(m *message) {
			m.authn = strings.Replace(m.authn, "</saml:AuthnContext>", "<saml:AuthenticatingAuthority>https://proxy.example</saml:AuthenticatingAuthority></saml:AuthnContext>", 1)
		},
		"two AttributeStatements":    func(m *message) { m.attributes += m.attributes },
		"transient NameID":           func(m *message) { m.nameID = strings.Replace(m.nameID, "persistent", "transient", 1) },
		"white space in the Subject": func(m *message) { m.confirm = "\n  " + m.confirm + "\n" },
		"declarations on the response, assertion signed": func(m *message) {
			m.post = func(s string) string {
				return strings.Replace(s, `<saml:Assertion xmlns:saml="`+nsA+`"`, "<saml:Assertion", 1)
			}
		},
		"Ids in the signature": func(m *message) {
			m.signA.info = func(s string) string {
				return strings.NewReplacer("<ds:SignedInfo ", `<ds:SignedInfo Id="_si" `, "<ds:Reference ", `<ds:Reference Id="_ref" Type="http://www.w3.org/2000/09/xmldsig#Object" `).Replace(s)
			}
			m.signA.change = func(s string) string {
				return strings.NewReplacer("<ds:Signature ", `<ds:Signature Id="_sig" `, "<ds:SignatureValue>", `<ds:SignatureValue Id="_sv">`, "<ds:KeyInfo>", `<ds:KeyInfo Id="_ki">`).Replace(s)
			}
		},
		"pretty-printed SignedInfo": func(m *message) {
			m.signA.info = func(s string) string { return strings.ReplaceAll(s, "><", ">\n    <") }
		},
		"white space in DigestValue": func(m *message) {
			m.signA.info = func(s string) string {
				return strings.NewReplacer("<ds:DigestValue>", "<ds:DigestValue>\n", "</ds:DigestValue>", "\n</ds:DigestValue>").Replace(s)
			}
		},
		"InclusiveNamespaces of the default": func(m *message) { m.signA.prefixes = "#default saml" },
		"long ID":                            func(m *message) { m.assertID = "id-" + strings.Repeat("a", 200) + randomID() },
		"ID with dots":                       func(m *message) { m.assertID = "A.b-c_" + randomID() },
		"clock a little ahead":               func(m *message) { m.assertTime, m.respTime = stamp(20*time.Second), stamp(20*time.Second) },
		"ended a little ago": func(m *message) {
			m.conditions = conditionsXML(stamp(-4*time.Minute), stamp(-20*time.Second), audienceXML(t.audience()))
		},
	}
	for name, attribute := range map[string]string{
		"unknown attribute":      `<saml:Attribute Name="urn:unknown" FriendlyName="x" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"><saml:AttributeValue>y</saml:AttributeValue></saml:Attribute>`,
		"xsi:type":               `<saml:Attribute Name="x"><saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">y</saml:AttributeValue></saml:Attribute>`,
		"xsi:nil":                `<saml:Attribute Name="x"><saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/></saml:Attribute>`,
		"empty value":            `<saml:Attribute Name="x"><saml:AttributeValue/></saml:Attribute>`,
		"no values":              `<saml:Attribute Name="x"/>`,
		"many values":            `<saml:Attribute Name="x">` + strings.Repeat("<saml:AttributeValue>group</saml:AttributeValue>", 300) + `</saml:Attribute>`,
		"same name twice":        `<saml:Attribute Name="x"><saml:AttributeValue>1</saml:AttributeValue></saml:Attribute><saml:Attribute Name="x"><saml:AttributeValue>2</saml:AttributeValue></saml:Attribute>`,
		"NameID as value":        `<saml:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.10"><saml:AttributeValue><saml:NameID NameQualifier="a">z</saml:NameID></saml:AttributeValue></saml:Attribute>`,
		"foreign XML attributes": `<saml:Attribute Name="x" xmlns:o="urn:o" o:OriginalIssuer="y"><saml:AttributeValue>1</saml:AttributeValue></saml:Attribute>`,
		"line ends in a value":   "<saml:Attribute Name=\"x\"><saml:AttributeValue>\n  y\n</saml:AttributeValue></saml:Attribute>",
		"umlauts and entities":   `<saml:Attribute Name="name"><saml:AttributeValue>Zoë &amp; 山田 &lt;x&gt; &#233;</saml:AttributeValue></saml:Attribute>`,
	} {
		out[name] = func(m *message) {
			m.attributes = "<saml:AttributeStatement>" + attribute + "</saml:AttributeStatement>"
		}
	}
	for name, e := range map[string]encryption{
		"AES-128-CBC": {alg: "aes128-cbc"}, "AES-192-CBC": {alg: "aes192-cbc"}, "AES-256-CBC": {alg: "aes256-cbc"}, "AES-128-GCM": {alg: "aes128-gcm"}, "AES-192-GCM": {alg: "aes192-gcm"}, "AES-256-GCM": {alg: "aes256-gcm"},
		"OAEP SHA-256": {oaep256: true}, "OAEP SHA-256, CBC": {alg: "aes256-cbc", oaep256: true}, "key beside": {beside: true}, "mgf1p with digest SHA-256": {mgf1p256: true}, "OAEP without a digest": {change: func(s string) string { return strings.Replace(s, `<ds:DigestMethod Algorithm="`+nsDS+`sha1"/>`, "", 1) }},
		"key beside, RetrievalMethod": {beside: true, change: func(s string) string {
			return strings.NewReplacer("<xenc:EncryptedKey>", `<xenc:EncryptedKey Id="_ek" Recipient="x">`, "<xenc:CipherData>", "<xenc:CipherData>", `-gcm"/>`, `-gcm"/><ds:KeyInfo><ds:RetrievalMethod Type="`+nsEnc+`EncryptedKey" URI="#_ek"/></ds:KeyInfo>`).Replace(s)
		}},
		"certificate with the key": {change: func(s string) string {
			return strings.Replace(s, "</xenc:EncryptionMethod><xenc:CipherData>", "</xenc:EncryptionMethod><ds:KeyInfo><ds:X509Data><ds:X509Certificate>"+base64.StdEncoding.EncodeToString(cert.Raw)+"</ds:X509Certificate></ds:X509Data></ds:KeyInfo><xenc:CipherData>", 1)
		}}, "for two, the second us": {change: func(s string) string {
			other := encryption{alg: "aes256-gcm", to: foreignKey().Cert}
			sealed := other.seal("<x/>")
			start, end := strings.Index(sealed, "<xenc:EncryptedKey>"), strings.Index(sealed, "</xenc:EncryptedKey>")+len("</xenc:EncryptedKey>")
			return strings.Replace(s, "<xenc:EncryptedKey>", sealed[start:end]+"<xenc:EncryptedKey>", 1)
		}}, "wrapped base64": {wrap: 76}, "declaration inside": {plain: func(s string) string { return `<?xml version="1.0" encoding="UTF-8"?>` + s }},
	} {
		e.to = cert
		out["encrypted "+name] = func(m *message) { e := e; m.encrypt = &e }
		out["encrypted, response signed, "+name] = func(m *message) {
			e := e
			m.encrypt, m.signA, m.signR = &e, nil, &signature{key: corp}
		}
	}
	return out
}

// lines breaks base64 as MIME does.
func lines(text, end string) string {
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	var b strings.Builder
	for len(encoded) > 76 {
		b.WriteString(encoded[:76] + end)
		encoded = encoded[76:]
	}
	return b.String() + encoded + end
}

// TestGoodSAML sends each through all three doors, anew every time.
func TestGoodSAML(t *testing.T) {
	var c tally
	unasked := &target{idp: "corp", entity: entityCorp}
	cert := spCert(t)
	c.watch(t, func() {
		batch := goodSAML(unasked, cert)
		if len(batch) < 40 {
			t.Errorf("only %d messages", len(batch))
		}
		for name, change := range batch {
			c.good(t, "JSON API: "+name, func() (answer, error) { return direct(w.nodeURLs[0], made(unasked, change)) }, hasRole("Attacker"))
			c.good(t, "ACS: "+name, func() (answer, error) { return acs(w.nodeURLs[1], "corp", made(unasked, change), pending{}) }, offers(attacker))
		}
		for name := range batch {
			c.good(t, "ACS, asked: "+name, func() (answer, error) { return answerLogin(name, cert) }, signsIn(attacker))
		}
		partner := &target{idp: "partner", entity: entityPartner}
		c.good(t, "another provider", func() (answer, error) {
			return direct(w.nodeURLs[1], made(partner, func(m *message) { m.signA.key = partnerKey() }))
		}, hasRole("Partner"))
	})
	c.report(t, "good SAML")
}

func made(t *target, change func(*message)) string {
	m := good(t, attacker)
	change(m)
	return m.form()
}

// answerLogin begins a login at one node and answers it at the other.
func answerLogin(name string, cert *x509.Certificate) (answer, error) {
	p, err := begin(w.nodeURLs[0], "corp")
	if err != nil {
		return answer{}, err
	}
	asked := &target{idp: "corp", entity: entityCorp, inResponseTo: p.requestID}
	return acs(w.nodeURLs[1], "corp", made(asked, goodSAML(asked, cert)[name]), p)
}

// offers is a check for the page that asks whether to go on as subject.
func offers(subject string) func(answer) error {
	return func(a answer) error {
		if a.status != http.StatusOK || !strings.Contains(a.body, "Continue as "+subject+"?") {
			return fmt.Errorf("got %d %s: %s", a.status, a.code, a.body)
		}
		return nil
	}
}

// signsIn is a check for a login session of subject.
func signsIn(subject string) func(answer) error {
	return func(a answer) error {
		if a.status != http.StatusSeeOther {
			return fmt.Errorf("got %d %s: %s", a.status, a.code, a.body)
		}
		got, err := whoami(w.nodeURLs[0], a.cookies)
		if err == nil && got != subject {
			err = fmt.Errorf("signed in as %s", got)
		}
		return err
	}
}

// A login that the portal began ends where the browser wanted to go, inside the portal.
func TestContinueAfterAnUnaskedLogin(t *testing.T) {
	a, err := acs(w.nodeURLs[0], "corp", good(&target{idp: "corp", entity: entityCorp}, attacker).form(), pending{})
	if err != nil {
		t.Fatal(err)
	}
	handle := regexp.MustCompile(`name="handle" value="([^"]+)"`).FindStringSubmatch(a.body)
	if handle == nil || len(a.cookies) != 1 {
		t.Fatalf("no button: %d %s", a.status, a.body)
	}
	form := url.Values{"handle": {handle[1]}}.Encode()
	cookie := a.cookies[0].Name + "=" + a.cookies[0].Value
	if a, err = post(w.nodeURLs[1]+"/login/corp", formType, form, "Cookie", cookie, "Origin", "https://evil.example"); err != nil || a.status != http.StatusBadRequest {
		t.Errorf("from another site: %d, %v", a.status, err)
	}
	if a, err = post(w.nodeURLs[1]+"/login/corp", formType, form, "Cookie", cookie, "Origin", w.publicURL); err != nil {
		t.Fatal(err)
	}
	if err := signsIn(attacker)(a); err != nil {
		t.Error(err)
	}
}
