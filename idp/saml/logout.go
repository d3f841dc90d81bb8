package saml

import (
	"cmp"
	"context"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

// Keys of Logout.Reply.
const (
	replyRequest = "request_id"
	replyRelay   = "relay_state"
)

const (
	statusPartial     = statusPrefix + "PartialLogout"
	maxSessionIndexes = 64
)

// ReadLogout reads a LogoutRequest of the IdP (SAML core section 3.7.1, profiles section 4.4.3.3), by redirect or by
// POST.
func (p *Provider) ReadLogout(ctx context.Context, back idp.Callback) (idp.Logout, error) {
	return reading(ctx, p, expectation{}, func(r *reader) (idp.Logout, error) { return r.logoutRequest(back) })
}

func (r *reader) logoutRequest(back idp.Callback) (idp.Logout, error) {
	m, err := r.open(back, fieldRequest)
	if err != nil {
		return idp.Logout{}, err
	}
	var issuer, extensions, nameID, encrypted *xmltree.Element
	err = fill(m.root, map[xmlName]**xmltree.Element{
		{assertionSpace, "Issuer"}:      &issuer,
		{protocolSpace, "Extensions"}:   &extensions,
		{assertionSpace, "NameID"}:      &nameID,
		{assertionSpace, "EncryptedID"}: &encrypted,
		{protocolSpace, "SessionIndex"}: nil, // any number
	})
	if err != nil || (nameID == nil) == (encrypted == nil) {
		return idp.Logout{}, invalid("the request must name one subject, and has no unknown parts", err)
	}
	if err := r.checkLogout(m.root, "LogoutRequest", issuer); err != nil {
		return idp.Logout{}, err
	}
	if encrypted != nil {
		if nameID, err = r.encryptedID(encrypted); err != nil {
			return idp.Logout{}, err
		}
	}
	subject, errName := plainNameID(nameID)
	sessions, errIndex := sessionIndexes(m.root)
	proof, errTime := r.logoutProof(m)
	if err := cmp.Or(errName, errIndex, errTime); err != nil {
		return idp.Logout{}, err
	}
	return idp.Logout{
		Provider: r.opt.ID, Issuer: r.md.entityID, Subject: subject, SessionIDs: sessions, Proof: proof,
		Reply: idp.State{replyRequest: proof.ID, replyRelay: m.relay},
	}, nil
}

// checkLogout is what holds for requests and responses alike.
func (r *reader) checkLogout(root *xmltree.Element, local string, issuer *xmltree.Element) error {
	if !root.Is(protocolSpace, local) || issuer == nil {
		return invalid("the message is not a "+local+" with an issuer", nil)
	}
	if err := r.checkIssuer(issuer); err != nil {
		return err
	}
	if version, _ := root.Attr("Version"); version != "2.0" {
		return invalid("the message is not SAML 2.0", nil)
	}
	if id, _ := root.Attr("ID"); id == "" || len(id) > maxIDLength {
		return invalid("the message has no usable ID", nil)
	}
	if destination, _ := root.Attr("Destination"); destination != r.opt.LogoutURL {
		return invalid("the message is meant for another address", nil)
	}
	return r.checkIssueInstant(root)
}

// logoutProof bounds the request in time and says until when it must be remembered.
func (r *reader) logoutProof(m message) (idp.Proof, error) {
	id, _ := m.root.Attr("ID")
	raw, _ := m.root.Attr("IssueInstant")
	issued, _ := parseTime(raw) // checked before
	end := issued.Add(r.opt.MaxAge)
	until, given, err := timeAttr(m.root, "NotOnOrAfter")
	switch {
	case err != nil:
		return idp.Proof{}, err
	case given && !r.before(until):
		return idp.Proof{}, idp.Refuse(idp.KindExpired, "the request has expired", nil)
	case given && until.Before(end):
		end = until
	}
	return idp.Proof{Kind: idp.ProofSAML, ID: id, Hash: m.hash, IssuedAt: issued, Expires: end.Add(r.opt.Skew), Once: true}, nil
}

// encryptedID opens a NameID that was encrypted to us. It stands in a message that the IdP signed.
func (r *reader) encryptedID(el *xmltree.Element) (*xmltree.Element, error) {
	refused := invalid("the encrypted name cannot be read", errEncrypted)
	plain, err := r.decrypt(el)
	if err != nil {
		return nil, refused
	}
	nameID, err := parseInside(plain, el, logoutLimits)
	if err != nil || !nameID.Is(assertionSpace, "NameID") {
		return nil, refused
	}
	return nameID, nil
}

func sessionIndexes(root *xmltree.Element) ([]string, error) {
	elements := root.Named(protocolSpace, "SessionIndex")
	if len(elements) > maxSessionIndexes {
		return nil, invalid("the request names too many sessions", nil)
	}
	var out []string
	for _, el := range elements {
		index, err := el.Text()
		if err != nil || !plainName(index) {
			return nil, invalid("a session index is not plain text", err)
		}
		out = append(out, index)
	}
	return out, nil
}

// logoutResponse wants success; "partly" is what the IdP says of other applications (SAML core section 3.7.3).
func (r *reader) logoutResponse(back idp.Callback) (partly bool, err error) {
	m, err := r.open(back, fieldResponse)
	if err != nil {
		return false, err
	}
	var issuer, extensions, status *xmltree.Element
	err = fill(m.root, map[xmlName]**xmltree.Element{
		{assertionSpace, "Issuer"}:    &issuer,
		{protocolSpace, "Extensions"}: &extensions,
		{protocolSpace, "Status"}:     &status,
	})
	if err != nil {
		return false, invalid("the response has unexpected parts", err)
	}
	if err := r.checkLogout(m.root, "LogoutResponse", issuer); err != nil {
		return false, err
	}
	if err := r.checkInResponseTo(m.root); err != nil {
		return false, err
	}
	code, err := statusCode(m.root)
	if err != nil {
		return false, err
	}
	for _, sub := range code.Named(protocolSpace, "StatusCode") {
		value, _ := sub.Attr("Value")
		partly = partly || value == statusPartial
	}
	if value, _ := code.Attr("Value"); value != statusSuccess && !partly {
		return false, idp.Refuse(idp.KindDenied, denial(code), nil)
	}
	return partly, nil
}
