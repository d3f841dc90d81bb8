package store

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// Defaults of [MemoryOptions].
const (
	DefaultMaxEntries = 1 << 20
	DefaultMaxBytes   = 512 << 20
)

// entryOverhead is a generous estimate of what one entry costs beside its name and value.
const entryOverhead = 160

// MemoryOptions bounds a memory store.
type MemoryOptions struct {
	// Clock is required.
	Clock func() time.Time
	// MaxEntries and MaxBytes (names, values and an allowance for bookkeeping) are the most that is held; zero means
	// the default.
	MaxEntries int
	MaxBytes   int64
}

// Memory is a broker.Store in the process. It keeps every entry until its time, refuses writes when it is full, and
// runs no goroutine: each batch clears away a few entries that have expired. Safe for concurrent use.
type Memory struct {
	clock      func() time.Time
	maxEntries int
	maxBytes   int64

	mu      sync.Mutex
	entries map[string]*entry
	queue   expiries
	bytes   int64
}

var (
	_ broker.Store = (*Memory)(nil)
	_ Raw          = (*Memory)(nil)
)

type entry struct {
	key     string
	value   []byte
	expires time.Time // zero: never
	index   int       // place in the queue; -1: not in it
}

func (e *entry) size() int64 { return int64(len(e.key)+len(e.value)) + entryOverhead }

// NewMemory makes an empty store.
func NewMemory(o MemoryOptions) (*Memory, error) {
	if o.Clock == nil {
		return nil, errors.New("memory store: Clock is required")
	}
	if o.MaxEntries < 0 || o.MaxBytes < 0 {
		return nil, errors.New("memory store: limits must not be negative")
	}
	m := &Memory{clock: o.Clock, maxEntries: o.MaxEntries, maxBytes: o.MaxBytes, entries: map[string]*entry{}}
	if m.maxEntries == 0 {
		m.maxEntries = DefaultMaxEntries
	}
	if m.maxBytes == 0 {
		m.maxBytes = DefaultMaxBytes
	}
	return m, nil
}

// Close does nothing: there is nothing to end.
func (m *Memory) Close() error { return nil }

// Do carries out a batch. It is atomic as a whole, which callers must not rely on: other stores are not.
func (m *Memory) Do(ctx context.Context, ops ...broker.Op) ([]broker.Result, error) {
	if err := validate(ops); err != nil {
		return nil, err
	}
	return m.do(ctx, ops)
}

func (m *Memory) do(ctx context.Context, ops []broker.Op) ([]broker.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock()
	m.sweep(now, 2*len(ops)) // two for each that may come in: the queue of the expired shrinks
	results := make([]broker.Result, len(ops))
	for i := range ops {
		var err error
		if results[i], err = m.apply(&ops[i], now); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func (m *Memory) apply(op *broker.Op, now time.Time) (broker.Result, error) {
	e := m.live(op.Key, now)
	switch op.Kind {
	case broker.OpSet:
		return broker.Result{}, m.put(op, e, now)
	case broker.OpAdd:
		if e == nil {
			return broker.Result{}, m.put(op, nil, now)
		}
	case broker.OpDelete:
		m.remove(e)
		return broker.Result{Found: e != nil}, nil
	case broker.OpTake:
		m.remove(e)
	}
	if e == nil {
		return broker.Result{}, nil
	}
	return broker.Result{Found: true, Value: bytes.Clone(e.value)}, nil
}

// live returns the entry unless it is absent or past its time.
func (m *Memory) live(key string, now time.Time) *entry {
	e := m.entries[key]
	if e == nil || !e.expired(now) {
		return e
	}
	m.remove(e)
	return nil
}

func (e *entry) expired(now time.Time) bool { return !e.expires.IsZero() && !now.Before(e.expires) }

func (m *Memory) put(op *broker.Op, old *entry, now time.Time) error {
	fresh := &entry{key: op.Key, value: bytes.Clone(op.Value), index: -1}
	if op.TTL != broker.Forever {
		fresh.expires = now.Add(op.TTL)
	}
	if !m.room(fresh, old) {
		if m.sweep(now, len(m.queue)); !m.room(fresh, old) {
			return ErrFull
		}
	}
	m.remove(old)
	m.entries[fresh.key] = fresh
	m.bytes += fresh.size()
	if !fresh.expires.IsZero() {
		heap.Push(&m.queue, fresh)
	}
	return nil
}

func (m *Memory) room(fresh, old *entry) bool {
	count, size := len(m.entries)+1, m.bytes+fresh.size()
	if old != nil {
		count, size = count-1, size-old.size()
	}
	return count <= m.maxEntries && size <= m.maxBytes
}

func (m *Memory) remove(e *entry) {
	if e == nil {
		return
	}
	delete(m.entries, e.key)
	m.bytes -= e.size()
	if e.index >= 0 {
		heap.Remove(&m.queue, e.index)
	}
}

// sweep removes up to n entries whose time is over, soonest first.
func (m *Memory) sweep(now time.Time, n int) {
	for ; n > 0 && len(m.queue) > 0 && m.queue[0].expired(now); n-- {
		m.remove(m.queue[0])
	}
}

// expiries is a heap of the entries that end, soonest first.
type expiries []*entry

func (q expiries) Len() int           { return len(q) }
func (q expiries) Less(i, j int) bool { return q[i].expires.Before(q[j].expires) }

func (q expiries) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *expiries) Push(x any) {
	e := x.(*entry) // only put pushes
	e.index = len(*q)
	*q = append(*q, e)
}

func (q *expiries) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	e.index = -1
	return e
}
