package issuer_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func node(t *testing.T, store broker.Store, c *clock, change ...func(*issuer.KeyringOptions)) *issuer.Keyring {
	t.Helper()
	o := issuer.KeyringOptions{Purpose: issuer.PurposeJWT, Store: store, Clock: c.Now}
	for _, f := range change {
		f(&o)
	}
	return must(issuer.NewKeyring(o))
}

func current(t *testing.T, k *issuer.Keyring) string {
	t.Helper()
	key, err := k.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key.ID
}

func published(t *testing.T, k *issuer.Keyring) []string {
	t.Helper()
	keys, err := k.Published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, key := range keys {
		ids = append(ids, key.ID)
	}
	return ids
}

func TestOfManyNodesThatStartAtOnceOneMakesTheKey(t *testing.T) {
	store, c := newMemory(), newClock()
	const nodes = 8
	store.gate = new(sync.WaitGroup)
	store.gate.Add(nodes)
	ids := make([]string, nodes)
	var wg sync.WaitGroup
	for i := range nodes {
		k := node(t, store, c)
		wg.Go(func() {
			if err := k.Load(t.Context()); err != nil {
				t.Error(err)
				return
			}
			ids[i] = current(t, k)
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("nodes sign with different keys: %v", ids)
		}
	}
	if store.adds != 1 {
		t.Errorf("%d keys were stored, want 1", store.adds)
	}
}

func TestANewKeyIsPublishedForAnHourBeforeItSignsAndTheOldOneForADayAfter(t *testing.T) {
	store, c := newMemory(), newClock()
	a, b := node(t, store, c), node(t, store, c)
	first := current(t, a)

	c.advance(issuer.DefaultPeriod - time.Hour - time.Second)
	if got := published(t, a); len(got) != 1 {
		t.Fatalf("published too early: %v", got)
	}
	c.advance(6 * time.Minute) // past the hour before the period's end, and past the last reading
	var second string
	if ids := published(t, a); len(ids) == 2 {
		second = ids[1]
	} else {
		t.Fatalf("an hour before the period ends %v are published, want two", ids)
	}
	if got := published(t, b); len(got) != 2 || got[1] != second {
		t.Fatalf("the other node publishes %v, want the same two", got)
	}
	if got := current(t, a); got != first {
		t.Error("the new key signs at once")
	}
	c.advance(54 * time.Minute)
	if got := current(t, b); got != first {
		t.Error("the new key signs before its hour is over")
	}
	c.advance(6 * time.Minute)
	for _, k := range []*issuer.Keyring{a, b} {
		if got := current(t, k); got != second {
			t.Error("the new key does not sign after its hour")
		}
	}
	c.advance(issuer.PublishTail - 10*time.Minute)
	if got := published(t, b); len(got) != 2 {
		t.Errorf("the old key is gone within its day: %v", got)
	}
	c.advance(20 * time.Minute)
	if got := published(t, b); len(got) != 1 || got[0] != second {
		t.Errorf("after a day %v are published, want the new key only", got)
	}
	if store.adds != 2 {
		t.Errorf("%d keys were made, want 2", store.adds)
	}
}

func TestOfARetiredKeyOnlyAGravestoneIsLeft(t *testing.T) {
	store, c := newMemory(), newClock()
	k := node(t, store, c)
	current(t, k)
	for range 3 {
		c.advance(issuer.DefaultPeriod)
		current(t, k)
		c.advance(issuer.PublishTail + 2*time.Hour)
		current(t, k)
	}
	withKey := 0
	for name, value := range store.data {
		if !strings.HasPrefix(name, "issuer-key:jwt:") {
			t.Errorf("unexpected entry %s", name)
		}
		if strings.Contains(string(value), "pkcs8") {
			withKey++
		}
	}
	if withKey != 1 || len(store.data) != 4 {
		t.Errorf("%d of %d generations hold a private key, want 1 of 4", withKey, len(store.data))
	}
	late := node(t, store, c)
	if current(t, late) != current(t, k) {
		t.Error("a node that starts later signs with another key")
	}
}

func TestRotateTwiceMakesOneKey(t *testing.T) {
	store, c := newMemory(), newClock()
	a, b := node(t, store, c), node(t, store, c)
	first := current(t, a)
	if _, err := a.Rotate(t.Context(), time.Minute); err == nil {
		t.Error("a key may sign before it was published for an hour")
	}
	one, err := a.Rotate(t.Context(), issuer.PublishLead)
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.Rotate(t.Context(), issuer.PublishLead)
	if err != nil || one.ID != two.ID || one.ID == first {
		t.Errorf("two rotations made %s and %s (%v)", one.ID, two.ID, err)
	}
	if current(t, a) != first {
		t.Error("the new key signs at once")
	}
	c.advance(issuer.PublishLead)
	if current(t, a) != one.ID || current(t, b) != one.ID {
		t.Error("the new key does not sign after its lead")
	}
}

func TestTheSAMLKeyNeverRotatesByItself(t *testing.T) {
	store, c := newMemory(), newClock()
	saml := func(o *issuer.KeyringOptions) { o.Purpose = issuer.PurposeSAML }
	k := node(t, store, c, saml)
	first := current(t, k)
	c.advance(3 * 365 * 24 * time.Hour)
	if got := published(t, k); len(got) != 1 || got[0] != first {
		t.Errorf("after three years %v are published", got)
	}
	if _, err := issuer.NewKeyring(issuer.KeyringOptions{Purpose: issuer.PurposeSAML, Store: store, Period: 90 * 24 * time.Hour}); err == nil {
		t.Error("a period is taken for the SAML key")
	}
	if _, err := k.Rotate(t.Context(), 7*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := published(t, k); len(got) != 2 || current(t, k) != first {
		t.Error("an explicit rotation must publish the new key and go on signing with the old one")
	}
}

func TestPurposesDoNotMix(t *testing.T) {
	store, c := newMemory(), newClock()
	current(t, node(t, store, c))
	current(t, node(t, store, c, func(o *issuer.KeyringOptions) { o.Purpose = issuer.PurposeSAML }))
	if store.adds != 2 {
		t.Fatalf("%d keys for two purposes", store.adds)
	}
	store.data["issuer-key:saml:1"], store.data["issuer-key:jwt:1"] = store.data["issuer-key:jwt:1"], store.data["issuer-key:saml:1"]
	if err := node(t, store, c).Load(t.Context()); err == nil {
		t.Error("a SAML key was taken for JWTs")
	}
	jwt := fixed(t, issuer.PurposeJWT, pkcs8(rsaKey()))
	saml := fixed(t, issuer.PurposeSAML, pkcs8(rsaKey())+certificate(rsaKey()))
	if _, err := issuer.New(issuer.Options{URL: issuerURL, Keys: saml}); err == nil {
		t.Error("the issuer takes SAML keys for JWTs")
	}
	if _, err := issuer.New(issuer.Options{URL: issuerURL, Keys: jwt, SAML: &issuer.SAMLOptions{Keys: jwt}}); err == nil {
		t.Error("the issuer takes JWT keys for SAML")
	}
}

func TestWithoutTheStoreSigningStopsBeforeAKeyCouldBeMissed(t *testing.T) {
	store, c := newMemory(), newClock()
	k := node(t, store, c)
	first := current(t, k)
	store.setDown(true)
	for range 4 {
		c.advance(10 * time.Minute)
		if current(t, k) != first {
			t.Fatal("another key without a store")
		}
	}
	c.advance(10 * time.Minute)
	if _, err := k.Current(t.Context()); err == nil {
		t.Error("after 50 minutes without the store the key still signs")
	}
	if _, err := k.Published(t.Context()); err == nil {
		t.Error("after 50 minutes without the store the keys are still published")
	}
	store.setDown(false)
	if current(t, k) != first {
		t.Error("the key is lost although the store is back")
	}
	if err := node(t, &memory{down: true}, c).Load(t.Context()); err == nil {
		t.Error("a node starts without the store")
	}
}

func TestAfterTheStoreWasEmptiedAllNodesAgreeAgain(t *testing.T) {
	store, c := newMemory(), newClock()
	old := node(t, store, c)
	first := current(t, old)
	clear(store.data)
	young := node(t, store, c)
	c.advance(10 * time.Minute)
	if got := current(t, young); got == first || current(t, old) != got {
		t.Error("nodes sign with different keys after the store was emptied")
	}
}

func TestDamagedGenerationsAreRefused(t *testing.T) {
	for name, value := range map[string]string{
		"not JSON":    "garbage",
		"no purpose":  `{"signs_from":"2026-11-25T12:00:00Z"}`,
		"no key":      `{"purpose":"jwt","signs_from":"2026-11-25T12:00:00Z"}`,
		"garbage key": `{"purpose":"jwt","signs_from":"2026-11-25T12:00:00Z","pkcs8":"QUJD"}`,
	} {
		store := newMemory()
		store.data["issuer-key:jwt:1"] = []byte(value)
		if err := node(t, store, newClock()).Load(t.Context()); err == nil {
			t.Errorf("%s: taken for a signing key", name)
		}
	}
}

func TestKeyringOptions(t *testing.T) {
	for name, o := range map[string]issuer.KeyringOptions{
		"no purpose":      {Store: newMemory()},
		"unknown purpose": {Purpose: "session", Store: newMemory()},
		"no store":        {Purpose: issuer.PurposeJWT},
		"short period":    {Purpose: issuer.PurposeJWT, Store: newMemory(), Period: time.Hour},
		"negative period": {Purpose: issuer.PurposeJWT, Store: newMemory(), Period: -1},
		"empty PEM":       {Purpose: issuer.PurposeJWT, PEM: []secret.Text{{}}},
	} {
		if _, err := issuer.NewKeyring(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLoadedKeys(t *testing.T) {
	one, two := pkcs8(rsaKey()), pkcs8(ecKeyP256)
	k := fixed(t, issuer.PurposeJWT, one, two)
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ids := published(t, k); len(ids) != 2 || ids[0] != current(t, k) {
		t.Errorf("the first of two loaded keys signs and both are published; got %v", ids)
	}
	if key, _ := k.Current(t.Context()); key.Algorithm != "RS256" {
		t.Errorf("algorithm %s", key.Algorithm)
	}
	if _, err := k.Rotate(t.Context(), issuer.PublishLead); err == nil {
		t.Error("a loaded key rotates")
	}
}
