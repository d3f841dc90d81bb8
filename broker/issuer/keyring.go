package issuer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// The life of a key (design.md section 9, invariant 4).
const (
	// PublishLead is how long a new key is published before it signs.
	PublishLead = time.Hour
	// PublishTail is how long a key stays published after it signed last.
	PublishTail = 24 * time.Hour
	// DefaultPeriod is how long a JWT key signs.
	DefaultPeriod = 30 * 24 * time.Hour

	// refreshEvery is how long nodes of a store that was emptied may differ; one read a minute costs nothing.
	refreshEvery = time.Minute
	retryEvery   = 15 * time.Second
	// maxStale stays below PublishLead: a node that has not read the store for so long may have missed a new key.
	maxStale = 45 * time.Minute
)

// KeyringOptions describes the keys of one purpose.
type KeyringOptions struct {
	Purpose Purpose
	// Store keeps generated keys; it must seal what it is given. Not used with PEM.
	Store broker.Store
	// PEM are keys of the operator's own: the first signs, all are published, none rotates. Each holds one private key
	// and, for PurposeSAML, its certificate.
	PEM []secret.Text
	// Period is how long a generated JWT key signs; 0 means DefaultPeriod. It must be 0 for PurposeSAML: AWS holds the
	// metadata, so only an explicit Rotate may replace that key.
	Period time.Duration
	Clock  func() time.Time // nil means time.Now
	Rand   io.Reader        // nil means crypto/rand
	// Logger hears of a store that lost its keys; nil discards.
	Logger *slog.Logger
}

// Keyring holds the signing keys of one purpose. Nodes that share a store share the keys: generations are numbered
// entries that are added once and never changed while the key is of use, so every node sees the same line of keys
// without any of them leading. It starts nothing; it reads the store again by itself when its view is a minute old.
type Keyring struct {
	opts    KeyringOptions
	mu      sync.Mutex // held by the one goroutine that reads the store
	retryAt time.Time  // guarded by mu
	view    atomic.Pointer[view]
}

// view is one immutable reading of the store.
type view struct {
	keys   []*Key // living keys, oldest first
	number []int  // generation of each
	next   int    // generation to be added next
	readAt time.Time
	fixed  bool // loaded, not generated
}

// NewKeyring checks the options. Generated keys are made by Load or the first use.
func NewKeyring(o KeyringOptions) (*Keyring, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	k := &Keyring{opts: o}
	switch {
	case o.Purpose != PurposeJWT && o.Purpose != PurposeSAML:
		return nil, fmt.Errorf("unknown key purpose %q", o.Purpose)
	case len(o.PEM) > 0:
		return k, k.fix(o.PEM)
	case o.Store == nil:
		return nil, errors.New("generated keys need a store")
	case o.Purpose == PurposeSAML && o.Period != 0:
		return nil, errors.New("the SAML key cannot rotate by itself: AWS holds its metadata")
	case o.Purpose == PurposeJWT && o.Period == 0:
		k.opts.Period = DefaultPeriod
	case o.Purpose == PurposeJWT && o.Period < PublishLead+PublishTail:
		return nil, fmt.Errorf("a key must sign for at least %v", PublishLead+PublishTail)
	}
	return k, nil
}

func (k *Keyring) fix(texts []secret.Text) error {
	v := &view{fixed: true}
	for i, text := range texts {
		key, err := parsePEM(k.opts.Purpose, text)
		if err != nil {
			return fmt.Errorf("%s signing key %d: %w", k.opts.Purpose, i+1, err)
		}
		v.keys = append(v.keys, key)
	}
	k.view.Store(v)
	return nil
}

// Purpose tells what the keys are for.
func (k *Keyring) Purpose() Purpose { return k.opts.Purpose }

// Load reads the keys, making the first one when there is none. Calling it at start makes a bad store known early.
func (k *Keyring) Load(ctx context.Context) error {
	if v := k.view.Load(); v != nil && v.fixed {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	_, err := k.refresh(ctx)
	return err
}

// Current returns the key that signs now.
func (k *Keyring) Current(ctx context.Context) (*Key, error) {
	v, err := k.fresh(ctx)
	if err != nil {
		return nil, err
	}
	if v.fixed {
		return v.keys[0], nil
	}
	return v.signer(k.opts.Clock()), nil
}

// Published returns every key whose public half must be known: those to come, the one that signs, those of the last day.
func (k *Keyring) Published(ctx context.Context) ([]*Key, error) {
	v, err := k.fresh(ctx)
	if err != nil {
		return nil, err
	}
	now := k.opts.Clock()
	var out []*Key
	for i, key := range v.keys {
		if v.fixed || !v.retired(i, now) {
			out = append(out, key)
		}
	}
	return out, nil
}

// signer is the newest key whose time to sign has come, else the oldest that will sign: also on a node whose clock is a
// little behind the one that made it.
func (v *view) signer(now time.Time) *Key {
	var oldest *Key
	for _, key := range slices.Backward(v.keys) {
		if !key.until.IsZero() {
			continue
		}
		if oldest = key; !key.SignsFrom.After(now) {
			break
		}
	}
	return oldest
}

// last is the newest key that signs or will sign; nil when there is none.
func (v *view) last() *Key {
	for _, key := range slices.Backward(v.keys) {
		if key.until.IsZero() {
			return key
		}
	}
	return nil
}

// retired reports whether the key's successor has been signing for longer than PublishTail. A successor that was put
// back took over then, whenever it began.
func (v *view) retired(i int, now time.Time) bool {
	if until := v.keys[i].until; !until.IsZero() {
		return !now.Before(until)
	}
	for _, next := range v.keys[i+1:] {
		if !next.until.IsZero() {
			continue
		}
		from := next.SignsFrom
		if next.putBack.After(from) {
			from = next.putBack
		}
		return !now.Before(from.Add(PublishTail))
	}
	return false
}

// Rotate adds a key that begins to sign after lead, at least PublishLead, and returns it. While one is already waiting
// it returns that one, so asking twice, or on two nodes, makes one key. For SAML choose a lead long enough to upload
// the new metadata to every account.
func (k *Keyring) Rotate(ctx context.Context, lead time.Duration) (*Key, error) {
	if lead < PublishLead {
		return nil, fmt.Errorf("a new key must be published for at least %v before it signs", PublishLead)
	}
	if v := k.view.Load(); v != nil && v.fixed {
		return nil, errors.New("a key from the configuration is rotated by changing the configuration")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	v, err := k.refresh(ctx)
	if err != nil {
		return nil, err
	}
	now := k.opts.Clock()
	if last := v.last(); last != v.signer(now) {
		return last, nil
	}
	if v, err = k.add(ctx, v, now.Add(lead)); err != nil {
		return nil, err
	}
	k.view.Store(v)
	return v.last(), nil
}

// fresh returns a view that is young enough. One goroutine reads the store; the others go on with what is known
// until that is too old to be safe.
func (k *Keyring) fresh(ctx context.Context) (*view, error) {
	v, now := k.view.Load(), k.opts.Clock()
	if v != nil && (v.fixed || now.Sub(v.readAt) < refreshEvery) {
		return v, nil
	}
	if v != nil && now.Sub(v.readAt) < maxStale {
		if !k.mu.TryLock() {
			return v, nil
		}
		defer k.mu.Unlock()
		if now.Before(k.retryAt) {
			return v, nil
		}
		if renewed, err := k.refresh(ctx); err == nil {
			return renewed, nil
		}
		k.retryAt = now.Add(retryEvery)
		return v, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if v := k.view.Load(); v != nil && now.Sub(v.readAt) < refreshEvery {
		return v, nil
	}
	return k.refresh(ctx)
}
