package idptest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // one of what Resign signs with
	_ "crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// Resign changes the SignedInfo of a signed element and signs it again with RSA and hash, so that a shape that no
// library would sign has a good signature.
func (p *SAML) Resign(t testing.TB, element string, hash crypto.Hash, edit func(signedInfo *etree.Element)) string {
	t.Helper()
	document := etree.NewDocument()
	if err := document.ReadFromString(element); err != nil {
		t.Fatal(err)
	}
	info := document.FindElement("//ds:SignedInfo")
	edit(info)
	scope, err := etreeutils.NSBuildParentContext(info)
	if err != nil {
		t.Fatal(err)
	}
	detached, err := etreeutils.NSDetatch(scope, info)
	if err != nil {
		t.Fatal(err)
	}
	canonicalizer := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if info.FindElement("./ds:CanonicalizationMethod").SelectAttrValue("Algorithm", "") == string(dsig.CanonicalXML10RecAlgorithmId) {
		canonicalizer = dsig.MakeC14N10RecCanonicalizer()
	}
	canonical, err := canonicalizer.Canonicalize(detached)
	if err != nil {
		t.Fatal(err)
	}
	sum := hash.New()
	sum.Write(canonical)
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, hash, sum.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	document.FindElement("//ds:SignatureValue").SetText(base64.StdEncoding.EncodeToString(signature))
	text, err := document.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
