package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// at runs inner just before the n-th operation of outer, from 0; false when outer has fewer.
func (f *fixture) at(n int, outer, inner func()) (reached bool) {
	f.apart = true
	f.before = func(broker.Op) {
		if n--; n < 0 {
			f.before = nil
			reached = true
			inner()
		}
	}
	outer()
	f.before, f.apart = nil, false
	return reached
}

// pair is alice's browser and another session of hers, which came from another session of the provider's.
type pair struct {
	*fixture
	*session.Sessions
	here, there session.Session
	token       secret.Text // of there
}

func newPair(t *testing.T) *pair {
	t.Helper()
	f := newFixture(t)
	p := &pair{fixture: f, Sessions: f.sessions(session.Options{})}
	p.here = begin(t, p.Sessions, named("alice", "here"), session.Origin{})
	var err error
	if p.token, p.there, err = p.Create(t.Context(), named("alice", "there"), session.Origin{}); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestWhatFollowsFromAnEndedSessionEnds: whenever sessions are ended while one of them turns into another, or begets
// one, nothing of it is left; by the person and by the provider alike, whichever began first.
func TestWhatFollowsFromAnEndedSessionEnds(t *testing.T) {
	endings := map[string]func(p *pair) error{
		"others": func(p *pair) error {
			_, err := p.EndOthers(t.Context(), p.here)
			return err
		},
		"upstream": func(p *pair) error {
			_, err := p.EndUpstream(t.Context(), session.Upstream{Provider: "corp", Issuer: "https://idp.example.com", SessionID: "there"})
			return err
		},
	}
	steps := map[string]func(p *pair) error{
		"rotate": func(p *pair) error {
			_, _, err := p.Rotate(t.Context(), p.token)
			return err
		},
		"derive": func(p *pair) error {
			_, err := p.Derive(t.Context(), p.there, session.Origin{Client: "c"})
			return err
		},
	}
	for ending, end := range endings {
		for step, take := range steps {
			for _, first := range []string{ending, step} {
				t.Run(ending+", "+step+", first "+first, func(t *testing.T) { interleave(t, end, take, first == ending) })
			}
		}
	}
}

// interleave runs an ending and a step of the session that it ends, one of them at every point of the other.
func interleave(t *testing.T, end, step func(p *pair) error, endsFirst bool) {
	for n, reached := 0, true; reached; n++ {
		p := newPair(t)
		ending := func() {
			if err := end(p); err != nil {
				t.Error(err)
			}
		}
		stepping := func() {
			if err := step(p); err != nil && !errors.Is(err, session.ErrNone) {
				t.Error(err)
			}
		}
		if endsFirst {
			reached = p.at(n, ending, stepping)
		} else {
			reached = p.at(n, stepping, ending)
		}
		if !reached {
			return
		}
		if got := listed(t, p.Sessions, p.here); len(got) != 1 || got[p.here.ID].ID == "" {
			t.Errorf("operation %d: %d sessions are left", n, len(got))
		}
	}
}

// step is what somebody does who has a session's token.
type step func(t *testing.T, s *session.Sessions, token secret.Text) (session.Session, error)

func login(t *testing.T, s *session.Sessions, _ secret.Text) (session.Session, error) {
	_, one, err := s.Create(t.Context(), alice(), session.Origin{})
	return one, err
}

func rotate(t *testing.T, s *session.Sessions, token secret.Text) (session.Session, error) {
	_, next, err := s.Rotate(t.Context(), token)
	return next, err
}

// TestTwoAtATime: logins and rotations, one of them at every point of the other. Both together never cost others more
// than the room that they need.
func TestTwoAtATime(t *testing.T) {
	for name, c := range map[string]struct {
		outer, inner step
		before, fail int // sessions that there are; how many of the two fail, -1 where it depends
	}{
		"logins, one slot is free": {login, login, session.MaxSessions - 1, 0},
		"logins":                   {login, login, session.MaxSessions, 0},
		"rotations":                {rotate, rotate, session.MaxSessions, 1},
		"a rotation in a login":    {login, rotate, session.MaxSessions, -1},
		"a login in a rotation":    {rotate, login, session.MaxSessions, -1},
	} {
		t.Run(name, func(t *testing.T) {
			for n, reached := 0, true; reached; n++ {
				f := newFixture(t)
				s := f.sessions(session.Options{})
				token, all := crowded(t, f, s, c.before)
				reached = f.at(n, func() { all.add(c.outer(t, s, token)) }, func() { all.add(c.inner(t, s, token)) })
				wantListed(t, s, all.made)
				if left := len(listed(t, s, all.made[0])); left < c.before {
					t.Errorf("operation %d: %d sessions are left", n, left)
				}
				if reached && c.fail >= 0 && len(all.fail) != c.fail {
					t.Errorf("operation %d: %d of two failed", n, len(all.fail))
				}
				for _, err := range all.fail {
					if !errors.Is(err, session.ErrNone) {
						t.Errorf("operation %d: %v", n, err)
					}
				}
			}
		})
	}
}

// crowded signs alice in n times. The session of token is the one that would have to go, and not in the first slot.
func crowded(t *testing.T, f *fixture, s *session.Sessions, n int) (secret.Text, *crowd) {
	t.Helper()
	used := begin(t, s, alice(), session.Origin{})
	token, first := create(t, s)
	all := &crowd{made: []session.Session{used, first}}
	for range n - 2 {
		f.advance(2 * time.Second)
		all.add(begin(t, s, alice(), session.Origin{}), nil)
	}
	f.advance(time.Second)
	if _, err := s.Find(t.Context(), used.ID); err != nil {
		t.Fatal(err)
	}
	return token, all
}
