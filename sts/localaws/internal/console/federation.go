package console

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// Limits of the federation endpoint (console fact sheet, sections 2 and 3).
const (
	minDuration    = 900
	maxDuration    = 43200
	signinTokenFor = 15 * time.Minute
)

// federation dispatches the actions of the federation endpoint, in a query or a form.
func (c *Console) federation(w http.ResponseWriter, r *http.Request) {
	body, err := wire.ReadBody(r)
	if err != nil {
		c.plain(w, r, wire.AsError(err).Message)
		return
	}
	query, err := wire.ParseRequest(r, body)
	if err != nil {
		c.plain(w, r, wire.AsError(err).Message)
		return
	}
	switch query.Action {
	case "getSigninToken":
		c.signinToken(w, r, query)
	case "login":
		c.login(w, r, query)
	case "logout":
		securityHeaders(w.Header())
		http.Redirect(w, r, "/oauth?Action=logout", http.StatusFound)
	default:
		c.plain(w, r, "Action must be getSigninToken, login or logout")
	}
}

// plain is the answer for a program; it never repeats what was sent.
func (c *Console) plain(w http.ResponseWriter, r *http.Request, text string) {
	c.Logger.InfoContext(r.Context(), "local AWS federation: refused", "reason", text)
	securityHeaders(w.Header())
	http.Error(w, text, http.StatusBadRequest)
}

// signinToken trades a role session's credentials for a sign-in token. Nothing is signed: the credentials themselves
// are the proof.
func (c *Console) signinToken(w http.ResponseWriter, r *http.Request, query *wire.Query) {
	now := c.Clock()
	held, refusal := c.credentials(query, now)
	if refusal != "" {
		c.plain(w, r, refusal)
		return
	}
	consoleFor, refusal := duration(query, held)
	if refusal != "" {
		c.plain(w, r, refusal)
		return
	}
	ticket := session.Ticket{Session: held, Expires: earlier(now.Add(signinTokenFor), held.Expires), ConsoleFor: consoleFor}
	token, err := c.store(c.signins, ticket, now)
	if err != nil {
		c.Logger.ErrorContext(r.Context(), "local AWS federation: no token", "error", err)
		http.Error(w, "no sign-in token could be made", http.StatusServiceUnavailable)
		return
	}
	c.Logger.InfoContext(r.Context(), "local AWS: GetSigninToken", "session", held.ARN)
	securityHeaders(w.Header())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"SigninToken": token})
}

func (c *Console) store(in *session.Tickets, ticket session.Ticket, now time.Time) (string, error) {
	token, err := c.Minter.URLToken()
	if err != nil {
		return "", err
	}
	return token, in.Put(token, ticket, now)
}

// credentials checks key id, secret, token and time. All failures read alike but the expired one.
func (c *Console) credentials(query *wire.Query, now time.Time) (*session.Session, string) {
	const refusal = "Session must be the JSON of live temporary credentials: sessionId, sessionKey, sessionToken"
	raw, _ := query.Get("Session")
	var sent map[string]string
	if err := json.Unmarshal([]byte(raw), &sent); err != nil || len(sent) != 3 {
		return nil, refusal
	}
	held, err := c.Sessions.Get(sent["sessionId"], sent["sessionToken"], now)
	if err != nil || !held.SecretIs(sent["sessionKey"]) {
		return nil, refusal
	}
	return held, ""
}

// duration reads SessionDuration; zero means the life of the credentials.
func duration(query *wire.Query, held *session.Session) (time.Duration, string) {
	seconds, asked, err := query.Int("SessionDuration")
	switch {
	case err != nil:
		return 0, "SessionDuration must be a number of seconds"
	case !asked:
		return 0, ""
	case held.Chained:
		return 0, "SessionDuration must not be sent with credentials from role chaining"
	case seconds < minDuration || seconds > maxDuration:
		return 0, "SessionDuration must be 900 to 43200 seconds"
	}
	return time.Duration(seconds) * time.Second, ""
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
