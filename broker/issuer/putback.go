package issuer

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// reconcile holds the living generations that this node knows against the store's. AWS knows these keys, so that a
// store which lost them (emptied, restarted without persistence) gets them back. Where a node that started since was
// first to put another key under a number, that one signs, and ours goes on being published, by every node, for
// PublishTail: what it signed is still under way.
func (k *Keyring) reconcile(ctx context.Context, v *view) (*view, error) {
	if intact, err := k.intact(ctx, v); err != nil || intact {
		return v, err
	}
	back, lost, err := k.putBack(ctx, v)
	if err != nil {
		return nil, err
	}
	fresh, err := k.read(ctx, &view{next: 1, readAt: v.readAt})
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(back, func(id string) bool { return !fresh.has(id) }) {
		return nil, errors.New("the store lost the signing keys again; those known stay in force")
	}
	if len(back) > 0 {
		k.opts.Logger.Warn("signing keys were gone from the store and have been put back: it was emptied or lost its data",
			"purpose", k.opts.Purpose, "keys", back)
	}
	return k.keepPublished(ctx, fresh, lost)
}

// intact reports whether every generation that this node knows stands in the store as it knows it.
func (k *Keyring) intact(ctx context.Context, v *view) (bool, error) {
	if len(v.number) == 0 {
		return true, nil
	}
	ops := make([]broker.Op, len(v.number))
	for i, number := range v.number {
		ops[i] = broker.Op{Kind: broker.OpGet, Key: k.entry(number)}
	}
	res, err := k.do(ctx, ops...)
	if err != nil {
		return false, err
	}
	for i := range res {
		if !res[i].Found {
			return false, nil
		}
		key, err := k.decode(v.number[i], res[i].Value)
		if err != nil || key == nil || key.ID != v.keys[i].ID {
			return false, err
		}
	}
	return true, nil
}

// putBack adds every generation of the view that the store lacks, and gravestones under the numbers between: a node
// that starts reads on only as far as there are entries. It goes upwards, so that whoever reads meanwhile sees a line
// that ends early, never one with a hole. It returns which keys were put back, and those whose number is taken.
func (k *Keyring) putBack(ctx context.Context, v *view) (back []string, lost []*Key, err error) {
	now := k.opts.Clock()
	for number := 1; number <= v.number[len(v.number)-1]; number++ {
		key := v.numbered(number)
		value, err := k.encode(key, now)
		if err != nil {
			return nil, nil, err
		}
		res, err := k.do(ctx, broker.Op{Kind: broker.OpAdd, Key: k.entry(number), Value: value, TTL: broker.Forever})
		switch {
		case err != nil:
			return nil, nil, err
		case key == nil:
			continue
		case !res[0].Found:
			back = append(back, key.ID)
			continue
		}
		theirs, err := k.decode(number, res[0].Value)
		if err != nil {
			return nil, nil, err
		}
		if theirs != nil && theirs.ID != key.ID {
			lost = append(lost, key)
		}
	}
	return back, lost, nil
}

// keepPublished adds the keys whose number was taken at the end of the line, as keys that sign no more, unless another
// node has done so.
func (k *Keyring) keepPublished(ctx context.Context, v *view, lost []*Key) (*view, error) {
	now := k.opts.Clock()
	for _, key := range lost {
		last := *key
		if last.until.IsZero() {
			last.until = now.Add(PublishTail).UTC()
		}
		value, err := k.encode(&last, now)
		if err != nil {
			return nil, err
		}
		for !v.has(key.ID) {
			if v, err = k.append(ctx, v, value); err != nil {
				return nil, err
			}
		}
		k.opts.Logger.Warn(k.replacedWords(), "purpose", k.opts.Purpose, "key", key.ID, "signs", v.signer(now).ID, "published_until", last.until)
	}
	return v, nil
}

func (k *Keyring) replacedWords() string {
	const words = "the store was emptied and another node has made a new signing key, which signs from now on"
	if k.opts.Purpose == PurposeSAML {
		return words + "; upload the SAML metadata to AWS again"
	}
	return words
}

// encode writes a key as the store keeps it, or a gravestone for none.
func (k *Keyring) encode(key *Key, now time.Time) ([]byte, error) {
	if key == nil {
		return k.gravestone(time.Time{})
	}
	der, err := x509.MarshalPKCS8PrivateKey(key.signer)
	if err != nil {
		return nil, err
	}
	return json.Marshal(generation{
		Purpose: k.opts.Purpose, SignsFrom: key.SignsFrom, PutBack: now.UTC(), Until: key.until, PKCS8: der, Cert: key.Certificate,
	})
}

// numbered is the key of a generation, nil where the view has none.
func (v *view) numbered(number int) *Key {
	if i := slices.Index(v.number, number); i >= 0 {
		return v.keys[i]
	}
	return nil
}

func (v *view) has(id string) bool {
	return slices.ContainsFunc(v.keys, func(key *Key) bool { return key.ID == id })
}
