package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// home lists a signed-in person's roles by account, or shows those that a link leads to.
func (p *Portal) home(_ http.ResponseWriter, r *http.Request) (answer, error) {
	return p.ownPage(r, "roles", func(ctx context.Context, v *broker.Visit, _ session.Session) (answer, error) {
		out, err := p.start(ctx, v, r.URL.Query())
		out.pack, out.forms = takesGzip(r), p.ConsoleOrigins
		return out, err
	})
}

// ownPage shows a page of whoever is signed in. Who is not goes to sign in, and comes back.
func (p *Portal) ownPage(r *http.Request, action string, steps func(context.Context, *broker.Visit, session.Session) (answer, error)) (answer, error) {
	token, ok := p.Cookies.ReadSession(r)
	if !ok {
		return toLogin(r), nil
	}
	out, err := p.run(r, "portal", action, func(ctx context.Context, v *broker.Visit) (answer, error) {
		s, err := p.resume(ctx, v, token)
		if err != nil {
			return answer{}, err
		}
		out, err := steps(ctx, v, s)
		out.person = p.person(&s)
		return out, err
	})
	if sessionOver(err) {
		out = toLogin(r)
		out.cookies = []*http.Cookie{p.Cookies.EndSession()}
		return out, nil
	}
	return out, err
}

func (p *Portal) start(ctx context.Context, v *broker.Visit, query url.Values) (answer, error) {
	decision, err := v.Decide()
	if err != nil {
		return answer{}, err
	}
	l, err := linkIn(query)
	switch {
	case err != nil:
		return answer{}, err
	case l != nil:
		return p.linked(ctx, v, decision, l)
	}
	q, err := parseQuery(query.Get("q"))
	if err != nil {
		return answer{}, err
	}
	view, err := p.homeView(ctx, v, decision, q)
	return answer{template: "home.html", data: view, console: p.consoleHelp(decision.Grants)}, err
}

// toLogin keeps where the person wanted to go, but nothing that an AWS client sent here by mistake: its query may hold
// a token, and would go on into logs.
func toLogin(r *http.Request) answer {
	if r.URL.RawQuery == "" || r.URL.Query().Has("Action") {
		return seeOther("/login")
	}
	return seeOther("/login?return=" + url.QueryEscape(r.URL.RequestURI()))
}

// resume continues with the identity of the login session that a token stands for.
func (p *Portal) resume(ctx context.Context, v *broker.Visit, token secret.Text) (session.Session, error) {
	s, err := p.Sessions.Get(ctx, token)
	switch {
	case errors.Is(err, session.ErrNone):
		return s, broker.Refuse(broker.CodeLoginRequired, "your login session is over; sign in again", nil)
	case err != nil:
		return s, storeDown(err)
	}
	v.Resume(&s.Identity, s.ID, s.Expires)
	return s, nil
}

// posted reads a form of one of our own pages, and continues with the session of who sent it.
func (p *Portal) posted(ctx context.Context, w http.ResponseWriter, r *http.Request, v *broker.Visit) (url.Values, session.Session, error) {
	form, err := p.ownForm(w, r)
	if err != nil {
		return nil, session.Session{}, err
	}
	token, _ := p.Cookies.ReadSession(r) // no token has no session
	s, err := p.resume(ctx, v, token)
	return form, s, err
}

func storeDown(err error) error {
	return broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
}

// sessionOver reports whether a request was refused because nobody is signed in.
func sessionOver(err error) bool {
	var e *broker.Error
	return errors.As(err, &e) && e.Code == broker.CodeLoginRequired
}
