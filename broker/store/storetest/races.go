package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/store"
)

// together runs one operation n times at once and returns the answers.
func (b *bench) together(n int, op func(i int) broker.Op) []broker.Result {
	b.t.Helper()
	answers, errs := make([]broker.Result, n), make([]error, n)
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			<-start
			got, err := b.Store.Do(b.t.Context(), op(i))
			if errs[i] = err; err == nil {
				answers[i] = got[0]
			}
		})
	}
	close(start)
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		b.t.Fatalf("Do: %v", err)
	}
	return answers
}

func testOneAddWins(t *testing.T, b *bench) {
	for _, n := range []int{20, 200} {
		key := fmt.Sprint("mark-", n)
		answers := b.together(n, func(i int) broker.Op { return add(key, strconv.Itoa(i)) })
		winner := string(b.do(get(key))[0].Value)
		wins := 0
		for i, got := range answers {
			switch {
			case !got.Found && strconv.Itoa(i) == winner:
				wins++
			case !got.Found:
				t.Errorf("caller %d won, but %s stands there", i, winner)
			case string(got.Value) != winner:
				t.Errorf("caller %d was told %q, but %s stands there", i, got.Value, winner)
			}
		}
		if wins != 1 {
			t.Errorf("%d of %d callers won, want 1", wins, n)
		}
	}
}

func testOneTakeWins(t *testing.T, b *bench) {
	for _, n := range []int{20, 200} {
		key := fmt.Sprint("code-", n)
		b.do(set(key, "v"))
		wins := 0
		for _, got := range b.together(n, func(int) broker.Op { return take(key) }) {
			if got.Found {
				wins++
			}
		}
		if wins != 1 {
			t.Errorf("%d of %d callers took it, want 1", wins, n)
		}
	}
}

// testFloor follows the recipe of package store: after the store was emptied a proof that may have been used before
// is refused, and newer ones pass.
func testFloor(t *testing.T, b *bench) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	old := now.Add(time.Second)
	accept := func(at, issued time.Time, id string) bool {
		ops := []broker.Op{
			addFor("floor", strconv.FormatInt(at.Unix(), 10), broker.Forever),
			addFor("proof:"+id, "1", time.Hour),
		}
		got, err := b.Store.Do(t.Context(), ops...)
		if errors.Is(err, store.ErrUnavailable) { // a sealed store notices that it was emptied and refuses once
			got, err = b.Store.Do(t.Context(), ops...)
		}
		if err != nil {
			t.Fatalf("Do: %v", err)
		}
		floor := at
		if got[0].Found {
			unix, err := strconv.ParseInt(string(got[0].Value), 10, 64)
			if err != nil {
				t.Fatalf("floor: %v", err)
			}
			floor = time.Unix(unix, 0)
		}
		return !issued.Before(floor) && !got[1].Found
	}
	if accept(now, now.Add(-time.Second), "before-start") {
		t.Error("a proof from before the start on an empty store passed")
	}
	if !accept(old, old, "a") || accept(old, old, "a") {
		t.Error("a proof passes once")
	}
	b.Empty()
	later := old.Add(time.Minute)
	if accept(later, old, "a") {
		t.Error("a used proof passed after the store was emptied")
	}
	if accept(later, old, "a") {
		t.Error("a used proof passed at the second try after the store was emptied")
	}
	if fresh := later.Add(time.Second); !accept(fresh, fresh, "b") || accept(fresh, fresh, "b") {
		t.Error("a new proof passes once after the store was emptied")
	}
}
