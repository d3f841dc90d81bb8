package saml

import (
	"errors"
	"strings"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmlsig"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

// envelope is a Response whose shape is known: what there is of signatures and assertions, and where.
type envelope struct {
	root                 *xmltree.Element
	signature            *xmltree.Element // the Response's own
	assertion, encrypted *xmltree.Element // at most one of them
	verified             bool             // root was parsed from signed bytes
}

const oneAssertion = "the response must hold exactly one assertion"

// openEnvelope holds a Response to the children that SAML core section 3.3.3 gives it, once each.
func openEnvelope(root *xmltree.Element) (envelope, error) {
	if !root.Is(protocolSpace, "Response") {
		return envelope{}, invalid("the message is not a SAML Response", nil)
	}
	env := envelope{root: root}
	slots := map[xmlName]**xmltree.Element{
		{assertionSpace, "Issuer"}:             new(*xmltree.Element),
		{xmlsig.Space, "Signature"}:            &env.signature,
		{protocolSpace, "Extensions"}:          new(*xmltree.Element),
		{protocolSpace, "Status"}:              new(*xmltree.Element),
		{assertionSpace, "Assertion"}:          &env.assertion,
		{assertionSpace, "EncryptedAssertion"}: &env.encrypted,
	}
	if len(root.Named(assertionSpace, "Assertion"))+len(root.Named(assertionSpace, "EncryptedAssertion")) > 1 {
		return envelope{}, invalid(oneAssertion, nil)
	}
	if err := fill(root, slots); err != nil {
		return envelope{}, invalid("the response has unexpected parts", err)
	}
	if err := root.Walk(env.outOfPlace); err != nil {
		return envelope{}, invalid("the response has parts out of place", err)
	}
	return env, nil
}

// outOfPlace refuses assertions, responses and signatures that stand, under whatever spelling or namespace, where
// nothing of the kind is read: that is what every wrapping attack needs.
func (e envelope) outOfPlace(el *xmltree.Element) error {
	switch strings.ToLower(el.Local) {
	case "response":
		if el == e.root {
			return nil
		}
	case "assertion", "encryptedassertion":
		if el == e.assertion || el == e.encrypted {
			return nil
		}
	case "signature":
		if el == e.signature || e.assertion != nil && el.Parent == e.assertion {
			return nil
		}
	case "signedinfo", "signaturevalue":
		if el.Parent != nil && el.Parent.Is(xmlsig.Space, "Signature") {
			return nil
		}
	default:
		return nil
	}
	return errors.New("a nested " + strings.ToLower(el.Local))
}

type xmlName struct{ space, local string }

// fill puts each child of el into its slot. A child without a slot, or a second one for a slot, is refused; a nil slot
// takes any number and keeps none.
func fill(el *xmltree.Element, slots map[xmlName]**xmltree.Element) error {
	for _, child := range el.Elements() {
		slot, ok := slots[xmlName{child.Space, child.Local}]
		switch {
		case !ok:
			return errors.New("an unknown child element")
		case slot == nil:
		case *slot != nil:
			return errors.New("a child element occurs twice")
		default:
			*slot = child
		}
	}
	return nil
}

// checkEnvelope checks the Response itself (SAML core sections 3.2.2 and 3.3.3, bindings section 3.5.5.2). Where
// only the assertion is signed these checks stop mistakes; what stops an attacker is in the assertion.
func (r *reader) checkEnvelope(env envelope) error {
	if err := r.checkResponseIssuer(env); err != nil {
		return err
	}
	if version, _ := env.root.Attr("Version"); version != "2.0" {
		return invalid("the response is not SAML 2.0", nil)
	}
	if id, _ := env.root.Attr("ID"); id == "" {
		return invalid("the response has no ID", nil)
	}
	if destination, _ := env.root.Attr("Destination"); destination != r.opt.ACSURL {
		return invalid("the response is meant for another address", nil)
	}
	if err := r.checkInResponseTo(env.root); err != nil {
		return err
	}
	if err := r.checkStatus(env.root); err != nil {
		return err
	}
	return r.checkIssueInstant(env.root)
}

// checkResponseIssuer follows SAML profiles section 4.1.4.2: an unsigned Response may leave its Issuer out.
func (r *reader) checkResponseIssuer(env envelope) error {
	switch issuer := env.root.Named(assertionSpace, "Issuer"); {
	case len(issuer) == 1:
		return r.checkIssuer(issuer[0])
	case env.verified:
		return invalid("the response names no issuer", nil)
	}
	return nil
}

func (r *reader) checkIssuer(el *xmltree.Element) error {
	name, err := el.Text()
	if err != nil {
		return invalid("the issuer is not plain text", err)
	}
	if format, ok := el.Attr("Format"); ok && format != entityFormat {
		return invalid("the issuer is not an entity id", nil)
	}
	if name != r.md.entityID {
		return idp.Refuse(idp.KindUntrusted, "the response comes from another identity provider", nil)
	}
	return nil
}

// checkInResponseTo wants the id of our request, or none where there was no request.
func (r *reader) checkInResponseTo(el *xmltree.Element) error {
	switch got, present := el.Attr("InResponseTo"); {
	case r.want.requestID == "" && present:
		return invalid("the response answers a sign-in that was already used or is over; sign in again", nil)
	case got != r.want.requestID:
		return invalid("the response answers another request", nil)
	}
	return nil
}

const (
	statusPrefix  = "urn:oasis:names:tc:SAML:2.0:status:"
	statusSuccess = statusPrefix + "Success"
)

// checkStatus wants success and nothing beneath it (SAML core section 3.2.2.1).
func (r *reader) checkStatus(root *xmltree.Element) error {
	code, err := statusCode(root)
	if err != nil {
		return err
	}
	value, _ := code.Attr("Value")
	if value != statusSuccess {
		return idp.Refuse(idp.KindDenied, denial(code), nil)
	}
	if len(code.Elements()) > 0 {
		return invalid("the response has a contradictory status", nil)
	}
	return nil
}

// statusCode is the top-level StatusCode.
func statusCode(root *xmltree.Element) (*xmltree.Element, error) {
	status := root.Named(protocolSpace, "Status")
	if len(status) != 1 {
		return nil, invalid("the response has no status", nil)
	}
	var code, message, detail *xmltree.Element
	err := fill(status[0], map[xmlName]**xmltree.Element{
		{protocolSpace, "StatusCode"}:    &code,
		{protocolSpace, "StatusMessage"}: &message,
		{protocolSpace, "StatusDetail"}:  &detail,
	})
	if err != nil || code == nil {
		return nil, invalid("the response has a malformed status", err)
	}
	return code, nil
}

// denial says why the IdP refused, in our words for the codes that SAML core section 3.2.2.2 knows.
func denial(code *xmltree.Element) string {
	for _, sub := range code.Named(protocolSpace, "StatusCode") {
		switch value, _ := sub.Attr("Value"); strings.TrimPrefix(value, statusPrefix) {
		case "AuthnFailed":
			return "the identity provider could not authenticate the person"
		case "NoAuthnContext":
			return "the identity provider cannot authenticate in the way that was asked for"
		case "NoPassive":
			return "the identity provider needs to ask the person"
		case "RequestDenied":
			return "the identity provider denied the request"
		case "InvalidNameIDPolicy":
			return "the identity provider cannot issue the kind of name that was asked for"
		case "UnknownPrincipal":
			return "the identity provider does not know the person"
		}
	}
	return "the identity provider reported a failure"
}

// checkIssueInstant bounds the age of a Response or an assertion.
func (r *reader) checkIssueInstant(el *xmltree.Element) error {
	raw, _ := el.Attr("IssueInstant")
	issued, err := parseTime(raw)
	switch {
	case err != nil:
		return invalid("the time of issue is missing or malformed", err)
	case issued.After(r.now.Add(r.opt.Skew)):
		return invalid("the time of issue lies in the future", nil)
	case !r.now.Before(issued.Add(r.opt.MaxAge + r.opt.Skew)):
		return idp.Refuse(idp.KindExpired, "the response is too old", nil)
	}
	return nil
}
