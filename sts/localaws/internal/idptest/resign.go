package idptest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // what Resign signs with
	"encoding/base64"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// Resign changes the SignedInfo of a signed element and signs it again with RSA and SHA-1, which no library offers
// together with a digest of SHA-256.
func (p *SAML) Resign(t testing.TB, element string, edit func(signedInfo *etree.Element)) string {
	t.Helper()
	document := etree.NewDocument()
	if err := document.ReadFromString(element); err != nil {
		t.Fatal(err)
	}
	info := document.FindElement("//ds:SignedInfo")
	info.FindElement("./ds:SignatureMethod").CreateAttr("Algorithm", dsig.RSASHA1SignatureMethod)
	if edit != nil {
		edit(info)
	}
	scope, err := etreeutils.NSBuildParentContext(info)
	if err != nil {
		t.Fatal(err)
	}
	detached, err := etreeutils.NSDetatch(scope, info)
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(detached)
	if err != nil {
		t.Fatal(err)
	}
	hash := crypto.SHA1.New()
	hash.Write(canonical)
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA1, hash.Sum(nil))
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
