package portal

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/web"
)

// maxResponse bounds what an identity provider posts: a SAML Response of 128 KiB, encoded twice.
const maxResponse = 256 << 10

// chooser lists the identity providers; with a single one it goes straight on.
func (p *Portal) chooser(_ http.ResponseWriter, r *http.Request) (answer, error) {
	type item struct{ Name, URL string }
	var items []item
	for _, provider := range p.Providers {
		items = append(items, item{provider.Name, loginURL(provider.ID, r.URL.Query().Get("return"))})
	}
	if len(items) == 1 && r.URL.Query().Get("choose") == "" {
		return seeOther(items[0].URL), nil
	}
	return answer{template: "login.html", data: items}, nil
}

func loginURL(id, returnTo string) string {
	u := "/login/" + url.PathEscape(id)
	if returnTo != "" {
		u += "?return=" + url.QueryEscape(returnTo)
	}
	return u
}

// begin sends the browser to its identity provider.
func (p *Portal) begin(w http.ResponseWriter, r *http.Request) (answer, error) {
	provider, err := p.provider(r)
	if err != nil {
		return answer{}, err
	}
	ticket, err := p.Logins.Ticket()
	if err != nil {
		return answer{}, err
	}
	redirect, state, err := provider.Login.Begin(r.Context(), idp.LoginRequest{Handle: ticket.Handle})
	if err != nil {
		return answer{}, broker.Refuse(broker.CodeUpstreamUnavailable, "the identity provider cannot be reached; try again", err)
	}
	pending := session.Pending{Provider: provider.ID, State: state, ReturnTo: localPath(r.URL.Query().Get("return"))}
	if err := p.Logins.Keep(r.Context(), ticket, pending); err != nil {
		return answer{}, broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
	}
	http.SetCookie(w, p.Cookies.Login(ticket))
	if len(redirect.Form) == 0 {
		return seeOther(redirect.URL), nil
	}
	return answer{template: "post.html", data: redirect, forms: []string{originOf(redirect.URL)}}, nil
}

func (p *Portal) provider(r *http.Request) (*Provider, error) {
	if provider := p.providers[r.PathValue("idp")]; provider != nil {
		return provider, nil
	}
	return nil, broker.Refuse(broker.CodeUntrustedIssuer, "there is no such identity provider here", nil)
}

// acs takes a SAML Response. No cookie of a session is read here: the request comes from another site.
func (p *Portal) acs(w http.ResponseWriter, r *http.Request) (answer, error) {
	provider, err := p.provider(r)
	if err != nil {
		return answer{}, err
	}
	form, err := web.Form(w, r, maxResponse)
	if err != nil {
		return answer{}, p.run(r, "acs", "login", func(context.Context, *broker.Visit) error { return bad(err.Error()) })
	}
	return p.comeBack(w, r, provider, form, form.Get("RelayState"))
}

// comeBack finishes a login, whatever the protocol.
func (p *Portal) comeBack(w http.ResponseWriter, r *http.Request, provider *Provider, form url.Values, handle string) (answer, error) {
	var next answer
	err := p.run(r, "acs", "login", func(ctx context.Context, v *broker.Visit) error {
		pending, solicited, err := p.pendingLogin(ctx, w, r, handle, provider)
		if err != nil {
			return err
		}
		back := idp.Callback{Form: form, Unsolicited: !solicited}
		err = v.Authenticate(ctx, idp.ProofSAML, func(ctx context.Context) (idp.Identity, error) {
			return provider.Login.Finish(ctx, pending.State, back)
		})
		if err != nil {
			return err
		}
		if !solicited {
			next, err = p.offer(ctx, w, provider, v.Identity())
			return err
		}
		next, err = p.signIn(ctx, w, v.Identity(), pending.ReturnTo)
		return err
	})
	return next, err
}

// pendingLogin finds the login that this browser began. An answer from another provider than the one that was asked
// is refused, not taken for an unsolicited one.
func (p *Portal) pendingLogin(ctx context.Context, w http.ResponseWriter, r *http.Request, handle string, provider *Provider) (session.Pending, bool, error) {
	ticket, ok := p.Cookies.ReadLogin(r, handle)
	if !ok {
		return session.Pending{}, false, nil
	}
	pending, err := p.Logins.Take(ctx, ticket)
	switch {
	case errors.Is(err, session.ErrNone):
		return session.Pending{}, false, broker.Refuse(broker.CodeLoginRequired, "this sign-in is over or was used; begin again", nil)
	case err != nil:
		return session.Pending{}, false, broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
	case pending.Provider != provider.ID:
		return session.Pending{}, false, broker.Refuse(broker.CodeInvalidToken, "the answer came from another identity provider than the one that was asked", nil)
	}
	http.SetCookie(w, p.Cookies.EndLogin(handle))
	return pending, true, nil
}

// signIn begins a login session under a new token.
func (p *Portal) signIn(ctx context.Context, w http.ResponseWriter, id *idp.Identity, returnTo string) (answer, error) {
	token, _, err := p.Sessions.Create(ctx, *id)
	if err != nil {
		return answer{}, sessionFailed(err)
	}
	http.SetCookie(w, p.Cookies.Session(token))
	return seeOther(localPath(returnTo)), nil
}

func sessionFailed(err error) error {
	if errors.Is(err, session.ErrNone) {
		return broker.Refuse(broker.CodeLoginRequired, "the identity provider's session is over; sign in again", err)
	}
	return broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
}

const offered = "identity"

// offer asks "continue as …" after a login that nobody here asked for: it might have been pushed by another site, and
// must not replace anybody's session (invariant 12).
func (p *Portal) offer(ctx context.Context, w http.ResponseWriter, provider *Provider, id *idp.Identity) (answer, error) {
	ticket, err := p.Logins.Ticket()
	if err != nil {
		return answer{}, err
	}
	blob, err := json.Marshal(id)
	if err != nil {
		return answer{}, err
	}
	if err := p.Logins.Keep(ctx, ticket, session.Pending{Provider: provider.ID, State: idp.State{offered: string(blob)}}); err != nil {
		return answer{}, broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
	}
	http.SetCookie(w, p.Cookies.Login(ticket))
	return answer{template: "continue.html", data: map[string]string{
		"Name": displayName(id), "Provider": provider.Name, "Action": "/login/" + url.PathEscape(provider.ID), "Handle": ticket.Handle,
	}}, nil
}

// proceed is the "continue as …" button.
func (p *Portal) proceed(w http.ResponseWriter, r *http.Request) (answer, error) {
	provider, err := p.provider(r)
	if err != nil {
		return answer{}, err
	}
	form, err := p.ownForm(w, r)
	if err != nil {
		return answer{}, err
	}
	if token, ok := p.Cookies.ReadSession(r); ok {
		if _, err := p.Sessions.Get(r.Context(), token); err == nil {
			return answer{}, bad("you are signed in already; sign out first to become somebody else")
		}
	}
	var next answer
	err = p.run(r, "portal", "login", func(ctx context.Context, v *broker.Visit) error {
		pending, found, err := p.pendingLogin(ctx, w, r, form.Get("handle"), provider)
		if err != nil {
			return err
		}
		var id idp.Identity
		if !found || json.Unmarshal([]byte(pending.State[offered]), &id) != nil || id.Subject == "" {
			return broker.Refuse(broker.CodeLoginRequired, "this sign-in is over or was used; begin again", nil)
		}
		v.Resume(&id, "", pending.Begun.Add(session.LoginLifetime))
		next, err = p.signIn(ctx, w, &id, "/")
		return err
	})
	return next, err
}

// ownForm reads a form that one of our own pages sent.
func (p *Portal) ownForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if !web.SameOrigin(r, p.PublicURL) {
		return nil, bad("this form did not come from the portal's own page")
	}
	form, err := web.Form(w, r, 16<<10)
	if err != nil {
		return nil, bad(err.Error())
	}
	return form, nil
}

// logout ends the session for good and forgets the cookie.
func (p *Portal) logout(w http.ResponseWriter, r *http.Request) (answer, error) {
	if _, err := p.ownForm(w, r); err != nil {
		return answer{}, err
	}
	err := p.run(r, "portal", "logout", func(ctx context.Context, v *broker.Visit) error {
		token, ok := p.Cookies.ReadSession(r)
		if !ok {
			return nil
		}
		if s, err := p.Sessions.Get(ctx, token); err == nil {
			v.Resume(&s.Identity, s.ID, s.Expires)
		}
		if err := p.Sessions.End(ctx, token); err != nil {
			return broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; you may still be signed in", err)
		}
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	http.SetCookie(w, p.Cookies.EndSession())
	return answer{template: "goodbye.html"}, nil
}

func (p *Portal) metadata(w http.ResponseWriter, r *http.Request) (answer, error) {
	provider, err := p.provider(r)
	if err != nil || provider.Metadata == nil {
		return answer{}, broker.Refuse(broker.CodeUntrustedIssuer, "there is no such SAML identity provider here", err)
	}
	doc, err := provider.Metadata()
	if err != nil {
		return answer{}, err
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(doc)
	return answer{}, nil
}

// localPath keeps a return target inside the portal; anything else becomes the start page.
func localPath(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(target, "/") ||
		strings.HasPrefix(target, "//") || strings.ContainsAny(target, "\\\r\n\t") || len(target) > 1024 {
		return "/"
	}
	return target
}

func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "'none'"
	}
	return u.Scheme + "://" + u.Host
}

func displayName(id *idp.Identity) string {
	for _, name := range []string{id.Username, id.Email, id.Subject} {
		if name != "" {
			return name
		}
	}
	return ""
}
