package store

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/fedbroker/fedbroker/broker"
)

// Raw is a place for bytes that only [NewSealed] can use: [*Memory] and [*Redis].
type Raw interface {
	do(ctx context.Context, ops []broker.Op) ([]broker.Result, error)
	// Close ends connections; a store that has none does nothing.
	Close() error
}

// SealedOptions says what to seal and with what. All members are required.
type SealedOptions struct {
	Raw     Raw
	Keyring *Keyring
	Rand    io.Reader
}

// Sealed is a broker.Store that encrypts values and hides names before they reach another store. Safe for
// concurrent use.
type Sealed struct {
	raw    Raw
	ring   *Keyring
	rand   io.Reader
	anchor atomic.Pointer[anchor]
}

var _ broker.Store = (*Sealed)(nil)

// NewSealed joins the store: it reads the anchor or, on an empty store, leaves one. It fails with ErrNotOpened when
// the store was sealed with keys that are not in the ring.
func NewSealed(ctx context.Context, o SealedOptions) (*Sealed, error) {
	if o.Raw == nil || o.Keyring == nil || o.Rand == nil {
		return nil, errors.New("sealed store: Raw, Keyring and Rand are required")
	}
	s := &Sealed{raw: o.Raw, ring: o.Keyring, rand: o.Rand}
	if err := s.join(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes the store beneath.
func (s *Sealed) Close() error { return s.raw.Close() }

// Do carries out a batch in one round trip (see the package comment for what it promises).
func (s *Sealed) Do(ctx context.Context, ops ...broker.Op) ([]broker.Result, error) {
	if err := validate(ops); err != nil {
		return nil, err
	}
	at := s.anchor.Load()
	wire, err := s.sealAll(at, ops)
	if err != nil {
		return nil, err
	}
	results, err := s.raw.do(ctx, wire)
	if err != nil {
		return nil, err
	}
	if err := s.confirm(ctx, at, results[len(ops)]); err != nil {
		return nil, err
	}
	return s.openAll(ops, results[:len(ops)])
}

func (s *Sealed) sealAll(at *anchor, ops []broker.Op) ([]broker.Op, error) {
	wire := make([]broker.Op, len(ops), len(ops)+1)
	for i, op := range ops {
		wire[i] = broker.Op{Kind: op.Kind, Key: at.wireName(op.Key), TTL: op.TTL}
		if op.Kind != broker.OpSet && op.Kind != broker.OpAdd {
			continue
		}
		var err error
		if wire[i].Value, err = s.ring.seal(sealValue, op.Key, op.Value, s.rand); err != nil {
			return nil, err
		}
	}
	// Last, not first: an anchor that still stands after the batch stood during all of it.
	return append(wire, broker.Op{Kind: broker.OpGet, Key: anchorName}), nil
}

func (s *Sealed) openAll(ops []broker.Op, results []broker.Result) ([]broker.Result, error) {
	for i := range results {
		if !results[i].Found || ops[i].Kind == broker.OpDelete || ops[i].Kind == broker.OpSet {
			continue
		}
		plain, err := s.ring.open(sealValue, ops[i].Key, results[i].Value)
		if err != nil {
			return nil, err
		}
		results[i].Value = plain
	}
	return results, nil
}

// anchorName is the one name on the wire that is not a hash; hashes are longer.
const anchorName = "anchor"

// anchor is what makes a store this store: the key that hides names, and the sealed entry that it came from.
type anchor struct {
	names  []byte
	sealed []byte
}

// wireName is the first 128 bits of HMAC-SHA256 over the logical name, in hex.
func (a *anchor) wireName(logical string) string {
	mac := hmac.New(sha256.New, a.names)
	_, _ = io.WriteString(mac, logical)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// join takes over the anchor that is in the store, or leaves a new one; of several nodes one wins. An anchor that an
// older ring key sealed is sealed anew, so that the older key can be dropped.
func (s *Sealed) join(ctx context.Context) error {
	mine := &anchor{names: make([]byte, keySize)}
	if _, err := io.ReadFull(s.rand, mine.names); err != nil {
		return fmt.Errorf("read randomness for names: %w", err)
	}
	if err := s.sealAnchor(mine); err != nil {
		return err
	}
	add := broker.Op{Kind: broker.OpAdd, Key: anchorName, Value: mine.sealed, TTL: broker.Forever}
	results, err := s.raw.do(ctx, []broker.Op{add})
	if err != nil {
		return err
	}
	if !results[0].Found {
		s.anchor.Store(mine)
		return nil
	}
	theirs, err := s.openAnchor(results[0].Value)
	if err != nil {
		return fmt.Errorf("the store was sealed with other keys: %w", err)
	}
	if id, _, _ := parseHeader(theirs.sealed); id != s.ring.active.id {
		return s.reseal(ctx, theirs)
	}
	s.anchor.Store(theirs)
	return nil
}

func (s *Sealed) reseal(ctx context.Context, a *anchor) error {
	if err := s.sealAnchor(a); err != nil {
		return err
	}
	set := broker.Op{Kind: broker.OpSet, Key: anchorName, Value: a.sealed, TTL: broker.Forever}
	if _, err := s.raw.do(ctx, []broker.Op{set}); err != nil {
		return err
	}
	s.anchor.Store(a)
	return nil
}

// confirm checks that a batch ran against the store that this node joined. Otherwise it joins the new one and fails
// the batch, whose marks stand under names that nobody will look up again.
func (s *Sealed) confirm(ctx context.Context, at *anchor, found broker.Result) error {
	if found.Found && bytes.Equal(found.Value, at.sealed) {
		return nil
	}
	if found.Found {
		if a, err := s.openAnchor(found.Value); err == nil && hmac.Equal(a.names, at.names) {
			s.anchor.Store(a) // another node sealed the same anchor anew
			return nil
		}
	}
	if err := s.join(ctx); err != nil {
		return fmt.Errorf("%w: rejoin a store that was replaced: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: the store was emptied or replaced", ErrUnavailable)
}

func (s *Sealed) sealAnchor(a *anchor) (err error) {
	a.sealed, err = s.ring.seal(sealAnchor, anchorName, a.names, s.rand)
	return err
}

func (s *Sealed) openAnchor(sealed []byte) (*anchor, error) {
	names, err := s.ring.open(sealAnchor, anchorName, sealed)
	if err != nil {
		return nil, err
	}
	if len(names) != keySize {
		return nil, fmt.Errorf("%w: anchor of %d bytes", ErrNotOpened, len(names))
	}
	return &anchor{names: names, sealed: sealed}, nil
}
