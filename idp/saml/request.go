package saml

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"

	"github.com/fedbroker/fedbroker/idp"
)

// Keys of idp.State.
const (
	stateRequest = "request_id"
	stateAfter   = "auth_after" // RFC 3339: the oldest sign-in that answers the request
	stateACR     = "acr"        // the classes asked for, separated by spaces
)

const (
	maxRelayState = 80 // bytes, SAML bindings section 3.4.3
	entityFormat  = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
)

// Begin makes an AuthnRequest (SAML core section 3.4.1) for the binding that the IdP offers, redirect before POST. A
// MaxAge asks for a new sign-in, as SAML cannot ask for a recent one.
func (p *Provider) Begin(ctx context.Context, want idp.LoginRequest) (idp.Redirect, idp.State, error) {
	md, err := p.source.current(ctx)
	if err != nil {
		return idp.Redirect{}, nil, err
	}
	if len(want.Handle) > maxRelayState {
		return idp.Redirect{}, nil, fmt.Errorf("relay state of %d bytes; SAML allows %d", len(want.Handle), maxRelayState)
	}
	id, err := p.newID()
	if err != nil {
		return idp.Redirect{}, nil, err
	}
	if md.sso == (endpoint{}) {
		return idp.Redirect{}, nil, idp.Refuse(idp.KindUnavailable, "the identity provider offers no sign-in that starts here", nil)
	}
	redirect, err := p.send(outgoing{
		field: fieldRequest, to: md.sso, relay: want.Handle, sign: p.signsRequests(md),
		build: func(destination string) *etree.Element { return p.authnRequest(id, destination, want) },
	})
	if err != nil {
		return idp.Redirect{}, nil, fmt.Errorf("authentication request: %w", err)
	}
	return redirect, p.stateOf(id, want), nil
}

func (p *Provider) signsRequests(md *idpMetadata) bool {
	return p.opt.SignRequests || md != nil && md.wantSigned
}

// newID makes an xs:ID with 160 bits of chance (SAML core section 1.3.4).
func (p *Provider) newID() (string, error) {
	var b [20]byte
	if _, err := io.ReadFull(p.opt.Rand, b[:]); err != nil {
		return "", fmt.Errorf("request id: %w", err)
	}
	return "_" + hex.EncodeToString(b[:]), nil
}

func (p *Provider) stateOf(id string, want idp.LoginRequest) idp.State {
	state := idp.State{stateRequest: id}
	if want.Force || want.MaxAge > 0 {
		age := want.MaxAge
		if want.Force {
			age = 0
		}
		state[stateAfter] = p.opt.Clock().Add(-age).UTC().Format(time.RFC3339Nano)
	}
	if len(want.ACR) > 0 {
		state[stateACR] = strings.Join(want.ACR, " ")
	}
	return state
}

func (p *Provider) authnRequest(id, destination string, want idp.LoginRequest) *etree.Element {
	yes := true
	req := saml.AuthnRequest{
		ID:                          id,
		Version:                     "2.0",
		IssueInstant:                p.opt.Clock().UTC().Truncate(time.Millisecond),
		Destination:                 destination,
		Issuer:                      &saml.Issuer{Format: entityFormat, Value: p.opt.EntityID},
		NameIDPolicy:                &saml.NameIDPolicy{AllowCreate: &yes},
		AssertionConsumerServiceURL: p.opt.ACSURL,
		ProtocolBinding:             saml.HTTPPostBinding,
	}
	if p.opt.NameIDFormat != "" {
		req.NameIDPolicy.Format = &p.opt.NameIDFormat
	}
	if want.Force || want.MaxAge > 0 {
		req.ForceAuthn = &yes
	}
	el := req.Element()
	if len(want.ACR) > 0 {
		el.AddChild(requestedContext(want.ACR))
	}
	return el
}

// requestedContext asks for one of several classes; crewjam's type holds one only.
func requestedContext(classes []string) *etree.Element {
	el := etree.NewElement("samlp:RequestedAuthnContext")
	el.CreateAttr("Comparison", "exact")
	for _, class := range classes {
		el.CreateElement("saml:AuthnContextClassRef").SetText(class)
	}
	return el
}

// expect tells what the answer must look like from what Begin remembered.
func (p *Provider) expect(state idp.State, back idp.Callback) (expectation, error) {
	if back.Unsolicited {
		if !p.opt.AllowIDPInitiated {
			return expectation{}, idp.Refuse(idp.KindInvalid, "this sign-in was already used or is over, or it did not begin here; sign in again", nil)
		}
		return expectation{}, nil
	}
	want := expectation{requestID: state[stateRequest], acr: strings.Fields(state[stateACR])}
	if want.requestID == "" {
		return expectation{}, idp.Refuse(idp.KindInvalid, "the sign-in is not known", errors.New("state without a request id"))
	}
	if after := state[stateAfter]; after != "" {
		var err error
		if want.authAfter, err = time.Parse(time.RFC3339Nano, after); err != nil {
			return expectation{}, idp.Refuse(idp.KindInvalid, "the sign-in is not known", err)
		}
	}
	return want, nil
}
