package saml_test

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"encoding/base64"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml"
)

// benign is one message that must be accepted.
type benign struct {
	name   string
	idp    func(*idptest.SAMLIDP)
	answer func(*idptest.SAMLAnswer)
	raw    func(doc string) string // changes the document's text
	field  func(string) string     // changes the base64
	opt    func(*saml.Options)
}

func TestBenignResponses(t *testing.T) {
	cases := append(benignSignatures(), benignEncryption()...)
	cases = append(cases, benignShapes()...)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkBenign(t, c) })
	}
}

func checkBenign(t *testing.T, c benign) {
	t.Parallel()
	i := idptest.NewSAMLIDP(clock)
	if c.idp != nil {
		c.idp(i)
	}
	a := good()
	if c.answer != nil {
		c.answer(&a)
	}
	p := newProvider(t, i, func(o *saml.Options) {
		if c.opt != nil {
			c.opt(o)
		}
	})
	doc := string(i.RespondXML(t, a))
	if c.raw != nil {
		doc = c.raw(doc)
	}
	field := base64.StdEncoding.EncodeToString([]byte(doc))
	if c.field != nil {
		field = c.field(field)
	}
	id, err := finish(p, field)
	if err != nil {
		t.Fatal(err)
	}
	if id.Subject != alice || id.Provider != "corp" || id.Issuer != i.EntityID {
		t.Errorf("got %+v", id)
	}
}

func benignSignatures() []benign {
	var out []benign
	for name, v := range variants() {
		out = append(out, benign{name: name, answer: v})
		for hashName, h := range map[string]crypto.Hash{"384": crypto.SHA384, "512": crypto.SHA512} {
			out = append(out, benign{name: name + ", RSA SHA-" + hashName, answer: func(a *idptest.SAMLAnswer) { v(a); a.Signature.Hash = h }})
		}
		for curve, h := range map[elliptic.Curve]crypto.Hash{elliptic.P256(): crypto.SHA256, elliptic.P384(): crypto.SHA384, elliptic.P521(): crypto.SHA512} {
			key := idptest.ECDSAKey(curve)
			out = append(out, benign{
				name:   name + ", ECDSA " + curve.Params().Name,
				idp:    func(i *idptest.SAMLIDP) { i.Keys = []idptest.SAMLKey{key} },
				answer: func(a *idptest.SAMLAnswer) { v(a); a.Signature.Hash = h },
			})
		}
		for _, list := range []string{"xs", "xs xsi", "saml", "ds saml samlp", "nowhere", "#default xs"} {
			out = append(out, benign{name: name + ", PrefixList " + list, answer: func(a *idptest.SAMLAnswer) { v(a); a.Signature.PrefixList = list }})
		}
		for keyInfo, with := range map[string][]idptest.SAMLKey{"without KeyInfo": nil, "with KeyInfo": {idptest.RSAKey(1)}, "with another KeyInfo": {idptest.RSAKey(0)}} {
			out = append(out, benign{
				name: name + ", rollover " + keyInfo,
				idp:  func(i *idptest.SAMLIDP) { i.Keys = []idptest.SAMLKey{idptest.RSAKey(0), idptest.RSAKey(1)} },
				answer: func(a *idptest.SAMLAnswer) {
					v(a)
					a.Signature.Key, a.Signature.KeyInfo = idptest.RSAKey(1), with
				},
			})
		}
		out = append(out,
			benign{name: name + ", default namespace", answer: func(a *idptest.SAMLAnswer) { v(a); a.EditAssertion = unprefix }},
			benign{name: name + ", default namespace", answer: func(a *idptest.SAMLAnswer) { v(a); a.EditAssertion = unprefix }},
			benign{name: name + ", default namespace and PrefixList", answer: func(a *idptest.SAMLAnswer) {
				v(a)
				a.EditAssertion, a.Signature.PrefixList = unprefix, "xs xsi"
			}},
			benign{name: name + ", wrapped values", answer: func(a *idptest.SAMLAnswer) { v(a); a.Signature.Wrap = true }},
			benign{name: name + ", SHA-1 where allowed", answer: func(a *idptest.SAMLAnswer) { v(a); a.Signature.Hash = crypto.SHA1 }, opt: func(o *saml.Options) { o.AllowSHA1 = true }},
		)
	}
	return out
}

func benignEncryption() []benign {
	var out []benign
	for _, c := range []string{"aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm"} {
		for _, peer := range []bool{false, true} {
			e := idptest.SAMLEncryption{To: idptest.RSAKey(3).Cert, Cipher: c, Peer: peer}
			name := c + map[bool]string{true: " peer"}[peer]
			out = append(out, benign{name: name, answer: func(a *idptest.SAMLAnswer) { a.Encrypt = e }})
		}
	}
	hashes := []crypto.Hash{0, crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512}
	for _, digest := range hashes {
		e := idptest.SAMLEncryption{To: idptest.RSAKey(3).Cert, Digest: digest}
		out = append(out, benign{name: "mgf1p " + digest.String(), answer: func(a *idptest.SAMLAnswer) { a.Encrypt = e }})
		for _, mask := range hashes {
			e := idptest.SAMLEncryption{To: idptest.RSAKey(3).Cert, Transport: "rsa-oaep", Digest: digest, Mask: mask}
			out = append(out, benign{name: "oaep " + digest.String() + " " + mask.String(), answer: func(a *idptest.SAMLAnswer) { a.Encrypt = e }})
		}
	}
	out = append(out, benign{
		name:   "second decryption key",
		answer: func(a *idptest.SAMLAnswer) { a.Encrypt.To = idptest.RSAKey(3).Cert },
		opt: func(o *saml.Options) {
			o.Encryption = append([]saml.DecryptionKey{decryptionKey(idptest.RSAKey(2))}, o.Encryption...)
		},
	}, benign{
		name: "namespaces declared outside the ciphertext",
		answer: func(a *idptest.SAMLAnswer) {
			a.Encrypt = idptest.SAMLEncryption{To: idptest.RSAKey(3).Cert, Plaintext: func(b []byte) []byte {
				return []byte(strings.Replace(string(b), ` xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`, "", 1))
			}}
		},
	})
	return out
}

// edit is a change of the assertion before it is signed.
func edit(f func(*etree.Element)) func(*idptest.SAMLAnswer) {
	return func(a *idptest.SAMLAnswer) { a.EditAssertion = f }
}

// unprefix writes the assertion the way AD FS and Entra ID do: SAML's namespace as the default one.
func unprefix(el *etree.Element) {
	if el.Space == "saml" {
		el.Space = ""
	}
	if el.Tag == "Assertion" {
		el.RemoveAttr("xmlns:saml")
		el.Attr = append([]etree.Attr{{Key: "xmlns", Value: "urn:oasis:names:tc:SAML:2.0:assertion"}}, el.Attr...)
	}
	for _, c := range el.ChildElements() {
		unprefix(c)
	}
}

func benignShapes() []benign {
	second := func(set map[string]string, method string) func(*etree.Element) {
		return func(el *etree.Element) {
			c := find(el, "SubjectConfirmation").Copy()
			c.CreateAttr("Method", method)
			for k, v := range set {
				find(c, "SubjectConfirmationData").CreateAttr(k, v)
			}
			subject := find(el, "Subject")
			subject.InsertChildAt(1, c)
		}
	}
	const cm = "urn:oasis:names:tc:SAML:2.0:cm:"
	return []benign{
		{name: "two confirmations, one ours", answer: edit(second(map[string]string{"Recipient": "https://other.example/acs"}, cm+"bearer"))},
		{name: "two confirmations, one expired", answer: edit(second(map[string]string{"NotOnOrAfter": "2020-01-01T00:00:00Z"}, cm+"bearer"))},
		{name: "a holder-of-key confirmation beside ours", answer: edit(second(nil, cm+"holder-of-key"))},
		{name: "two audiences", answer: edit(func(el *etree.Element) {
			find(el, "AudienceRestriction").CreateElement("saml:Audience").SetText("https://other.example")
		})},
		{name: "two restrictions, both ours", answer: edit(func(el *etree.Element) {
			find(el, "Conditions").AddChild(find(el, "AudienceRestriction").Copy())
		})},
		{name: "OneTimeUse and ProxyRestriction", answer: edit(func(el *etree.Element) {
			find(el, "Conditions").CreateElement("saml:OneTimeUse")
			find(el, "Conditions").CreateElement("saml:ProxyRestriction").CreateAttr("Count", "0")
		})},
		{name: "conditions without NotBefore", answer: edit(func(el *etree.Element) { find(el, "Conditions").RemoveAttr("NotBefore") })},
		{name: "issuer with the entity format", answer: edit(func(el *etree.Element) {
			find(el, "Issuer").CreateAttr("Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:entity")
		})},
		{name: "seven digits of fraction", answer: edit(func(el *etree.Element) { el.CreateAttr("IssueInstant", "2026-08-01T11:59:59.1234567Z") })},
		{name: "no fraction", answer: edit(func(el *etree.Element) { el.CreateAttr("IssueInstant", "2026-08-01T12:00:00Z") })},
		{name: "a zone offset", answer: edit(func(el *etree.Element) { el.CreateAttr("IssueInstant", "2026-08-01T14:00:00+02:00") })},
		{name: "issued just within the age", answer: edit(func(el *etree.Element) { el.CreateAttr("IssueInstant", "2026-08-01T11:54:00.001Z") })},
		{name: "issued just within the skew", answer: edit(func(el *etree.Element) { el.CreateAttr("IssueInstant", "2026-08-01T12:01:00Z") })},
		{name: "NotBefore within the skew", answer: edit(func(el *etree.Element) { find(el, "Conditions").CreateAttr("NotBefore", "2026-08-01T12:01:00Z") })},
		{name: "NotOnOrAfter within the skew", answer: edit(func(el *etree.Element) { find(el, "Conditions").CreateAttr("NotOnOrAfter", "2026-08-01T11:59:00.001Z") })},
		{name: "a session end ahead", answer: func(a *idptest.SAMLAnswer) { a.SessionEnd = noon.Add(time.Hour) }},
		{name: "two attribute statements", answer: edit(double("AttributeStatement"))},
		{name: "no attributes", answer: func(a *idptest.SAMLAnswer) { a.Attributes = nil }},
		{name: "no class reference", answer: func(a *idptest.SAMLAnswer) { a.ACR = "" }},
		{name: "Advice without assertions", answer: edit(func(el *etree.Element) {
			el.CreateElement("saml:Advice").CreateElement("saml:AssertionIDRef").SetText("_x")
		})},
		{name: "comments between elements", answer: edit(func(el *etree.Element) { el.CreateComment("made by x"); find(el, "Subject").CreateComment("y") })},
		{name: "a Response without Issuer, unsigned", answer: func(a *idptest.SAMLAnswer) {
			a.EditResponse = func(el *etree.Element) { el.RemoveChild(find(el, "Issuer")) }
		}},
		{name: "a status message", answer: func(a *idptest.SAMLAnswer) {
			a.EditResponse = func(el *etree.Element) { find(el, "Status").CreateElement("samlp:StatusMessage").SetText("fine") }
		}},
		{name: "signature at the end of the assertion", answer: func(a *idptest.SAMLAnswer) {
			a.Tamper = func(el *etree.Element) {
				s := find(el, "Signature")
				parent := s.Parent()
				parent.RemoveChild(s)
				parent.AddChild(s)
			}
		}},
		{name: "XML declaration", raw: func(s string) string { return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + s + "\n" }},
		{name: "byte order mark", raw: func(s string) string { return "\ufeff" + s }},
		{name: "a comment in front", raw: func(s string) string { return "<!-- hello -->" + s }},
		{name: "tabs and line ends between attributes", raw: func(s string) string {
			return strings.Replace(s, ` Destination=`, "\r\n\t Destination =\n", 1)
		}},
		{name: "apostrophes around values", raw: func(s string) string {
			return strings.Replace(s, `Destination="`+ourACS+`"`, `Destination='`+ourACS+`'`, 1)
		}},
		{name: "base64 in lines of 76", field: func(s string) string { return wrap(s, 76, "\r\n") }},
		{name: "base64 in lines of 64", field: func(s string) string { return wrap(s, 64, "\n") + "\n" }},
		{name: "the Name with letters of all the world", answer: func(a *idptest.SAMLAnswer) {
			a.Attributes = append(a.Attributes, idptest.SAMLAttribute{Name: "city", Values: []string{"Zürich", "東京", "a\r\nb\tc", "<&>\"'"}})
		}},
		{name: "eduPersonTargetedID", answer: edit(func(el *etree.Element) {
			at := find(el, "AttributeStatement").CreateElement("saml:Attribute")
			at.CreateAttr("Name", "urn:oid:1.3.6.1.4.1.5923.1.1.1.10")
			at.CreateElement("saml:AttributeValue").CreateElement("saml:NameID").SetText("opaque")
		})},
		{name: "a nil value", answer: edit(func(el *etree.Element) {
			v := find(el, "AttributeStatement").CreateElement("saml:Attribute")
			v.CreateAttr("Name", "empty")
			n := v.CreateElement("saml:AttributeValue")
			n.CreateAttr("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
			n.CreateAttr("xsi:nil", "true")
		})},
		{name: "a thousand groups", answer: func(a *idptest.SAMLAnswer) {
			var many []string
			for range 500 {
				many = append(many, "group-with-a-name")
			}
			a.Attributes = []idptest.SAMLAttribute{{Name: "groups", Values: many}}
		}},
	}
}

func wrap(s string, n int, end string) string {
	var b strings.Builder
	for len(s) > n {
		b.WriteString(s[:n] + end)
		s = s[n:]
	}
	return b.String() + s
}

func TestIdentityOfAResponse(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	a := good()
	a.SessionEnd = noon.Add(time.Hour)
	a.AuthInstant = noon.Add(-time.Minute)
	a.Attributes = []idptest.SAMLAttribute{
		{Name: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", Values: []string{"alice"}},
		{Name: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", Values: []string{"alice@corp.example"}},
		{Name: "http://schemas.xmlsoap.org/claims/Group", Values: []string{"staff"}},
		{Name: "http://schemas.xmlsoap.org/claims/Group", Values: []string{"admins"}},
		{Name: "http://schemas.microsoft.com/claims/authnmethodsreferences", Values: []string{"urn:password", "urn:multipleauthn"}},
		{Name: "name_id", Values: []string{"mallory"}},
	}
	id, err := finish(newProvider(t, i), i.Respond(t, a))
	if err != nil {
		t.Fatal(err)
	}
	if len(id.Proof.Hash) != 64 || id.Proof.ID == "" {
		t.Errorf("proof %+v", id.Proof)
	}
	claims := id.Claims.Map()
	want := idp.Identity{
		Provider: "corp", Issuer: i.EntityID, Subject: alice, Username: "alice", Email: "alice@corp.example",
		Groups: []string{"staff", "admins"}, AuthTime: noon.Add(-time.Minute),
		AMR: []string{"urn:password", "urn:multipleauthn"},
		ACR: a.ACR, SessionExpiry: noon.Add(time.Hour), Claims: id.Claims, SessionID: "_session",
		Leave: idp.State{"name_id": alice, "Format": a.NameIDFormat, "session_index": "_session"},
		Proof: idp.Proof{
			Kind: idp.ProofSAML, ID: id.Proof.ID, Hash: id.Proof.Hash, IssuedAt: noon, Once: true,
			Expires: noon.Add(6 * time.Minute), // five minutes of age, one of skew
		},
	}
	if !reflect.DeepEqual(id, want) {
		t.Errorf("got  %+v\nwant %+v", id, want)
	}
	wantClaims := map[string]any{
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":          []any{"alice"},
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": []any{"alice@corp.example"},
		"http://schemas.xmlsoap.org/claims/Group":                            []any{"staff", "admins"},
		"http://schemas.microsoft.com/claims/authnmethodsreferences":         []any{"urn:password", "urn:multipleauthn"},
		"name_id":        alice,
		"name_id_format": a.NameIDFormat,
		"session_index":  "_session",
	}
	if !reflect.DeepEqual(claims, wantClaims) {
		t.Errorf("got  %v\nwant %v", claims, wantClaims)
	}
}

func TestSingleValuedClaims(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	a := good()
	a.NameIDFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	a.Attributes = []idptest.SAMLAttribute{{Name: "uid", Values: []string{"alice", "root"}}}
	id, err := finish(newProvider(t, i), i.Respond(t, a))
	if err != nil || id.Username != "" || id.Email != alice || id.Groups != nil {
		t.Errorf("two user names are none, and the NameID is an address: got %+v, %v", id, err)
	}
	p := newProvider(t, i, func(o *saml.Options) { o.Claims = saml.ClaimMapping{Groups: []string{"uid"}, Username: []string{}} })
	if id, err = finish(p, i.Respond(t, a)); err != nil || !reflect.DeepEqual(id.Groups, []string{"alice", "root"}) {
		t.Errorf("the mapping counts: got %+v, %v", id, err)
	}
}

// A replay must be remembered until the assertion is refused anyway.
func TestReplayBound(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	for end, want := range map[string]time.Time{
		"2026-08-01T12:02:00Z": noon.Add(3 * time.Minute), // its end and the skew
		"9999-12-31T23:59:59Z": noon.Add(6 * time.Minute), // the greatest age and the skew
	} {
		a := good()
		a.EditAssertion = setAttr("Conditions", "NotOnOrAfter", end)
		response := i.Respond(t, a)
		id, err := finish(newProvider(t, i), response)
		if err != nil || !id.Proof.Expires.Equal(want) {
			t.Errorf("%s: got %v, %v", end, id.Proof.Expires, err)
		}
		_, err = finish(newProvider(t, i, func(o *saml.Options) { o.Clock = func() time.Time { return want } }), response)
		wantKind(t, err, idp.KindExpired)
	}
}

// The hash names the signed bytes: the same assertion has it in whatever wrapping.
func TestProofHashSurvivesRewrapping(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	doc := string(i.RespondXML(t, good()))
	other := strings.Replace(strings.Replace(doc, "<samlp:Status>", "\n<samlp:Status>", 1), "samlp", "p", -1)
	first, err := finish(p, base64.StdEncoding.EncodeToString([]byte(doc)))
	if err != nil {
		t.Fatal(err)
	}
	second, err := finish(p, base64.StdEncoding.EncodeToString([]byte(other)))
	if err != nil || first.Proof != second.Proof {
		t.Errorf("got %+v and %+v, %v", first.Proof, second.Proof, err)
	}
}

func TestUnsolicited(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	a := good()
	a.InResponseTo = ""
	free, bound := i.Respond(t, a), i.Respond(t, good())
	responseOnly, confirmationOnly := good(), good()
	responseOnly.EditAssertion = func(el *etree.Element) { find(el, "SubjectConfirmationData").RemoveAttr("InResponseTo") }
	confirmationOnly.Tamper = func(el *etree.Element) { el.RemoveAttr("InResponseTo") }
	empty := a
	empty.EditResponse = func(el *etree.Element) { el.CreateAttr("InResponseTo", "") }
	other := a
	other.EditAssertion = func(el *etree.Element) {
		c := find(el, "SubjectConfirmation").Copy()
		setAttr("SubjectConfirmationData", "InResponseTo", requestID)(c)
		setAttr("SubjectConfirmationData", "Recipient", "https://other.example/acs")(c)
		find(el, "Subject").AddChild(c)
	}
	both := func(o *saml.Options) { o.AllowIDPInitiated, o.Direct = true, true }
	neither := func(*saml.Options) {}
	for _, c := range []struct {
		name, response string
		opt            func(*saml.Options)
		ok             bool
	}{
		{"unsolicited, allowed", free, both, true},
		{"unsolicited, not allowed", free, neither, false},
		{"answer to a request", bound, both, false},
		{"answer in the Response only", i.Respond(t, responseOnly), both, false},
		{"answer in a confirmation for another", i.Respond(t, other), both, false},
		{"answer to nothing", i.Respond(t, empty), both, false},
		{"answer in the confirmation only", i.Respond(t, confirmationOnly), both, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t, i, c.opt)
			id, err := p.Finish(context.Background(), nil, idp.Callback{Unsolicited: true, Form: url.Values{"SAMLResponse": {c.response}}})
			if (err == nil) != c.ok {
				t.Errorf("Finish: got %v, %v", id.Subject, err)
			}
			id, err = p.Verify(context.Background(), proof(c.response))
			if (err == nil) != c.ok {
				t.Errorf("Verify: got %v, %v", id.Subject, err)
			}
		})
	}
}

func TestIssuerPeek(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	a := good()
	if got, err := saml.Issuer(proof(i.Respond(t, a))); err != nil || got != i.EntityID {
		t.Errorf("got %q, %v", got, err)
	}
	a.Tamper = func(el *etree.Element) { el.RemoveChild(find(el, "Issuer")) }
	if got, err := saml.Issuer(proof(i.Respond(t, a))); err != nil || got != i.EntityID {
		t.Errorf("the assertion's issuer: got %q, %v", got, err)
	}
	for _, bad := range []string{"", "%", "PGE+", base64.StdEncoding.EncodeToString([]byte("<a/>"))} {
		if got, err := saml.Issuer(proof(bad)); err == nil {
			t.Errorf("%q: got %q", bad, got)
		}
	}
}
