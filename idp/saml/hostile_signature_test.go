package saml_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml"
)

const (
	dsigSpace = "http://www.w3.org/2000/09/xmldsig#"
	dsigMore  = "http://www.w3.org/2001/04/xmldsig-more#"
)

// signatureCases makes a case for an assertion's and for a Response's signature.
func signatureCases(name string, change func(*idptest.SAMLAnswer)) []hostile {
	var out []hostile
	for _, v := range []string{"assertion signed", "response signed", "both signed", "encrypted"} {
		protect := variants()[v]
		out = append(out, hostile{name: name + ", " + v, answer: func(a *idptest.SAMLAnswer) { protect(a); change(a) }})
	}
	return out
}

func editInfo(f func(*etree.Element)) func(*idptest.SAMLAnswer) {
	return func(a *idptest.SAMLAnswer) { a.Signature.EditInfo = f }
}

func TestHostileAlgorithms(t *testing.T) {
	var cases []hostile
	cases = append(cases, signatureCases("SHA-1", func(a *idptest.SAMLAnswer) { a.Signature.Hash = crypto.SHA1 })...)
	cases = append(cases, signatureCases("SHA-1 signature over a good digest", func(a *idptest.SAMLAnswer) {
		a.Signature.Hash, a.Signature.DigestHash = crypto.SHA1, crypto.SHA256
	})...)
	cases = append(cases, signatureCases("good signature over a SHA-1 digest", func(a *idptest.SAMLAnswer) {
		a.Signature.DigestHash = crypto.SHA1
	})...)
	cases = append(cases, signatureCases("SHA-1 digest only", editInfo(func(el *etree.Element) {
		find(el, "DigestMethod").CreateAttr("Algorithm", dsigSpace+"sha1")
		find(el, "DigestValue").SetText(base64.StdEncoding.EncodeToString(make([]byte, 20)))
	}))...)
	for _, alg := range []string{
		"", dsigSpace + "hmac-sha1", dsigMore + "hmac-sha256", dsigMore + "rsa-md5", dsigSpace + "dsa-sha1", dsigSpace + "rsa-sha1", dsigMore + "rsa-sha224",
		"http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", dsigMore + "ecdsa-sha1", dsigMore + "ecdsa-sha256", dsigMore + "RSA-SHA256", dsigMore + "rsa-sha256 ", "none",
	} {
		cases = append(cases, signatureCases("method "+alg, editInfo(setAttr("SignatureMethod", "Algorithm", alg)))...)
	}
	for _, alg := range []string{"", dsigMore + "md5", dsigSpace + "sha1", dsigMore + "sha224", dsigMore + "sha384", "none"} {
		cases = append(cases, signatureCases("digest "+alg, editInfo(setAttr("DigestMethod", "Algorithm", alg)))...)
	}
	for _, alg := range []string{
		"", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/TR/1999/REC-xslt-19991116",
		"http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/2002/06/xmldsig-filter2", dsigSpace + "base64", dsigSpace + "enveloped-signature", "none",
	} {
		cases = append(cases, signatureCases("canonicalisation "+alg, editInfo(setAttr("CanonicalizationMethod", "Algorithm", alg)))...)
		cases = append(cases, signatureCases("second transform "+alg, editInfo(func(el *etree.Element) {
			find(el, "Transforms").ChildElements()[1].CreateAttr("Algorithm", alg)
		}))...)
		if alg != dsigSpace+"enveloped-signature" {
			cases = append(cases, signatureCases("first transform "+alg, editInfo(setAttr("Transform", "Algorithm", alg)))...)
		}
	}
	cases = append(cases, signatureCases("output length", editInfo(func(el *etree.Element) {
		find(el, "SignatureMethod").CreateElement("ds:HMACOutputLength").SetText("8")
	}))...)
	run(t, cases)
}

func TestHostileReferences(t *testing.T) {
	var cases []hostile
	add := func(name string, f func(info *etree.Element)) {
		cases = append(cases, signatureCases(name, editInfo(f))...)
	}
	for _, uri := range []string{"", "#", "#_other", "_other", "#xpointer(/)", "#xpointer(id('x'))", "http://127.0.0.1/x", "file:///etc/passwd", "# "} {
		add("URI "+uri, setAttr("Reference", "URI", uri))
	}
	add("no URI", dropAttr("Reference", "URI"))
	add("URI without the mark", func(el *etree.Element) {
		r := find(el, "Reference")
		r.CreateAttr("URI", r.SelectAttrValue("URI", "")[1:])
	})
	add("two references", double("Reference"))
	add("another reference first", func(el *etree.Element) {
		r := find(el, "Reference").Copy()
		r.CreateAttr("URI", "#_other")
		el.InsertChildAt(find(el, "Reference").Index(), r)
	})
	add("no reference", drop("Reference"))
	add("a manifest", func(el *etree.Element) { el.CreateElement("ds:Manifest").AddChild(find(el, "Reference").Copy()) })
	add("no transforms", drop("Transforms"))
	add("one transform", func(el *etree.Element) {
		tr := find(el, "Transforms")
		tr.RemoveChild(tr.ChildElements()[1])
	})
	add("canonicalisation only", drop("Transform"))
	add("three transforms", double("Transform"))
	add("transforms in the other order", func(el *etree.Element) {
		tr := find(el, "Transforms")
		first := tr.ChildElements()[0]
		tr.RemoveChild(first)
		tr.AddChild(first)
	})
	add("parameters of the first transform", func(el *etree.Element) { find(el, "Transform").CreateElement("ds:XPath").SetText("1") })
	add("parameters of the second transform", func(el *etree.Element) {
		find(el, "Transforms").ChildElements()[1].CreateElement("ds:XPath").SetText("1")
	})
	add("two transform lists", double("Transforms"))
	add("two digest methods", double("DigestMethod"))
	add("two digest values", double("DigestValue"))
	add("no digest method", drop("DigestMethod"))
	add("no digest value", drop("DigestValue"))
	add("an empty digest", setText("DigestValue", ""))
	add("a short digest", func(el *etree.Element) { d := find(el, "DigestValue"); d.SetText(d.Text()[:40]) })
	add("a digest in an element", func(el *etree.Element) {
		d := find(el, "DigestValue")
		text := d.Text()
		d.SetText("")
		d.CreateElement("ds:Value").SetText(text)
	})
	add("two canonicalisations", double("CanonicalizationMethod"))
	add("no canonicalisation", drop("CanonicalizationMethod"))
	add("two signature methods", double("SignatureMethod"))
	add("no signature method", drop("SignatureMethod"))
	add("a long PrefixList", func(el *etree.Element) {
		l := find(el, "CanonicalizationMethod").CreateElement("ec:InclusiveNamespaces")
		l.CreateAttr("xmlns:ec", "http://www.w3.org/2001/10/xml-exc-c14n#")
		l.CreateAttr("PrefixList", strings.Repeat("a ", 33))
	})
	// Void canonicalisation: the IdP signed nothing, or the digest of nothing (CVE-2025-66568).
	cases = append(cases, signatureCases("digest of nothing", func(a *idptest.SAMLAnswer) {
		a.Signature.Digest = func([]byte) []byte { return nil }
	})...)
	cases = append(cases, signatureCases("signature of nothing", func(a *idptest.SAMLAnswer) {
		a.Signature.Signed = func([]byte) []byte { return nil }
	})...)
	run(t, cases)
}

// tamperSignature changes the first Signature after the IdP made it.
func tamperSignature(f func(sig *etree.Element)) func(*idptest.SAMLAnswer) {
	return func(a *idptest.SAMLAnswer) { a.Tamper = func(el *etree.Element) { f(find(el, "Signature")) } }
}

func TestHostileSignatureElements(t *testing.T) {
	var cases []hostile
	add := func(name string, f func(sig *etree.Element)) {
		for _, v := range []string{"assertion signed", "response signed", "both signed"} {
			protect := variants()[v]
			cases = append(cases, hostile{name: name + ", " + v, answer: func(a *idptest.SAMLAnswer) { protect(a); tamperSignature(f)(a) }})
		}
	}
	falseInfo := func(sig *etree.Element) *etree.Element {
		info := find(sig, "SignedInfo").Copy()
		find(info, "DigestValue").SetText(base64.StdEncoding.EncodeToString(make([]byte, 32)))
		return info
	}
	add("false SignedInfo first", func(s *etree.Element) { s.InsertChildAt(0, falseInfo(s)) })
	add("false SignedInfo last", func(s *etree.Element) { s.AddChild(falseInfo(s)) })
	add("false SignedInfo in an object", func(s *etree.Element) { s.CreateElement("ds:Object").AddChild(falseInfo(s)) })
	add("SignedInfo in the key info", func(s *etree.Element) {
		info := find(s, "SignedInfo")
		s.RemoveChild(info)
		s.CreateElement("ds:KeyInfo").AddChild(info)
	})
	add("an object", func(s *etree.Element) { s.CreateElement("ds:Object") })
	add("two values", double("SignatureValue"))
	add("no value", drop("SignatureValue"))
	add("an empty value", setText("SignatureValue", ""))
	add("not base64", setText("SignatureValue", "!!!!"))
	add("zeros", func(s *etree.Element) {
		find(s, "SignatureValue").SetText(base64.StdEncoding.EncodeToString(make([]byte, 256)))
	})
	add("a shorter value", func(s *etree.Element) { v := find(s, "SignatureValue"); v.SetText(v.Text()[:100]) })
	add("no SignedInfo", drop("SignedInfo"))
	add("two key infos", func(s *etree.Element) { s.CreateElement("ds:KeyInfo"); s.CreateElement("ds:KeyInfo") })
	add("key info first", func(s *etree.Element) { s.InsertChildAt(0, etree.NewElement("ds:KeyInfo")) })
	add("a signature in another namespace", func(s *etree.Element) { s.CreateAttr("xmlns:ds", "urn:x") })
	add("two signatures", func(s *etree.Element) { s.Parent().AddChild(s.Copy()) })
	add("signature removed", func(s *etree.Element) { s.Parent().RemoveChild(s) })
	add("a comment in the digest", func(s *etree.Element) { find(s, "DigestValue").CreateComment("x") })
	add("a comment in SignedInfo", func(s *etree.Element) { find(s, "SignedInfo").CreateComment("x") })
	add("a comment in the value", func(s *etree.Element) { find(s, "SignatureValue").CreateComment("x") })
	add("another digest", func(s *etree.Element) {
		find(s, "DigestValue").SetText(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	})
	add("five thousand elements in SignedInfo", func(s *etree.Element) {
		for range 3000 {
			find(s, "SignedInfo").CreateElement("ds:Reference")
		}
	})
	add("a changed name", func(s *etree.Element) {
		find(s.Parent(), "NameID").SetText("mallory")
	})
	add("a changed attribute", func(s *etree.Element) { find(s.Parent(), "AttributeValue").SetText("aws-admins") })
	add("an added attribute", func(s *etree.Element) {
		find(s.Parent(), "AttributeStatement").AddChild(find(s.Parent(), "Attribute").Copy())
	})
	var kept []hostile
	for _, c := range cases {
		// A Response with both may lose its own signature: the assertion's suffices, and that is the benign form.
		if c.name != "signature removed, both signed" {
			kept = append(kept, c)
		}
	}
	run(t, kept)
}

// The public key, in every spelling, is no HMAC secret (CVE-2018-7644).
func TestHMACWithThePublicKey(t *testing.T) {
	cert := idptest.RSAKey(0).Cert
	spki, err := x509.MarshalPKIXPublicKey(cert.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	b64 := []byte(base64.StdEncoding.EncodeToString(cert.Raw))
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	var cases []hostile
	for n, secret := range [][]byte{{}, cert.Raw, b64, certPEM, bytes.TrimSpace(certPEM), spki, keyPEM, bytes.TrimSpace(keyPEM), cert.RawSubjectPublicKeyInfo} {
		cases = append(cases, signatureCases(fmt.Sprintf("secret %d", n), func(a *idptest.SAMLAnswer) { a.Signature.HMAC = secret })...)
	}
	run(t, cases)
}

// KeyInfo never brings a key.
func TestForeignKeys(t *testing.T) {
	attacker := idptest.RSAKey(1)
	twin := idptest.ECDSAKey(elliptic.P256())
	idpKey := idptest.RSAKey(0)
	var cases []hostile
	for name, s := range map[string]idptest.SAMLSignature{
		"alone":                        {Key: attacker},
		"with its certificate":         {Key: attacker, KeyInfo: []idptest.SAMLKey{attacker}},
		"with the IdP's certificate":   {Key: attacker, KeyInfo: []idptest.SAMLKey{idpKey}},
		"with both":                    {Key: attacker, KeyInfo: []idptest.SAMLKey{attacker, idpKey}},
		"with both, the other way":     {Key: attacker, KeyInfo: []idptest.SAMLKey{idpKey, attacker}},
		"ECDSA with its certificate":   {Key: twin, KeyInfo: []idptest.SAMLKey{twin}},
		"our own signing key":          {Key: idptest.RSAKey(2), KeyInfo: []idptest.SAMLKey{idptest.RSAKey(2)}},
		"our own encryption key":       {Key: idptest.RSAKey(3)},
		"a weak key":                   {Key: idptest.WeakRSAKey()},
		"ECDSA P-384 with SHA-256 URI": {Key: idptest.ECDSAKey(elliptic.P384())},
	} {
		cases = append(cases, signatureCases(name, func(a *idptest.SAMLAnswer) { a.Signature = s })...)
	}
	run(t, cases)
}

// Zero, short and DER signatures are no ECDSA signatures (CVE-2022-21449).
func TestHostileECDSA(t *testing.T) {
	key := idptest.ECDSAKey(elliptic.P256())
	i := idptest.NewSAMLIDP(clock)
	i.Keys = []idptest.SAMLKey{key}
	p := newProvider(t, i)
	order := elliptic.P256().Params().N.Bytes()
	values := map[string][]byte{
		"zeros": make([]byte, 64), "empty": {0}, "63 bytes": make([]byte, 63), "65 bytes": make([]byte, 65), "128 bytes": make([]byte, 128),
		"order": append(bytes.Clone(order), order...), "ones": bytes.Repeat([]byte{0xff}, 64), "r zero": append(make([]byte, 63), 1),
	}
	for name, v := range values {
		t.Run(name, func(t *testing.T) {
			a := good()
			tamperSignature(setText("SignatureValue", base64.StdEncoding.EncodeToString(v)))(&a)
			id, err := finish(p, i.Respond(t, a))
			refused(t, id, err)
		})
	}
	t.Run("a good one with more behind it", func(t *testing.T) {
		a := good()
		tamperSignature(func(s *etree.Element) {
			v := find(s, "SignatureValue")
			raw, err := base64.StdEncoding.DecodeString(v.Text())
			if err != nil {
				t.Fatal(err)
			}
			v.SetText(base64.StdEncoding.EncodeToString(append(raw, 0)))
		})(&a)
		id, err := finish(p, i.Respond(t, a))
		refused(t, id, err)
	})
	t.Run("DER", func(t *testing.T) {
		a := good()
		a.Signature.DER = true
		id, err := finish(p, i.Respond(t, a))
		refused(t, id, err)
	})
}

// IdP B does not speak for IdP A, neither with A's name nor around A's assertion.
func TestAnotherTrustedIdP(t *testing.T) {
	a := idptest.NewSAMLIDP(clock)
	b := idptest.NewSAMLIDP(clock)
	b.EntityID, b.Keys = "https://b.example/metadata", []idptest.SAMLKey{idptest.RSAKey(1)}
	pa, pb := newProvider(t, a), newProvider(t, b, func(o *saml.Options) { o.ID = "b" })

	posing := *b
	posing.EntityID = a.EntityID
	id, err := finish(pa, posing.Respond(t, good()))
	refused(t, id, err)
	id, err = finish(pb, posing.Respond(t, good()))
	if e := refused(t, id, err); e.Kind != idp.KindUntrusted {
		t.Errorf("got %v", err)
	}

	around := good()
	inner := etree.NewDocument()
	if err := inner.ReadFromBytes(a.RespondXML(t, good())); err != nil {
		t.Fatal(err)
	}
	around.SignAssertion, around.SignResponse = false, true
	around.EditResponse = func(el *etree.Element) {
		el.RemoveChild(find(el, "Assertion"))
		el.AddChild(find(inner.Root(), "Assertion").Copy())
	}
	for _, p := range []*saml.Provider{pa, pb} {
		id, err := finish(p, b.Respond(t, around))
		refused(t, id, err)
	}
}

// An unsigned Response around nothing signed is refused in every variant.
func TestUnsigned(t *testing.T) {
	var cases []hostile
	for name, v := range variants() {
		cases = append(cases, hostile{name: name, answer: func(a *idptest.SAMLAnswer) { v(a); a.SignAssertion, a.SignResponse = false, false }})
	}
	run(t, cases)
}
