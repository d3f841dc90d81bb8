package devidp

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/beevik/etree"
)

// Limits of an AuthnRequest.
const (
	maxAuthnRequest = 64 << 10
	maxXMLDepth     = 16
	maxRelayState   = 1024
	maxRequestID    = 256
	requestLife     = 5 * time.Minute
)

// Names of SAML 2.0 (core, sections 1.2 and 8.3; bindings 3.5).
const (
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	bindingPOST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"

	formatPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	formatTransient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	formatEmail       = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	formatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

// authnRequest is what an AuthnRequest says, as strings; flow checks it.
type authnRequest struct {
	id, version, issued, destination, issuer string
	acs, acsIndex, binding, format           string
	force, passive                           bool
	comparison                               string
	classes                                  []string
}

func badRequest(text string) error {
	return refuse(http.StatusBadRequest, "The SAML request "+text+".")
}

func decodeBase64(text string) ([]byte, error) {
	if text == "" || len(text) > base64.StdEncoding.EncodedLen(maxAuthnRequest) {
		return nil, badRequest("is missing or too large")
	}
	doc, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, badRequest("is not base64")
	}
	return doc, nil
}

func inflateRequest(text string) ([]byte, error) {
	packed, err := decodeBase64(text)
	if err != nil {
		return nil, err
	}
	doc, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxAuthnRequest+1))
	if err != nil || len(doc) > maxAuthnRequest {
		return nil, badRequest("cannot be inflated, or is too large")
	}
	return doc, nil
}

// plainXML reads a document once and refuses what no AuthnRequest has: directives (DOCTYPE), instructions, depth.
func plainXML(doc []byte) error {
	decoder := xml.NewDecoder(bytes.NewReader(doc))
	for depth := 0; ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return badRequest("is not well-formed XML")
		}
		switch t := token.(type) {
		case xml.Directive:
			return badRequest("has a document type")
		case xml.ProcInst:
			if t.Target != "xml" {
				return badRequest("has a processing instruction")
			}
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				return badRequest("is nested too deeply")
			}
		case xml.EndElement:
			depth--
		}
	}
}

func parseXML(doc []byte) (*etree.Element, error) {
	if err := plainXML(doc); err != nil {
		return nil, err
	}
	tree := etree.NewDocument()
	if err := tree.ReadFromBytes(doc); err != nil || len(tree.ChildElements()) != 1 {
		return nil, badRequest("is not one XML element")
	}
	return tree.Root(), nil
}

func parseAuthnRequest(doc []byte) (authnRequest, error) {
	root, err := parseXML(doc)
	if err != nil {
		return authnRequest{}, err
	}
	if root.Tag != "AuthnRequest" || root.NamespaceURI() != nsProtocol {
		return authnRequest{}, badRequest("is not an AuthnRequest")
	}
	q := authnRequest{
		id: attribute(root, "ID"), version: attribute(root, "Version"), issued: attribute(root, "IssueInstant"),
		destination: attribute(root, "Destination"), acs: attribute(root, "AssertionConsumerServiceURL"),
		acsIndex: attribute(root, "AssertionConsumerServiceIndex"), binding: attribute(root, "ProtocolBinding"),
		force: truth(attribute(root, "ForceAuthn")), passive: truth(attribute(root, "IsPassive")),
	}
	for _, child := range root.ChildElements() {
		q.read(child)
	}
	return q, nil
}

// read takes the children that matter. Of two Issuers neither is taken: an empty issuer is nobody's.
func (q *authnRequest) read(el *etree.Element) {
	switch el.NamespaceURI() + " " + el.Tag {
	case nsAssertion + " Issuer":
		if q.issuer != "" {
			q.issuer = "\x00"
			return
		}
		q.issuer = text(el)
	case nsProtocol + " NameIDPolicy":
		q.format = attribute(el, "Format")
	case nsProtocol + " RequestedAuthnContext":
		q.comparison = attribute(el, "Comparison")
		for _, class := range el.ChildElements() {
			if class.Tag == "AuthnContextClassRef" && class.NamespaceURI() == nsAssertion {
				q.classes = append(q.classes, text(class))
			}
		}
	}
}

// attribute reads an attribute without a prefix: one in another namespace is another attribute.
func attribute(el *etree.Element, name string) string {
	for _, a := range el.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value
		}
	}
	return ""
}

// text is an element's text when it holds one text node only: a comment inside a name is not read around.
func text(el *etree.Element) string {
	if len(el.Child) != 1 {
		return ""
	}
	return el.Text()
}

func truth(s string) bool { return s == "true" || s == "1" }

// flow holds the request to the profile and to what the party registered (SAML core 3.4.1, profiles 4.1.4.1).
func (q authnRequest) flow(sp ServiceProvider, sso string, now time.Time) (samlFlow, error) {
	if err := q.check(len(sp.SigningCerts) > 0, sso, now); err != nil {
		return samlFlow{}, err
	}
	acs := sp.ACS[0]
	if q.acs != "" {
		acs = q.acs
	}
	if !slices.Contains(sp.ACS, acs) {
		return samlFlow{}, badRequest("names an assertion consumer URL that is not registered")
	}
	format, ok := nameIDFormat(q.format)
	if !ok {
		return samlFlow{}, badRequest("asks for a NameID format that is not offered here")
	}
	need := requirement{force: q.force, passive: q.passive, classes: q.classes}
	return samlFlow{sp: sp, acs: acs, requestID: q.id, format: format, need: need}, nil
}

func (q authnRequest) check(signed bool, sso string, now time.Time) error {
	issued, err := time.Parse(time.RFC3339Nano, q.issued)
	switch {
	case q.version != "2.0":
		return badRequest("is not SAML 2.0")
	case q.id == "" || len(q.id) > maxRequestID:
		return badRequest("has no usable ID")
	case err != nil || now.Sub(issued).Abs() > requestLife:
		return badRequest("was not issued within the last five minutes")
	case q.destination != sso && (signed || q.destination != ""):
		return badRequest("has another destination") // bindings 3.4.5.2: a signed request must name it
	case q.acsIndex != "":
		return badRequest("names its consumer by index; use the URL")
	case q.binding != "" && q.binding != bindingPOST:
		return badRequest("asks for a binding other than HTTP-POST")
	case q.comparison != "" && q.comparison != "exact":
		return badRequest("compares authentication contexts otherwise than exactly")
	}
	return nil
}

func nameIDFormat(asked string) (string, bool) {
	switch asked {
	case "", formatUnspecified, formatPersistent:
		return formatPersistent, true
	case formatEmail, formatTransient:
		return asked, true
	}
	return "", false
}
