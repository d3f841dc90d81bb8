package ststest

import (
	"context"
	"testing"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/issuer"
)

// strangerKeys makes keys that nobody trusts.
func strangerKeys(t *testing.T, p issuer.Purpose) *issuer.Keyring {
	t.Helper()
	k, err := issuer.NewKeyring(issuer.KeyringOptions{Purpose: p, Store: blank{}})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// blank is a store that forgets everything at once.
type blank struct{}

var _ broker.Store = blank{}

// Do implements broker.Store.
func (blank) Do(_ context.Context, ops ...broker.Op) ([]broker.Result, error) {
	return make([]broker.Result, len(ops)), nil
}
