package devidp

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"sync"
	"time"
)

// How long things live, and how many of a kind are kept: the oldest makes room.
const (
	sessionLife = 8 * time.Hour
	pendingLife = 10 * time.Minute
	codeLife    = 60 * time.Second // RFC 6749 section 4.1.2 says at most ten minutes
	accessLife  = 10 * time.Minute
	maxKept     = 4096
)

// expiring keeps values for one life time under hashes of their handles, so that looking one up leaks no timing.
type expiring[T any] struct {
	life  time.Duration
	clock func() time.Time

	mu    sync.Mutex
	items map[[sha256.Size]byte]kept[T]
	queue [][sha256.Size]byte // in order of put: everything lives equally long
}

type kept[T any] struct {
	value T
	until time.Time
}

func newExpiring[T any](life time.Duration, clock func() time.Time) *expiring[T] {
	return &expiring[T]{life: life, clock: clock, items: map[[sha256.Size]byte]kept[T]{}}
}

func (e *expiring[T]) put(handle string, value T) {
	key := sha256.Sum256([]byte(handle))
	now := e.clock()
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.queue) > 0 && (len(e.queue) >= maxKept || !now.Before(e.items[e.queue[0]].until)) {
		delete(e.items, e.queue[0])
		e.queue = e.queue[1:]
	}
	e.items[key] = kept[T]{value: value, until: now.Add(e.life)}
	e.queue = append(e.queue, key)
}

func (e *expiring[T]) get(handle string) (T, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live(sha256.Sum256([]byte(handle)))
}

// take returns the value to one caller only.
func (e *expiring[T]) take(handle string) (T, bool) {
	key := sha256.Sum256([]byte(handle))
	e.mu.Lock()
	defer e.mu.Unlock()
	value, ok := e.live(key)
	delete(e.items, key)
	return value, ok
}

func (e *expiring[T]) live(key [sha256.Size]byte) (T, bool) {
	item, ok := e.items[key]
	if !ok || !e.clock().Before(item.until) {
		var none T
		return none, false
	}
	return item.value, true
}

// handleBytes are 256 bits: nobody guesses a handle.
const handleBytes = 32

func newHandle(r io.Reader) (string, error) {
	b := make([]byte, handleBytes)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("reading randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}
