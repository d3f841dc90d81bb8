package portal

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
)

// offered is the member of a pending login that marks an offer: the identity that may be continued as.
const offered = "identity"

func isOffer(p session.Pending) bool { return p.State[offered] != "" }

// continueView is what continue.html shows.
type continueView struct{ Name, Provider, Action, Handle string }

// offer asks "continue as …" after a login that nobody here asked for: it might have been pushed by another site, and
// must not replace anybody's session (invariant 12).
func (p *Portal) offer(ctx context.Context, provider *Provider, id *idp.Identity) (answer, error) {
	ticket, err := p.Logins.Ticket()
	if err != nil {
		return answer{}, err
	}
	blob, err := json.Marshal(id)
	if err != nil {
		return answer{}, err
	}
	pending := session.Pending{Provider: provider.ID, State: idp.State{offered: string(blob)}}
	if err := p.Logins.Keep(ctx, ticket, pending); err != nil {
		return answer{}, storeDown(err)
	}
	return answer{
		template: "continue.html",
		data:     continueView{displayName(id), provider.Name, "/login/" + url.PathEscape(provider.ID), ticket.Handle},
		cookies:  []*http.Cookie{p.Cookies.Login(ticket)},
	}, nil
}

// proceed is the "continue as …" button, or the form of a directory.
func (p *Portal) proceed(w http.ResponseWriter, r *http.Request) (answer, error) {
	if provider := p.providers[r.PathValue("idp")]; provider != nil && provider.Directory != nil {
		return p.password(w, r, provider)
	}
	return p.run(r, "portal", "login", func(ctx context.Context, v *broker.Visit) (answer, error) {
		provider, err := p.provider(r)
		if err != nil {
			return answer{}, err
		}
		form, err := p.ownForm(w, r)
		if err != nil {
			return answer{}, err
		}
		if err := p.nobodySignedIn(ctx, r); err != nil {
			return answer{}, err
		}
		pending, _, err := p.take(ctx, r, form.Get("handle"), provider)
		if err != nil {
			return answer{}, err
		}
		var id idp.Identity
		if !isOffer(pending) || json.Unmarshal([]byte(pending.State[offered]), &id) != nil {
			return answer{}, loginOver()
		}
		v.Resume(&id, "", pending.Begun.Add(session.LoginLifetime))
		return p.signIn(ctx, r, v, "/", form.Get("handle"))
	})
}

// nobodySignedIn refuses when the browser has a login session, and when that cannot be known.
func (p *Portal) nobodySignedIn(ctx context.Context, r *http.Request) error {
	token, ok := p.Cookies.ReadSession(r)
	if !ok {
		return nil
	}
	_, err := p.Sessions.Get(ctx, token)
	switch {
	case errors.Is(err, session.ErrNone):
		return nil
	case err != nil:
		return storeDown(err)
	}
	return bad("you are signed in already; sign out first to become somebody else")
}
