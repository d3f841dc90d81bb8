package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/session"
)

func newCookies(t *testing.T, o session.CookieOptions) session.Cookies {
	t.Helper()
	c, err := session.NewCookies(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCookieFlags(t *testing.T) {
	c := newCookies(t, session.CookieOptions{})
	l := newFixture(t).logins()
	ticket, err := l.Ticket()
	if err != nil {
		t.Fatal(err)
	}
	for want, got := range map[string]*http.Cookie{
		"__Host-session=tok; Path=/; HttpOnly; Secure; SameSite=Lax":                                                              c.Session(text("tok")),
		"__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax":                                                      c.EndSession(),
		"__Host-login-" + ticket.Handle + "=" + ticket.Secret.Reveal() + "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=None": c.Login(ticket),
		"__Host-login-" + ticket.Handle + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None":                                 c.EndLogin(ticket.Handle),
	} {
		if got.String() != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestCookieNames(t *testing.T) {
	own := newCookies(t, session.CookieOptions{Session: "__Host-demo", LoginPrefix: "__Host-demo-login-"})
	if name := own.Session(text("t")).Name; name != "__Host-demo" {
		t.Errorf("session cookie %q", name)
	}
	for _, bad := range []string{"session", "__Secure-session", "__host-session", "__Host-", "__Host-a b", "__Host-a;b", "x__Host-a", "__Host-" + strings.Repeat("a", 41)} {
		if _, err := session.NewCookies(session.CookieOptions{Session: bad}); err == nil {
			t.Errorf("session cookie %q accepted", bad)
		}
		if _, err := session.NewCookies(session.CookieOptions{LoginPrefix: bad}); err == nil {
			t.Errorf("login cookie %q accepted", bad)
		}
	}
}

func TestReadCookies(t *testing.T) {
	c := newCookies(t, session.CookieOptions{})
	ticket, err := newFixture(t).logins().Ticket()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if _, ok := c.ReadSession(r); ok {
		t.Error("a session without a cookie")
	}
	if _, ok := c.ReadLogin(r, ticket.Handle); ok {
		t.Error("a login without a cookie")
	}
	r.AddCookie(c.Session(text("tok")))
	r.AddCookie(c.Login(ticket))
	if got, ok := c.ReadSession(r); !ok || got.Reveal() != "tok" {
		t.Error("the session's cookie is not read")
	}
	if got, ok := c.ReadLogin(r, ticket.Handle); !ok || got.Handle != ticket.Handle || !got.Secret.Equal(ticket.Secret) {
		t.Error("the login's cookie is not read")
	}
	for _, handle := range []string{"", "x", ticket.Handle + "A", "../../../../../../../a"} {
		if _, ok := c.ReadLogin(r, handle); ok {
			t.Errorf("handle %q read", handle)
		}
	}
	r.AddCookie(c.Session(text("other")))
	r.AddCookie(c.Login(session.Ticket{Handle: ticket.Handle, Secret: text("other")}))
	if _, ok := c.ReadSession(r); ok {
		t.Error("two sessions in one request: which one?")
	}
	if _, ok := c.ReadLogin(r, ticket.Handle); ok {
		t.Error("two login cookies in one request: which one?")
	}
	empty := httptest.NewRequest(http.MethodGet, "/", nil)
	empty.AddCookie(c.Session(text("")))
	if _, ok := c.ReadSession(empty); ok {
		t.Error("an empty session cookie")
	}
}
