package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/store"
)

// Subject is a store under test with the hands that reach around it.
type Subject struct {
	Store broker.Store
	// Advance lets time pass for entries.
	Advance func(time.Duration)
	// Empty makes the store forget everything, as FLUSHALL does.
	Empty func()
}

// Run holds every store to the promises of package store. open makes an empty store for each test.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *bench){
		"absent":             testAbsent,
		"set and get":        testSet,
		"add":                testAdd,
		"delete":             testDelete,
		"take":               testTake,
		"time to live":       testTTL,
		"add keeps the time": testAddTTL,
		"batch order":        testBatchOrder,
		"values":             testValues,
		"names":              testNames,
		"invalid":            testInvalid,
		"nobody's memory":    testCopies,
		"cancelled":          testCancelled,
		"one add wins":       testOneAddWins,
		"one take wins":      testOneTakeWins,
		"floor":              testFloor,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			test(t, &bench{t: t, Subject: s})
		})
	}
}

// bench asks a store and fails the test on an error.
type bench struct {
	t *testing.T
	Subject
}

func (b *bench) do(ops ...broker.Op) []broker.Result {
	b.t.Helper()
	got, err := b.Store.Do(b.t.Context(), ops...)
	if err != nil {
		b.t.Fatalf("Do: %v", err)
	}
	if len(got) != len(ops) {
		b.t.Fatalf("%d answers to %d operations", len(got), len(ops))
	}
	return got
}

// want checks one answer.
func (b *bench) want(op broker.Op, found bool, value string) {
	b.t.Helper()
	b.wantResult(b.do(op)[0], found, value)
}

func (b *bench) wantResult(got broker.Result, found bool, value string) {
	b.t.Helper()
	if got.Found != found || string(got.Value) != value {
		b.t.Fatalf("got (%t, %.40q), want (%t, %.40q)", got.Found, got.Value, found, value)
	}
}

func get(key string) broker.Op    { return broker.Op{Kind: broker.OpGet, Key: key} }
func del(key string) broker.Op    { return broker.Op{Kind: broker.OpDelete, Key: key} }
func take(key string) broker.Op   { return broker.Op{Kind: broker.OpTake, Key: key} }
func set(key, v string) broker.Op { return setFor(key, v, time.Hour) }
func add(key, v string) broker.Op { return addFor(key, v, time.Hour) }

func setFor(key, v string, ttl time.Duration) broker.Op {
	return broker.Op{Kind: broker.OpSet, Key: key, Value: []byte(v), TTL: ttl}
}

func addFor(key, v string, ttl time.Duration) broker.Op {
	return broker.Op{Kind: broker.OpAdd, Key: key, Value: []byte(v), TTL: ttl}
}

func testAbsent(_ *testing.T, b *bench) {
	for _, op := range []broker.Op{get("k"), del("k"), take("k")} {
		b.want(op, false, "")
	}
	b.do() // nothing asked: the store answers
}

func testSet(_ *testing.T, b *bench) {
	b.want(set("k", "one"), false, "")
	b.want(get("k"), true, "one")
	b.want(set("k", "two"), false, "")
	b.want(get("k"), true, "two")
	b.want(get("other"), false, "")
}

func testAdd(_ *testing.T, b *bench) {
	b.want(add("k", "one"), false, "")
	b.want(add("k", "two"), true, "one")
	b.want(get("k"), true, "one")
	b.do(del("k"))
	b.want(add("k", "three"), false, "")
	b.want(set("k", "four"), false, "")
	b.want(add("k", "five"), true, "four")
}

func testDelete(_ *testing.T, b *bench) {
	b.do(set("k", "v"))
	b.want(del("k"), true, "")
	b.want(del("k"), false, "")
	b.want(get("k"), false, "")
}

func testTake(_ *testing.T, b *bench) {
	b.do(set("k", "v"))
	b.want(take("k"), true, "v")
	b.want(take("k"), false, "")
	b.want(get("k"), false, "")
	b.want(add("k", "w"), false, "")
}

func testTTL(_ *testing.T, b *bench) {
	b.do(setFor("short", "v", time.Minute), setFor("long", "v", time.Hour), setFor("ever", "v", broker.Forever))
	b.do(addFor("mark", "v", time.Minute), setFor("again", "v", time.Minute), setFor("tiny", "v", time.Nanosecond))
	b.Advance(50 * time.Second)
	b.want(get("short"), true, "v")
	b.want(get("tiny"), false, "")
	b.do(setFor("again", "w", time.Minute)) // a new time to live from now
	b.Advance(11 * time.Second)
	b.want(get("short"), false, "")
	b.want(get("again"), true, "w")
	b.want(get("long"), true, "v")
	b.want(add("mark", "w"), false, "") // the mark's time was over
	b.Advance(100 * 24 * time.Hour)
	b.want(get("long"), false, "")
	b.want(get("ever"), true, "v")
}

func testAddTTL(_ *testing.T, b *bench) {
	b.do(addFor("k", "v", time.Minute))
	b.Advance(50 * time.Second)
	b.want(addFor("k", "w", time.Hour), true, "v") // a losing add prolongs nothing
	b.Advance(11 * time.Second)
	b.want(get("k"), false, "")
}

func testBatchOrder(_ *testing.T, b *bench) {
	got := b.do(set("k", "1"), get("k"), add("k", "2"), take("k"), get("k"), add("k", "3"), del("k"), del("k"), get("k"))
	for i, want := range []broker.Result{
		{},
		{Found: true, Value: []byte("1")},
		{Found: true, Value: []byte("1")},
		{Found: true, Value: []byte("1")},
		{},
		{},
		{Found: true},
		{},
		{},
	} {
		if got[i].Found != want.Found || !bytes.Equal(got[i].Value, want.Value) {
			b.t.Errorf("answer %d: got (%t, %q), want (%t, %q)", i, got[i].Found, got[i].Value, want.Found, want.Value)
		}
	}
}

func testValues(_ *testing.T, b *bench) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for i, value := range []string{"", "\x00", "\r\n$3\r\nabc", string(every), strings.Repeat("x", 64<<10), strings.Repeat("x", store.MaxValue)} {
		key := fmt.Sprint("k", i)
		b.do(set(key, value))
		b.want(get(key), true, value)
		b.want(add(key, "w"), true, value)
		b.want(take(key), true, value)
	}
}

func testNames(_ *testing.T, b *bench) {
	names := []string{
		"a", "A", "a ", " a", "a\x00", "a\r\nDEL a", "ä", "a\xcc\x88", "a:b", "a::b", "anchor", "probe", "*", "{a}b", "{a}",
		strings.Repeat("n", store.MaxKey), strings.Repeat("n", store.MaxKey-1),
	}
	for i, name := range names {
		b.want(add(name, fmt.Sprint(i)), false, "")
	}
	for i, name := range names {
		b.want(get(name), true, fmt.Sprint(i))
	}
}

func testInvalid(t *testing.T, b *bench) {
	big := strings.Repeat("x", store.MaxValue+1)
	many := make([]broker.Op, store.MaxBatch+1)
	for i := range many {
		many[i] = set("good", "v")
	}
	for name, ops := range map[string][]broker.Op{
		"no name":          {set("good", "v"), get("")},
		"long name":        {set("good", "v"), get(strings.Repeat("n", store.MaxKey+1))},
		"set without time": {set("good", "v"), setFor("k", "v", 0)},
		"add without time": {set("good", "v"), addFor("k", "v", 0)},
		"set before now":   {set("good", "v"), setFor("k", "v", -time.Second)},
		"big value":        {set("good", "v"), set("k", big)},
		"unknown kind":     {set("good", "v"), {Kind: broker.OpTake + 1, Key: "k"}},
		"kind below":       {set("good", "v"), {Kind: -1, Key: "k"}},
		"too many":         many,
	} {
		if got, err := b.Store.Do(t.Context(), ops...); !errors.Is(err, store.ErrInvalid) || got != nil {
			t.Errorf("%s: got (%v, %v), want ErrInvalid", name, got, err)
		}
	}
	b.want(get("good"), false, "") // checked before anything happens
}

func testCopies(_ *testing.T, b *bench) {
	in := []byte("value")
	b.do(broker.Op{Kind: broker.OpSet, Key: "k", Value: in, TTL: time.Hour})
	copy(in, "xxxxx")
	out := b.do(get("k"))[0].Value
	if string(out) != "value" {
		b.t.Fatalf("the store kept the caller's slice: %q", out)
	}
	copy(out, "yyyyy")
	b.want(get("k"), true, "value")
}

func testCancelled(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := b.Store.Do(ctx, set("k", "v")); !errors.Is(err, store.ErrUnavailable) || got != nil {
		t.Fatalf("got (%v, %v), want ErrUnavailable", got, err)
	}
	b.want(get("k"), false, "")
}
