package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/session"
)

func noGrant(t testing.TB, w *httptest.ResponseRecorder) {
	t.Helper()
	wantFault(t, w, 400, "InvalidGrantException", "invalid_grant")
}

// TestTheTokenBeforeGetsTheSameSuccessor: command lines race, for two minutes.
func TestTheTokenBeforeGetsTheSameSuccessor(t *testing.T) {
	s := newSite(t)
	c := s.terminal()
	first := c.login(s.person("alice"))
	second := tokensOf(t, c.refresh(first.refresh))
	for range 3 {
		s.Pass(39 * time.Second)
		again := tokensOf(t, c.refresh(first.refresh))
		if again.refresh != second.refresh || again.access == second.access {
			t.Fatalf("got %v, the successor is %v", again, second)
		}
	}
	s.wantAlive(second.access, "alice")
	s.Pass(2 * time.Second)
	third := tokensOf(t, c.refresh(second.refresh)) // it did rotate
	if third.refresh == second.refresh {
		t.Error("the successor does not rotate")
	}
}

// TestReuseEndsTheFamily: after two minutes, or when the successor was used.
func TestReuseEndsTheFamily(t *testing.T) {
	for name, steal := range map[string]func(s *site, c terminal, first held) (latest held){
		"after two minutes": func(s *site, c terminal, first held) held {
			latest := tokensOf(s.t, c.refresh(first.refresh))
			s.Pass(2 * time.Minute)
			return latest
		},
		"two generations back, at once": func(s *site, c terminal, first held) held {
			return tokensOf(s.t, c.refresh(tokensOf(s.t, c.refresh(first.refresh)).refresh))
		},
		"many generations back, hours later": func(s *site, c terminal, first held) held {
			latest := first
			for range 8 {
				s.Pass(55 * time.Minute)
				latest = tokensOf(s.t, c.refresh(latest.refresh))
			}
			return latest
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.t = t
			c, p := s.terminal(), s.person("alice")
			c.t = t
			first, other := c.login(p), s.terminal().login(p)
			latest := steal(s, c, first)
			s.wantAlive(latest.access, "alice")
			noGrant(t, c.refresh(first.refresh))
			if e := s.Audit.Last(); e.Outcome != "replayed" || e.Subject != "alice" || e.Client != "botocore-client-corp" {
				t.Errorf("record %+v", e)
			}
			s.wantDead(latest.access)
			noGrant(t, c.refresh(latest.refresh))
			noGrant(t, c.refresh(first.refresh))
			if !strings.Contains(name, "hours") { // the other one idles away
				s.wantAlive(other.access, "alice") // another command line's login is its own
			}
		})
	}
}

// TestTwentyRefreshAtOnce: all of them get one and the same successor, which works.
func TestTwentyRefreshAtOnce(t *testing.T) {
	s := newSite(t)
	c := s.terminal()
	first := c.login(s.person("alice"))
	answers := together(20, func() *httptest.ResponseRecorder { return c.refresh(first.refresh) })
	successors := map[string]bool{}
	for _, w := range answers {
		mine := tokensOf(t, w)
		successors[mine.refresh] = true
		s.wantAlive(mine.access, "alice")
	}
	if len(successors) != 1 {
		t.Fatalf("%d successors", len(successors))
	}
	for next := range successors {
		tokensOf(t, c.refresh(next))
	}
}

// TestForeignRefreshTokens: of another client, of another kind, or altered, they are nothing and end nothing.
func TestForeignRefreshTokens(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	mine := c.login(p)
	noGrant(t, s.terminal().refresh(mine.refresh))
	noGrant(t, s.headless().refresh(mine.refresh))
	for _, other := range []string{mine.access, p.approve(c), p.token.Reveal(), p.login.ID, "fbr_" + strings.TrimPrefix(mine.access, "fba_"), strings.TrimPrefix(mine.refresh, "fbr_")} {
		noGrant(t, c.refresh(other))
	}
	for _, other := range altered(mine.refresh)[1:] {
		s.Pass(60 * time.Millisecond)
		if w := c.refresh(other); w.Code != http.StatusBadRequest {
			t.Fatalf("%q: %d", other, w.Code)
		}
	}
	s.wantAlive(tokensOf(t, c.refresh(mine.refresh)).access, "alice")
}

// TestTokensWorkAtTheirOwnDoor: an access token opens the API and is altered into nothing; nothing else opens it.
func TestTokensWorkAtTheirOwnDoor(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	mine := c.login(p)
	for _, other := range append([]string{mine.refresh, p.token.Reveal(), p.login.ID, p.approve(c), c.secret, c.id, "fba_"}, altered(mine.access)[3:]...) {
		if strings.ContainsAny(other, " \t\r\n\x00,") || other == "" {
			continue
		}
		s.wantDead(other)
	}
	s.wantAlive(mine.access, "alice")
	for _, cookie := range []string{mine.access, mine.refresh, strings.TrimPrefix(mine.access, "fba_")} {
		if w := s.send("GET", "/api/v1/whoami", "", header("Cookie", "__Host-session="+cookie)); w.Code != http.StatusUnauthorized {
			t.Errorf("a token as a cookie: %d", w.Code)
		}
	}
	if w := s.send("GET", "/api/v1/whoami", "", bearer(mine.access), p.cookie()); w.Code != http.StatusBadRequest {
		t.Errorf("two proofs: %d", w.Code)
	}
	for i, w := range []*httptest.ResponseRecorder{
		s.send("POST", "/logout", "", header("x-amz-sso_bearer_token", mine.refresh)),
		s.send("POST", "/logout", "", header("x-amz-sso_bearer_token", p.token.Reveal())),
		s.send("POST", "/logout", "", header("x-amz-sso_bearer_token", s.Token())),
		s.send("POST", "/logout", "", header("x-amz-sso_bearer_token", "")),
		p.send("POST", "/logout", "", p.cookie(), header("x-amz-sso_bearer_token", "x"), header("Origin", "https://broker.test")),
	} {
		if got := answerOf(t, w); w.Code != http.StatusUnauthorized || w.Header().Get("X-Amzn-Errortype") != "UnauthorizedException" || got["message"] == "" || len(got) != 1 {
			t.Errorf("%d: %d %v", i, w.Code, got)
		}
	}
	two := s.send("POST", "/logout", "", header("x-amz-sso_bearer_token", mine.access), header("x-amz-sso_bearer_token", mine.access))
	if two.Code != http.StatusBadRequest || two.Header().Get("X-Amzn-Errortype") != "InvalidRequestException" {
		t.Errorf("two tokens: %d", two.Code)
	}
	s.wantAlive(mine.access, "alice")
	if w := p.get("/"); w.Code != http.StatusOK {
		t.Errorf("a header ended the browser's login: %d", w.Code)
	}
	if w := s.send("GET", "/logout", "", header("x-amz-sso_bearer_token", mine.access)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	if w := p.post("/logout", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "signed out") {
		t.Errorf("the browser's own sign-out: %d", w.Code)
	}
}

// TestAnAccessTokenIsNoProofForAWS: where a role wants the upstream's own token, ours is not sent in its place.
func TestAnAccessTokenIsNoProofForAWS(t *testing.T) {
	s := newSite(t)
	mine := s.terminal().login(s.person("alice"))
	w := s.send("POST", "/api/v1/credentials", `{"role":"prod/legacy"}`, bearer(mine.access), header("Content-Type", "application/json"))
	if got := answerOf(t, w); w.Code != http.StatusUnauthorized || got["code"] != "login_required" || len(s.STS.Calls()) != 0 {
		t.Errorf("%d %v, %d calls", w.Code, got, len(s.STS.Calls()))
	}
	w = s.send("GET", "/api/v1/roles", "", bearer(mine.access))
	if !strings.Contains(w.Body.String(), `"name":"prod/legacy","arn":"arn:aws:iam::111122223333:role/Legacy","account_id":"111122223333","account_name":"prod","max_duration":14400,"console":false`) {
		t.Errorf("%s", w.Body)
	}
	w = s.send("POST", "/api/v1/credentials", `{"role":"prod/reader"}`, bearer(mine.access), header("Content-Type", "application/json"))
	if w.Code != http.StatusOK || s.Audit.Last().Subject != "alice" || s.Audit.Last().Session == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestCredentialsEndWithTheLogin: no session at AWS outlives the login that the token belongs to.
func TestCredentialsEndWithTheLogin(t *testing.T) {
	s := newSite(t)
	id := identity("alice")
	id.SessionExpiry = s.Now().Add(20 * time.Minute)
	token, login, err := s.Sessions.Create(t.Context(), id, session.Origin{})
	s.must(err)
	mine := s.terminal().login(person{s, token, login})
	w := s.send("POST", "/api/v1/credentials", `{"role":"prod/reader"}`, bearer(mine.access), header("Content-Type", "application/json"))
	if w.Code != http.StatusOK || s.STS.Calls()[0].Duration != 20*time.Minute {
		t.Errorf("%d, asked for %v", w.Code, s.STS.Calls())
	}
}
