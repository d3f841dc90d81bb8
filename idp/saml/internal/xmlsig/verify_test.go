package xmlsig_test

import (
	"crypto"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmlsig"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

var limits = xmltree.Limits{Bytes: 1 << 16, Depth: 20, Elements: 500, Attributes: 20, Namespaces: 10, Value: 1024}

// signed returns a document with a signed child "e", as a tree.
func signed(tb testing.TB, s idptest.SAMLSignature, change func(doc string) string) (el, signature *xmltree.Element) {
	tb.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(`<r xmlns:p="urn:p" xmlns:q="urn:q"><p:e ID="_e"><p:name>alice</p:name></p:e></r>`); err != nil {
		tb.Fatal(err)
	}
	if s.Key.Signer == nil {
		s.Key = idptest.RSAKey(0)
	}
	idptest.SignXML(tb, doc.Root().ChildElements()[0], s)
	text, err := doc.WriteToString()
	if err != nil {
		tb.Fatal(err)
	}
	if change != nil {
		text = change(text)
	}
	root, err := xmltree.Parse([]byte(text), limits, nil)
	if err != nil {
		tb.Fatal(err)
	}
	el = root.Elements()[0]
	found := el.Named(xmlsig.Space, "Signature")
	if len(found) == 0 {
		tb.Fatal("no signature")
	}
	return el, found[0]
}

func keys(ks ...idptest.SAMLKey) []crypto.PublicKey {
	var out []crypto.PublicKey
	for _, k := range ks {
		out = append(out, k.Signer.Public())
	}
	return out
}

var policy = xmlsig.Policy{MaxBytes: 1 << 16}

// What Verify returns is the element in canonical form, without the signature, namespaces of the PrefixList included.
func TestVerifyReturnsTheSignedBytes(t *testing.T) {
	el, sig := signed(t, idptest.SAMLSignature{PrefixList: "q"}, nil)
	got, err := xmlsig.Verify(el, sig, keys(idptest.RSAKey(1), idptest.RSAKey(0)), policy)
	const want = `<p:e xmlns:p="urn:p" xmlns:q="urn:q" ID="_e"><p:name>alice</p:name></p:e>`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	el, sig := signed(t, idptest.SAMLSignature{}, nil)
	if _, err := xmlsig.Verify(el, sig, nil, policy); err == nil {
		t.Error("without keys")
	}
	if _, err := xmlsig.Verify(el, sig, keys(idptest.RSAKey(1)), policy); err == nil {
		t.Error("by another key")
	}
	if _, err := xmlsig.Verify(el, sig, keys(idptest.RSAKey(0)), xmlsig.Policy{MaxBytes: 20}); err == nil {
		t.Error("longer than the bound")
	}
	if _, err := xmlsig.Verify(el.Parent, sig, keys(idptest.RSAKey(0)), policy); err == nil {
		t.Error("over something else than the parent")
	}
	sha1, sha1Sig := signed(t, idptest.SAMLSignature{Hash: crypto.SHA1}, nil)
	if _, err := xmlsig.Verify(sha1, sha1Sig, keys(idptest.RSAKey(0)), policy); err == nil {
		t.Error("SHA-1")
	}
	allowed := policy
	allowed.AllowSHA1 = true
	if _, err := xmlsig.Verify(sha1, sha1Sig, keys(idptest.RSAKey(0)), allowed); err != nil {
		t.Errorf("SHA-1 where allowed: %v", err)
	}
	many, manySig := signed(t, idptest.SAMLSignature{}, func(s string) string {
		return strings.Replace(s, "<ds:Reference", strings.Repeat("<ds:a/>", 40)+"<ds:Reference", 1)
	})
	if _, err := xmlsig.Verify(many, manySig, keys(idptest.RSAKey(0)), policy); err == nil || !strings.Contains(err.Error(), "too many elements") {
		t.Errorf("a long SignedInfo is refused before it is canonicalised: %v", err)
	}
	changed, changedSig := signed(t, idptest.SAMLSignature{}, func(s string) string { return strings.Replace(s, "alice", "mallory", 1) })
	if _, err := xmlsig.Verify(changed, changedSig, keys(idptest.RSAKey(0)), policy); err == nil {
		t.Error("a changed element")
	}
}

func BenchmarkVerify(b *testing.B) {
	el, sig := signed(b, idptest.SAMLSignature{}, nil)
	k := keys(idptest.RSAKey(0))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xmlsig.Verify(el, sig, k, policy); err != nil {
			b.Fatal(err)
		}
	}
}
