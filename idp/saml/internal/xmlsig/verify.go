package xmlsig

import (
	"crypto"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

// Space is the namespace of XML Signature.
const Space = "http://www.w3.org/2000/09/xmldsig#"

const (
	excC14N             = "http://www.w3.org/2001/10/xml-exc-c14n#"
	excC14NWithComments = excC14N + "WithComments"
	enveloped           = Space + "enveloped-signature"
	maxPrefixes         = 32
)

var signedInfoLimits = xmltree.Limits{Bytes: 16 << 10, Depth: 8, Elements: 32, Attributes: 32, Namespaces: 20, Value: 4 << 10}

// Policy is what a caller accepts beyond the fixed profile.
type Policy struct {
	// AllowSHA1 accepts rsa-sha1 and SHA-1 digests.
	AllowSHA1 bool
	// MaxBytes bounds the canonical form of the element.
	MaxBytes int
}

// Verify checks that signature, a child of el, is a signature over el by one of keys. It returns the canonical form of
// el without the signature, which is what was verified.
func Verify(el, signature *xmltree.Element, keys []crypto.PublicKey, policy Policy) ([]byte, error) {
	if signature.Parent != el {
		return nil, errors.New("the signature is not a child of the element")
	}
	parts, err := split(signature)
	if err != nil {
		return nil, err
	}
	signed, err := parts.canonicalInfo()
	if err != nil {
		return nil, err
	}
	method, err := parts.method(policy)
	if err != nil {
		return nil, err
	}
	if !verifyAny(keys, method, signed, parts.value) {
		return nil, errors.New("no key of the issuer verifies the signature")
	}
	// From here on only the signed bytes speak.
	info, err := xmltree.Parse(signed, signedInfoLimits, nil)
	if err != nil {
		return nil, err
	}
	return dereference(info, el, signature, policy)
}

// VerifyOctets checks a signature that stands beside what it covers: SAML's redirect binding (bindings section 3.4.4.1),
// with the algorithms and forms of XML Signature.
func VerifyOctets(octets, signature []byte, algorithm string, keys []crypto.PublicKey, policy Policy) error {
	method, err := findSignatureMethod(algorithm, policy)
	if err != nil {
		return err
	}
	if !verifyAny(keys, method, octets, signature) {
		return errors.New("no key of the issuer verifies the signature")
	}
	return nil
}

// parts are the pieces of a Signature that are needed before it is verified.
type parts struct {
	info  *xmltree.Element
	value []byte
}

func split(signature *xmltree.Element) (parts, error) {
	if err := signature.Walk(uncommented); err != nil {
		return parts{}, err
	}
	children := signature.Elements()
	if len(children) == 3 && children[2].Is(Space, "KeyInfo") {
		children = children[:2]
	}
	if len(children) != 2 || !children[0].Is(Space, "SignedInfo") || !children[1].Is(Space, "SignatureValue") {
		return parts{}, errors.New("the signature is not SignedInfo, SignatureValue and perhaps KeyInfo")
	}
	value, err := decode(children[1])
	return parts{info: children[0], value: value}, err
}

func uncommented(el *xmltree.Element) error {
	if el.Commented {
		return errors.New("the signature has comments")
	}
	return nil
}

func (p parts) canonicalInfo() ([]byte, error) {
	method := p.info.Named(Space, "CanonicalizationMethod")
	if len(method) != 1 {
		return nil, errors.New("there must be one CanonicalizationMethod")
	}
	prefixes, err := exclusive(method[0])
	if err != nil {
		return nil, err
	}
	// The bound comes first: at this point anybody may have written this.
	elements := 0
	_ = p.info.Walk(func(*xmltree.Element) error { elements++; return nil })
	if elements > signedInfoLimits.Elements {
		return nil, errors.New("SignedInfo has too many elements")
	}
	return xmltree.Canonical(p.info, prefixes, nil, signedInfoLimits.Bytes)
}

func (p parts) method(policy Policy) (signatureMethod, error) {
	method := p.info.Named(Space, "SignatureMethod")
	if len(method) != 1 || len(method[0].Elements()) != 0 {
		return signatureMethod{}, errors.New("there must be one SignatureMethod without parameters")
	}
	alg, _ := method[0].Attr("Algorithm")
	return findSignatureMethod(alg, policy)
}

// dereference compares the digest in the verified SignedInfo with el.
func dereference(info, el, signature *xmltree.Element, policy Policy) ([]byte, error) {
	children := info.Elements()
	if len(children) != 3 || !children[0].Is(Space, "CanonicalizationMethod") ||
		!children[1].Is(Space, "SignatureMethod") || !children[2].Is(Space, "Reference") {
		return nil, errors.New("SignedInfo must hold two methods and one Reference")
	}
	ref := children[2]
	id, _ := el.Attr("ID")
	if uri, _ := ref.Attr("URI"); id == "" || uri != "#"+id {
		return nil, errors.New("the Reference does not name the signed element")
	}
	inner := ref.Elements()
	if len(inner) != 3 || !inner[0].Is(Space, "Transforms") || !inner[1].Is(Space, "DigestMethod") || !inner[2].Is(Space, "DigestValue") {
		return nil, errors.New("the Reference must hold Transforms, DigestMethod and DigestValue")
	}
	prefixes, err := transforms(inner[0])
	if err != nil {
		return nil, err
	}
	alg, _ := inner[1].Attr("Algorithm")
	hash, err := findDigest(alg, policy)
	if err != nil {
		return nil, err
	}
	want, err := decode(inner[2])
	if err != nil {
		return nil, err
	}
	canonical, err := xmltree.Canonical(el, prefixes, signature, policy.MaxBytes)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(sum(hash, canonical), want) != 1 {
		return nil, errors.New("the digest differs")
	}
	return canonical, nil
}

// transforms admits exactly enveloped-signature, then exclusive canonicalisation (SAML core section 5.4.4).
func transforms(el *xmltree.Element) (prefixes []string, err error) {
	list := el.Elements()
	if len(list) != 2 || !list[0].Is(Space, "Transform") || !list[1].Is(Space, "Transform") {
		return nil, errors.New("there must be two Transforms")
	}
	if alg, _ := list[0].Attr("Algorithm"); alg != enveloped || len(list[0].Elements()) != 0 {
		return nil, errors.New("the first Transform must be enveloped-signature")
	}
	return exclusive(list[1])
}

// exclusive reads the PrefixList of an exclusive canonicalisation. The form "WithComments" is accepted, because it
// comes to the same: a reference by ID never has comments (XML Signature section 4.4.3.3), and a Signature with
// comments was refused before.
func exclusive(el *xmltree.Element) (prefixes []string, err error) {
	if alg, _ := el.Attr("Algorithm"); alg != excC14N && alg != excC14NWithComments {
		return nil, errors.New("only exclusive canonicalisation is accepted")
	}
	switch params := el.Elements(); {
	case len(params) == 0:
		return nil, nil
	case len(params) > 1 || !params[0].Is(excC14N, "InclusiveNamespaces"):
		return nil, errors.New("canonicalisation has unknown parameters")
	default:
		list, _ := params[0].Attr("PrefixList")
		prefixes = strings.Fields(list)
	}
	if len(prefixes) > maxPrefixes {
		return nil, errors.New("the PrefixList is too long")
	}
	return prefixes, nil
}

// decode reads base64 text in which white space may stand (xs:base64Binary).
func decode(el *xmltree.Element) ([]byte, error) {
	text, err := el.Text()
	if err != nil {
		return nil, err
	}
	out, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(out) == 0 {
		return nil, errors.New("a value is not base64")
	}
	return out, nil
}
