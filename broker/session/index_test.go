package session_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
)

func listed(t *testing.T, s *session.Sessions, of session.Session) map[string]session.Session {
	t.Helper()
	list, err := s.List(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]session.Session{}
	for _, l := range list {
		out[l.ID] = l
	}
	return out
}

func named(subject, sid string) idp.Identity {
	id := alice()
	id.Subject, id.SessionID = subject, sid
	return id
}

func begin(t *testing.T, s *session.Sessions, id idp.Identity, from session.Origin) session.Session {
	t.Helper()
	_, made, err := s.Create(t.Context(), id, from)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAPersonsSessionsAreListed(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	browser := begin(t, s, alice(), session.Origin{Remote: "192.0.2.1", Agent: "Firefox\x00\n" + string(make([]byte, 400))})
	f.advance(time.Minute)
	terminal, err := s.Derive(t.Context(), browser, session.Origin{Client: "fedbroker", Remote: "192.0.2.2"})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := alice()
	elsewhere.Provider = "other"
	begin(t, s, named("bob", ""), session.Origin{})
	begin(t, s, elsewhere, session.Origin{})

	list, err := s.List(t.Context(), browser)
	if err != nil || len(list) != 2 || list[0].ID != terminal.ID || list[1].ID != browser.ID {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	if o := list[1].Origin; o.Remote != "192.0.2.1" || o.Agent != "Firefox" || list[0].Origin.Client != "fedbroker" {
		t.Errorf("origins %+v and %+v", o, list[0].Origin)
	}
	f.advance(10 * time.Minute)
	if _, err := s.Find(t.Context(), browser.ID); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, s, browser); !got[browser.ID].LastUsed.Equal(f.clock()) || !got[terminal.ID].LastUsed.Equal(terminal.Created) {
		t.Errorf("last used %v and %v", got[browser.ID].LastUsed, got[terminal.ID].LastUsed)
	}
	f.advance(session.DefaultIdle - 5*time.Minute)
	if got := listed(t, s, browser); len(got) != 1 || got[browser.ID].ID == "" {
		t.Errorf("an idle session is still listed: %v", got)
	}
}

func TestOnesOwnSessionsEnd(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	here, there, third := begin(t, s, alice(), session.Origin{}), begin(t, s, alice(), session.Origin{}), begin(t, s, alice(), session.Origin{})
	bob := begin(t, s, named("bob", ""), session.Origin{})
	for _, id := range []string{bob.ID, "", "x", here.ID + "0"} {
		if ended, err := s.EndOwn(t.Context(), here, id); !errors.Is(err, session.ErrNone) || len(ended) > 0 {
			t.Errorf("%q: %v, %v", id, ended, err)
		}
	}
	if ended, err := s.EndOwn(t.Context(), here, there.ID); err != nil || !slices.Equal(ended, []string{there.ID}) {
		t.Fatal(ended, err)
	}
	if got := listed(t, s, here); len(got) != 2 || got[there.ID].ID != "" {
		t.Errorf("%v", got)
	}
	ended, err := s.EndOthers(t.Context(), here)
	if err != nil || len(ended) != 1 || ended[0] != third.ID {
		t.Errorf("%v %v", ended, err)
	}
	for id, live := range map[string]bool{here.ID: true, bob.ID: true, there.ID: false, third.ID: false} {
		if _, err := s.Find(t.Context(), id); (err == nil) != live {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestAProviderEndsItsOwnSessions(t *testing.T) {
	who := func(subject, sid string) session.Upstream {
		return session.Upstream{Provider: "corp", Issuer: "https://idp.example.com", Subject: subject, SessionID: sid}
	}
	foreign := who("", "s1")
	foreign.Provider = "other"
	otherIssuer := who("alice", "")
	otherIssuer.Issuer = "https://evil.example"
	for name, c := range map[string]struct {
		ask  session.Upstream
		left []int // of alice s1, her terminal, alice s2, bob s3
	}{
		"a session":                {who("", "s1"), []int{2, 3}},
		"a person":                 {who("alice", ""), []int{3}},
		"both":                     {who("alice", "s2"), []int{0, 1, 3}},
		"both, that do not fit":    {who("bob", "s1"), []int{0, 1, 2, 3}},
		"nobody":                   {who("", ""), []int{0, 1, 2, 3}},
		"an unknown session":       {who("", "s9"), []int{0, 1, 2, 3}},
		"another provider's":       {foreign, []int{0, 1, 2, 3}},
		"another issuer's subject": {otherIssuer, []int{0, 1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			s := f.sessions(session.Options{})
			first := begin(t, s, named("alice", "s1"), session.Origin{})
			terminal, err := s.Derive(t.Context(), first, session.Origin{Client: "fedbroker"})
			if err != nil {
				t.Fatal(err)
			}
			all := []session.Session{first, terminal, begin(t, s, named("alice", "s2"), session.Origin{}), begin(t, s, named("bob", "s3"), session.Origin{})}
			ended, err := s.EndUpstream(t.Context(), c.ask)
			if err != nil || len(ended) != len(all)-len(c.left) {
				t.Errorf("%d ended, %v", len(ended), err)
			}
			left := map[int]bool{}
			for _, i := range c.left {
				left[i] = true
			}
			for i := range all {
				if _, err := s.Find(t.Context(), all[i].ID); (err == nil) != left[i] {
					t.Errorf("session %d: %v", i, err)
				}
			}
		})
	}
}

// TestASessionOfUnknownOriginEndsWithAny: where a provider named its session only when it ended, staying signed in would be
// the mistake.
func TestASessionOfUnknownOriginEndsWithAny(t *testing.T) {
	for name, c := range map[string]struct {
		subject string
		ended   int
	}{"of the person": {"alice", 1}, "of another": {"bob", 0}, "of nobody": {"", 0}} {
		f := newFixture(t)
		s := f.sessions(session.Options{})
		begin(t, s, named("alice", ""), session.Origin{})
		ended, err := s.EndUpstream(t.Context(), session.Upstream{Provider: "corp", Issuer: "https://idp.example.com", Subject: c.subject, SessionID: "s1"})
		if err != nil || len(ended) != c.ended {
			t.Errorf("%s: %d ended, %v", name, len(ended), err)
		}
	}
}

// TestAPersonHasSoManySessions: the one that was used least lately makes room, others' do not.
func TestAPersonHasSoManySessions(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	bob := begin(t, s, named("bob", ""), session.Origin{})
	var all []session.Session
	for range session.MaxSessions {
		all = append(all, begin(t, s, alice(), session.Origin{}))
		f.advance(time.Second)
	}
	f.advance(2 * time.Minute)
	if _, err := s.Find(t.Context(), all[0].ID); err != nil { // used just now
		t.Fatal(err)
	}
	next := begin(t, s, alice(), session.Origin{})
	got := listed(t, s, next)
	if len(got) != session.MaxSessions || got[all[0].ID].ID == "" || got[all[1].ID].ID != "" || got[next.ID].ID == "" {
		t.Errorf("%d sessions; first %t, second %t, last %t", len(got), got[all[0].ID].ID != "", got[all[1].ID].ID != "", got[next.ID].ID != "")
	}
	for id, live := range map[string]bool{all[1].ID: false, bob.ID: true} {
		if _, err := s.Find(t.Context(), id); (err == nil) != live {
			t.Errorf("%s: %v", id, err)
		}
	}
	// A slot of a session that ended is free again: nobody else has to go.
	if err := s.EndID(t.Context(), all[5].ID); err != nil {
		t.Fatal(err)
	}
	begin(t, s, alice(), session.Origin{})
	if got := listed(t, s, next); len(got) != session.MaxSessions || got[all[2].ID].ID == "" {
		t.Errorf("%d sessions, %t", len(got), got[all[2].ID].ID != "")
	}
}

// TestAnOlderVersionsSessionIsOver: it is no error that would look like an outage.
func TestAnOlderVersionsSessionIsOver(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	token, made := create(t, s)
	key := "session:" + made.ID
	got, err := f.inner.Do(t.Context(), broker.Op{Kind: broker.OpGet, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	old := append([]byte{1}, got[0].Value[1:]...)
	if _, err := f.inner.Do(t.Context(), broker.Op{Kind: broker.OpSet, Key: key, Value: old, TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	wantNone(t, s, token, "format 1")
}
