package portal

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
)

// sessionsView is what sessions.html shows.
type sessionsView struct {
	Sessions []sessionView
	Others   bool
}

// sessionView is one login session. ID opens nothing; it names the session to end.
type sessionView struct {
	ID, Name, Remote         string
	Here                     bool
	Created, LastUsed, Until time.Time
}

// sessions lists one's own login sessions, command lines among them.
func (p *Portal) sessions(_ http.ResponseWriter, r *http.Request) (answer, error) {
	return p.ownPage(r, "sessions", func(ctx context.Context, _ *broker.Visit, here session.Session) (answer, error) {
		own, err := p.Sessions.List(ctx, here)
		if err != nil {
			return answer{}, storeDown(err)
		}
		view := sessionsView{Others: len(own) > 1}
		for i := range own {
			view.Sessions = append(view.Sessions, viewOf(&own[i], here.ID))
		}
		return answer{template: "sessions.html", data: view}, nil
	})
}

func viewOf(s *session.Session, here string) sessionView {
	name := browserName(s.Origin.Agent)
	if s.Origin.Client != "" {
		name = "Command line: " + s.Origin.Client
	}
	return sessionView{
		ID: s.ID, Name: name, Remote: s.Origin.Remote, Here: s.ID == here, Created: s.Created, LastUsed: s.LastUsed, Until: s.Expires,
	}
}

// endSessions ends one session, or all but the one that asks. Ending the one that asks is signing out.
func (p *Portal) endSessions(w http.ResponseWriter, r *http.Request) (answer, error) {
	var left *idp.Identity
	out, err := p.run(r, "portal", "end-session", func(ctx context.Context, v *broker.Visit) (answer, error) {
		form, here, err := p.posted(ctx, w, r, v)
		if err != nil {
			return answer{}, err
		}
		id, others := form.Get("session"), form.Get("others")
		switch {
		case others == "yes" && id == "":
			ended, err := p.Sessions.EndOthers(ctx, here)
			v.Ended(ended...)
			return afterEnding(err)
		case id == "" || others != "":
			return answer{}, bad("say which session to end")
		}
		ended, err := p.Sessions.EndOwn(ctx, here, id)
		v.Ended(ended...)
		if err == nil && id == here.ID {
			left = &here.Identity
		}
		return afterEnding(err)
	})
	switch {
	case sessionOver(err):
		return p.signedOut(goodbyeView{}), nil
	case err == nil && left != nil:
		return p.leave(r.Context(), left), nil
	}
	return out, err
}

// afterEnding goes back to the list. What is not there, or not one's own, is refused alike.
func afterEnding(err error) (answer, error) {
	switch {
	case errors.Is(err, session.ErrNone):
		return answer{}, bad("you have no such session; it may have ended by itself")
	case err != nil:
		return answer{}, broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; the session may go on", err)
	}
	return seeOther("/sessions"), nil
}
