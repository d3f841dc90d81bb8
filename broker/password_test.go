package broker_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// fakeDirectory knows alice with the password "right". It is away when it is told to be.
type fakeDirectory struct {
	w     *world
	asked atomic.Int64
	away  atomic.Bool
}

func (d *fakeDirectory) Authenticate(_ context.Context, username string, password secret.Text) (idp.Identity, error) {
	d.asked.Add(1)
	switch {
	case d.away.Load():
		return idp.Identity{}, &idp.Error{Kind: idp.KindUnavailable, Reason: "away"}
	case !password.Equal(secret.New("right")):
		return idp.Identity{}, &idp.Error{Kind: idp.KindDenied, Reason: idp.PasswordRefusal, Err: idp.Cause("wrong password")}
	}
	id := d.w.identity(username)
	id.Proof = idp.Proof{Kind: idp.ProofBind, Hash: "bind"}
	return id, nil
}

func (d *fakeDirectory) try(username, password string) *broker.Error {
	_, err := d.w.Run(context.Background(), broker.Call{Door: "portal", Action: "login", Remote: "192.0.2.1"}, func(ctx context.Context, v *broker.Visit) error {
		return v.AuthenticatePassword(ctx, d, broker.Password{Provider: "ad", Username: username, Secret: secret.New(password)})
	})
	var e *broker.Error
	errors.As(err, &e)
	return e
}

func TestPasswordsForOneNameAreTriedFiveTimes(t *testing.T) {
	d := &fakeDirectory{w: newWorld(t)}
	for _, name := range []string{"alice", "ALICE", "Alice", "aLICE", "alIce"} {
		if e := d.try(name, "wrong"); e == nil || e.Code != broker.CodeLoginRequired {
			t.Fatalf("%s: %v", name, e)
		}
	}
	wrong := d.try("bob", "wrong")
	over := d.try("alice", "right")
	if over == nil || d.asked.Load() != 6 {
		t.Fatalf("the sixth attempt: %v, the directory was asked %d times", over, d.asked.Load())
	}
	if over.Code != wrong.Code || over.Detail != wrong.Detail {
		t.Errorf("too many attempts answer %v, a wrong password %v", over, wrong)
	}
	events := d.w.strange.events
	if last := events[len(events)-1]; last.Reason != string(broker.CauseThrottled) || events[0].Reason != "wrong password" {
		t.Errorf("the records say %q and %q", events[0].Reason, last.Reason)
	}
	d.w.pass(15*time.Minute + time.Second)
	if e := d.try("alice", "right"); e != nil {
		t.Errorf("a quarter of an hour later: %v", e)
	}
}

func TestARightPasswordEndsTheCount(t *testing.T) {
	d := &fakeDirectory{w: newWorld(t)}
	for range 3 {
		for range 4 {
			d.try("alice", "wrong")
		}
		if e := d.try("alice", "right"); e != nil {
			t.Fatal(e)
		}
	}
}

func TestADirectoryThatIsAwayCountsForNobody(t *testing.T) {
	d := &fakeDirectory{w: newWorld(t)}
	d.away.Store(true)
	for range 9 {
		if e := d.try("alice", "right"); e == nil || e.Code != broker.CodeUpstreamUnavailable {
			t.Fatal(e)
		}
	}
	d.away.Store(false)
	if e := d.try("alice", "right"); e != nil {
		t.Error(e)
	}
}

func TestManyGuessesAtOnceAreFive(t *testing.T) {
	d := &fakeDirectory{w: newWorld(t)}
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() { d.try("alice", "wrong") })
	}
	group.Wait()
	if n := d.asked.Load(); n != 5 {
		t.Errorf("the directory was asked %d times", n)
	}
}

func TestPasswordsOfOtherNamesAndProvidersAreCountedApart(t *testing.T) {
	d := &fakeDirectory{w: newWorld(t)}
	for range 6 {
		d.try("alice", "wrong")
	}
	if e := d.try("bob", "right"); e != nil {
		t.Error(e)
	}
}

func TestWithoutTheStoreNoPasswordIsTried(t *testing.T) {
	d := &fakeDirectory{w: newWorld(t)}
	d.w.store.set(true)
	if e := d.try("alice", "right"); e == nil || e.Code != broker.CodeStoreUnavailable || d.asked.Load() != 0 {
		t.Errorf("got %v, asked %d", e, d.asked.Load())
	}
}
