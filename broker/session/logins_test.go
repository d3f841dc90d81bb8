package session_test

import (
	"crypto/rand"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
)

func pending() session.Pending {
	return session.Pending{
		Provider: "corp", State: idp.State{"request": "_42", "nonce": "n"}, ReturnTo: "/roles",
		Require: broker.Require{MFA: true, MaxAuthAge: 15 * time.Minute, ACR: []string{"a"}},
	}
}

func keep(t *testing.T, l *session.Logins) session.Ticket {
	t.Helper()
	ticket, err := l.Ticket()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Keep(t.Context(), ticket, pending()); err != nil {
		t.Fatal(err)
	}
	return ticket
}

func TestLoginIsTakenOnce(t *testing.T) {
	f := newFixture(t)
	l := f.logins()
	ticket := keep(t, l)
	got, err := l.Take(t.Context(), ticket)
	want := pending()
	want.Begun = start
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got (%+v, %v), want %+v", got, err, want)
	}
	if _, err := l.Take(t.Context(), ticket); !errors.Is(err, session.ErrNone) {
		t.Errorf("taken twice: %v", err)
	}
	if seen := f.seen.String(); strings.Contains(seen, ticket.Secret.Reveal()) || strings.Contains(seen, ticket.Handle) {
		t.Error("the store saw the ticket")
	}
	if len(ticket.Handle) != 22 || len(ticket.Secret.Reveal()) != 43 {
		t.Errorf("ticket of %d and %d characters", len(ticket.Handle), len(ticket.Secret.Reveal()))
	}
}

func TestOneOfTwentyTakesIt(t *testing.T) {
	l := newFixture(t).logins()
	ticket := keep(t, l)
	var wins atomic.Int32
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := l.Take(t.Context(), ticket); err == nil {
				wins.Add(1)
			}
		})
	}
	wait.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d took it, want 1", wins.Load())
	}
}

func TestOnlyTheRightBrowserSpendsALogin(t *testing.T) {
	l := newFixture(t).logins()
	ticket, other := keep(t, l), keep(t, l)
	bad := []session.Ticket{
		{Handle: ticket.Handle, Secret: other.Secret},
		{Handle: other.Handle, Secret: ticket.Secret},
		{Handle: ticket.Handle},
		{Secret: ticket.Secret},
		{},
	}
	for _, s := range altered(ticket.Secret.Reveal()) {
		bad = append(bad, session.Ticket{Handle: ticket.Handle, Secret: text(s)})
	}
	for _, h := range altered(ticket.Handle) {
		bad = append(bad, session.Ticket{Handle: h, Secret: ticket.Secret})
	}
	for _, b := range bad {
		if b.Handle == ticket.Handle && b.Secret.Equal(ticket.Secret) {
			continue
		}
		if got, err := l.Take(t.Context(), b); !errors.Is(err, session.ErrNone) {
			t.Errorf("%q %q: got (%+v, %v)", b.Handle, b.Secret.Reveal(), got, err)
		}
	}
	if _, err := l.Take(t.Context(), ticket); err != nil {
		t.Errorf("the right browser was locked out: %v", err)
	}
}

func TestLoginLastsTenMinutes(t *testing.T) {
	f := newFixture(t) // its store does not expire anything
	l := f.logins()
	early, late := keep(t, l), keep(t, l)
	f.advance(10*time.Minute - time.Microsecond)
	if _, err := l.Take(t.Context(), early); err != nil {
		t.Errorf("just before: %v", err)
	}
	f.advance(time.Microsecond)
	if _, err := l.Take(t.Context(), late); !errors.Is(err, session.ErrNone) {
		t.Errorf("at ten minutes: %v", err)
	}
}

func TestKeepRefuses(t *testing.T) {
	f := newFixture(t)
	l := f.logins()
	ticket := keep(t, l)
	if err := l.Keep(t.Context(), ticket, pending()); err == nil {
		t.Error("a ticket was used for two logins")
	}
	for _, bad := range []session.Ticket{{}, {Handle: "x", Secret: ticket.Secret}, {Handle: ticket.Handle, Secret: text("x")}} {
		if err := l.Keep(t.Context(), bad, pending()); err == nil {
			t.Errorf("kept under %+v", bad)
		}
	}
}

func TestLoginStoreDown(t *testing.T) {
	f := newFixture(t)
	l := f.logins()
	ticket := keep(t, l)
	f.fail = errors.New("down")
	if _, err := l.Take(t.Context(), ticket); !errors.Is(err, f.fail) || errors.Is(err, session.ErrNone) {
		t.Errorf("take: %v", err)
	}
	fresh, _ := l.Ticket()
	if err := l.Keep(t.Context(), fresh, pending()); !errors.Is(err, f.fail) {
		t.Errorf("keep: %v", err)
	}
}

func TestNewLoginsRefuses(t *testing.T) {
	f := newFixture(t)
	for name, o := range map[string]session.LoginOptions{
		"no store":      {Clock: f.clock, Rand: rand.Reader},
		"no clock":      {Store: f, Rand: rand.Reader},
		"no randomness": {Store: f, Clock: f.clock},
	} {
		if _, err := session.NewLogins(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, n := range []int64{0, 16, 40} {
		dry := io.MultiReader(io.LimitReader(rand.Reader, n), iotest.ErrReader(errors.New("dry")))
		l, err := session.NewLogins(session.LoginOptions{Store: f, Clock: f.clock, Rand: dry})
		if err != nil {
			t.Fatal(err)
		}
		if ticket, err := l.Ticket(); err == nil {
			t.Errorf("a ticket from %d random bytes: %+v", n, ticket)
		}
	}
}
