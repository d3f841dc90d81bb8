package issuer

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

const (
	// maxAssertion is what STS takes as SAMLAssertion, in characters (facts, saml-aws section 1).
	maxAssertion = 100_000

	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"

	formatPersistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	formatURI        = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
	confirmBearer    = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	statusSuccess    = "urn:oasis:names:tc:SAML:2.0:status:Success"
	classUnspecified = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"

	attributePrefix = "https://aws.amazon.com/SAML/Attributes/"
)

// errNoSAML is what an issuer without SAML keys answers.
var errNoSAML = errors.New("the broker has no SAML signing key: mode saml is not configured")

// SAMLResponse returns the base64 of a samlp:Response whose assertion and whose whole are signed, RSA-SHA256 over
// exclusive canonical XML. It may be redeemed for five minutes from p.Now (saml-core; SAML profiles section 4.1.4.2).
func (i *Issuer) SAMLResponse(ctx context.Context, p broker.MintRequest) (secret.Text, error) {
	if i.saml == nil {
		return secret.Text{}, errNoSAML
	}
	if err := checkSAML(p); err != nil {
		return secret.Text{}, fmt.Errorf("minting a SAML response: %w", err)
	}
	key, err := i.saml.Keys.Current(ctx)
	if err != nil {
		return secret.Text{}, err
	}
	response, err := i.response(p, key)
	if err != nil {
		return secret.Text{}, fmt.Errorf("signing a SAML response: %w", err)
	}
	doc := etree.NewDocumentWithRoot(response)
	xml, err := doc.WriteToBytes()
	if err != nil {
		return secret.Text{}, fmt.Errorf("writing a SAML response: %w", err)
	}
	if base64.StdEncoding.EncodedLen(len(xml)) > maxAssertion {
		return secret.Text{}, errors.New("the session tags make the SAML response longer than AWS takes")
	}
	return secret.New(base64.StdEncoding.EncodeToString(xml)), nil
}

// response signs the assertion first and the Response around it second, so that both signatures hold in the document.
func (i *Issuer) response(p broker.MintRequest, key *Key) (*etree.Element, error) {
	recipient, audience := i.destination(p.RoleARN.Partition())
	assertion := i.assertion(p, recipient, audience)
	if err := sign(assertion, key); err != nil {
		return nil, err
	}
	r := etree.NewElement("samlp:Response")
	set(r, "xmlns:samlp", nsProtocol, "xmlns:saml", nsAssertion, "ID", "_"+p.ID+".response", "Version", "2.0",
		"IssueInstant", instant(p.Now), "Destination", recipient)
	child(r, "saml:Issuer").SetText(i.saml.EntityID)
	child(child(r, "samlp:Status"), "samlp:StatusCode", "Value", statusSuccess)
	r.AddChild(assertion)
	return r, sign(r, key)
}

// destination is the partition's sign-in endpoint and its URN (facts, saml-aws section 2).
func (i *Issuer) destination(p sts.Partition) (recipient, audience string) {
	switch p {
	case sts.PartitionChina:
		recipient, audience = "https://signin.amazonaws.cn/saml", "urn:amazon:webservices:cn-north-1"
	case sts.PartitionGov:
		recipient, audience = "https://signin.amazonaws-us-gov.com/saml", "urn:amazon:webservices:govcloud"
	default:
		recipient, audience = "https://signin.aws.amazon.com/saml", "urn:amazon:webservices"
	}
	if i.saml.Recipient != "" {
		recipient = i.saml.Recipient
	}
	return recipient, audience
}

func (i *Issuer) assertion(p broker.MintRequest, recipient, audience string) *etree.Element {
	expiry := instant(p.Now.Add(proofLife))
	a := etree.NewElement("saml:Assertion")
	set(a, "xmlns:saml", nsAssertion, "ID", "_"+p.ID, "Version", "2.0", "IssueInstant", instant(p.Now))
	child(a, "saml:Issuer").SetText(i.saml.EntityID)

	subject := child(a, "saml:Subject")
	child(subject, "saml:NameID", "Format", formatPersistent).SetText(p.Subject)
	child(child(subject, "saml:SubjectConfirmation", "Method", confirmBearer),
		"saml:SubjectConfirmationData", "NotOnOrAfter", expiry, "Recipient", recipient)

	conditions := child(a, "saml:Conditions", "NotBefore", instant(p.Now), "NotOnOrAfter", expiry)
	child(child(conditions, "saml:AudienceRestriction"), "saml:Audience").SetText(audience)

	authn := child(a, "saml:AuthnStatement", "AuthnInstant", instant(p.Now), "SessionIndex", "_"+p.ID,
		"SessionNotOnOrAfter", instant(p.Deadline))
	child(child(authn, "saml:AuthnContext"), "saml:AuthnContextClassRef").SetText(classUnspecified)

	attributes(child(a, "saml:AttributeStatement"), p)
	return a
}

// attributes writes AWS's own attributes and no others (facts, saml-aws section 4).
func attributes(statement *etree.Element, p broker.MintRequest) {
	add := func(name string, values ...string) {
		attr := child(statement, "saml:Attribute", "Name", attributePrefix+name, "NameFormat", formatURI)
		for _, v := range values {
			child(attr, "saml:AttributeValue").SetText(v)
		}
	}
	add("Role", string(p.RoleARN)+","+p.PrincipalARN)
	add("RoleSessionName", p.SessionName)
	add("SessionDuration", strconv.Itoa(int(p.Duration/time.Second)))
	for _, t := range p.Tags {
		add("PrincipalTag:"+t.Key, t.Value)
	}
	if len(p.TransitiveTags) > 0 {
		add("TransitiveTagKeys", p.TransitiveTags...)
	}
	if p.SourceIdentity != "" {
		add("SourceIdentity", p.SourceIdentity)
	}
}

// sign puts an enveloped signature where the schema wants it: right after the Issuer (saml-core section 5.4).
func sign(el *etree.Element, key *Key) error {
	ctx, err := dsig.NewSigningContext(key.signer, [][]byte{key.Certificate})
	if err != nil {
		return err
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(dsig.RSASHA256SignatureMethod); err != nil {
		return err
	}
	signature, err := ctx.ConstructSignature(el, true)
	if err != nil {
		return err
	}
	el.InsertChildAt(1, signature)
	return nil
}

// instant is xs:dateTime in UTC with whole seconds (saml-core section 1.3.3).
func instant(t time.Time) string { return t.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05Z") }

func child(parent *etree.Element, tag string, attrs ...string) *etree.Element {
	el := parent.CreateElement(tag)
	set(el, attrs...)
	return el
}

// set adds attributes given as name, value pairs; etree escapes the values.
func set(el *etree.Element, attrs ...string) {
	for i := 0; i+1 < len(attrs); i += 2 {
		el.CreateAttr(attrs[i], attrs[i+1])
	}
}
