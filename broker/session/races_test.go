package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// crowd is what many callers at once were given.
type crowd struct {
	sync.WaitGroup
	mu   sync.Mutex
	made []session.Session
	fail []error
}

func (c *crowd) add(one session.Session, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.fail = append(c.fail, err)
		return
	}
	c.made = append(c.made, one)
}

// wantListed fails when one of made is in force and not in the list.
func wantListed(t *testing.T, s *session.Sessions, made []session.Session) {
	t.Helper()
	if len(made) == 0 {
		t.Fatal("nobody got in")
	}
	got := listed(t, s, made[0])
	for _, one := range made {
		if _, err := s.Find(t.Context(), one.ID); err == nil && got[one.ID].ID == "" {
			t.Errorf("%s is in force and not listed", one.ID)
		}
	}
	if len(got) > session.MaxSessions {
		t.Errorf("%d sessions", len(got))
	}
}

// TestNothingIsInForceThatIsNotListed: logins and rotations on two nodes that race for slots, free ones and taken ones.
func TestNothingIsInForceThatIsNotListed(t *testing.T) {
	onEveryStore(t, func(t *testing.T, a, b *fixture) {
		nodes := []*session.Sessions{a.sessions(session.Options{}), b.sessions(session.Options{})}
		for _, before := range []int{0, session.MaxSessions - 4, session.MaxSessions} {
			t.Run(fmt.Sprint(before), func(t *testing.T) {
				var c crowd
				id := named(fmt.Sprint("alice", before), "")
				for i := range before {
					token, one, err := nodes[0].Create(t.Context(), id, session.Origin{})
					if err != nil {
						t.Fatal(err)
					}
					c.add(one, nil)
					if i%4 == 0 {
						c.Go(func() {
							_, next, err := nodes[1].Rotate(t.Context(), token)
							c.add(next, err)
						})
					}
				}
				for i := range 40 {
					c.Go(func() {
						_, one, err := nodes[i%2].Create(t.Context(), id, session.Origin{})
						c.add(one, err)
					})
				}
				c.Wait()
				wantListed(t, nodes[0], c.made)
			})
		}
	})
}

// TestLoginsWhileAllOthersEnd: a login that came meanwhile is listed or over.
func TestLoginsWhileAllOthersEnd(t *testing.T) {
	onEveryStore(t, func(t *testing.T, a, b *fixture) {
		s, other := a.sessions(session.Options{}), b.sessions(session.Options{})
		here := begin(t, s, alice(), session.Origin{})
		var before []session.Session
		for range 10 {
			before = append(before, begin(t, other, alice(), session.Origin{}))
		}
		var c crowd
		c.add(here, nil)
		for range 12 {
			c.Go(func() {
				_, one, err := other.Create(t.Context(), alice(), session.Origin{})
				c.add(one, err)
			})
		}
		c.Go(func() {
			if _, err := s.EndOthers(t.Context(), here); err != nil {
				t.Error(err)
			}
		})
		c.Wait()
		if len(c.fail) > 0 {
			t.Errorf("logins failed: %v", c.fail)
		}
		wantListed(t, s, c.made)
		for _, one := range before {
			if _, err := s.Find(t.Context(), one.ID); !errors.Is(err, session.ErrNone) {
				t.Errorf("one from before is in force: %v", err)
			}
		}
		if _, err := s.Find(t.Context(), here.ID); err != nil {
			t.Errorf("the one that asked: %v", err)
		}
	})
}

// TestASlotIsTakenBeforeTheSession: when the store fails in between, nobody is signed in.
func TestASlotIsTakenBeforeTheSession(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	var order []string
	f.before = func(op broker.Op) { order = append(order, op.Key[:12]) }
	begin(t, s, alice(), session.Origin{})
	if len(order) != 3 || order[1] != "session-slot" || order[2][:8] != "session:" {
		t.Errorf("order %q", order)
	}
}

// TestTheProvidersSessionIsKnownBeforeOurs: so that a logout of the provider's finds every session that is in force.
func TestTheProvidersSessionIsKnownBeforeOurs(t *testing.T) {
	f := newFixture(t)
	made := begin(t, f.sessions(session.Options{}), named("alice", "s1"), session.Origin{})
	way, entry := strings.Index(f.seen.String(), "session-upstream:"), strings.Index(f.seen.String(), "session:"+made.ID)
	if way < 0 || entry < way {
		t.Errorf("the way to the person at %d, the session at %d", way, entry)
	}
}

// TestALostSlotSignsNobodyIn: another login took the slot for a dead session's before this one was stored.
func TestALostSlotSignsNobodyIn(t *testing.T) {
	for _, losses := range []int{1, 100} {
		f := newFixture(t)
		s := f.sessions(session.Options{})
		var slot string
		var lost []string
		f.before = func(op broker.Op) {
			switch {
			case op.Kind == broker.OpAdd:
				slot = op.Key
			case op.Kind == broker.OpSet && len(lost) < losses:
				lost = append(lost, strings.TrimPrefix(op.Key, "session:"))
				if _, err := f.inner.Do(t.Context(), broker.Op{Kind: broker.OpSet, Key: slot, Value: []byte("another"), TTL: time.Hour}); err != nil {
					t.Error(err)
				}
			}
		}
		token, made, err := s.Create(t.Context(), alice(), session.Origin{})
		f.before = nil
		switch {
		case losses == 1 && (err != nil || listed(t, s, made)[made.ID].ID == ""):
			t.Errorf("it does not try again: %v", err)
		case losses > 1 && (err == nil || !token.Empty()):
			t.Error("signed in without a slot")
		}
		for _, id := range lost {
			if _, err := s.Find(t.Context(), id); !errors.Is(err, session.ErrNone) {
				t.Errorf("a session without a slot is in force: %v", err)
			}
		}
	}
}

// TestASlotThatRanOutUnderAClaim: another login entered the slot after its old session's time was over.
func TestASlotThatRanOutUnderAClaim(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	var made []session.Session
	for range session.MaxSessions {
		made = append(made, begin(t, s, alice(), session.Origin{}))
		f.advance(time.Second)
	}
	claimed := ""
	f.before = func(op broker.Op) {
		if op.Kind == broker.OpAdd && strings.HasPrefix(op.Key, "session-claim:") {
			parts := strings.Split(op.Key, ":")
			claimed = "session-slot:" + parts[1] + ":" + parts[2]
		}
		if op.Kind != broker.OpGet || claimed == "" || op.Key != claimed {
			return
		}
		f.before = nil
		if _, err := f.inner.Do(t.Context(), broker.Op{Kind: broker.OpDelete, Key: claimed}); err != nil {
			t.Error(err)
		}
		made = append(made, begin(t, s, alice(), session.Origin{}))
	}
	made = append(made, begin(t, s, alice(), session.Origin{}))
	if len(made) != session.MaxSessions+2 {
		t.Fatal("no login came in between")
	}
	wantListed(t, s, made)
}

// TestARotationStaysInItsSlot: nobody else has to go for it.
func TestARotationStaysInItsSlot(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	token, old := create(t, s)
	var others []session.Session
	for range session.MaxSessions - 1 {
		f.advance(time.Second)
		others = append(others, begin(t, s, alice(), session.Origin{Agent: "x"}))
	}
	for range 3 {
		next, turned, err := s.Rotate(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		got := listed(t, s, turned)
		if len(got) != session.MaxSessions || got[turned.ID].ID == "" || got[old.ID].ID != "" {
			t.Errorf("%d sessions", len(got))
		}
		token, old = next, turned
	}
	if got := listed(t, s, old); slices.ContainsFunc(others, func(o session.Session) bool { return got[o.ID].ID == "" }) {
		t.Error("another one ended")
	}
	ended, err := s.EndOthers(t.Context(), others[0])
	if err != nil || !slices.Contains(ended, old.ID) {
		t.Errorf("the rotated session is not among the others: %v", err)
	}
	wantNone(t, s, token, "ended with the others")
}

// TestABatchThatBreaksOffLeavesNothingUnlisted: the slot is written, the session that was in it not yet ended.
func TestABatchThatBreaksOffLeavesNothingUnlisted(t *testing.T) {
	for name, step := range map[string]func(s *session.Sessions, token secret.Text) error{
		"rotate": func(s *session.Sessions, token secret.Text) error {
			_, _, err := s.Rotate(t.Context(), token)
			return err
		},
		"replace": func(s *session.Sessions, _ secret.Text) error {
			_, _, err := s.Create(t.Context(), alice(), session.Origin{})
			return err
		},
	} {
		f := newFixture(t)
		s := f.sessions(session.Options{})
		token, old := create(t, s)
		for range session.MaxSessions - 1 {
			f.advance(time.Second)
			create(t, s)
		}
		down := errors.New("down")
		f.apart, f.before = true, func(op broker.Op) {
			if op.Kind == broker.OpSet && strings.HasPrefix(op.Key, "session-slot:") {
				f.before, f.inner = nil, &stumble{f.inner, 1, down}
			}
		}
		if err := step(s, token); !errors.Is(err, down) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Find(t.Context(), old.ID); !errors.Is(err, session.ErrNone) {
			t.Errorf("%s: a session without a slot is in force: %v", name, err)
		}
	}
}

// stumble is a store that fails once, after some operations.
type stumble struct {
	broker.Store
	after int
	err   error
}

func (s *stumble) Do(ctx context.Context, ops ...broker.Op) ([]broker.Result, error) {
	if s.after--; s.after == -1 {
		return nil, s.err
	}
	return s.Store.Do(ctx, ops...)
}

// TestOnlyOnesOwnAreListed: whatever a slot says.
func TestOnlyOnesOwnAreListed(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	bob := begin(t, s, named("bob", ""), session.Origin{})
	f.before = func(op broker.Op) {
		if op.Kind == broker.OpAdd {
			foreign := broker.Op{Kind: broker.OpSet, Key: op.Key[:len(op.Key)-1] + "1", Value: []byte(bob.ID), TTL: op.TTL}
			if _, err := f.inner.Do(t.Context(), foreign); err != nil {
				t.Error(err)
			}
		}
	}
	here := begin(t, s, alice(), session.Origin{})
	f.before = nil
	if got := listed(t, s, here); len(got) != 1 {
		t.Errorf("%d sessions", len(got))
	}
	if _, err := s.EndOwn(t.Context(), here, bob.ID); !errors.Is(err, session.ErrNone) {
		t.Errorf("bob's: %v", err)
	}
}

// noDeletes is a store that fails when something is to be deleted.
type noDeletes struct {
	broker.Store
	err error
}

func (n noDeletes) Do(ctx context.Context, ops ...broker.Op) ([]broker.Result, error) {
	if ops[0].Kind == broker.OpDelete {
		return nil, n.err
	}
	return n.Store.Do(ctx, ops...)
}

// TestEndingSaysWhatItEndedInAnOutage: it may have taken effect.
func TestEndingSaysWhatItEndedInAnOutage(t *testing.T) {
	down := errors.New("down")
	for name, end := range map[string]func(s *session.Sessions, here, there session.Session) ([]string, error){
		"one": func(s *session.Sessions, here, there session.Session) ([]string, error) {
			return s.EndOwn(t.Context(), here, there.ID)
		},
		"others": func(s *session.Sessions, here, _ session.Session) ([]string, error) {
			return s.EndOthers(t.Context(), here)
		},
	} {
		f := newFixture(t)
		s := f.sessions(session.Options{})
		here, there := begin(t, s, alice(), session.Origin{}), begin(t, s, alice(), session.Origin{})
		f.inner = noDeletes{f.inner, down}
		ended, err := end(s, here, there)
		if !errors.Is(err, down) || !slices.Equal(ended, []string{there.ID}) {
			t.Errorf("%s: %v, %v", name, ended, err)
		}
	}
}
