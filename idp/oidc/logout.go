package oidc

import (
	"context"
	"crypto/subtle"
	"net/url"
	"time"

	"github.com/fedbroker/fedbroker/idp"
)

var (
	_ idp.Leaver       = (*Login)(nil)
	_ idp.LogoutReader = (*Login)(nil)
)

const (
	leaveToken  = "id_token" // key of Identity.Leave
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// BeginLogout makes the request of RP-Initiated Logout 1.0 (section 2). It is sent by POST, so that the ID token, which
// tells the provider whose session is meant, stands in no URL, history or log.
func (l *Login) BeginLogout(ctx context.Context, id idp.Identity, handle string) (idp.Redirect, idp.State, error) {
	if id.Leave[leaveToken] == "" {
		return idp.Redirect{}, nil, idp.ErrStays
	}
	meta, err := l.provider.current(ctx)
	if err != nil {
		return idp.Redirect{}, nil, err
	}
	if meta.endSession == "" {
		return idp.Redirect{}, nil, idp.ErrStays
	}
	form := url.Values{
		"id_token_hint": {id.Leave[leaveToken]}, "client_id": {l.opts.ClientID},
		"post_logout_redirect_uri": {l.opts.RedirectURL}, "state": {handle},
	}
	return idp.Redirect{URL: meta.endSession, Form: form}, idp.State{stateHandle: handle}, nil
}

// FinishLogout takes the person's way back (RP-Initiated Logout 1.0 section 3). The provider says nothing on it but
// the state: that it came back is what there is to know.
func (l *Login) FinishLogout(_ context.Context, state idp.State, back idp.Callback) (partly bool, err error) {
	want, got := state[stateHandle], back.Form["state"]
	if want == "" || len(got) != 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(want)) != 1 {
		return false, invalid("the answer belongs to another sign-out")
	}
	return false, nil
}

// ReadLogout verifies a logout token (Back-Channel Logout 1.0 section 2.6), as ID tokens are verified but for what
// sets it apart: its type, its event, and a nonce that it must not have, so that no ID token passes for one.
func (l *Login) ReadLogout(ctx context.Context, back idp.Callback) (idp.Logout, error) {
	raw := back.Form["logout_token"]
	if len(raw) != 1 {
		return idp.Logout{}, invalid("the request must carry one logout_token")
	}
	t, err := parseTyped(raw[0], func(typ string) bool { return typ == "logout+jwt" })
	if err != nil {
		return idp.Logout{}, err
	}
	claims, err := l.tokens.verified(ctx, t)
	if err != nil {
		return idp.Logout{}, err
	}
	if err := checkLogout(claims); err != nil {
		return idp.Logout{}, err
	}
	out := idp.Logout{Provider: l.opts.ID, Issuer: l.opts.Issuer}
	if out.Subject, out.SessionIDs, err = whoseLogout(claims); err != nil {
		return idp.Logout{}, err
	}
	issued, until, err := logoutTimes(claims, l.tokens.opts)
	if err != nil {
		return idp.Logout{}, err
	}
	out.Proof, err = proofOf(t, claims, times{issued, until}, true)
	return out, err
}

// checkLogout holds a token to what only logout tokens have (section 2.4).
func checkLogout(c idp.Claims) error {
	if _, given := c.Get("nonce"); given {
		return invalid("a logout token must not have a nonce")
	}
	events, _ := c.Get("events")
	all, _ := events.(map[string]any)
	if _, ok := all[logoutEvent].(map[string]any); !ok {
		return invalid("the token is not a logout token: it has no such event")
	}
	if c.Text("jti") == "" {
		return invalid("the logout token has no id")
	}
	return nil
}

// whoseLogout reads sub and sid, of which at least one must be there.
func whoseLogout(c idp.Claims) (subject string, sessions []string, err error) {
	_, hasSubject := c.Get("sub")
	_, hasSession := c.Get("sid")
	sid := c.Text("sid")
	switch subject = c.Text("sub"); {
	case !hasSubject && !hasSession:
		return "", nil, invalid("the logout token names neither a person nor a session")
	case hasSubject && !plainText(subject, maxSubjectBytes), hasSession && !plainText(sid, maxIDBytes):
		return "", nil, invalid("the logout token's subject or session is malformed")
	case hasSession:
		sessions = []string{sid}
	}
	return subject, sessions, nil
}

// logoutTimes bounds a token by its iat, which is required, and its exp, which older providers leave out. until is when
// the token stops being taken.
func logoutTimes(c idp.Claims, o Options) (issued, until time.Time, err error) {
	issued, errIssued := numericDate(c, "iat")
	expires, errExpires := numericDate(c, "exp")
	until = issued.Add(o.MaxAge)
	if !expires.IsZero() && expires.Before(until) {
		until = expires
	}
	until = until.Add(o.Skew)
	now := o.Clock()
	switch {
	case errIssued != nil || errExpires != nil || issued.IsZero():
		return issued, until, invalid("a date of the logout token is missing or malformed")
	case issued.After(now.Add(o.Skew)):
		return issued, until, invalid("the logout token is not valid yet")
	case !now.Before(until):
		return issued, until, idp.Refuse(idp.KindExpired, "the logout token has expired", nil)
	}
	return issued, until, nil
}

// leave adds what it takes to end the provider's session, and by which name the provider may end it itself.
func (l *Login) leave(id *idp.Identity, idToken string) {
	if sid := id.Claims.Text("sid"); plainText(sid, maxIDBytes) {
		id.SessionID = sid
	}
	if l.opts.Leave {
		id.Leave = idp.State{leaveToken: idToken}
	}
}
