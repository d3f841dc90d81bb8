package portal_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
)

// FuzzACSForm: what nobody signed for us signs nobody in, and is refused without a fault of ours.
func FuzzACSForm(f *testing.F) {
	s := newSite(f)
	b := s.browser()
	a := b.begin("")
	form := func(response string) string {
		return url.Values{"SAMLResponse": {response}, "RelayState": {a.relay}}.Encode()
	}
	f.Add(form(s.Corp.Respond(f, doortest.Answer("other", "alice", a.request)))) // signed, for somebody else
	f.Add(form(s.Other.Respond(f, doortest.Answer("corp", "alice", a.request)))) // signed by somebody else
	unsigned := doortest.Answer("corp", "alice", a.request)
	unsigned.SignAssertion = false
	f.Add(form(s.Corp.Respond(f, unsigned)))
	f.Add("SAMLResponse=x&SAMLResponse=y")
	f.Add("SAMLResponse=%zz&RelayState=" + a.relay)
	f.Add("RelayState=" + a.relay + ";SAMLResponse=x")
	f.Add(strings.Repeat("a&", 70))
	f.Fuzz(func(t *testing.T, body string) {
		// The attempt's cookie comes with each, as often as it takes.
		ticket := s.attempt(t)
		body = strings.ReplaceAll(body, a.relay, ticket.Handle)
		r := httptest.NewRequest("POST", "/saml/corp/acs", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", s.Cookies.Login(ticket).Name+"="+ticket.Secret.Reveal())
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != 400 && w.Code != 401 || len(w.Result().Cookies()) > 0 {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		safe(t, w, false)
	})
}

// FuzzLink: whatever an address of the start page asks for, it issues nothing, leads nowhere else, and what it says is on
// the page as text only.
func FuzzLink(f *testing.F) {
	s := newSite(f)
	b := s.browser()
	b.login("alice")
	for _, query := range []string{
		"role=prod/reader", "arn=arn:aws:iam::111122223333:role/Reader&service=s3", "role=x&role=y", "destination=%00", "arn=arn:::::", "role=prod/reader&region=eu-west-1;x", "service=%zz",
		"destination=" + url.QueryEscape(hostile), "role=" + url.QueryEscape(hostile), "role=prod/reader&destination=" + url.QueryEscape("https://console.aws.amazon.com/"+hostile),
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		for _, c := range b.jar {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code >= 500 || w.Code == http.StatusSeeOther || len(s.STS.Calls()) > 0 {
			t.Errorf("%d to %q, %d calls", w.Code, w.Header().Get("Location"), len(s.STS.Calls()))
		}
		safe(t, w, false)
	})
}

// attempt keeps a pending login of corp and returns its ticket.
func (s *site) attempt(t testing.TB) session.Ticket {
	t.Helper()
	ticket, err := s.Logins.Ticket()
	if err != nil {
		t.Fatal(err)
	}
	pending := session.Pending{Provider: "corp", State: idp.State{"request_id": "_request"}}
	if err := s.Logins.Keep(t.Context(), ticket, pending); err != nil {
		t.Fatal(err)
	}
	return ticket
}
