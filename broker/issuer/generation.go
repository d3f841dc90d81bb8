package issuer

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// maxGenerations stops a store that answers everything with "found". Daily rotation reaches it after a century.
const maxGenerations = 40_000

var errFull = errors.New("the store holds too many generations of signing keys")

// generation is one key as the store keeps it. Once retired only a gravestone is left: the number stays taken, the
// private key is gone.
type generation struct {
	Purpose   Purpose   `json:"purpose"`
	SignsFrom time.Time `json:"signs_from"`
	// PutBack is when a node gave the key back to a store that had lost it.
	PutBack time.Time `json:"put_back,omitzero"`
	// Until is set for a key that signs no more: it is only published, until then.
	Until   time.Time `json:"until,omitzero"`
	Retired bool      `json:"retired,omitempty"`
	PKCS8   []byte    `json:"pkcs8,omitempty"`
	Cert    []byte    `json:"certificate,omitempty"`
}

func (k *Keyring) entry(number int) string {
	return fmt.Sprintf("issuer-key:%s:%d", k.opts.Purpose, number)
}

// refresh reads what was added since, adds what is due and buries what is past use. The caller holds mu.
func (k *Keyring) refresh(ctx context.Context) (*view, error) {
	v, now := &view{next: 1}, k.opts.Clock()
	if old := k.view.Load(); old != nil {
		v = &view{keys: slices.Clone(old.keys), number: slices.Clone(old.number), next: old.next}
	}
	v.readAt = now
	v, err := k.reconcile(ctx, v)
	if err != nil {
		return nil, err
	}
	if v, err = k.read(ctx, v); err != nil {
		return nil, err
	}
	switch {
	case v.last() == nil:
		v, err = k.add(ctx, v, now)
	case k.due(v, now):
		v, err = k.add(ctx, v, now.Add(PublishLead))
	}
	if err != nil {
		return nil, err
	}
	if err := k.bury(ctx, v, now); err != nil {
		return nil, err
	}
	k.view.Store(v)
	return v, nil
}

// due is so early that the successor begins to sign when the period ends.
func (k *Keyring) due(v *view, now time.Time) bool {
	return k.opts.Period > 0 && !now.Before(v.last().SignsFrom.Add(k.opts.Period-PublishLead))
}

func (k *Keyring) read(ctx context.Context, v *view) (*view, error) {
	for ; v.next < maxGenerations; v.next++ {
		res, err := k.do(ctx, broker.Op{Kind: broker.OpGet, Key: k.entry(v.next)})
		if err != nil {
			return nil, err
		}
		if !res[0].Found {
			return v, nil
		}
		if err := k.take(v, res[0].Value); err != nil {
			return nil, err
		}
	}
	return nil, errFull
}

// add makes a key of the next generation, or learns of the one that another node was first to make.
func (k *Keyring) add(ctx context.Context, v *view, signsFrom time.Time) (*view, error) {
	value, err := k.generate(signsFrom)
	if err != nil {
		return nil, fmt.Errorf("making a %s signing key: %w", k.opts.Purpose, err)
	}
	return k.append(ctx, v, value)
}

// append adds an entry at the end of the line, or takes what another node was first to add there.
func (k *Keyring) append(ctx context.Context, v *view, value []byte) (*view, error) {
	if v.next >= maxGenerations {
		return nil, errFull
	}
	res, err := k.do(ctx, broker.Op{Kind: broker.OpAdd, Key: k.entry(v.next), Value: value, TTL: broker.Forever})
	if err != nil {
		return nil, err
	}
	if res[0].Found {
		value = res[0].Value
	}
	grown := &view{keys: slices.Clone(v.keys), number: slices.Clone(v.number), next: v.next, readAt: v.readAt}
	if err := k.take(grown, value); err != nil {
		return nil, err
	}
	grown.next++
	return grown, nil
}

func (k *Keyring) generate(signsFrom time.Time) ([]byte, error) {
	signer, err := generateKey(k.opts.Purpose, k.opts.Rand)
	if err != nil {
		return nil, err
	}
	g := generation{Purpose: k.opts.Purpose, SignsFrom: signsFrom.UTC()}
	if g.PKCS8, err = x509.MarshalPKCS8PrivateKey(signer); err != nil {
		return nil, err
	}
	if k.opts.Purpose == PurposeSAML {
		if g.Cert, err = selfSign(signer, k.opts.Rand, signsFrom); err != nil {
			return nil, err
		}
	}
	return json.Marshal(g)
}

// take puts generation v.next, as the store told it, into the view.
func (k *Keyring) take(v *view, value []byte) error {
	key, err := k.decode(v.next, value)
	if key != nil {
		v.keys, v.number = append(v.keys, key), append(v.number, v.next)
	}
	return err
}

// decode reads one entry; the key is nil for a gravestone.
func (k *Keyring) decode(number int, value []byte) (*Key, error) {
	var g generation
	if err := json.Unmarshal(value, &g); err != nil {
		return nil, fmt.Errorf("%s signing key %d in the store is damaged", k.opts.Purpose, number)
	}
	if g.Purpose != k.opts.Purpose {
		return nil, fmt.Errorf("signing key %d in the store is for %q, not %q", number, g.Purpose, k.opts.Purpose)
	}
	if g.Retired {
		return nil, nil
	}
	key, err := g.key()
	if err != nil {
		return nil, fmt.Errorf("%s signing key %d in the store: %w", k.opts.Purpose, number, err)
	}
	return key, nil
}

func (g generation) key() (*Key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(g.PKCS8)
	if err != nil {
		return nil, errors.New("not a private key")
	}
	signer, err := asSigner(parsed)
	if err != nil {
		return nil, err
	}
	key, err := newKey(g.Purpose, signer, g.Cert, g.SignsFrom)
	if err != nil {
		return nil, err
	}
	key.putBack, key.until = g.PutBack, g.Until
	return key, nil
}

// bury replaces keys that are no longer published by gravestones, in the store and in the view. Doing so twice, or on
// two nodes, changes nothing.
func (k *Keyring) bury(ctx context.Context, v *view, now time.Time) error {
	var ops []broker.Op
	var keys []*Key
	var number []int
	for i, key := range v.keys {
		if !v.retired(i, now) {
			keys, number = append(keys, key), append(number, v.number[i])
			continue
		}
		stone, err := k.gravestone(key.SignsFrom)
		if err != nil {
			return err
		}
		ops = append(ops, broker.Op{Kind: broker.OpSet, Key: k.entry(v.number[i]), Value: stone, TTL: broker.Forever})
	}
	if len(ops) == 0 {
		return nil
	}
	if _, err := k.do(ctx, ops...); err != nil {
		return err
	}
	v.keys, v.number = keys, number
	return nil
}

func (k *Keyring) gravestone(signsFrom time.Time) ([]byte, error) {
	return json.Marshal(generation{Purpose: k.opts.Purpose, SignsFrom: signsFrom, Retired: true})
}

func (k *Keyring) do(ctx context.Context, ops ...broker.Op) ([]broker.Result, error) {
	res, err := k.opts.Store.Do(ctx, ops...)
	if err != nil {
		return nil, fmt.Errorf("reading %s signing keys: %w", k.opts.Purpose, err)
	}
	if len(res) != len(ops) {
		return nil, errors.New("the store answered another number of operations")
	}
	return res, nil
}
