package issuer_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/issuer"
)

const aRefresh = 61 * time.Second

func (m *memory) empty() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.data)
}

// privateKeys counts the generations in the store that are more than a gravestone.
func (m *memory) privateKeys() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, value := range m.data {
		if bytes.Contains(value, []byte("pkcs8")) {
			n++
		}
	}
	return n
}

func ofPurpose(p issuer.Purpose) func(*issuer.KeyringOptions) {
	return func(o *issuer.KeyringOptions) { o.Purpose = p }
}

func logTo(out *bytes.Buffer) func(*issuer.KeyringOptions) {
	return func(o *issuer.KeyringOptions) { o.Logger = slog.New(slog.NewTextHandler(out, nil)) }
}

// agreed checks that all nodes sign with the same key and publish the same ones, and returns both.
func agreed(t *testing.T, nodes ...*issuer.Keyring) (signs string, all []string) {
	t.Helper()
	signs, all = current(t, nodes[0]), published(t, nodes[0])
	for _, n := range nodes {
		if got := current(t, n); got != signs {
			t.Fatalf("one node signs with %s, another with %s", signs, got)
		}
		if got := published(t, n); !slices.Equal(got, all) {
			t.Fatalf("one node publishes %v, another %v", all, got)
		}
	}
	return signs, all
}

func TestAnEmptiedStoreGetsTheKeyBack(t *testing.T) {
	for _, purpose := range []issuer.Purpose{issuer.PurposeJWT, issuer.PurposeSAML} {
		store, c, log := newMemory(), newClock(), new(bytes.Buffer)
		old := node(t, store, c, ofPurpose(purpose), logTo(log))
		first := current(t, old)
		store.empty()
		c.advance(aRefresh)
		current(t, old)
		young := node(t, store, c, ofPurpose(purpose))
		for range 3 {
			if signs, all := agreed(t, old, young); signs != first || len(all) != 1 {
				t.Errorf("%s: %s signs and %v are published, want the key that AWS knows, %s", purpose, signs, all, first)
			}
			c.advance(aRefresh)
		}
		if got := strings.Count(log.String(), "level=WARN"); got != 1 || !strings.Contains(log.String(), first) {
			t.Errorf("%s: %d warnings, want one that names the key: %s", purpose, got, log)
		}
		if a, b := metadataKey(t, old), metadataKey(t, young); a != b {
			t.Errorf("%s: the certificate changed on its way through the store", purpose)
		}
	}
}

func metadataKey(t *testing.T, k *issuer.Keyring) string {
	t.Helper()
	key, err := k.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %x %s", key.Algorithm, key.Certificate, key.SignsFrom)
}

func TestAKeyWhoseNumberIsTakenStaysPublishedForADay(t *testing.T) {
	for _, purpose := range []issuer.Purpose{issuer.PurposeJWT, issuer.PurposeSAML} {
		store, c, log := newMemory(), newClock(), new(bytes.Buffer)
		old := node(t, store, c, ofPurpose(purpose), logTo(log))
		alsoOld := node(t, store, c, ofPurpose(purpose), logTo(log))
		first, _ := agreed(t, old, alsoOld)
		store.empty()
		young := node(t, store, c, ofPurpose(purpose))
		second := current(t, young)
		c.advance(aRefresh)
		for _, n := range []*issuer.Keyring{old, alsoOld, young} {
			current(t, n)
		}
		signs, all := agreed(t, old, alsoOld, young)
		if signs != second || !slices.Equal(all, []string{second, first}) {
			t.Errorf("%s: %s signs and %v are published; want %s to sign and %s published too", purpose, signs, all, second, first)
		}
		if got := strings.Count(log.String(), "level=WARN"); got != 2 {
			t.Errorf("%s: %d warnings, want one of each node: %s", purpose, got, log)
		}
		if says := strings.Contains(log.String(), "upload the SAML metadata"); says != (purpose == issuer.PurposeSAML) {
			t.Errorf("%s: log %s", purpose, log)
		}
		late := node(t, store, c, ofPurpose(purpose))
		agreed(t, old, late)

		c.advance(issuer.PublishTail - 2*time.Minute)
		if _, all := agreed(t, old, alsoOld, young, late); len(all) != 2 {
			t.Errorf("%s: %v are published within the day", purpose, all)
		}
		c.advance(3 * time.Minute)
		if signs, all := agreed(t, old, alsoOld, young, late); signs != second || !slices.Equal(all, []string{second}) {
			t.Errorf("%s: after the day %s signs and %v are published", purpose, signs, all)
		}
		if got := store.privateKeys(); got != 1 {
			t.Errorf("%s: %d private keys in the store after the day, want 1", purpose, got)
		}
	}
}

// The store's line is three generations long, and a new node began again at one.
func TestALongerLineIsPutBackBesideANewNodesKey(t *testing.T) {
	store, c := newMemory(), newClock()
	old := node(t, store, c)
	for range 2 {
		current(t, old)
		c.advance(issuer.DefaultPeriod)
		current(t, old)
		c.advance(issuer.PublishTail + 2*time.Hour)
	}
	third := current(t, old)
	store.empty()
	young := node(t, store, c)
	second := current(t, young)
	c.advance(aRefresh)
	current(t, old)
	current(t, young)
	if signs, all := agreed(t, old, young); signs != third || !slices.Equal(all, []string{second, third}) {
		t.Errorf("%s signs and %v are published; want %s to sign and %s published too", signs, all, third, second)
	}
	c.advance(issuer.PublishTail - 2*time.Minute)
	if _, all := agreed(t, old, young); len(all) != 2 {
		t.Errorf("within the day %v are published", all)
	}
	c.advance(3 * time.Minute)
	if signs, all := agreed(t, old, young, node(t, store, c)); signs != third || len(all) != 1 {
		t.Errorf("after the day %s signs and %v are published", signs, all)
	}
}

func TestInWhateverOrderNodesFindTheStoreEmptiedTheyAgree(t *testing.T) {
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	for _, rotating := range []bool{false, true} {
		for _, order := range orders {
			store, c := newMemory(), newClock()
			nodes := []*issuer.Keyring{node(t, store, c), node(t, store, c)}
			first, _ := agreed(t, nodes...)
			if rotating {
				if _, err := nodes[0].Rotate(t.Context(), issuer.PublishLead); err != nil {
					t.Fatal(err)
				}
				c.advance(aRefresh)
			}
			_, known := agreed(t, nodes...)
			store.empty()
			nodes = append(nodes, node(t, store, c)) // starts when its turn comes
			c.advance(aRefresh)
			for _, i := range order {
				current(t, nodes[i])
			}
			c.advance(aRefresh)
			signs, all := agreed(t, nodes...)
			for _, id := range known {
				if !slices.Contains(all, id) {
					t.Errorf("order %v, rotating %t: %s was published and is no more", order, rotating, id)
				}
			}
			if order[0] != 2 && (signs != first || len(all) != len(known)) {
				t.Errorf("order %v, rotating %t: %s signs, want %s: it was put back first", order, rotating, signs, first)
			}
			c.advance(issuer.DefaultPeriod / 2)
			if _, all := agreed(t, nodes...); len(all) != 1 || store.privateKeys() != 1 {
				t.Errorf("order %v, rotating %t: weeks later %v are published", order, rotating, all)
			}
		}
	}
}

func TestEmptiedAgainAndAgain(t *testing.T) {
	store, c := newMemory(), newClock()
	nodes := []*issuer.Keyring{node(t, store, c)}
	known := []string{current(t, nodes[0])}
	for range 4 {
		store.empty()
		young := node(t, store, c)
		known = append(known, current(t, young))
		nodes = append(nodes, young)
		for range 2 {
			c.advance(aRefresh)
			for _, n := range nodes {
				current(t, n)
			}
		}
		_, all := agreed(t, nodes...)
		for _, id := range known {
			if !slices.Contains(all, id) {
				t.Fatalf("%s signed within the day and is not among %v", id, all)
			}
		}
	}
	c.advance(issuer.PublishTail - 7*aRefresh + time.Second) // a day after the first key was replaced
	if all := published(t, nodes[0]); slices.Contains(all, known[0]) || !slices.Contains(all, known[3]) {
		t.Errorf("a day after %s was replaced %v are published", known[0], all)
	}
	c.advance(issuer.PublishTail)
	agreed(t, nodes...)
	c.advance(aRefresh)
	if _, all := agreed(t, nodes...); len(all) != 1 {
		t.Errorf("after a quiet day %v are published", all)
	}
}

func TestWhileKeysCannotBePutBackTheyStayInForce(t *testing.T) {
	store, c := newMemory(), newClock()
	old := node(t, store, c)
	first := current(t, old)
	store.empty()
	store.setDown(true)
	c.advance(aRefresh)
	if got := current(t, old); got != first {
		t.Error("another key while the store is down")
	}
	store.setDown(false)
	c.advance(16 * time.Second)
	if got := current(t, old); got != first || store.privateKeys() != 1 {
		t.Error("the key was not put back on the next try")
	}
	store.forgetful = true
	store.empty()
	c.advance(aRefresh)
	if got := current(t, old); got != first {
		t.Error("a store that loses what it is given made the node drop its key")
	}
}
