package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
)

var sessionField = regexp.MustCompile(`name="session" value="([0-9a-f]{64})"`)

// listed returns the ids on the page of one's sessions, the latest login first.
func (b *browser) listed() []string {
	b.t.Helper()
	w := b.get("/sessions")
	if w.Code != http.StatusOK {
		b.t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	var ids []string
	for _, m := range sessionField.FindAllStringSubmatch(w.Body.String(), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func TestSessionsAreSeenAndEnded(t *testing.T) {
	s := newSite(t)
	here := s.browser()
	here.login("alice")
	s.Pass(time.Minute)
	there := s.browser()
	there.login("alice")
	bob := s.browser()
	bob.login("bob")

	ids := here.listed()
	if len(ids) != 2 || !slices.Equal(ids, there.listed()) || len(bob.listed()) != 1 {
		t.Fatalf("%d, %d and %d sessions", len(ids), len(there.listed()), len(bob.listed()))
	}
	if w := here.get("/sessions"); strings.Count(w.Body.String(), "this one") != 1 || !strings.Contains(w.Body.String(), "192.0.2.1") {
		t.Errorf("%s", w.Body)
	}
	wantRedirect(t, here.post("/sessions", url.Values{"session": {ids[0]}}), "/sessions")
	if e := s.Audit.Last(); e.Action != "end-session" || e.Outcome != "ok" || !slices.Equal(e.Ended, ids[:1]) || e.Session != ids[1] {
		t.Errorf("record %+v", e)
	}
	if there.signedIn() != "" || here.signedIn() != "alice" || bob.signedIn() != "bob" {
		t.Error("the wrong session ended")
	}
	// Ending the one that asks is signing out.
	w := here.post("/sessions", url.Values{"session": {ids[1]}})
	if w.Code != http.StatusOK || here.jar["__Host-session"] != nil || here.signedIn() != "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantRedirect(t, here.get("/sessions"), "/login")
}

func TestAllOtherSessionsEnd(t *testing.T) {
	s := newSite(t)
	here, there, bob := s.browser(), s.browser(), s.browser()
	here.login("alice")
	there.login("alice")
	bob.login("bob")
	wantRedirect(t, here.post("/sessions", url.Values{"others": {"yes"}}), "/sessions")
	if e := s.Audit.Last(); len(e.Ended) != 1 {
		t.Errorf("record %+v", e)
	}
	if here.signedIn() != "alice" || there.signedIn() != "" || bob.signedIn() != "bob" {
		t.Error("the wrong sessions ended")
	}
}

// TestOnlyOnesOwnSessionsEnd: another person's session, another site's form, and nonsense.
func TestOnlyOnesOwnSessionsEnd(t *testing.T) {
	s := newSite(t)
	here, bob := s.browser(), s.browser()
	here.login("alice")
	bob.login("bob")
	others := bob.listed()[0]
	for _, form := range []url.Values{
		{"session": {others}},
		{"session": {strings.Repeat("0", 64)}},
		{"session": {"../" + others}},
		{"session": {here.listed()[0]}, "others": {"yes"}},
		{"others": {"true"}},
		{},
	} {
		wantRefusal(t, here.post("/sessions", form), 400, "invalid_request")
	}
	for _, form := range []url.Values{{"others": {"yes"}}, {"session": {here.listed()[0]}}} {
		r := here.request("POST", "/sessions", form)
		r.Header.Set("Origin", "https://evil.test")
		wantRefusal(t, here.send(r, false), 400, "invalid_request")
	}
	if here.signedIn() != "alice" || bob.signedIn() != "bob" {
		t.Error("a session ended")
	}
	stranger := s.browser()
	if w := stranger.post("/sessions", url.Values{"session": {others}}); w.Code != http.StatusOK || bob.signedIn() != "bob" {
		t.Errorf("a stranger: %d", w.Code)
	}
}

// TestSessionsOutage: what cannot be known is not shown, what was not ended is not called so.
func TestSessionsOutage(t *testing.T) {
	for after := range 4 { // look-up, activity, slots, sessions
		s := newSite(t)
		b := s.browser()
		b.login("alice")
		id := b.listed()[0]
		b.Pass(2 * time.Minute)
		s.Store.Break(after)
		wantRefusal(t, b.get("/sessions"), 503, "store_unavailable")
		s.Store.Mend()
		b.Pass(2 * time.Minute)
		s.Store.Break(after)
		wantRefusal(t, b.post("/sessions", url.Values{"session": {id}}), 503, "store_unavailable")
		if s.Store.Mend(); b.signedIn() != "alice" {
			t.Errorf("after %d: alice is signed out", after)
		}
	}
}

func TestSessionNames(t *testing.T) {
	const mozilla = "Mozilla/5.0 "
	s := newSite(t)
	b := s.browser()
	b.login("alice")
	own, err := s.Sessions.Get(t.Context(), secret.New(b.jar["__Host-session"].Value))
	if err != nil {
		t.Fatal(err)
	}
	for agent, want := range map[string]string{
		mozilla + "(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0": "Edge on Windows",
		mozilla + "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15": "Safari on macOS",
		mozilla + "(iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 FxiOS/130.0 Mobile Safari/605.1.15":        "Firefox on iPhone",
		mozilla + "(X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0":                                                "Firefox on Linux",
		mozilla + "(Linux; Android 14) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36":                                  "Chrome on Android",
		"curl/8.0":                           "A browser",
		"":                                   "A browser",
		"<script>alert(1)</script> Chrome/1": "Chrome",
	} {
		if _, _, err := s.Sessions.Create(t.Context(), own.Identity, session.Origin{Agent: agent}); err != nil {
			t.Fatal(err)
		}
		if page := b.get("/sessions").Body.String(); !strings.Contains(page, `<span class="role">`+want+`</span>`) || strings.Contains(page, "<script>alert") {
			t.Errorf("%q is not shown as %q:\n%s", agent, want, page)
		}
		if _, err := s.Sessions.EndOthers(t.Context(), own); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Sessions.Derive(t.Context(), own, session.Origin{Client: "<b>aws-cli"}); err != nil {
		t.Fatal(err)
	}
	if page := b.get("/sessions").Body.String(); !strings.Contains(page, "Command line: &lt;b&gt;aws-cli") {
		t.Errorf("%s", page)
	}
}
