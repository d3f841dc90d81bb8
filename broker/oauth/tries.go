package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

// One person may enter maxTries codes in tryWindow, right ones and wrong ones, at whatever node.
const (
	maxTries  = 10
	tryWindow = 10 * time.Minute
)

// tries counts the codes that a person enters, in slots of the store: each try takes one that frees itself.
type tries struct{ store broker.Store }

// allow takes a slot before the code is looked at; false says that there is none.
func (t tries) allow(ctx context.Context, who *idp.Identity) (bool, error) {
	person := digest("tries", who.Provider, who.Issuer, who.Subject)
	gets := make([]broker.Op, maxTries)
	for i := range gets {
		gets[i] = broker.Op{Kind: broker.OpGet, Key: fmt.Sprintf("oauth-try:%s:%d", person, i)}
	}
	slots, err := t.store.Do(ctx, gets...)
	if err != nil {
		return false, err
	}
	for i, slot := range slots {
		if slot.Found {
			continue
		}
		got, err := t.store.Do(ctx, broker.Op{Kind: broker.OpAdd, Key: gets[i].Key, Value: []byte{1}, TTL: tryWindow})
		if err != nil || !got[0].Found {
			return err == nil, err
		}
	}
	return false, nil
}
