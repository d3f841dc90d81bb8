package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/web"
)

// maxLoginAge is how old a login may be that approves something (invariant 12).
const maxLoginAge = 15 * time.Minute

// instead is the cause of a refusal that has a better answer than the page of a refusal.
type instead struct{ answer answer }

func (*instead) Error() string { return "answered otherwise" }

// person continues with whoever is signed in, by a login that is young enough. back is where to go on after signing in;
// empty where a request cannot be taken up again.
func (s *Server) person(ctx context.Context, v visitor, back string) (session.Session, error) {
	token, ok := s.Cookies.ReadSession(v.r)
	if !ok {
		return session.Session{}, loginFirst(back)
	}
	login, err := s.Sessions.Get(ctx, token)
	switch {
	case errors.Is(err, session.ErrNone):
		return session.Session{}, loginFirst(back)
	case err != nil:
		return session.Session{}, storeDown(err)
	}
	v.Resume(&login.Identity, login.ID, login.Expires)
	if s.Clock().Sub(login.Created) >= maxLoginAge {
		return session.Session{}, loginFirst(back)
	}
	return login, nil
}

func loginFirst(back string) error {
	var cause error
	if back != "" {
		cause = &instead{answer{location: "/login?return=" + url.QueryEscape(back)}}
	}
	return broker.Refuse(broker.CodeLoginRequired, "this needs a login that is younger than fifteen minutes; sign in and begin again", cause)
}

// form reads a form that one of our own pages sent, with these fields and no other (invariant 8).
func (s *Server) form(v visitor, known ...string) (url.Values, error) {
	if !web.SameOrigin(v.r, s.PublicURL) {
		return nil, invalidRequest.refuse("this form did not come from the broker's own page")
	}
	form, err := web.Form(v.w, v.r, maxJSON)
	if err != nil {
		return nil, invalidRequest.refuse(err.Error())
	}
	return form, single(form, known...)
}

// query reads the parameters of a page's URL: these and no other.
func query(v visitor, known ...string) (url.Values, error) {
	if len(v.r.URL.RawQuery) > maxQuery {
		return nil, invalidRequest.refuse("the request is too long")
	}
	values, err := url.ParseQuery(v.r.URL.RawQuery)
	if err != nil {
		return nil, invalidRequest.refuse("the request cannot be decoded")
	}
	return values, single(values, known...)
}

// decided reads what a person said on a page of ours, in the session that the page was shown to.
func decided(form url.Values, login session.Session) (approved bool, err error) {
	if form.Get("session") != login.ID {
		return false, invalidRequest.refuse("somebody else has signed in since this page was shown; begin again")
	}
	switch form.Get("decision") {
	case "approve":
		return true, nil
	case "deny":
		return false, nil
	}
	return false, invalidRequest.refuse("decision must be approve or deny")
}

// request is what a person sees of what is asked: which client, from where, until when, and in whose name.
type request struct {
	Client, Remote string
	Person         string
	Lasts          string    // how long it can last at most
	Ends           time.Time // which is then
	Session        string    // which session this is shown to; opens nothing
}

func (s *Server) asked(client, remote string, login session.Session) request {
	return request{
		Client: client, Remote: remote, Person: displayName(&login.Identity),
		Lasts: inWords(login.Expires.Sub(s.Clock())), Ends: login.Expires, Session: login.ID,
	}
}

// inWords is a duration as people say it, to the minute below.
func inWords(d time.Duration) string {
	hours, minutes := int(d/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case hours == 0:
		return fmt.Sprintf("%d min", minutes)
	case minutes == 0:
		return fmt.Sprintf("%d h", hours)
	}
	return fmt.Sprintf("%d h %d min", hours, minutes)
}

func displayName(id *idp.Identity) string {
	for _, name := range []string{id.Username, id.Email} {
		if name != "" {
			return name
		}
	}
	return id.Subject
}
