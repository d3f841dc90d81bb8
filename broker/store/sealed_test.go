package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// pair is a sealed store over memory that the test can reach into.
type pair struct {
	t      *testing.T
	raw    *store.Memory
	ring   *store.Keyring
	sealed *store.Sealed
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t, raw: newMemory(t, newClock()), ring: newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)})}
	p.sealed = seal(t, p.raw, p.ring)
	return p
}

func (p *pair) do(s broker.Store, ops ...broker.Op) []broker.Result {
	p.t.Helper()
	got, err := s.Do(p.t.Context(), ops...)
	if err != nil {
		p.t.Fatalf("Do: %v", err)
	}
	return got
}

func (p *pair) peek(wire string) []byte {
	p.t.Helper()
	return p.do(p.raw, get(wire))[0].Value
}

func (p *pair) poke(wire string, value []byte) {
	p.t.Helper()
	p.do(p.raw, broker.Op{Kind: broker.OpSet, Key: wire, Value: value, TTL: broker.Forever})
}

func TestAlteredEntryNeverOpens(t *testing.T) {
	p := newPair(t)
	p.do(p.sealed, set("k", "value"))
	wire := p.sealed.WireName("k")
	good := p.peek(wire)
	refused := func(what string, value []byte) {
		t.Helper()
		p.poke(wire, value)
		for _, op := range []broker.Op{get("k"), add("k", "w"), take("k")} {
			if got, err := p.sealed.Do(t.Context(), op); !errors.Is(err, store.ErrNotOpened) || got != nil {
				t.Fatalf("%s, kind %d: got (%v, %v), want ErrNotOpened", what, op.Kind, got, err)
			}
			p.poke(wire, value)
		}
	}
	for i := range good {
		for bit := range 8 {
			bad := append([]byte{}, good...)
			bad[i] ^= 1 << bit
			refused("one bit", bad)
		}
		refused("a prefix", good[:i])
	}
	refused("longer", append(append([]byte{}, good...), 0))
	refused("plain", []byte("value"))
	refused("empty", nil)
	p.poke(wire, good)
	if got := p.do(p.sealed, get("k")); string(got[0].Value) != "value" {
		t.Errorf("the unaltered entry must open: %q", got[0].Value)
	}
}

func TestCopiedAndSwappedEntriesNeverOpen(t *testing.T) {
	p := newPair(t)
	p.do(p.sealed, set("session:mallory", "mallory"), set("session:alice", "alice"))
	mallory, alice := p.sealed.WireName("session:mallory"), p.sealed.WireName("session:alice")
	a, m := p.peek(alice), p.peek(mallory)
	p.poke(mallory, a)
	p.poke(alice, m)
	for _, key := range []string{"session:mallory", "session:alice"} {
		if got, err := p.sealed.Do(t.Context(), get(key)); !errors.Is(err, store.ErrNotOpened) {
			t.Errorf("%s opened with another's value: %v", key, got)
		}
	}
	p.poke(alice, p.peek("anchor"))
	if got, err := p.sealed.Do(t.Context(), get("session:alice")); !errors.Is(err, store.ErrNotOpened) {
		t.Errorf("the anchor opened as a value: %v", got)
	}
}

func TestOneBadEntryFailsTheBatch(t *testing.T) {
	p := newPair(t)
	p.do(p.sealed, set("good", "v"), set("bad", "v"))
	p.poke(p.sealed.WireName("bad"), []byte("x"))
	if got, err := p.sealed.Do(t.Context(), get("good"), get("bad")); !errors.Is(err, store.ErrNotOpened) || got != nil {
		t.Errorf("got (%v, %v)", got, err)
	}
	if got := p.do(p.sealed, broker.Op{Kind: broker.OpDelete, Key: "bad"}); !got[0].Found {
		t.Error("deleting needs no opening")
	}
}

func TestEqualValuesLookDifferent(t *testing.T) {
	p := newPair(t)
	p.do(p.sealed, set("k", "value"))
	first := p.peek(p.sealed.WireName("k"))
	p.do(p.sealed, set("k", "value"))
	if string(first) == string(p.peek(p.sealed.WireName("k"))) {
		t.Error("the same value was sealed alike twice: a nonce repeats")
	}
	if over := len(first) - len("value"); over != 32 {
		t.Errorf("sealing adds %d bytes, want 32", over)
	}
}

func TestNamesDoNotShow(t *testing.T) {
	p := newPair(t)
	name := p.sealed.WireName("session:alice")
	if len(name) != 32 || strings.Contains(name, "alice") {
		t.Errorf("wire name %q", name)
	}
	if other := newPair(t).sealed.WireName("session:alice"); other == name {
		t.Error("two stores hide names alike")
	}
}

func TestRotation(t *testing.T) {
	k1, k2 := newKey(t), newKey(t)
	old := newRing(t, "k1", map[string]secret.Text{"k1": k1})
	both := newRing(t, "k1", map[string]secret.Text{"k1": k1, "k2": k2})
	turned := newRing(t, "k2", map[string]secret.Text{"k1": k1, "k2": k2})
	last := newRing(t, "k2", map[string]secret.Text{"k2": k2})
	p := &pair{t: t, raw: newMemory(t, newClock())}
	nodeA := seal(t, p.raw, old)
	p.do(nodeA, add("mark", "1"), set("session", "s"))

	nodeA = seal(t, p.raw, both)
	nodeB := seal(t, p.raw, turned) // seals the anchor anew
	if got := p.do(nodeB, get("session"), add("mark", "2")); string(got[0].Value) != "s" || !got[1].Found {
		t.Errorf("entries of the older key: %v", got)
	}
	p.do(nodeB, set("new", "n"))
	if got := p.do(nodeA, get("new"), add("mark", "3")); string(got[0].Value) != "n" || !got[1].Found {
		t.Errorf("entries of the newer key at a node that does not use it yet: %v", got)
	}
	nodeC := seal(t, p.raw, last)
	if got := p.do(nodeC, get("new")); string(got[0].Value) != "n" {
		t.Errorf("after the old key was dropped: %v", got)
	}
	if _, err := nodeC.Do(t.Context(), add("mark", "4")); !errors.Is(err, store.ErrNotOpened) {
		t.Errorf("an entry of a dropped key must not look absent: %v", err)
	}
	if _, err := store.NewSealed(t.Context(), store.SealedOptions{Raw: p.raw, Keyring: old, Rand: rand.Reader}); !errors.Is(err, store.ErrNotOpened) {
		t.Errorf("a node with a foreign ring joined: %v", err)
	}
}

func TestTwoNodesMeetAgainAfterAFlush(t *testing.T) {
	p := newPair(t)
	other := seal(t, p.raw, p.ring)
	p.do(p.sealed, add("before", "1"))
	if got := p.do(other, add("before", "2")); !got[0].Found {
		t.Fatal("two nodes look in two places")
	}
	p.raw.Forget()
	third := seal(t, p.raw, p.ring) // a node that starts after the flush leaves a new anchor
	for name, node := range map[string]*store.Sealed{"first": p.sealed, "second": other} {
		if got, err := node.Do(t.Context(), add("mark", name)); !errors.Is(err, store.ErrUnavailable) || got != nil {
			t.Fatalf("%s node acted under names of the emptied store: (%v, %v)", name, got, err)
		}
	}
	p.do(third, add("mark", "third"))
	for name, node := range map[string]*store.Sealed{"first": p.sealed, "second": other} {
		if got := p.do(node, add("mark", name)); string(got[0].Value) != "third" {
			t.Errorf("%s node does not see the mark of the third", name)
		}
	}
}

func TestAnchorThatDoesNotOpen(t *testing.T) {
	p := newPair(t)
	p.do(p.sealed, set("k", "v"))
	anchor := p.peek("anchor")
	anchor[len(anchor)-1] ^= 1
	p.poke("anchor", anchor)
	for range 2 {
		if _, err := p.sealed.Do(t.Context(), get("k")); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, store.ErrNotOpened) {
			t.Errorf("got %v, want an error", err)
		}
	}
}

func TestNewSealedRefuses(t *testing.T) {
	m := newMemory(t, newClock())
	ring := newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)})
	for name, o := range map[string]store.SealedOptions{
		"no store":      {Keyring: ring, Rand: rand.Reader},
		"no ring":       {Raw: m, Rand: rand.Reader},
		"no randomness": {Raw: m, Keyring: ring},
		"empty random":  {Raw: m, Keyring: ring, Rand: strings.NewReader("")},
	} {
		if _, err := store.NewSealed(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	o := store.SealedOptions{Raw: m, Keyring: ring, Rand: io.MultiReader(io.LimitReader(rand.Reader, 44), iotest.ErrReader(errors.New("dry")))}
	s, err := store.NewSealed(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(t.Context(), set("k", "v")); err == nil {
		t.Error("a value was sealed without a nonce")
	}
}

func TestOpen(t *testing.T) {
	config := store.Config{Clock: time.Now, Rand: rand.Reader}
	s, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(t.Context(), set("k", "v")); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]store.Config{
		"redis without a key": {Clock: time.Now, Rand: rand.Reader, Redis: &store.RedisOptions{URL: secret.New("redis://127.0.0.1:1"), Logger: slog.New(slog.DiscardHandler)}},
		"no clock":            {Rand: rand.Reader},
		"no randomness":       {Clock: time.Now},
	} {
		if _, err := store.Open(t.Context(), c); err == nil || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v, want a refusal before anything is asked", name, err)
		}
	}
}

func BenchmarkSealedMemoryGet(b *testing.B) {
	s := seal(b, newMemory(b, newClock()), newRing(b, "k1", map[string]secret.Text{"k1": newKey(b)}))
	benchmarkGet(b, s)
}

func benchmarkGet(b *testing.B, s broker.Store) {
	b.Helper()
	ctx := context.Background()
	if _, err := s.Do(ctx, set("session:alice", strings.Repeat("x", 1024))); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := s.Do(ctx, get("session:alice")); err != nil {
			b.Fatal(err)
		}
	}
}
