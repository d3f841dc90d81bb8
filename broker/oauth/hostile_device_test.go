package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
)

func (p person) typed(code string, edits ...edit) *httptest.ResponseRecorder {
	p.t.Helper()
	return p.post("/device", url.Values{"code": {code}}, edits...)
}

func asksForCode(w *httptest.ResponseRecorder) bool {
	return w.Code == http.StatusOK && strings.Contains(w.Body.String(), `<input type="text"`) && !approval.MatchString(w.Body.String())
}

// TestAnotherAddressMustType: a link fills nothing in where device and person have different addresses, and does not
// say whether its code is good; typing shows the address, with a warning.
func TestAnotherAddressMustType(t *testing.T) {
	s := newSite(t)
	c, p := s.headless(), s.person("alice")
	d := c.start(from("203.0.113.9"))
	linked := p.get("/device?user_code=" + d.user)
	if !asksForCode(linked) || strings.Contains(linked.Body.String(), d.user) || strings.Contains(linked.Body.String(), "botocore") || strings.Contains(linked.Body.String(), "203.0.113.9") {
		t.Fatalf("the link shows %s", linked.Body)
	}
	if unknown := p.get("/device?user_code=BCDF-GHJK"); unknown.Body.String() != linked.Body.String() {
		t.Error("a good code's link shows another page than a bad one's")
	}
	page := p.typed(strings.ToLower(strings.ReplaceAll(d.user, "-", " ")))
	for _, want := range []string{d.user, "203.0.113.9", "botocore-client-1764072000", "another address than yours", "alice"} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page lacks %q: %s", want, page.Body)
		}
	}
	p.press(page, "approve")
	s.wantAlive(tokensOf(t, c.poll(d)).access, "alice")
	same := p.get("/device?user_code=" + c.start().user)
	if strings.Contains(same.Body.String(), "another address") || !approval.MatchString(same.Body.String()) {
		t.Errorf("from one address: %s", same.Body)
	}
}

// TestAProxysWordCountsOnlyWhereItIsTrusted: nobody makes the addresses equal by a header.
func TestAForwardedAddressIsNotBelieved(t *testing.T) {
	s := newSite(t)
	d := s.headless().start(from("203.0.113.9"), header("X-Forwarded-For", "192.0.2.1"))
	if w := s.person("alice").get("/device?user_code=" + d.user); !asksForCode(w) {
		t.Errorf("%s", w.Body)
	}
}

func TestDeviceCodesEnd(t *testing.T) {
	t.Run("denied", func(t *testing.T) {
		s := newSite(t)
		c, p := s.headless(), s.person("alice")
		d := c.start()
		w := p.press(p.typed(d.user), "deny")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Nothing was allowed") || s.Audit.Last().Outcome != "not_authorized" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		for range 2 {
			wantFault(t, c.poll(d), 400, "AccessDeniedException", "access_denied")
		}
		if w := p.post("/device", url.Values{"code": {d.user}, "session": {p.login.ID}, "decision": {"approve"}}); !asksForCode(w) {
			t.Errorf("approved after it was denied: %s", w.Body)
		}
	})
	t.Run("expired", func(t *testing.T) {
		s := newSite(t)
		c, p := s.headless(), s.person("alice")
		d := c.start()
		page := p.typed(d.user)
		s.Pass(10*time.Minute - time.Second)
		wantFault(t, c.poll(d), 400, "AuthorizationPendingException", "authorization_pending")
		s.Pass(time.Second)
		wantFault(t, c.poll(d), 400, "ExpiredTokenException", "expired_token")
		if w := p.press(page, "approve"); !asksForCode(w) {
			t.Errorf("approved when it was over: %s", w.Body)
		}
		wantFault(t, c.poll(d), 400, "ExpiredTokenException", "expired_token")
	})
	t.Run("a user code is used once", func(t *testing.T) {
		s := newSite(t)
		c, alice, bob := s.headless(), s.person("alice"), s.person("bob")
		d := c.start()
		mine, theirs := alice.typed(d.user), bob.typed(d.user)
		alice.press(mine, "approve")
		if w := bob.press(theirs, "approve"); !asksForCode(w) {
			t.Errorf("approved twice: %s", w.Body)
		}
		if w := bob.typed(d.user); !asksForCode(w) {
			t.Errorf("a used code still shows: %s", w.Body)
		}
		s.wantAlive(tokensOf(t, c.poll(d)).access, "alice")
	})
	t.Run("signed out since", func(t *testing.T) {
		s := newSite(t)
		c, p := s.headless(), s.person("alice")
		d := c.start()
		p.press(p.typed(d.user), "approve")
		s.must(s.Sessions.End(t.Context(), p.token))
		noGrant(t, c.poll(d))
	})
}

func TestForeignDeviceCodes(t *testing.T) {
	s := newSite(t)
	c, p := s.headless(), s.person("alice")
	d := c.start()
	p.press(p.typed(d.user), "approve")
	noGrant(t, s.headless().poll(d))
	for _, other := range []string{d.user, "fbd_" + strings.Repeat("A", 43), "fba_" + strings.TrimPrefix(d.device, "fbd_"), p.token.Reveal()} {
		noGrant(t, c.poll(started{device: other}))
	}
	for _, other := range altered(d.device)[1:] {
		s.Pass(60 * time.Millisecond)
		if w := c.poll(started{device: other}); w.Code != http.StatusBadRequest {
			t.Fatalf("%q: %d", other, w.Code)
		}
	}
	tokensOf(t, c.poll(d))
}

func TestTwentyPollAnApprovedDevice(t *testing.T) {
	s := newSite(t)
	c, p := s.headless(), s.person("alice")
	d := c.start()
	p.press(p.typed(d.user), "approve")
	got := 0
	for _, w := range together(20, func() *httptest.ResponseRecorder { return c.poll(d) }) {
		if w.Code == http.StatusOK {
			got++
		}
	}
	if got != 1 {
		t.Errorf("%d of 20 got tokens", got)
	}
}

// TestPolledTooFast: three at once pass, then one in two seconds.
func TestPolledTooFast(t *testing.T) {
	s := newSite(t)
	c := s.headless()
	d, other := c.start(), c.start()
	for range 3 {
		wantFault(t, c.poll(d), 400, "AuthorizationPendingException", "authorization_pending")
	}
	for range 3 {
		wantFault(t, c.poll(d), 400, "SlowDownException", "slow_down")
	}
	wantFault(t, c.poll(other), 400, "AuthorizationPendingException", "authorization_pending")
	s.Pass(2 * time.Second)
	wantFault(t, c.poll(d), 400, "AuthorizationPendingException", "authorization_pending")
	wantFault(t, c.poll(d), 400, "SlowDownException", "slow_down")
	s.Pass(time.Minute) // quiet does not save up more than at the start
	for range 3 {
		wantFault(t, c.poll(d), 400, "AuthorizationPendingException", "authorization_pending")
	}
	wantFault(t, c.poll(d), 400, "SlowDownException", "slow_down")
}

// TestGuessedCodesAreBounded: ten tries in ten minutes for one person, at whatever page and in however many sessions.
func TestGuessedCodesAreBounded(t *testing.T) {
	s := newSite(t)
	d := s.headless().start()
	p, again := s.person("alice"), s.person("alice")
	for i := range 10 {
		s.Pass(time.Second)
		var w *httptest.ResponseRecorder
		switch i % 4 {
		case 0:
			w = p.typed("BCDF-GHJ" + string("BCDFGHJKLM"[i]))
		case 1:
			w = again.typed("not a code")
		case 2:
			w = p.get("/device?user_code=BCDF-GHJK")
		default:
			w = again.post("/device", url.Values{"code": {"BCDF-GHJK"}, "decision": {"approve"}, "session": {again.login.ID}})
		}
		if !asksForCode(w) {
			t.Fatalf("try %d: %d %s", i, w.Code, w.Body)
		}
	}
	for _, w := range []*httptest.ResponseRecorder{
		p.typed(d.user), again.typed(d.user), p.get("/device?user_code=" + d.user),
		p.post("/device", url.Values{"code": {d.user}, "decision": {"approve"}, "session": {p.login.ID}}),
	} {
		if w.Code != http.StatusTooManyRequests || approval.MatchString(w.Body.String()) {
			t.Errorf("the eleventh try: %d %s", w.Code, w.Body)
		}
	}
	if w := s.person("bob").typed(d.user); !approval.MatchString(w.Body.String()) {
		t.Errorf("another person pays: %d", w.Code)
	}
	s.Pass(10 * time.Minute)
	if w := s.person("alice").typed(s.headless().start().user); !approval.MatchString(w.Body.String()) {
		t.Errorf("ten minutes later: %d", w.Code)
	}
}

// TestOneAddressEntersSoManyCodes: many people at one address do not get more than it may.
func TestOneAddressEntersSoManyCodes(t *testing.T) {
	s := newSite(t)
	refused := 0
	for i := range 30 {
		p := s.person("p" + string(rune('a'+i)))
		if w := p.typed("BCDF-GHJK"); w.Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d of 30 refused", refused)
	}
}

// TestDeviceApprovalIsAPersonsOwn: a form of another site approves nothing, nor does a link.
func TestDeviceApprovalIsAPersonsOwn(t *testing.T) {
	s := newSite(t)
	c, alice, bob := s.headless(), s.person("alice"), s.person("bob")
	d := c.start()
	form := fields(alice.typed(d.user))
	form.Set("decision", "approve")
	asForm, ours := header("Content-Type", "application/x-www-form-urlencoded"), header("Origin", doortest.PublicURL)
	for name, edits := range map[string][]edit{
		"another site": {asForm, alice.cookie(), header("Origin", "https://evil.test")},
		"no origin":    {asForm, alice.cookie()},
		"no login":     {asForm, ours},
		"another's":    {asForm, ours, bob.cookie()},
	} {
		if w := s.send("POST", "/device", form.Encode(), edits...); w.Code != http.StatusBadRequest && w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	for _, target := range []string{"/device?" + form.Encode(), "/device?user_code=" + d.user + "&decision=approve", "/device?user_code=a&user_code=b"} {
		if w := alice.get(target); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	wantFault(t, c.poll(d), 400, "AuthorizationPendingException", "authorization_pending")
	if w := alice.post("/device", form); w.Code != http.StatusOK || asksForCode(w) {
		t.Errorf("the form itself is not good: %d", w.Code)
	}
	tokensOf(t, c.poll(d))
}
