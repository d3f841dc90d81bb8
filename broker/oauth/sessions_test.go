package oauth_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/fedbroker/fedbroker/broker/session"
)

// listed returns the IDs of the sessions that an access token's owner has: of the one that asks, and the others.
func (s *site) listed(token string) (own string, others []string) {
	s.t.Helper()
	list, _ := answerOf(s.t, s.send("GET", "/api/v1/sessions", "", bearer(token)))["sessions"].([]any)
	for _, entry := range list {
		fields, _ := entry.(map[string]any)
		id, _ := fields["id"].(string)
		if fields["current"] != true {
			others = append(others, id)
			continue
		}
		if own = id; fields["client"] != "botocore-client-corp" || fields["remote"] == "" {
			s.t.Errorf("%v", fields)
		}
	}
	return own, others
}

// TestACommandLinesSessionEnds: with its session, every token of its family stops, whoever ends it and however; the
// others of the person go on where they were not meant.
func TestACommandLinesSessionEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end           func(p person, mine held, id string)
		browser, more bool // whether the browser and another command line go on
	}{
		"in the portal": {func(p person, _ held, id string) {
			if w := p.post("/sessions", url.Values{"session": {id}}); w.Code != http.StatusSeeOther {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}, true, true},
		"with all others, in the portal": {func(p person, _ held, _ string) {
			if w := p.post("/sessions", url.Values{"others": {"yes"}}); w.Code != http.StatusSeeOther {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}, true, false},
		"by itself": {func(p person, mine held, id string) {
			if w := p.send("DELETE", "/api/v1/sessions/"+id, "", bearer(mine.access)); w.Code != http.StatusNoContent {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}, true, true},
		"by the provider": {func(p person, _ held, _ string) {
			up := session.Upstream{Provider: "corp", Issuer: p.login.Identity.Issuer, SessionID: "s1"}
			if ended, err := p.Sessions.EndUpstream(t.Context(), up); err != nil || len(ended) != 3 {
				t.Errorf("%d ended, %v", len(ended), err)
			}
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			id := identity("alice")
			id.SessionID = "s1"
			token, login, err := s.Sessions.Create(t.Context(), id, session.Origin{})
			s.must(err)
			p := person{s, token, login}
			one, two, bobs := s.terminal(), s.terminal(), s.terminal()
			mine, more, bob := one.login(p), two.login(p), bobs.login(s.person("bob"))
			own, others := s.listed(mine.access)
			if own == "" || len(others) != 2 {
				t.Fatalf("%q and %d others", own, len(others))
			}
			c.end(p, mine, own)
			s.wantDead(mine.access)
			wantFault(t, one.refresh(mine.refresh), 400, "InvalidGrantException", "invalid_grant")
			s.wantAlive(bob.access, "bob")
			if _, alive := s.works(more.access); alive != c.more {
				t.Errorf("the other command line goes on: %t", alive)
			}
			if _, err := s.Sessions.Find(t.Context(), login.ID); (err == nil) != c.browser {
				t.Errorf("the browser: %v", err)
			}
		})
	}
}

// TestWhatWasApprovedEndsWithTheApprover: a code that waits to be redeemed begins no session then.
func TestWhatWasApprovedEndsWithTheApprover(t *testing.T) {
	s := newSite(t)
	here, there := s.person("alice"), s.person("alice")
	c := s.terminal()
	code := there.approve(c)
	if w := here.post("/sessions", url.Values{"others": {"yes"}}); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	wantFault(t, c.redeem(code), 400, "InvalidGrantException", "invalid_grant")
	if own, err := s.Sessions.List(t.Context(), here.login); err != nil || len(own) != 1 {
		t.Errorf("%d sessions, %v", len(own), err)
	}
}
