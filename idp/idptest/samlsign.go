package idptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

const (
	dsigSpace = "http://www.w3.org/2000/09/xmldsig#"
	dsigMore  = "http://www.w3.org/2001/04/xmldsig-more#"
	excC14N   = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

// SAMLSignature says how something is signed.
type SAMLSignature struct {
	Key SAMLKey
	// Hash is used for the digest and the signature; zero is SHA-256. DigestHash, when set, is used for the digest.
	Hash, DigestHash crypto.Hash
	// PrefixList of the exclusive canonicalisation, for the reference and for SignedInfo.
	PrefixList string
	// KeyInfo certificates; none leaves KeyInfo out.
	KeyInfo []SAMLKey
	// DER writes ECDSA signatures the way XML Signature forbids.
	DER bool
	// HMAC, when set, signs by HMAC-SHA256 with these bytes.
	HMAC []byte
	// Wrap breaks the base64 into lines.
	Wrap bool
	// EditInfo changes SignedInfo before it is signed.
	EditInfo func(signedInfo *etree.Element)
	// Digest, when set, is the octets that are digested in place of the element's canonical form.
	Digest func(canonical []byte) []byte
	// Signed, when set, is the octets that are signed in place of SignedInfo's canonical form.
	Signed func(canonical []byte) []byte
}

// SignXML puts an enveloped signature behind the first child of el.
func SignXML(tb testing.TB, el *etree.Element, s SAMLSignature) *etree.Element {
	tb.Helper()
	if s.Hash == 0 {
		s.Hash = crypto.SHA256
	}
	if s.DigestHash == 0 {
		s.DigestHash = s.Hash
	}
	sig := etree.NewElement("ds:Signature")
	sig.CreateAttr("xmlns:ds", dsigSpace)
	info := s.info(tb, el)
	sig.AddChild(info)
	if s.EditInfo != nil {
		s.EditInfo(info)
	}
	// SignedInfo is canonicalised where it will stand.
	el.InsertChildAt(min(1, len(el.Child)), sig)
	signed := canonical(tb, info, s.PrefixList)
	if s.Signed != nil {
		signed = s.Signed(signed)
	}
	value := sig.CreateElement("ds:SignatureValue")
	value.SetText(s.text(s.sign(tb, signed)))
	if len(s.KeyInfo) > 0 {
		data := sig.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data")
		for _, k := range s.KeyInfo {
			data.CreateElement("ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(k.Cert.Raw))
		}
	}
	return sig
}

func (s SAMLSignature) info(tb testing.TB, el *etree.Element) *etree.Element {
	info := etree.NewElement("ds:SignedInfo")
	s.c14nMethod(info.CreateElement("ds:CanonicalizationMethod"))
	info.CreateElement("ds:SignatureMethod").CreateAttr("Algorithm", s.method())
	ref := info.CreateElement("ds:Reference")
	ref.CreateAttr("URI", "#"+el.SelectAttrValue("ID", ""))
	transforms := ref.CreateElement("ds:Transforms")
	transforms.CreateElement("ds:Transform").CreateAttr("Algorithm", dsigSpace+"enveloped-signature")
	s.c14nMethod(transforms.CreateElement("ds:Transform"))
	ref.CreateElement("ds:DigestMethod").CreateAttr("Algorithm", digestURI(s.DigestHash))
	octets := canonical(tb, el, s.PrefixList)
	if s.Digest != nil {
		octets = s.Digest(octets)
	}
	h := s.DigestHash.New()
	h.Write(octets)
	ref.CreateElement("ds:DigestValue").SetText(s.text(h.Sum(nil)))
	return info
}

func (s SAMLSignature) c14nMethod(el *etree.Element) {
	el.CreateAttr("Algorithm", excC14N)
	if s.PrefixList != "" {
		list := el.CreateElement("ec:InclusiveNamespaces")
		list.CreateAttr("xmlns:ec", excC14N)
		list.CreateAttr("PrefixList", s.PrefixList)
	}
}

func (s SAMLSignature) text(b []byte) string {
	text := base64.StdEncoding.EncodeToString(b)
	if !s.Wrap {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i += 40 {
		out.WriteString("\n   " + text[i:min(i+40, len(text))])
	}
	return out.String() + "\n"
}

func (s SAMLSignature) method() string {
	if s.HMAC != nil {
		return dsigMore + "hmac-sha256"
	}
	family := "rsa-"
	if _, ok := s.Key.Signer.Public().(*ecdsa.PublicKey); ok {
		family = "ecdsa-"
	}
	if s.Hash == crypto.SHA1 {
		return dsigSpace + family + "sha1"
	}
	return dsigMore + family + map[crypto.Hash]string{crypto.SHA256: "sha256", crypto.SHA384: "sha384", crypto.SHA512: "sha512"}[s.Hash]
}

func digestURI(h crypto.Hash) string {
	return map[crypto.Hash]string{
		crypto.SHA1:   dsigSpace + "sha1",
		crypto.SHA256: "http://www.w3.org/2001/04/xmlenc#sha256",
		crypto.SHA384: dsigMore + "sha384",
		crypto.SHA512: "http://www.w3.org/2001/04/xmlenc#sha512",
	}[h]
}

func (s SAMLSignature) sign(tb testing.TB, octets []byte) []byte {
	tb.Helper()
	if s.HMAC != nil {
		mac := hmac.New(sha256.New, s.HMAC)
		mac.Write(octets)
		return mac.Sum(nil)
	}
	h := s.Hash.New()
	h.Write(octets)
	sig, err := s.Key.Signer.Sign(rand.Reader, h.Sum(nil), s.Hash)
	if err != nil {
		tb.Fatal(err)
	}
	pub, isECDSA := s.Key.Signer.Public().(*ecdsa.PublicKey)
	if !isECDSA || s.DER {
		return sig
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(sig, &pair); err != nil {
		tb.Fatal(err)
	}
	size := (pub.Curve.Params().BitSize + 7) / 8
	return append(pair.R.FillBytes(make([]byte, size)), pair.S.FillBytes(make([]byte, size))...)
}

// canonical is goxmldsig's exclusive canonicalisation of el where it stands.
func canonical(tb testing.TB, el *etree.Element, prefixList string) []byte {
	tb.Helper()
	scope, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		tb.Fatal(err)
	}
	detached, err := etreeutils.NSDetatch(scope, el)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(prefixList).Canonicalize(detached)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// VerifyQuery checks the signature of a redirect-binding query by an RSA or ECDSA key over the parameters that SAML
// bindings section 3.4.4.1 names.
func VerifyQuery(rawQuery, sig string, key crypto.PublicKey) bool {
	raw, err := base64.StdEncoding.DecodeString(sig)
	if err != nil {
		return false
	}
	digest := sha256.Sum256([]byte(rawQuery))
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], raw) == nil
	case *ecdsa.PublicKey:
		half := len(raw) / 2
		return ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:]))
	}
	return false
}
