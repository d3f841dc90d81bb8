package samlassert

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// MaxAssertion is the longest SAMLAssertion parameter in characters of base64 (STS API reference).
const MaxAssertion = 100_000

const statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"

// notAResponse is AWS's answer for everything that is no usable response; the cause is for the log.
func notAResponse(cause error) error {
	return fmt.Errorf("%w (%w)", wire.InvalidIdentityToken("Invalid base64 SAMLResponse (Service: AWSOpenIdDiscoveryService; Status Code: 400; Error Code: AuthSamlInvalidSamlResponseException)"), cause)
}

func invalidResponse(text string, cause error) error {
	return fmt.Errorf("%w (%w)", wire.InvalidIdentityToken("%s (Service: AWSOpenIdDiscoveryService; Status Code: 400; Error Code: AuthSamlInvalidSamlResponseException)", text), cause)
}

// Verify reads a base64 samlp:Response whose one assertion a certificate of the metadata signed. A panic of the
// libraries beneath, which parse hostile input, is a refusal.
func Verify(encoded string, metadata Metadata) (read *Assertion, err error) {
	defer func() {
		if r := recover(); r != nil {
			read, err = nil, notAResponse(fmt.Errorf("panic: %v", r))
		}
	}()
	return verify(encoded, metadata)
}

func verify(encoded string, metadata Metadata) (*Assertion, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.NewReplacer("\r", "", "\n", "").Replace(encoded))
	if err != nil || len(encoded) > MaxAssertion {
		return nil, notAResponse(errors.New("not base64, or too long"))
	}
	response, err := parse(raw)
	if err != nil {
		return nil, notAResponse(err)
	}
	if err := checkResponse(response); err != nil {
		return nil, err
	}
	assertion, err := soleAssertion(response)
	if err != nil {
		return nil, invalidResponse("Response (with optional signature) must contain an assertion with a mandatory signature", err)
	}
	if len(children(response, nsSignature, "Signature")) > 0 {
		if _, err := verifySigned(response, metadata.Certificates); err != nil {
			return nil, invalidResponse("Response signature invalid", err)
		}
	}
	if len(children(assertion, nsSignature, "Signature")) == 0 {
		return nil, invalidResponse("Response (with optional signature) must contain an assertion with a mandatory signature", errors.New("assertion not signed"))
	}
	verified, err := verifySigned(assertion, metadata.Certificates)
	if err != nil {
		return nil, invalidResponse("Response signature invalid", err)
	}
	read, err := readAssertion(verified)
	if err != nil {
		return nil, notAResponse(err)
	}
	if read.Issuer != metadata.EntityID {
		return nil, invalidResponse("Issuer not present in specified provider", errors.New("foreign issuer"))
	}
	return read, nil
}

// checkResponse looks at the envelope. Nothing of it is proven unless it is signed; it can only lead to a refusal.
func checkResponse(response *etree.Element) error {
	if response.Tag != "Response" || response.NamespaceURI() != nsProtocol || attr(response, "Version") != "2.0" {
		return notAResponse(errors.New("not a SAML 2.0 Response"))
	}
	status, err := only(response, nsProtocol, "Status")
	if err != nil {
		return notAResponse(err)
	}
	code, err := only(status, nsProtocol, "StatusCode")
	if err != nil {
		return notAResponse(err)
	}
	if attr(code, "Value") != statusSuccess {
		return wire.IDPRejectedClaim("The identity provider reported that authentication failed")
	}
	return nil
}

// soleAssertion returns the one assertion, which is a child of the response. A second one anywhere, an ID that stands
// twice, or a signature elsewhere than right beneath response and assertion, is how signatures are wrapped.
func soleAssertion(response *etree.Element) (*etree.Element, error) {
	assertions, encrypted, signatures := 0, 0, 0
	ids := map[string]bool{}
	var duplicate bool
	walk(response, func(el *etree.Element) {
		switch el.Tag {
		case "Assertion":
			assertions++
		case "EncryptedAssertion":
			encrypted++
		case "Signature":
			signatures++
		}
		for _, a := range el.Attr {
			if strings.EqualFold(a.Key, "id") {
				duplicate = duplicate || ids[a.Value]
				ids[a.Value] = true
			}
		}
	})
	direct := children(response, nsAssertion, "Assertion")
	switch {
	case duplicate:
		return nil, errors.New("an ID stands twice")
	case encrypted > 0:
		return nil, errors.New("encrypted assertions are not supported")
	case assertions != 1 || len(direct) != 1:
		return nil, fmt.Errorf("not exactly one assertion: %d in all, %d in its place", assertions, len(direct))
	}
	placed := len(children(response, nsSignature, "Signature")) + len(children(direct[0], nsSignature, "Signature"))
	if signatures != placed {
		return nil, errors.New("a signature stands out of place")
	}
	return direct[0], nil
}

// Algorithms that are taken. SHA-1 is not: AWS's present rule is not published, and the stricter one is safe.
func signatureAllowed(algorithm string) bool {
	return slices.Contains([]string{dsig.RSASHA256SignatureMethod, dsig.RSASHA384SignatureMethod, dsig.RSASHA512SignatureMethod}, algorithm)
}

func digestAllowed(algorithm string) bool {
	return slices.Contains([]string{
		"http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384", "http://www.w3.org/2001/04/xmlenc#sha512",
	}, algorithm)
}

func canonicalAllowed(algorithm string) bool {
	return algorithm == string(dsig.CanonicalXML10ExclusiveAlgorithmId) || algorithm == string(dsig.CanonicalXML10ExclusiveWithCommentsAlgorithmId)
}

// verifySigned checks the enveloped signature of el and returns what the digest covered, parsed anew. The shape is
// held to the SAML profile first (SAML core, section 5.4): one signature, one reference, to el itself.
func verifySigned(el *etree.Element, certificates []*x509.Certificate) (*etree.Element, error) {
	detached, err := detach(el)
	if err != nil {
		return nil, err
	}
	signature, err := only(detached, nsSignature, "Signature")
	if err != nil {
		return nil, err
	}
	if err := checkShape(detached, signature); err != nil {
		return nil, err
	}
	if err := prepare(signature); err != nil {
		return nil, err
	}
	for _, certificate := range certificates {
		if verified, err := validate(detached, certificate); err == nil {
			return verified, sameElement(detached, verified)
		}
	}
	return nil, errors.New("no trusted certificate verifies the signature")
}

// detach copies el together with the namespaces that are in scope where it stands.
func detach(el *etree.Element) (*etree.Element, error) {
	scope, err := etreeutils.NSBuildParentContext(el)
	if err != nil {
		return nil, fmt.Errorf("namespaces: %w", err)
	}
	detached, err := etreeutils.NSDetatch(scope, el)
	if err != nil {
		return nil, fmt.Errorf("namespaces: %w", err)
	}
	return detached, nil
}

func checkShape(el, signature *etree.Element) error {
	id := attr(el, "ID")
	if id == "" {
		return errors.New("the signed element has no ID")
	}
	if len(children(signature, nsSignature, "Object")) > 0 {
		return errors.New("a signature must not hold objects")
	}
	info, err := only(signature, nsSignature, "SignedInfo")
	if err != nil {
		return err
	}
	if err := algorithmOf(info, "CanonicalizationMethod", canonicalAllowed); err != nil {
		return err
	}
	if err := algorithmOf(info, "SignatureMethod", signatureAllowed); err != nil {
		return err
	}
	reference, err := only(info, nsSignature, "Reference")
	if err != nil {
		return err
	}
	if attr(reference, "URI") != "#"+id {
		return errors.New("the reference is not to the signed element")
	}
	if err := algorithmOf(reference, "DigestMethod", digestAllowed); err != nil {
		return err
	}
	return checkTransforms(reference)
}

func algorithmOf(parent *etree.Element, tag string, allowed func(string) bool) error {
	method, err := only(parent, nsSignature, tag)
	if err != nil {
		return err
	}
	if algorithm := attr(method, "Algorithm"); !allowed(algorithm) {
		return fmt.Errorf("%s %q is not allowed", tag, algorithm)
	}
	return nil
}

// checkTransforms wants the enveloped signature transform, then exclusive canonicalization, and nothing else.
func checkTransforms(reference *etree.Element) error {
	transforms, err := only(reference, nsSignature, "Transforms")
	if err != nil {
		return err
	}
	list := children(transforms, nsSignature, "Transform")
	if len(list) != 2 || len(transforms.ChildElements()) != 2 ||
		attr(list[0], "Algorithm") != string(dsig.EnvelopedSignatureAltorithmId) ||
		!canonicalAllowed(attr(list[1], "Algorithm")) {
		return errors.New("the transforms are not enveloped signature and exclusive canonicalization")
	}
	return nil
}

// prepare drops KeyInfo, which is outside the signature and must not choose the key, and the white space that
// base64 in XML may have.
func prepare(signature *etree.Element) error {
	for _, info := range children(signature, nsSignature, "KeyInfo") {
		signature.RemoveChild(info)
	}
	value, err := only(signature, nsSignature, "SignatureValue")
	if err != nil {
		return err
	}
	encoded, err := text(value)
	if err != nil {
		return err
	}
	value.SetText(strings.Join(strings.Fields(encoded), ""))
	return nil
}

// validate runs goxmldsig with one certificate. AWS ignores a certificate's validity, so the clock is put inside it.
func validate(el *etree.Element, certificate *x509.Certificate) (*etree.Element, error) {
	verifier := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{certificate}})
	verifier.Clock = dsig.NewFakeClockAt(certificate.NotBefore)
	return verifier.Validate(el)
}

// sameElement makes sure that what was verified is what was asked about.
func sameElement(asked, verified *etree.Element) error {
	if verified.Tag != asked.Tag || verified.NamespaceURI() != asked.NamespaceURI() || attr(verified, "ID") != attr(asked, "ID") {
		return errors.New("the signature covers another element")
	}
	return nil
}
