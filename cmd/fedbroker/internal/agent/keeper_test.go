package agent_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/agent"
)

func newKeeper(t *testing.T, life time.Duration) (*agent.Keeper, *source, *clock) {
	t.Helper()
	c := newClock()
	s := &source{clock: c, life: life}
	k, err := agent.NewKeeper(agent.KeeperOptions{Source: s.fetch, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return k, s, c
}

func wantID(t *testing.T, k *agent.Keeper, id string) {
	t.Helper()
	c, err := k.Get(t.Context())
	if err != nil || c.AccessKeyID != id {
		t.Fatalf("want %s, got %q, %v", id, c.AccessKeyID, err)
	}
}

func TestCredentialsAreRefreshedBeforeSDKsAskAgain(t *testing.T) {
	k, _, c := newKeeper(t, time.Hour)
	wantID(t, k, "ASIA1")
	c.add(43 * time.Minute)
	wantID(t, k, "ASIA1")
	c.add(time.Minute + time.Second) // 15:59 left, which botocore would soon mind
	wantID(t, k, "ASIA2")
}

func TestShortCredentialsAreKeptForHalfTheirLife(t *testing.T) {
	k, s, c := newKeeper(t, 10*time.Minute)
	for i := range 3 {
		wantID(t, k, []string{"ASIA1", "ASIA2", "ASIA3"}[i])
		c.add(4 * time.Minute)
		wantID(t, k, []string{"ASIA1", "ASIA2", "ASIA3"}[i])
		c.add(2 * time.Minute)
	}
	if s.count() != 3 {
		t.Errorf("%d fetches", s.count())
	}
}

func TestLastCredentialsServeWhileTheBrokerIsAway(t *testing.T) {
	k, s, c := newKeeper(t, time.Hour)
	wantID(t, k, "ASIA1")
	s.set(time.Hour, errors.New("away"))
	c.add(50 * time.Minute)
	wantID(t, k, "ASIA1")
	wantID(t, k, "ASIA1")
	if s.count() != 2 {
		t.Errorf("%d fetches: a broker that is away is asked for every request", s.count())
	}
	c.add(9*time.Minute + 51*time.Second)
	if _, err := k.Get(t.Context()); err == nil || !strings.Contains(err.Error(), "away") {
		t.Errorf("credentials that end in 9 seconds were served: %v", err)
	}
	s.set(time.Hour, nil)
	wantID(t, k, "ASIA4")
}

func TestCredentialsThatHaveExpiredAreNotServed(t *testing.T) {
	k, _, _ := newKeeper(t, 5*time.Second)
	if _, err := k.Get(t.Context()); err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("got %v", err)
	}
}

// TestWhoGivesUpLosesNothing: an SDK waits a second, then asks again.
func TestWhoGivesUpLosesNothing(t *testing.T) {
	c := newClock()
	s := &source{clock: c, life: time.Hour}
	begun, release := make(chan struct{}, 8), make(chan struct{})
	k, err := agent.NewKeeper(agent.KeeperOptions{Now: c.Now, Source: func(ctx context.Context) (agent.Credentials, error) {
		begun <- struct{}{}
		<-release
		if ctx.Err() != nil {
			return agent.Credentials{}, ctx.Err()
		}
		return s.fetch(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gave := make(chan error, 1)
	go func() {
		_, err := k.Get(ctx)
		gave <- err
	}()
	<-begun
	cancel()
	if err := <-gave; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { wantID(t, k, "ASIA1") })
	}
	close(release)
	all.Wait()
	if s.count() != 1 || len(begun) != 0 {
		t.Errorf("%d fetches for one need, %d more begun", s.count(), len(begun))
	}
}

func TestSDKsAreToldWhyThereIsNothing(t *testing.T) {
	e := newEndpoints(t)
	e.source.set(time.Hour, errors.New(`your sign-in has ended; run "fedbroker login"`))
	status, _, body := e.ask(t, e.cAddr, "", get, host, auth)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "fedbroker login") || !strings.Contains(e.said.String(), "fedbroker login") {
		t.Errorf("%d %s, logged %q", status, body, e.said)
	}
}
