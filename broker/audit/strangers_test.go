package audit_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/audit"
)

// notebook keeps events and can be made to fail.
type notebook struct {
	mu     sync.Mutex
	events []broker.Event
	fail   error
	after  int // fail only after that many
}

func (n *notebook) Record(_ context.Context, e broker.Event) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil && len(n.events) >= n.after {
		return n.fail
	}
	n.events = append(n.events, e)
	return nil
}

type strangers struct {
	t    *testing.T
	now  time.Time
	book notebook
	*audit.Strangers
}

func newStrangers(t *testing.T, most int) *strangers {
	t.Helper()
	s := &strangers{t: t, now: start.Add(17 * time.Second)}
	var err error
	s.Strangers, err = audit.NewStrangers(audit.StrangersOptions{
		Auditor: &s.book, Clock: func() time.Time { return s.now }, Rand: rand.Reader, Max: most,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func refusal(remote, outcome string) broker.Event {
	return broker.Event{
		ID: "r", Door: "api", Action: "credentials", Remote: remote, Outcome: outcome,
		Issuer: "https://unverified.example", Subject: "unverified", Cause: "unverified", Role: "unverified",
	}
}

func (s *strangers) refuse(remote, outcome string) {
	s.t.Helper()
	if err := s.Record(s.t.Context(), refusal(remote, outcome)); err != nil {
		s.t.Fatal(err)
	}
}

func TestStrangersAreCountedPerAddressAndMinute(t *testing.T) {
	s := newStrangers(t, 0)
	for range 1000 {
		s.refuse("192.0.2.1", "invalid_token")
	}
	s.refuse("192.0.2.1", "untrusted_issuer")
	s.refuse("192.0.2.2", "invalid_token")
	s.now = start.Add(59 * time.Second)
	s.refuse("192.0.2.2", "invalid_token")
	if len(s.book.events) != 0 {
		t.Fatalf("written before the minute was over: %+v", s.book.events)
	}
	s.now = start.Add(time.Minute)
	s.refuse("192.0.2.3", "invalid_token")
	got := map[string]int{}
	for _, e := range s.book.events {
		got[e.Remote+" "+e.Outcome] = e.Count
		if e.Issuer+e.Subject+e.Cause+e.Role+e.Detail+e.Username != "" {
			t.Errorf("what nobody verified is on record: %+v", e)
		}
		if !e.Time.Equal(start) || e.Door != "api" || e.Action != "credentials" || len(e.ID) != 32 {
			t.Errorf("event %+v", e)
		}
	}
	if len(got) != 3 || got["192.0.2.1 invalid_token"] != 1000 || got["192.0.2.1 untrusted_issuer"] != 1 || got["192.0.2.2 invalid_token"] != 2 {
		t.Errorf("counts %v", got)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last := s.book.events[len(s.book.events)-1]; last.Remote != "192.0.2.3" || last.Count != 1 || !last.Time.Equal(start.Add(time.Minute)) {
		t.Errorf("flushed %+v", last)
	}
	if err := s.Flush(t.Context()); err != nil || len(s.book.events) != 4 {
		t.Errorf("flushing nothing wrote something: %v", err)
	}
}

func TestStrangersAreCountedByReason(t *testing.T) {
	s := newStrangers(t, 0)
	for _, reason := range []string{"locked", "disabled", "locked"} {
		e := refusal("192.0.2.1", "login_required")
		e.Reason = reason
		if err := s.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.book.events; len(got) != 2 || got[0].Reason != "disabled" || got[0].Count != 1 || got[1].Reason != "locked" || got[1].Count != 2 {
		t.Errorf("counts %+v", got)
	}
}

func TestStrangersTakeBoundedMemory(t *testing.T) {
	s := newStrangers(t, 10)
	for i := range 100_000 {
		s.refuse(fmt.Sprint("2001:db8::", i), "invalid_token")
	}
	s.refuse("2001:db8::0", "invalid_token") // known already: still counted by itself
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, e := range s.book.events {
		total += e.Count
	}
	if len(s.book.events) != 11 || total != 100_001 {
		t.Errorf("%d events count %d refusals", len(s.book.events), total)
	}
}

func TestStrangersSurviveAnAuditOutage(t *testing.T) {
	s := newStrangers(t, 0)
	s.refuse("192.0.2.1", "invalid_token")
	s.refuse("192.0.2.2", "invalid_token")
	s.book.fail, s.book.after = errors.New("disk full"), 1
	s.now = s.now.Add(time.Minute)
	if err := s.Record(t.Context(), refusal("192.0.2.2", "invalid_token")); !errors.Is(err, s.book.fail) {
		t.Errorf("got %v", err)
	}
	s.book.fail = nil
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.book.events) != 2 || s.book.events[0].Count != 1 || s.book.events[1].Count != 2 {
		t.Errorf("lost or doubled: %+v", s.book.events)
	}
}

func TestStrangersAtOnce(t *testing.T) {
	s := newStrangers(t, 0)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 100 {
				s.refuse("192.0.2.1", "invalid_token")
			}
			if err := s.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	total := 0
	for _, e := range s.book.events {
		total += e.Count
	}
	if total != 800 {
		t.Errorf("counted %d, want 800", total)
	}
}

func TestNewStrangersRefuses(t *testing.T) {
	book := &notebook{}
	for what, o := range map[string]audit.StrangersOptions{
		"no auditor":    {Clock: clock, Rand: rand.Reader},
		"no clock":      {Auditor: book, Rand: rand.Reader},
		"no randomness": {Auditor: book, Clock: clock},
	} {
		if _, err := audit.NewStrangers(o); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	s, err := audit.NewStrangers(audit.StrangersOptions{Auditor: book, Clock: clock, Rand: iotest.ErrReader(errors.New("dry"))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), refusal("192.0.2.1", "x")); err != nil {
		t.Error(err)
	}
	if err := s.Flush(t.Context()); err == nil {
		t.Error("flushed without an id")
	}
}
