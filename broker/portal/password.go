package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// One address may send so many passwords: a whole office behind one address signs in, nobody tries a list of names.
const (
	guessesPerSecond = 1
	guessesAtOnce    = 20
)

// typed is the member of a pending login that marks a password form.
const typed = "password"

// passwordView is what password.html shows. The password is never shown again.
type passwordView struct{ Provider, Action, Handle, Username, Refused, Another string }

// passwordForm begins an attempt: the form's handle and the browser's cookie must come back together, so that no other
// site can sign somebody in here.
func (p *Portal) passwordForm(ctx context.Context, provider *Provider, v passwordView, returnTo string) (answer, error) {
	ticket, err := p.Logins.Ticket()
	if err != nil {
		return answer{}, err
	}
	pending := session.Pending{Provider: provider.ID, State: idp.State{typed: "1"}, ReturnTo: returnTo}
	if err := p.Logins.Keep(ctx, ticket, pending); err != nil {
		return answer{}, storeDown(err)
	}
	v.Provider, v.Action, v.Handle = provider.Name, "/login/"+url.PathEscape(provider.ID), ticket.Handle
	v.Another = anotherWay(returnTo)
	return answer{template: "password.html", data: v, cookies: []*http.Cookie{p.Cookies.Login(ticket)}}, nil
}

// password takes the form. A refused password is answered by the form again, with the one sentence that tells nothing.
func (p *Portal) password(w http.ResponseWriter, r *http.Request, provider *Provider) (answer, error) {
	var asked url.Values // set when the directory was, or would have been, asked
	var pending session.Pending
	out, err := p.run(r, "portal", "login", func(ctx context.Context, v *broker.Visit) (_ answer, err error) {
		if !p.guesses.Allow(p.Remote.Addr(r)) {
			return answer{}, broker.Refuse(broker.CodeThrottled, "too many attempts from your address; wait a moment", nil)
		}
		form, err := p.ownForm(w, r)
		if err != nil {
			return answer{}, err
		}
		if pending, _, err = p.take(ctx, r, form.Get("handle"), provider); err != nil {
			return answer{}, err
		}
		if pending.State[typed] == "" {
			return answer{}, loginOver()
		}
		asked = form
		err = v.AuthenticatePassword(ctx, provider.Directory, broker.Password{
			Provider: provider.ID, Username: form.Get("username"), Secret: secret.New(form.Get("password")),
		})
		if err != nil {
			return answer{}, err
		}
		return p.signIn(ctx, r, v, pending.ReturnTo, form.Get("handle"))
	})
	var e *broker.Error
	if asked == nil || !errors.As(err, &e) || e.Code != broker.CodeLoginRequired {
		return out, err
	}
	again, err := p.passwordForm(r.Context(), provider, passwordView{Username: asked.Get("username"), Refused: e.Detail}, pending.ReturnTo)
	again.status = http.StatusUnauthorized
	again.cookies = append(again.cookies, p.Cookies.EndLogin(asked.Get("handle")))
	return again, err
}
