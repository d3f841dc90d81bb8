package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/broker/session"
)

const sessions = "GET /api/v1/sessions"

func endOf(id string) string { return "DELETE /api/v1/sessions/" + id }

func TestSessions(t *testing.T) {
	d := newDoor(t)
	here := d.login()
	own, err := d.Sessions.Get(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := d.Sessions.Derive(t.Context(), own, session.Origin{Client: "fedbroker", Remote: "192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	w := d.send(sessions, "", cookie(here))
	got := decode[api.Sessions](t, w)
	validate(t, "GET", "/api/v1/sessions", w)
	if len(got.Sessions) != 2 {
		t.Fatalf("%+v", got)
	}
	at := slices.IndexFunc(got.Sessions, func(s api.Session) bool { return s.ID == terminal.ID })
	if at < 0 || got.Sessions[at].Client != "fedbroker" || got.Sessions[at].Remote != "192.0.2.7" || got.Sessions[at].Current || !got.Sessions[1-at].Current || got.Sessions[1-at].ID != own.ID {
		t.Errorf("%+v", got)
	}
	if w := d.send(endOf(terminal.ID), "", cookie(here), ownPage); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if e := d.Audit.Last(); e.Action != "end-session" || !slices.Equal(e.Ended, []string{terminal.ID}) || e.Session != own.ID {
		t.Errorf("record %+v", e)
	}
	if left := decode[api.Sessions](t, d.send(sessions, "", cookie(here))); len(left.Sessions) != 1 {
		t.Errorf("%+v", left)
	}
}

func TestSessionsRefuse(t *testing.T) {
	d := newDoor(t)
	here := d.login()
	bob := alice()
	bob.Subject = "bob"
	_, others, err := d.Sessions.Create(t.Context(), bob, session.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	own, err := d.Sessions.Get(t.Context(), here)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		route  string
		edits  []edit
		status int
		code   broker.Code
	}{
		"a machine lists":               {sessions, []edit{bearer(d.Token())}, 400, "invalid_request"},
		"a machine ends":                {endOf(own.ID), []edit{bearer(d.Token())}, 400, "invalid_request"},
		"nobody":                        {sessions, nil, 401, "login_required"},
		"everybody's":                   {sessions + "?all", []edit{cookie(here)}, 403, "not_authorized"},
		"somebody else's":               {endOf(others.ID), []edit{cookie(here), ownPage}, 400, "invalid_request"},
		"none":                          {endOf(strings.Repeat("0", 64)), []edit{cookie(here), ownPage}, 400, "invalid_request"},
		"by a cookie from another site": {endOf(own.ID), []edit{cookie(here), header("Origin", "https://evil.test")}, 400, "invalid_request"},
		"by a cookie from no page":      {endOf(own.ID), []edit{cookie(here)}, 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			wantProblem(t, d.send(c.route, "", c.edits...), c.status, c.code)
		})
	}
	for _, id := range []string{own.ID, others.ID} {
		if _, err := d.Sessions.Find(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}
