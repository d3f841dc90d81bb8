package issuer_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// joiner starts a Redis and returns a function that makes one more node's sealed store on it.
func joiner(t *testing.T) (*miniredis.Miniredis, func() *store.Sealed) {
	t.Helper()
	server := miniredis.RunT(t)
	sealing := make([]byte, 32)
	_, _ = rand.Read(sealing)
	ring := map[string]secret.Text{"k1": secret.New(base64.StdEncoding.EncodeToString(sealing))}
	return server, func() *store.Sealed {
		redis := must(store.NewRedis(t.Context(), store.RedisOptions{
			URL: secret.New("redis://" + server.Addr()), Logger: slog.New(slog.DiscardHandler), Timeout: 5 * time.Second,
		}))
		t.Cleanup(func() { _ = redis.Close() })
		return must(store.NewSealed(t.Context(), store.SealedOptions{Raw: redis, Keyring: must(store.NewKeyring("k1", ring)), Rand: rand.Reader}))
	}
}

// Invariant 4: in the shared store a signing key is sealed, two nodes share it, and it does not expire.
func TestGeneratedKeysLieSealedInRedis(t *testing.T) {
	server, join := joiner(t)
	c := newClock()
	one, two := node(t, join(), c), node(t, join(), c)
	if a, b := current(t, one), current(t, two); a != b {
		t.Errorf("two nodes sign with %s and %s", a, b)
	}
	if len(server.Keys()) == 0 {
		t.Fatal("nothing is in the store")
	}
	for _, name := range server.Keys() {
		value, err := server.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "issuer") || bytes.Contains([]byte(value), []byte("pkcs8")) || bytes.Contains([]byte(value), []byte("purpose")) {
			t.Errorf("entry %q holds %q in the clear", name, value)
		}
		if ttl := server.TTL(name); ttl != 0 {
			t.Errorf("entry %q expires in %v", name, ttl)
		}
	}
}

// A sealed store refuses the first batch after it was emptied; the next try puts the key back.
func TestAfterFlushAllTheKeyIsPutBackOnTheNextTry(t *testing.T) {
	server, join := joiner(t)
	c := newClock()
	old := node(t, join(), c)
	first := current(t, old)
	server.FlushAll()
	c.advance(aRefresh)
	if got := current(t, old); got != first {
		t.Fatal("another key signs at once")
	}
	c.advance(16 * time.Second)
	current(t, old)
	if signs, all := agreed(t, old, node(t, join(), c)); signs != first || len(all) != 1 {
		t.Errorf("%s signs and %v are published, want %s", signs, all, first)
	}
}
