package session_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func create(t *testing.T, s *session.Sessions) (secret.Text, session.Session) {
	t.Helper()
	token, made, err := s.Create(t.Context(), alice(), session.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return token, made
}

func wantNone(t *testing.T, s *session.Sessions, token secret.Text, why string) {
	t.Helper()
	if got, err := s.Get(t.Context(), token); !errors.Is(err, session.ErrNone) || got.ID != "" {
		t.Errorf("%s: got (%q, %v), want ErrNone", why, got.ID, err)
	}
}

func wantLive(t *testing.T, s *session.Sessions, token secret.Text, why string) session.Session {
	t.Helper()
	got, err := s.Get(t.Context(), token)
	if err != nil {
		t.Fatalf("%s: %v", why, err)
	}
	return got
}

func TestSessionComesBackWhole(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	token, made := create(t, s)
	got := wantLive(t, s, token, "fresh")
	want, _ := json.Marshal(made)
	if have, _ := json.Marshal(got); string(have) != string(want) {
		t.Errorf("got  %s\nwant %s", have, want)
	}
	if !got.Created.Equal(start) || !got.Expires.Equal(start.Add(session.DefaultAbsolute)) || len(got.ID) != 64 {
		t.Errorf("session %+v", got)
	}
	if n, _ := got.Identity.Claims.Get("n"); n != int64(7) {
		t.Errorf("claims: %v", got.Identity.Claims.Map())
	}
	if strings.Contains(f.seen.String(), token.Reveal()) {
		t.Error("the store saw the token")
	}
	if len(token.Reveal()) != 43 {
		t.Errorf("a token of %d characters: want 256 bits", len(token.Reveal()))
	}
}

func TestAlteredTokensAreRefused(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	token, made := create(t, s)
	for _, bad := range append(altered(token.Reveal()), made.ID, "") {
		if bad == token.Reveal() {
			continue
		}
		wantNone(t, s, text(bad), bad)
		if _, _, err := s.Rotate(t.Context(), text(bad)); !errors.Is(err, session.ErrNone) {
			t.Errorf("%s: rotated: %v", bad, err)
		}
		if err := s.End(t.Context(), text(bad)); err != nil {
			t.Errorf("%s: %v", bad, err)
		}
	}
	wantLive(t, s, token, "after all that")
}

func TestAbsoluteLimit(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{Absolute: 2 * time.Hour, Idle: time.Hour})
	token, _ := create(t, s)
	for range 3 { // used all the time
		f.advance(39 * time.Minute)
		wantLive(t, s, token, "in use")
	}
	f.advance(3*time.Minute - time.Microsecond)
	wantLive(t, s, token, "just before the end")
	f.advance(time.Microsecond)
	wantNone(t, s, token, "at the absolute limit")
}

func TestIdleLimit(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{Idle: 10 * time.Minute})
	token, _ := create(t, s)
	f.advance(10*time.Minute - time.Microsecond)
	wantLive(t, s, token, "just before the limit")
	f.advance(10*time.Minute - time.Microsecond)
	wantLive(t, s, token, "use prolongs")
	f.advance(10 * time.Minute)
	wantNone(t, s, token, "unused for ten minutes")
	wantNone(t, s, token, "asking does not revive")
}

func TestProvidersLimit(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	id := alice()
	id.SessionExpiry = start.Add(30 * time.Minute)
	token, made, err := s.Create(t.Context(), id, session.Origin{})
	if err != nil || !made.Expires.Equal(id.SessionExpiry) {
		t.Fatalf("got (%v, %v)", made.Expires, err)
	}
	f.advance(29 * time.Minute)
	wantLive(t, s, token, "before the provider's end")
	f.advance(time.Minute)
	wantNone(t, s, token, "at the provider's end")
	if _, _, err := s.Create(t.Context(), id, session.Origin{}); !errors.Is(err, session.ErrNone) {
		t.Errorf("a session was created after the provider's end: %v", err)
	}
	id.SessionExpiry = start.Add(1000 * time.Hour)
	if _, made, err = s.Create(t.Context(), id, session.Origin{}); err != nil || made.Expires.Sub(f.clock()) != session.DefaultAbsolute {
		t.Errorf("a provider may not lengthen: (%v, %v)", made.Expires, err)
	}
}

func TestActivityIsWrittenSeldom(t *testing.T) {
	for name, c := range map[string]struct {
		idle time.Duration
		most int
	}{
		"once a minute":               {time.Hour, 10},
		"once in a tenth of idleness": {100 * time.Second, 60},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			s := f.sessions(session.Options{Idle: c.idle})
			token, _ := create(t, s)
			f.writes = 0
			for range 600 { // ten minutes, one request a second
				f.advance(time.Second)
				wantLive(t, s, token, "in use")
			}
			if f.writes != c.most {
				t.Errorf("%d writes in ten minutes, want %d", f.writes, c.most)
			}
		})
	}
}

func TestEndIsFinal(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	token, made := create(t, s)
	if err := s.End(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	wantNone(t, s, token, "ended")
	if err := s.End(t.Context(), token); err != nil {
		t.Errorf("ending twice: %v", err)
	}
	token, made = create(t, s)
	if err := s.EndID(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	wantNone(t, s, token, "ended by its id")
}

func TestARunningRequestRevivesNothing(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	token, _ := create(t, s)
	f.advance(2 * time.Minute)
	f.before = func(op broker.Op) {
		if op.Kind == broker.OpSet { // the note of activity: the session ends just before it is written
			f.before = nil
			if err := s.End(t.Context(), token); err != nil {
				t.Error(err)
			}
		}
	}
	wantLive(t, s, token, "the request that was running")
	wantNone(t, s, token, "the next one")
}

func TestRotate(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{Absolute: time.Hour})
	token, made := create(t, s)
	f.advance(10 * time.Minute)
	fresh, turned, err := s.Rotate(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if fresh.Equal(token) || turned.ID == made.ID || !turned.Expires.Equal(made.Expires) || !turned.Created.Equal(made.Created) {
		t.Errorf("rotated into %+v", turned)
	}
	wantNone(t, s, token, "the old token")
	if got := wantLive(t, s, fresh, "the new token"); got.ID != turned.ID || got.Identity.Subject != "alice" {
		t.Errorf("got %+v", got)
	}
}

func TestOneRotationWins(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	token, _ := create(t, s)
	var wins atomic.Int32
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, _, err := s.Rotate(t.Context(), token); err == nil {
				wins.Add(1)
			} else if !errors.Is(err, session.ErrNone) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d rotations of one token, want 1", wins.Load())
	}
}

func TestRotationInsideARotation(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	token, _ := create(t, s)
	calls := 0
	var inner error
	f.before = func(broker.Op) {
		if calls++; calls == 2 { // the first rotation has read the session and is about to take it
			f.before = nil
			_, _, inner = s.Rotate(t.Context(), token)
		}
	}
	_, _, outer := s.Rotate(t.Context(), token)
	if inner != nil || !errors.Is(outer, session.ErrNone) {
		t.Errorf("one token was rotated twice: %v, %v", inner, outer)
	}
}

func TestStoreDownIsNotSignedOut(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	token, _ := create(t, s)
	f.fail = errors.New("down")
	if _, err := s.Get(t.Context(), token); !errors.Is(err, f.fail) || errors.Is(err, session.ErrNone) {
		t.Errorf("get: %v", err)
	}
	if got, _, err := s.Create(t.Context(), alice(), session.Origin{}); !errors.Is(err, f.fail) || !got.Empty() {
		t.Errorf("create: %v", err)
	}
	if err := s.End(t.Context(), token); !errors.Is(err, f.fail) {
		t.Errorf("end: %v", err)
	}
	f.fail = nil
	f.advance(2 * time.Minute)
	f.before = func(op broker.Op) {
		if op.Kind == broker.OpSet {
			f.mu.Lock()
			f.fail = errors.New("down")
			f.mu.Unlock()
		}
	}
	wantLive(t, s, token, "the hook fails the call after the note")
	if _, _, err := s.Rotate(t.Context(), token); !errors.Is(err, f.fail) {
		t.Errorf("rotate: %v", err)
	}
}

func TestForeignEntries(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{})
	for _, bad := range []string{"", "x", "\x01", "\x01" + strings.Repeat("\x00", 16) + "{", "\x02" + strings.Repeat("\x00", 16) + "{}"} {
		token, made := create(t, s)
		op := broker.Op{Kind: broker.OpSet, Key: "session:" + made.ID, Value: []byte(bad), TTL: time.Hour}
		if _, err := f.inner.Do(t.Context(), op); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), token); err == nil || got.ID != "" {
			t.Errorf("entry %q became session %+v", bad, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	f := newFixture(t)
	good := session.Options{Store: f, Clock: f.clock, Rand: rand.Reader}
	for name, change := range map[string]func(*session.Options){
		"no store":          func(o *session.Options) { o.Store = nil },
		"no clock":          func(o *session.Options) { o.Clock = nil },
		"no randomness":     func(o *session.Options) { o.Rand = nil },
		"negative idle":     func(o *session.Options) { o.Idle = -1 },
		"negative absolute": func(o *session.Options) { o.Absolute = -1 },
	} {
		o := good
		change(&o)
		if _, err := session.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	good.Rand = iotest.ErrReader(errors.New("dry"))
	s, err := session.New(good)
	if err != nil {
		t.Fatal(err)
	}
	if token, _, err := s.Create(t.Context(), alice(), session.Origin{}); err == nil || !token.Empty() {
		t.Error("a token was made without randomness")
	}
}

func BenchmarkGet(b *testing.B) {
	f := newFixture(b)
	s := f.sessions(session.Options{})
	token, _, err := s.Create(b.Context(), alice(), session.Origin{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		f.seen.Reset()
		if _, err := s.Get(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
