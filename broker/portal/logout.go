package portal

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
)

// leaveTime is how long a sign-out waits to learn where a provider's logout is.
const leaveTime = 2 * time.Second

// leaving is the member of a pending login that marks a sign-out: the provider was asked to end its session.
const leaving = "logout"

func isLeaving(p session.Pending) bool { return p.State[leaving] != "" }

// logout ends the session for good and forgets the cookie, and only then asks the provider to do the same. Who is not
// signed in is signed out as well, and counts among the strangers.
func (p *Portal) logout(w http.ResponseWriter, r *http.Request) (answer, error) {
	var left session.Session
	out, err := p.run(r, "portal", "logout", func(ctx context.Context, v *broker.Visit) (answer, error) {
		var err error
		if _, left, err = p.posted(ctx, w, r, v); err != nil {
			return answer{}, err
		}
		if err := p.Sessions.EndID(ctx, left.ID); err != nil {
			return answer{}, broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; you may still be signed in", err)
		}
		return answer{}, nil
	})
	switch {
	case sessionOver(err):
		return p.signedOut(goodbyeView{}), nil
	case err != nil:
		return out, err
	}
	return p.leave(r.Context(), &left.Identity), nil
}

// What the goodbye page says of the provider; nothing where nobody was signed in.
const (
	providerNone    = "none"    // there is no session but ours
	providerStays   = "stays"   // it is not asked
	providerAway    = "away"    // it could not be asked
	providerAsked   = "asked"   // it is asked next
	providerLeft    = "left"    // it ended its session
	providerPartly  = "partly"  // the same, but not all that hung on it
	providerUnsure  = "unsure"  // it was asked, and did not say that it did
	providerBegan   = "began"   // it ended its session of its own accord
	providerNothing = "nothing" // the same, and nothing was open here
	providerFailed  = "failed"  // the same, and what was open here could not be ended
)

// goodbyeView is what goodbye.html shows.
type goodbyeView struct {
	Name, Provider string
	// Next is where the browser goes on to by itself; nil where it stays.
	Next *idp.Redirect
}

func (p *Portal) goodbye(v goodbyeView) answer {
	out := answer{template: "goodbye.html", data: v}
	switch {
	case v.Next == nil:
	case len(v.Next.Form) > 0:
		out.forms = originOf(v.Next.URL)
	default:
		out.onward = v.Next.URL
	}
	return out
}

// signedOut is the goodbye to a browser whose session is over.
func (p *Portal) signedOut(v goodbyeView) answer {
	out := p.goodbye(v)
	out.cookies = append(out.cookies, p.Cookies.EndSession())
	return out
}

// leave goes on to the provider. Our own session is over by now, so whatever goes wrong here is said and is no refusal.
//
// The page with which it answers sends the browser on, not a redirect: browsers hold the form-action of the page with
// the button against every later redirect, and a provider may send people through hosts that nobody can list.
func (p *Portal) leave(ctx context.Context, id *idp.Identity) answer {
	provider := p.providers[id.Provider]
	switch {
	case provider == nil:
		return p.signedOut(goodbyeView{})
	case provider.Directory != nil:
		return p.signedOut(goodbyeView{Name: provider.Name, Provider: providerNone})
	case provider.Leaver == nil:
		return p.signedOut(goodbyeView{Name: provider.Name, Provider: providerStays})
	}
	ticket, next, err := p.askToLeave(ctx, provider, id)
	switch {
	case errors.Is(err, idp.ErrStays):
		return p.signedOut(goodbyeView{Name: provider.Name, Provider: providerStays})
	case err != nil:
		p.Logger.Warn("a provider could not be asked to end its session", "idp", provider.ID, "error", err)
		return p.signedOut(goodbyeView{Name: provider.Name, Provider: providerAway})
	}
	out := p.signedOut(goodbyeView{Name: provider.Name, Provider: providerAsked, Next: &next})
	out.cookies = append(out.cookies, p.Cookies.Login(ticket))
	return out
}

// askToLeave makes the request to the provider and keeps what is needed to recognise its answer.
func (p *Portal) askToLeave(ctx context.Context, provider *Provider, id *idp.Identity) (session.Ticket, idp.Redirect, error) {
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	ticket, err := p.Logins.Ticket()
	if err != nil {
		return session.Ticket{}, idp.Redirect{}, err
	}
	next, state, err := provider.Leaver.BeginLogout(ctx, *id, ticket.Handle)
	if err != nil {
		return session.Ticket{}, idp.Redirect{}, err
	}
	state[leaving] = "1"
	return ticket, next, p.Logins.Keep(ctx, ticket, session.Pending{Provider: provider.ID, State: state})
}

// farewell takes a provider's answer to a sign-out that this browser began, once. What does not verify is refused, and
// said as what it is: nobody knows whether the provider's session is over.
func (p *Portal) farewell(r *http.Request, door string, provider *Provider, handle string, back idp.Callback) (answer, error) {
	asked, partly := false, false
	_, err := p.run(r, door, "logout-answer", func(ctx context.Context, v *broker.Visit) (answer, error) {
		pending, solicited, err := p.take(ctx, r, handle, provider)
		switch {
		case err != nil:
			return answer{}, err
		case !solicited || !isLeaving(pending) || provider.Leaver == nil:
			return answer{}, broker.Refuse(broker.CodeInvalidToken, "the answer belongs to no sign-out that was begun in this browser", nil)
		}
		asked = true
		partly, err = v.FinishLogout(ctx, provider.ID, func(ctx context.Context) (bool, error) {
			return provider.Leaver.FinishLogout(ctx, pending.State, back)
		})
		return answer{}, err
	})
	if !asked {
		return answer{}, err
	}
	view := goodbyeView{Name: provider.Name, Provider: providerLeft}
	if partly {
		view.Provider = providerPartly
	}
	status := http.StatusOK
	var e *broker.Error
	if errors.As(err, &e) {
		view.Provider, status = providerUnsure, api.Status(e.Code)
	}
	out := p.goodbye(view)
	out.status, out.cookies = status, []*http.Cookie{p.Cookies.EndLogin(handle)}
	return out, nil
}
