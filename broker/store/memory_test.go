package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/store"
)

func TestMemoryRefusesWhenFullAndForgetsNothing(t *testing.T) {
	const most = 100
	for name, limits := range map[string]store.MemoryOptions{
		"entries": {MaxEntries: most},
		"bytes":   {MaxBytes: most * (int64(len("mark-000")) + 1 + 160)},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			limits.Clock = c.Now
			m, err := store.NewMemory(limits)
			if err != nil {
				t.Fatal(err)
			}
			do := func(ops ...broker.Op) ([]broker.Result, error) { return m.Do(t.Context(), ops...) }
			for i := range most {
				if _, err := do(add(fmt.Sprintf("mark-%03d", i), "1")); err != nil {
					t.Fatalf("entry %d: %v", i, err)
				}
			}
			if _, err := do(add("mark-xxx", "1")); !errors.Is(err, store.ErrFull) || !errors.Is(err, store.ErrUnavailable) {
				t.Fatalf("a full store took a write: %v", err)
			}
			for i := range most {
				if got, err := do(add(fmt.Sprintf("mark-%03d", i), "2")); err != nil || !got[0].Found {
					t.Fatalf("mark %d was forgotten: (%v, %v)", i, got, err)
				}
			}
			if _, err := do(set("mark-000", "2")); err != nil {
				t.Errorf("overwriting needs no room: %v", err)
			}
			c.Advance(time.Hour)
			if got, err := do(add("mark-xxx", "1")); err != nil || got[0].Found {
				t.Errorf("expired entries make room: (%v, %v)", got, err)
			}
		})
	}
}

func TestMemoryClearsAwayWhatExpired(t *testing.T) {
	c := newClock()
	m := newMemory(t, c)
	for i := range 1000 {
		if _, err := m.Do(t.Context(), set(fmt.Sprint("k", i), "v")); err != nil {
			t.Fatal(err)
		}
	}
	c.Advance(time.Hour)
	for range 500 { // reading something else is enough
		if _, err := m.Do(t.Context(), get("other")); err != nil {
			t.Fatal(err)
		}
	}
	if entries, queued, bytes := m.Held(); entries != 0 || queued != 0 || bytes != 0 {
		t.Errorf("after expiry: %d entries, %d queued, %d bytes", entries, queued, bytes)
	}
}

func TestMemoryNeverAnswersWithAnExpiredEntry(t *testing.T) {
	c := newClock()
	m := newMemory(t, c)
	for i := range 100 {
		if _, err := m.Do(t.Context(), set(fmt.Sprint("k", i), "v")); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Millisecond)
	}
	c.Advance(time.Hour) // all are over; one batch clears away a few of them, the oldest
	if got, err := m.Do(t.Context(), get("k99"), add("k98", "w"), take("k97")); err != nil || got[0].Found || got[1].Found || got[2].Found {
		t.Errorf("an expired entry answered: (%v, %v)", got, err)
	}
}

func TestMemoryAccounts(t *testing.T) {
	c := newClock()
	m := newMemory(t, c)
	ops := []broker.Op{
		set("a", "1"), set("a", "22"), add("a", "333"), set("b", "1"), take("b"),
		{Kind: broker.OpSet, Key: "c", Value: []byte("1"), TTL: broker.Forever},
		{Kind: broker.OpSet, Key: "d", Value: []byte("1"), TTL: time.Second},
		{Kind: broker.OpDelete, Key: "d"},
	}
	for range 100 { // overwriting leaves nothing behind
		if _, err := m.Do(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	}
	if entries, queued, bytes := m.Held(); entries != 2 || queued != 1 || bytes != 2*160+1+2+1+1 {
		t.Errorf("%d entries, %d queued, %d bytes", entries, queued, bytes)
	}
}

func TestNewMemoryRefuses(t *testing.T) {
	for name, o := range map[string]store.MemoryOptions{
		"no clock":         {},
		"negative entries": {Clock: time.Now, MaxEntries: -1},
		"negative bytes":   {Clock: time.Now, MaxBytes: -1},
	} {
		if _, err := store.NewMemory(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
