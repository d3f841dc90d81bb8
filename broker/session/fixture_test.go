package session_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/broker/store/storetest"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is a store that can be watched, frozen in time, and broken.
type fixture struct {
	t     testing.TB
	inner broker.Store

	mu     sync.Mutex
	now    time.Time
	seen   strings.Builder // every key and value that reached the store
	writes int
	fail   error
	before func(op broker.Op) // runs before a batch is carried out, or before each operation of it:
	apart  bool               // batches are not isolated
}

// newFixture's store never expires anything by itself: its clock stands still. What ends, ends by the package's own
// checks.
func newFixture(tb testing.TB) *fixture {
	tb.Helper()
	m, err := store.NewMemory(store.MemoryOptions{Clock: func() time.Time { return start }})
	if err != nil {
		tb.Fatal(err)
	}
	return &fixture{t: tb, inner: m, now: start}
}

// newRedisFixture's store is a real server, behind the seal as in production. Every call makes another node on it.
func newRedisFixture(tb testing.TB, server *storetest.Server, key secret.Text) *fixture {
	tb.Helper()
	ring, err := store.NewKeyring("k", map[string]secret.Text{"k": key})
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := store.NewRedis(tb.Context(), store.RedisOptions{URL: secret.New(server.URL()), Timeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = raw.Close() })
	sealed, err := store.NewSealed(tb.Context(), store.SealedOptions{Raw: raw, Keyring: ring, Rand: rand.Reader})
	if err != nil {
		tb.Fatal(err)
	}
	return &fixture{t: tb, inner: sealed, now: start}
}

// onEveryStore runs a test with two nodes on one store, of each kind.
func onEveryStore(t *testing.T, test func(t *testing.T, a, b *fixture)) {
	t.Run("memory", func(t *testing.T) {
		a := newFixture(t)
		test(t, a, &fixture{t: t, inner: a.inner, now: start})
	})
	t.Run("redis", func(t *testing.T) {
		server, raw := storetest.StartRedis(t), make([]byte, 32)
		if _, err := rand.Read(raw); err != nil {
			t.Fatal(err)
		}
		key := text(base64.StdEncoding.EncodeToString(raw))
		test(t, newRedisFixture(t, server, key), newRedisFixture(t, server, key))
	})
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func (f *fixture) Do(ctx context.Context, ops ...broker.Op) ([]broker.Result, error) {
	f.mu.Lock()
	fail, before, apart := f.fail, f.before, f.apart
	for _, op := range ops {
		f.seen.WriteString(op.Key + " " + string(op.Value) + "\n")
		if op.Kind == broker.OpSet || op.Kind == broker.OpAdd {
			f.writes++
		}
	}
	f.mu.Unlock()
	if fail != nil {
		return nil, fail
	}
	if apart && len(ops) > 1 {
		return f.oneByOne(ctx, ops)
	}
	if before != nil {
		before(ops[0])
	}
	return f.inner.Do(ctx, ops...)
}

func (f *fixture) oneByOne(ctx context.Context, ops []broker.Op) ([]broker.Result, error) {
	var out []broker.Result
	for _, op := range ops {
		done, err := f.Do(ctx, op)
		if err != nil {
			return nil, err
		}
		out = append(out, done...)
	}
	return out, nil
}

func (f *fixture) sessions(o session.Options) *session.Sessions {
	f.t.Helper()
	o.Store, o.Clock, o.Rand = f, f.clock, rand.Reader
	s, err := session.New(o)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) logins() *session.Logins {
	f.t.Helper()
	l, err := session.NewLogins(session.LoginOptions{Store: f, Clock: f.clock, Rand: rand.Reader})
	if err != nil {
		f.t.Fatal(err)
	}
	return l
}

func alice() idp.Identity {
	return idp.Identity{
		Provider: "corp", Issuer: "https://idp.example.com", Subject: "alice", Username: "alice", Groups: []string{"a", "b"},
		AuthTime: start.Add(-time.Minute), AMR: []string{"mfa"},
		Claims: idp.NewClaims(map[string]any{"dept": "x", "n": int64(7), "list": []any{"a"}}),
		Proof:  idp.Proof{Kind: idp.ProofSAML, ID: "_1", Hash: "00", IssuedAt: start, Expires: start.Add(time.Minute), Once: true},
	}
}

// altered returns every prefix of s, every one-bit change, and some other spellings.
func altered(s string) []string {
	out := []string{s + "A", s + "=", " " + s, s + "\n", s + s, strings.ToUpper(s), strings.ToLower(s), strings.Repeat("A", len(s))}
	for i := range s {
		out = append(out, s[:i])
		for bit := range 8 {
			b := []byte(s)
			b[i] ^= 1 << bit
			out = append(out, string(b))
		}
	}
	// The last character holds bits that a lax decoder ignores.
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if other := s[:len(s)-1] + string(c); other != s {
			out = append(out, other)
		}
	}
	return out
}

func text(s string) secret.Text { return secret.New(s) }
