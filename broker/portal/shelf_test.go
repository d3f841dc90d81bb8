package portal

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/idp"
)

// TestShelvesAreOnesOwn: an identity is (provider, issuer, subject), and no other reading of the same text.
func TestShelvesAreOnesOwn(t *testing.T) {
	people := []idp.Identity{
		{Provider: "corp", Issuer: "i", Subject: "alice"},
		{Provider: "corp", Issuer: "i", Subject: "alice", Username: "x"}, // the same as the first
		{Provider: "other", Issuer: "i", Subject: "alice"},
		{Provider: "corp", Issuer: "j", Subject: "alice"},
		{Provider: "corp", Issuer: "ia", Subject: "lice"},
		{Provider: "cor", Issuer: "pi", Subject: "alice"},
		{Provider: "corp", Issuer: "i", Subject: "Alice"},
	}
	seen := map[string]int{}
	for i := range people {
		key := shelfKey(&people[i])
		if other, there := seen[key]; there != (i == 1) || other != 0 {
			t.Errorf("%d has the shelf of %d", i, other)
		}
		seen[key] = i
		if i == 1 {
			seen[key] = 0
		}
	}
}

// TestAShelfThatCannotBeReadIsAnError: it was written by another version, or by nobody of ours.
func TestAShelfThatCannotBeReadIsAnError(t *testing.T) {
	sealed, err := store.Open(t.Context(), store.Config{Clock: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	id := idp.Identity{Provider: "corp", Issuer: "i", Subject: "alice"}
	s := shelves{sealed}
	if _, err := sealed.Do(t.Context(), broker.Op{Kind: broker.OpSet, Key: shelfKey(&id), Value: []byte(`[1]`), TTL: shelfLifetime}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.get(t.Context(), &id); err == nil || len(got.Favourites) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
