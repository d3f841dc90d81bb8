package blackbox

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/fedbroker/fedbroker/idp/idptest"
)

const (
	nsA    = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsP    = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsDS   = "http://www.w3.org/2000/09/xmldsig#"
	nsEnc  = "http://www.w3.org/2001/04/xmlenc#"
	nsE11  = "http://www.w3.org/2009/xmlenc11#"
	moreDS = "http://www.w3.org/2001/04/xmldsig-more#"
	excC14 = "http://www.w3.org/2001/10/xml-exc-c14n#"
	envSig = nsDS + "enveloped-signature"
	ok20   = "urn:oasis:names:tc:SAML:2.0:status:Success"

	// Where the signature goes; taken out before anything is canonicalised.
	slotA = "@signature of the assertion@"
	slotR = "@signature of the response@"
)

// Key material. Partner is another configured provider; foreign is nobody's.
func corpKey() idptest.SAMLKey    { return idptest.RSAKey(0) }
func partnerKey() idptest.SAMLKey { return idptest.RSAKey(1) }
func foreignKey() idptest.SAMLKey { return idptest.RSAKey(2) }

var corpECKey = sync.OnceValue(func() idptest.SAMLKey { return idptest.ECDSAKey(elliptic.P256()) })

// metadata describes a provider with all its keys, none of which says what it is for.
func metadata(entity string, keys ...idptest.SAMLKey) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%s"><md:IDPSSODescriptor protocolSupportEnumeration="%s">`, entity, nsP)
	for _, k := range keys {
		fmt.Fprintf(&b, `<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="%s"><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
			nsDS, base64.StdEncoding.EncodeToString(k.Cert.Raw))
	}
	b.WriteString(`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.corp.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`)
	return []byte(b.String())
}

// message is a SAML Response before it is written. Fields that hold XML are written as they are; a field that is "-" is
// left out.
type message struct {
	respID, assertID, inResponseTo string
	dest, version, respIssuer      string // respIssuer is the whole element
	respTime                       string
	status                         string // whole element
	respAttrs, respExtra           string
	prolog, epilog                 string

	assertVersion, assertIssuer, assertTime string
	assertAttrs                             string
	nameID, confirm, conditions, authn      string // whole elements
	attributes, assertExtra                 string

	signA, signR *signature // nil: unsigned
	encrypt      *encryption

	preA, preR, post func(string) string // change the text before the signature and at the very end
	encode           func(string) string
}

func randomID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return "_" + hex.EncodeToString(b)
}

func stamp(offset time.Duration) string {
	return time.Now().Add(offset).UTC().Format("2006-01-02T15:04:05.000Z")
}

// target is whom a message is for, and which request it answers.
type target struct {
	idp, entity  string
	inResponseTo string
}

func (t *target) acs() string      { return w.publicURL + "/saml/" + t.idp + "/acs" }
func (t *target) audience() string { return w.publicURL + "/saml/" + t.idp + "/metadata" }

// answering is the attribute of a confirmation that answers the request.
func (t *target) answering() string {
	if t.inResponseTo == "" {
		return ""
	}
	return ` InResponseTo="` + t.inResponseTo + `"`
}

// good is a Response that must be accepted as subject.
func good(t *target, subject string) *message {
	return &message{
		respID: randomID(), assertID: randomID(), inResponseTo: t.inResponseTo, dest: t.acs(), version: "2.0",
		respIssuer: issuerXML(t.entity), respTime: stamp(0), status: `<samlp:Status><samlp:StatusCode Value="` + ok20 + `"/></samlp:Status>`,
		assertVersion: "2.0", assertIssuer: issuerXML(t.entity), assertTime: stamp(0),
		nameID:     `<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">` + subject + `</saml:NameID>`,
		confirm:    confirmXML(t.acs(), t.answering(), stamp(5*time.Minute)),
		conditions: conditionsXML(stamp(-time.Minute), stamp(5*time.Minute), audienceXML(t.audience())),
		authn: `<saml:AuthnStatement AuthnInstant="` + stamp(0) + `" SessionIndex="` + randomID() + `"><saml:AuthnContext><saml:AuthnContextClassRef>` +
			`urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`,
		attributes: `<saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>staff</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`,
		signA:      &signature{key: corpKey()},
	}
}

func issuerXML(entity string) string { return "<saml:Issuer>" + entity + "</saml:Issuer>" }

func confirmXML(recipient, inResponseTo, until string) string {
	return `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData Recipient="` + recipient + `"` + inResponseTo +
		` NotOnOrAfter="` + until + `"/></saml:SubjectConfirmation>`
}

func audienceXML(audiences ...string) string {
	return "<saml:AudienceRestriction><saml:Audience>" + strings.Join(audiences, "</saml:Audience><saml:Audience>") + "</saml:Audience></saml:AudienceRestriction>"
}

func conditionsXML(from, until, inner string) string {
	return `<saml:Conditions NotBefore="` + from + `" NotOnOrAfter="` + until + `">` + inner + "</saml:Conditions>"
}

// attr is one attribute, or nothing for "-".
func attr(name, value string) string {
	if value == "-" {
		return ""
	}
	return " " + name + `="` + value + `"`
}

func orNothing(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

func (m *message) assertion() string {
	text := `<saml:Assertion xmlns:saml="` + nsA + `"` + attr("ID", m.assertID) + attr("Version", m.assertVersion) + attr("IssueInstant", m.assertTime) + m.assertAttrs + ">" +
		orNothing(m.assertIssuer) + slotA + "<saml:Subject>" + orNothing(m.nameID) + orNothing(m.confirm) + "</saml:Subject>" +
		orNothing(m.conditions) + orNothing(m.authn) + orNothing(m.attributes) + m.assertExtra + "</saml:Assertion>"
	text = strings.ReplaceAll(text, "<saml:Subject></saml:Subject>", "")
	if m.preA != nil {
		text = m.preA(text)
	}
	return m.signA.fill(text, m.assertID, slotA)
}

// xml writes the whole Response around what stands for the assertion.
func (m *message) xml(assertion string) string {
	if m.encrypt != nil {
		assertion = m.encrypt.seal(assertion)
	}
	in := m.inResponseTo
	if in == "" {
		in = "-"
	}
	text := `<samlp:Response xmlns:samlp="` + nsP + `" xmlns:saml="` + nsA + `"` + attr("ID", m.respID) + attr("Version", m.version) + attr("IssueInstant", m.respTime) +
		attr("Destination", m.dest) + attr("InResponseTo", in) + m.respAttrs + ">" +
		orNothing(m.respIssuer) + slotR + orNothing(m.status) + assertion + m.respExtra + "</samlp:Response>"
	if m.preR != nil {
		text = m.preR(text)
	}
	text = m.signR.fill(text, m.respID, slotR)
	text = m.prolog + text + m.epilog
	if m.post != nil {
		text = m.post(text)
	}
	return text
}

// form is the value of SAMLResponse.
func (m *message) form() string { return m.encoded(m.xml(m.assertion())) }

func (m *message) encoded(text string) string {
	if m.encode != nil {
		return m.encode(text)
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// signature is how an element is signed; what is left empty is the usual.
type signature struct {
	key        idptest.SAMLKey
	hash       crypto.Hash
	keyInfo    string // whole element; "-" for none
	alg        string // SignatureMethod when it lies
	digestAlg  string
	c14n       string
	transforms string // whole element
	prefixes   string // InclusiveNamespaces PrefixList
	uri        string // "" is #ID, "-" is the empty URI
	wrap       int    // line length of SignatureValue and certificate
	der        bool   // ECDSA in DER
	prefix     string // of XML Signature; "ds" when empty, "-" for the default namespace
	change     func(signature string) string
	hmac       func(signed []byte) []byte
	info       func(info string) string // changes SignedInfo before it is signed
	digest     []byte                   // instead of the right one
}

// fill puts the signature over the element of that id where slot is; nil only takes the slot away.
func (s *signature) fill(text, id, slot string) string {
	bare := strings.ReplaceAll(text, slot, "")
	if s == nil {
		return bare
	}
	return strings.ReplaceAll(text, slot, s.over(bare, id))
}

func (s *signature) pfx() string {
	switch s.prefix {
	case "":
		return "ds:"
	case "-":
		return ""
	}
	return s.prefix + ":"
}

// over returns the Signature element for the element of bare whose ID is id.
func (s *signature) over(bare, id string) string {
	hash := s.hash
	if hash == 0 {
		hash = crypto.SHA256
	}
	digest := s.digest
	if digest == nil {
		h := hash.New()
		h.Write(canonical(bare, id, s.prefixes))
		digest = h.Sum(nil)
	}
	info := s.signedInfo(id, hash, base64.StdEncoding.EncodeToString(digest))
	if s.info != nil {
		info = s.info(info)
	}
	value := s.value(hash, canonical(info, "", ""))
	p := s.pfx()
	out := "<" + p + `Signature xmlns` + strings.TrimSuffix(":"+p, ":") + `="` + nsDS + `">` +
		strings.Replace(info, ` xmlns`+strings.TrimSuffix(":"+p, ":")+`="`+nsDS+`"`, "", 1) +
		"<" + p + "SignatureValue>" + wrapped(value, s.wrap) + "</" + p + "SignatureValue>" + s.keyInfoXML() + "</" + p + "Signature>"
	if s.change != nil {
		out = s.change(out)
	}
	return out
}

func (s *signature) keyInfoXML() string {
	switch {
	case s.keyInfo == "-":
		return ""
	case s.keyInfo != "":
		return s.keyInfo
	case s.key.Cert == nil:
		return ""
	}
	p := s.pfx()
	return "<" + p + "KeyInfo><" + p + "X509Data><" + p + "X509Certificate>" + wrapped(s.key.Cert.Raw, s.wrap) + "</" + p + "X509Certificate></" + p + "X509Data></" + p + "KeyInfo>"
}

func (s *signature) signedInfo(id string, hash crypto.Hash, digest string) string {
	p := s.pfx()
	alg, digestAlg, c14n, transforms, uri := s.alg, s.digestAlg, s.c14n, s.transforms, s.uri
	if alg == "" {
		alg = methodURI(s.key, hash)
	}
	if digestAlg == "" {
		digestAlg = digestURI(hash)
	}
	if c14n == "" {
		c14n = excC14
	}
	inclusive := ""
	if s.prefixes != "" {
		inclusive = `<ec:InclusiveNamespaces xmlns:ec="` + excC14 + `" PrefixList="` + s.prefixes + `"></ec:InclusiveNamespaces>`
	}
	if transforms == "" {
		transforms = "<" + p + `Transforms><` + p + `Transform Algorithm="` + envSig + `"></` + p + `Transform><` + p + `Transform Algorithm="` + c14n + `">` + inclusive + "</" + p + "Transform></" + p + "Transforms>"
	}
	switch uri {
	case "":
		uri = "#" + id
	case "-":
		uri = ""
	}
	return "<" + p + `SignedInfo xmlns` + strings.TrimSuffix(":"+p, ":") + `="` + nsDS + `"><` + p + `CanonicalizationMethod Algorithm="` + c14n + `"></` + p + `CanonicalizationMethod><` +
		p + `SignatureMethod Algorithm="` + alg + `"></` + p + `SignatureMethod><` + p + `Reference URI="` + uri + `">` + transforms + "<" + p + `DigestMethod Algorithm="` + digestAlg + `"></` + p +
		"DigestMethod><" + p + "DigestValue>" + digest + "</" + p + "DigestValue></" + p + "Reference></" + p + "SignedInfo>"
}

func (s *signature) value(hash crypto.Hash, signed []byte) []byte {
	if s.hmac != nil {
		return s.hmac(signed)
	}
	h := hash.New()
	h.Write(signed)
	digest := h.Sum(nil)
	var out []byte
	var err error
	switch key := s.key.Signer.(type) {
	case *rsa.PrivateKey:
		out, err = rsa.SignPKCS1v15(rand.Reader, key, hash, digest)
	case *ecdsa.PrivateKey:
		if s.der {
			out, err = ecdsa.SignASN1(rand.Reader, key, digest)
			break
		}
		r, sig, signErr := ecdsa.Sign(rand.Reader, key, digest)
		if err = signErr; err == nil {
			size := (key.Params().BitSize + 7) / 8
			out = append(r.FillBytes(make([]byte, size)), sig.FillBytes(make([]byte, size))...)
		}
	}
	if err != nil {
		panic(err)
	}
	return out
}

func methodURI(key idptest.SAMLKey, hash crypto.Hash) string {
	family := "rsa"
	if _, ok := key.Signer.(*ecdsa.PrivateKey); ok {
		family = "ecdsa"
	}
	name := map[crypto.Hash]string{crypto.SHA1: "sha1", crypto.SHA256: "sha256", crypto.SHA384: "sha384", crypto.SHA512: "sha512"}[hash]
	if hash == crypto.SHA1 && family == "rsa" {
		return nsDS + "rsa-sha1"
	}
	return moreDS + family + "-" + name
}

func digestURI(hash crypto.Hash) string {
	return map[crypto.Hash]string{crypto.SHA1: nsDS + "sha1", crypto.SHA256: nsEnc + "sha256", crypto.SHA384: moreDS + "sha384", crypto.SHA512: nsEnc + "sha512"}[hash]
}

// canonical is the exclusive canonical form of the element of that ID (or of the root).
func canonical(text, id, prefixes string) []byte {
	doc := etree.NewDocument()
	doc.ReadSettings.PreserveCData = true
	if err := doc.ReadFromString(text); err != nil {
		panic(fmt.Sprintf("the generator wrote malformed XML: %v\n%s", err, text))
	}
	el := doc.Root()
	if id != "" && el.SelectAttrValue("ID", "") != id {
		el = doc.FindElement("//*[@ID='" + id + "']")
	}
	if el == nil {
		el = doc.Root()
	}
	ctx, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		panic(err)
	}
	detached, err := etreeutils.NSDetatch(ctx, el)
	if err != nil {
		panic(err)
	}
	out, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(prefixes).Canonicalize(detached)
	if err != nil {
		panic(err)
	}
	return out
}

func wrapped(b []byte, width int) string {
	text := base64.StdEncoding.EncodeToString(b)
	if width == 0 {
		return text
	}
	var out strings.Builder
	for len(text) > width {
		out.WriteString(text[:width] + "\n")
		text = text[width:]
	}
	return out.String() + text + "\n"
}
