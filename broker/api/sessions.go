package api

import (
	"context"
	"errors"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
)

// Sessions lists one's own login sessions, the latest login first.
type Sessions struct {
	Sessions []Session `json:"sessions"`
}

// Session is one login session: a browser, or a command line by the name that it gave itself. ID opens nothing.
type Session struct {
	ID       string    `json:"id"`
	Client   string    `json:"client,omitempty"`
	Remote   string    `json:"remote,omitempty"`
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"last_used"`
	Expires  time.Time `json:"expires"`
	// Current is the session that asks.
	Current bool `json:"current,omitempty"`
}

// own is the login session that asks: people have one, machines have none.
func (a *API) own(req *request) (session.Session, error) {
	if req.login.ID == "" {
		return session.Session{}, broker.Refuse(broker.CodeInvalidRequest, "only a person who signed in has login sessions", nil)
	}
	return req.login, nil
}

func (a *API) sessions(ctx context.Context, _ *broker.Visit, req *request) (any, error) {
	here, err := a.own(req)
	if err != nil {
		return nil, err
	}
	list, err := a.Sessions.List(ctx, here)
	if err != nil {
		return nil, broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
	}
	out := Sessions{Sessions: []Session{}}
	for _, s := range list {
		out.Sessions = append(out.Sessions, Session{
			ID: s.ID, Client: s.Origin.Client, Remote: s.Origin.Remote, Created: s.Created, LastUsed: s.LastUsed, Expires: s.Expires, Current: s.ID == here.ID,
		})
	}
	return out, nil
}

// endSession ends one of one's own sessions, also the one that asks. What is not there and what is somebody else's are
// refused in the same words.
func (a *API) endSession(ctx context.Context, v *broker.Visit, req *request) (any, error) {
	here, err := a.own(req)
	if err != nil {
		return nil, err
	}
	v.Ended(req.path)
	err = a.Sessions.EndOwn(ctx, here, req.path)
	switch {
	case errors.Is(err, session.ErrNone):
		return nil, broker.Refuse(broker.CodeInvalidRequest, "you have no session of this id; GET /api/v1/sessions lists yours", nil)
	case err != nil:
		return nil, broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; the session may go on", err)
	}
	return nil, nil
}
