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

// generation is one key as the store keeps it. Once retired only a gravestone is left: the number stays taken, the
// private key is gone.
type generation struct {
	Purpose   Purpose   `json:"purpose"`
	SignsFrom time.Time `json:"signs_from"`
	Retired   bool      `json:"retired,omitempty"`
	PKCS8     []byte    `json:"pkcs8,omitempty"`
	Cert      []byte    `json:"certificate,omitempty"`
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
	if err := k.forgetIfGone(ctx, v); err != nil {
		return nil, err
	}
	v, err := k.read(ctx, v)
	if err != nil {
		return nil, err
	}
	switch {
	case len(v.keys) == 0:
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

// forgetIfGone starts over when the newest known generation is no longer there, or is another key: the store was
// emptied, and nodes that started since have made other keys.
func (k *Keyring) forgetIfGone(ctx context.Context, v *view) error {
	if len(v.number) == 0 {
		return nil
	}
	last := len(v.number) - 1
	res, err := k.do(ctx, broker.Op{Kind: broker.OpGet, Key: k.entry(v.number[last])})
	if err != nil {
		return err
	}
	stored := &view{next: v.number[last]}
	if res[0].Found {
		if err := k.take(stored, res[0].Value); err != nil {
			return err
		}
	}
	if len(stored.keys) != 1 || stored.keys[0].ID != v.keys[last].ID {
		*v = view{next: 1, readAt: v.readAt}
	}
	return nil
}

// due is so early that the successor begins to sign when the period ends.
func (k *Keyring) due(v *view, now time.Time) bool {
	last := v.keys[len(v.keys)-1]
	return k.opts.Period > 0 && !now.Before(last.SignsFrom.Add(k.opts.Period-PublishLead))
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
	return nil, errors.New("the store holds too many generations of signing keys")
}

// add makes a key of the next generation, or learns of the one that another node was first to make.
func (k *Keyring) add(ctx context.Context, v *view, signsFrom time.Time) (*view, error) {
	value, err := k.generate(signsFrom)
	if err != nil {
		return nil, fmt.Errorf("making a %s signing key: %w", k.opts.Purpose, err)
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
	var g generation
	if err := json.Unmarshal(value, &g); err != nil {
		return fmt.Errorf("%s signing key %d in the store is damaged", k.opts.Purpose, v.next)
	}
	if g.Purpose != k.opts.Purpose {
		return fmt.Errorf("signing key %d in the store is for %q, not %q", v.next, g.Purpose, k.opts.Purpose)
	}
	if g.Retired {
		return nil
	}
	key, err := g.key()
	if err != nil {
		return fmt.Errorf("%s signing key %d in the store: %w", k.opts.Purpose, v.next, err)
	}
	v.keys, v.number = append(v.keys, key), append(v.number, v.next)
	return nil
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
	return newKey(g.Purpose, signer, g.Cert, g.SignsFrom)
}

// bury replaces keys that are no longer published by gravestones, in the store and in the view. Doing so twice, or on
// two nodes, changes nothing.
func (k *Keyring) bury(ctx context.Context, v *view, now time.Time) error {
	var ops []broker.Op
	for i := range v.keys {
		if !v.retired(i, now) {
			break
		}
		stone, err := json.Marshal(generation{Purpose: k.opts.Purpose, SignsFrom: v.keys[i].SignsFrom, Retired: true})
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
	v.keys, v.number = v.keys[len(ops):], v.number[len(ops):]
	return nil
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
