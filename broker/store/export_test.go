package store

import (
	"context"

	"github.com/fedbroker/fedbroker/broker"
)

// Bare makes a store of what only NewSealed can use, to hold it to the suite by itself.
type Bare struct{ Raw }

var _ broker.Store = Bare{}

// Do checks and carries out a batch unsealed.
func (b Bare) Do(ctx context.Context, ops ...broker.Op) ([]broker.Result, error) {
	if err := validate(ops); err != nil {
		return nil, err
	}
	return b.do(ctx, ops)
}

// Forget empties the store as FLUSHALL would.
func (m *Memory) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries, m.queue, m.bytes = map[string]*entry{}, nil, 0
}

// Held tells what the store accounts for.
func (m *Memory) Held() (entries, queued int, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries), len(m.queue), m.bytes
}

// WireName is where an entry lies in the store beneath.
func (s *Sealed) WireName(logical string) string { return s.anchor.Load().wireName(logical) }
