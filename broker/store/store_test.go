package store_test

import (
	"crypto/rand"
	"encoding/base64"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/broker/store/storetest"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// clock is a hand-set time.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newMemory(tb testing.TB, c *clock) *store.Memory {
	tb.Helper()
	m, err := store.NewMemory(store.MemoryOptions{Clock: c.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// newKey makes a ring key as `openssl rand -base64 32` does.
func newKey(tb testing.TB) secret.Text {
	tb.Helper()
	raw := make([]byte, 32)
	if _, err := io.ReadFull(rand.Reader, raw); err != nil {
		tb.Fatal(err)
	}
	return secret.New(base64.StdEncoding.EncodeToString(raw))
}

func newRing(tb testing.TB, active string, keys map[string]secret.Text) *store.Keyring {
	tb.Helper()
	ring, err := store.NewKeyring(active, keys)
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

func seal(tb testing.TB, raw store.Raw, ring *store.Keyring) *store.Sealed {
	tb.Helper()
	s, err := store.NewSealed(tb.Context(), store.SealedOptions{Raw: raw, Keyring: ring, Rand: rand.Reader})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func newRedis(tb testing.TB, server *storetest.Server) *store.Redis {
	tb.Helper()
	r, err := store.NewRedis(tb.Context(), store.RedisOptions{
		URL: secret.New(server.URL()), Timeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func TestMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		c := newClock()
		m := newMemory(t, c)
		return storetest.Subject{Store: m, Advance: c.Advance, Empty: m.Forget}
	})
}

func TestSealedMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		c := newClock()
		m := newMemory(t, c)
		sealed := seal(t, m, newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)}))
		return storetest.Subject{Store: sealed, Advance: c.Advance, Empty: m.Forget}
	})
}

func TestRedis(t *testing.T) {
	server := storetest.StartRedis(t)
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		server.Flush()
		return storetest.Subject{Store: store.Bare{Raw: newRedis(t, server)}, Advance: server.Advance, Empty: server.Flush}
	})
}

func TestSealedRedis(t *testing.T) {
	server := storetest.StartRedis(t)
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		server.Flush()
		sealed := seal(t, newRedis(t, server), newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)}))
		return storetest.Subject{Store: sealed, Advance: server.Advance, Empty: server.Flush}
	})
}

func get(key string) broker.Op  { return broker.Op{Kind: broker.OpGet, Key: key} }
func take(key string) broker.Op { return broker.Op{Kind: broker.OpTake, Key: key} }

func set(key, v string) broker.Op {
	return broker.Op{Kind: broker.OpSet, Key: key, Value: []byte(v), TTL: time.Hour}
}

func add(key, v string) broker.Op {
	return broker.Op{Kind: broker.OpAdd, Key: key, Value: []byte(v), TTL: time.Hour}
}
