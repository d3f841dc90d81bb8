package saml

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

var (
	_ idp.Leaver         = (*Provider)(nil)
	_ idp.LogoutAnswerer = (*Provider)(nil)
)

// Keys of Identity.Leave. The attributes of the NameID stand there under their own names, where they were given.
const (
	leaveName    = "name_id"
	leaveSession = "session_index"
)

// nameIDAttributes belong to a NameID (SAML core section 2.2.2): a LogoutRequest must repeat them.
func nameIDAttributes() []string {
	return []string{"NameQualifier", "SPNameQualifier", "Format", "SPProvidedID"}
}

// leaveOf keeps a NameID exactly as it was received.
func leaveOf(nameID *xmltree.Element, name string) idp.State {
	leave := idp.State{leaveName: name}
	for _, attr := range nameIDAttributes() {
		if value, given := nameID.Attr(attr); given {
			leave[attr] = value
		}
	}
	return leave
}

// sessionID is the SessionIndex where it is one that can be kept and compared.
func (s *statement) sessionID() string {
	if index := s.authn.sessionIndex; plainName(index) {
		return index
	}
	return ""
}

// BeginLogout makes a LogoutRequest (SAML core section 3.7.1), which is always signed. It works with the metadata at
// hand: somebody who leaves need not wait for a provider that is away.
func (p *Provider) BeginLogout(_ context.Context, id idp.Identity, handle string) (idp.Redirect, idp.State, error) {
	md := p.source.now.Load()
	switch {
	case md == nil || !md.validAt(p.opt.Clock()):
		return idp.Redirect{}, nil, idp.Refuse(idp.KindUnavailable, "the identity provider's metadata is not available", nil)
	case md.slo == (endpoint{}) || id.Leave[leaveName] == "":
		return idp.Redirect{}, nil, idp.ErrStays
	case len(handle) > maxRelayState:
		return idp.Redirect{}, nil, fmt.Errorf("relay state of %d bytes; SAML allows %d", len(handle), maxRelayState)
	}
	reqID, err := p.newID()
	if err != nil {
		return idp.Redirect{}, nil, err
	}
	redirect, err := p.send(outgoing{
		field: fieldRequest, to: md.slo, relay: handle, sign: true,
		build: func(destination string) *etree.Element { return p.logoutRequest(reqID, destination, id.Leave) },
	})
	if err != nil {
		return idp.Redirect{}, nil, fmt.Errorf("logout request: %w", err)
	}
	return redirect, idp.State{stateRequest: reqID}, nil
}

func (p *Provider) logoutRequest(id, destination string, leave idp.State) *etree.Element {
	el := p.logoutMessage("LogoutRequest", id, destination)
	el.CreateAttr("Reason", "urn:oasis:names:tc:SAML:2.0:logout:user")
	nameID := el.CreateElement("saml:NameID")
	for _, attr := range nameIDAttributes() {
		if value, given := leave[attr]; given {
			nameID.CreateAttr(attr, value)
		}
	}
	nameID.SetText(leave[leaveName])
	if index := leave[leaveSession]; index != "" {
		el.CreateElement("samlp:SessionIndex").SetText(index)
	}
	return el
}

// logoutMessage is what requests and answers have in common; Issuer comes first, as the signature goes behind it.
func (p *Provider) logoutMessage(local, id, destination string) *etree.Element {
	el := etree.NewElement("samlp:" + local)
	el.CreateAttr("xmlns:samlp", protocolSpace)
	el.CreateAttr("xmlns:saml", assertionSpace)
	el.CreateAttr("ID", id)
	el.CreateAttr("Version", "2.0")
	el.CreateAttr("IssueInstant", p.opt.Clock().UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.999Z07:00"))
	el.CreateAttr("Destination", destination)
	el.CreateElement("saml:Issuer").SetText(p.opt.EntityID)
	return el
}

// FinishLogout reads a LogoutResponse (SAML core section 3.7.2).
func (p *Provider) FinishLogout(ctx context.Context, state idp.State, back idp.Callback) (partly bool, err error) {
	want := expectation{requestID: state[stateRequest]}
	if want.requestID == "" {
		return false, idp.Refuse(idp.KindInvalid, "the sign-out is not known", errors.New("state without a request id"))
	}
	return reading(ctx, p, want, func(r *reader) (bool, error) { return r.logoutResponse(back) })
}

// AnswerLogout makes the LogoutResponse, which is always signed and brings the RelayState back. Where not all is over
// the status says so (SAML core section 3.2.2.2).
func (p *Provider) AnswerLogout(ctx context.Context, l idp.Logout, done bool) (idp.Redirect, error) {
	md, err := p.source.current(ctx)
	if err != nil {
		return idp.Redirect{}, err
	}
	if md.sloAnswer == (endpoint{}) {
		return idp.Redirect{}, idp.ErrStays
	}
	id, err := p.newID()
	if err != nil {
		return idp.Redirect{}, err
	}
	return p.send(outgoing{
		field: fieldResponse, to: md.sloAnswer, relay: l.Reply[replyRelay], sign: true,
		build: func(destination string) *etree.Element {
			el := p.logoutMessage("LogoutResponse", id, destination)
			el.CreateAttr("InResponseTo", l.Reply[replyRequest])
			code := el.CreateElement("samlp:Status").CreateElement("samlp:StatusCode")
			if done {
				code.CreateAttr("Value", statusSuccess)
				return el
			}
			code.CreateAttr("Value", statusPrefix+"Responder")
			code.CreateElement("samlp:StatusCode").CreateAttr("Value", statusPartial)
			return el
		},
	})
}
