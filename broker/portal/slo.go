package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/web"
)

// maxLogoutMessage bounds what a provider posts to end a session: a message of 32 KiB, encoded twice, or a token.
const maxLogoutMessage = 96 << 10

// slo is the SAML single logout service: a provider's request to end its sessions here, or its answer to ours. No cookie
// of a session is read: the request comes from another site, often in a frame, and says itself whose sessions it means.
func (p *Portal) slo(w http.ResponseWriter, r *http.Request) (answer, error) {
	provider, reader, back, err := p.logoutMessage(w, r)
	switch {
	case err != nil:
		return p.run(r, "slo", "logout", func(context.Context, *broker.Visit) (answer, error) { return answer{}, err })
	case back.Form.Has("SAMLResponse"):
		return p.farewell(r, "slo", provider, back.Form.Get("RelayState"), back)
	}
	return p.evict(r, provider, reader, back)
}

// logoutMessage reads what came, by redirect or by a form. Nothing of it is verified.
func (p *Portal) logoutMessage(w http.ResponseWriter, r *http.Request) (*Provider, idp.LogoutAnswerer, idp.Callback, error) {
	if err := p.throttled(r); err != nil {
		return nil, nil, idp.Callback{}, err
	}
	provider, err := p.provider(r)
	if err != nil {
		return nil, nil, idp.Callback{}, err
	}
	reader, ok := provider.Logouts.(idp.LogoutAnswerer)
	if !ok {
		return nil, nil, idp.Callback{}, broker.Refuse(broker.CodeUntrustedIssuer, "this identity provider does not speak SAML", nil)
	}
	back := idp.Callback{Query: r.URL.RawQuery}
	if r.Method == http.MethodPost {
		back.Query = ""
		back.Form, err = web.Form(w, r, maxLogoutMessage)
	} else {
		back.Form, err = url.ParseQuery(r.URL.RawQuery)
	}
	switch {
	case err != nil:
		return nil, nil, idp.Callback{}, bad(err.Error())
	case back.Form.Has("SAMLRequest") == back.Form.Has("SAMLResponse"):
		return nil, nil, idp.Callback{}, bad("want one SAMLRequest or one SAMLResponse")
	}
	return provider, reader, back, nil
}

// evict ends the sessions that a provider names, and brings it the answer. Where not all could be ended, the answer says
// so: the provider has others to tell, and the person waits.
func (p *Portal) evict(r *http.Request, provider *Provider, reader idp.LogoutAnswerer, back idp.Callback) (answer, error) {
	var said *idp.Logout
	ended := 0
	_, err := p.run(r, "slo", "logout", func(ctx context.Context, v *broker.Visit) (answer, error) {
		l, err := v.ReadLogout(ctx, func(ctx context.Context) (idp.Logout, error) { return reader.ReadLogout(ctx, back) })
		if err != nil {
			return answer{}, err
		}
		said = &l
		ended, err = p.endUpstream(ctx, v, &l)
		return answer{}, err
	})
	if said == nil {
		return answer{}, err
	}
	next, errAnswer := reader.AnswerLogout(r.Context(), *said, err == nil)
	view := goodbyeView{Name: provider.Name, Provider: providerBegan, Next: &next}
	switch {
	case err != nil:
		view.Provider = providerFailed
	case ended == 0:
		view.Provider = providerNothing
	}
	switch {
	case errAnswer == nil && len(next.Form) == 0:
		return seeOther(next.URL), nil
	case errAnswer == nil:
		return p.goodbye(view), nil
	case err != nil:
		return answer{}, err
	case errors.Is(errAnswer, idp.ErrStays):
		view.Next = nil
		return p.goodbye(view), nil
	}
	return answer{}, cannotBegin(errAnswer)
}

// endUpstream ends what a verified message names, command lines included, and puts it on the record.
func (p *Portal) endUpstream(ctx context.Context, v *broker.Visit, l *idp.Logout) (int, error) {
	ids := l.SessionIDs
	if len(ids) == 0 {
		ids = []string{""} // all of the subject's
	}
	count := 0
	for _, id := range ids {
		ended, err := p.Sessions.EndUpstream(ctx, session.Upstream{Provider: l.Provider, Issuer: l.Issuer, Subject: l.Subject, SessionID: id})
		v.Ended(ended...)
		if count += len(ended); err != nil {
			return count, broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; sessions may go on", err)
		}
	}
	return count, nil
}
