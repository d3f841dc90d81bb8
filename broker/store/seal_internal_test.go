package store

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/fedbroker/fedbroker/internal/secret"
)

func fixedRing(tb testing.TB) *Keyring {
	tb.Helper()
	raw := make([]byte, keySize)
	for i := range raw {
		raw[i] = byte(i*37 + 129)
	}
	ring, err := NewKeyring("k1", map[string]secret.Text{"k1": secret.New(base64.StdEncoding.EncodeToString(raw))})
	if err != nil {
		tb.Fatal(err)
	}
	return ring
}

func TestPurposesAndNamesHaveKeysOfTheirOwn(t *testing.T) {
	ring := fixedRing(t)
	sealed, err := ring.seal(sealValue, "name", []byte("plain"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ring.open(sealValue, "name", sealed); err != nil || string(got) != "plain" {
		t.Fatalf("got (%q, %v)", got, err)
	}
	if got, err := ring.open(sealAnchor, "name", sealed); !errors.Is(err, ErrNotOpened) {
		t.Errorf("opened for another purpose: %q", got)
	}
	if got, err := ring.open(sealValue, "nam", sealed); !errors.Is(err, ErrNotOpened) {
		t.Errorf("opened under another name: %q", got)
	}
	if bytes.Equal(ring.active.roots[sealValue], ring.active.roots[sealAnchor]) {
		t.Error("two purposes share a key")
	}
}

func TestKeyIDIsAuthenticated(t *testing.T) {
	ring := fixedRing(t)
	ring.byID["k2"] = ring.byID["k1"] // the same key by another name: only the associated data differ
	sealed, err := ring.seal(sealValue, "name", []byte("plain"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sealed[3] = '2'
	if got, err := ring.open(sealValue, "name", sealed); !errors.Is(err, ErrNotOpened) {
		t.Errorf("opened under another key id: %q", got)
	}
}

func TestEveryEntryHasAKeyOfItsOwn(t *testing.T) {
	key := fixedRing(t).active
	var sealed [][]byte
	for _, name := range []string{"one", "two"} {
		aead, err := key.aead(sealValue, name)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, aead.Seal(nil, make([]byte, nonceSize), []byte("plain"), nil))
	}
	if bytes.Equal(sealed[0], sealed[1]) {
		t.Error("two names share a key: their random nonces count against one bound")
	}
}

func FuzzUnseal(f *testing.F) {
	ring := fixedRing(f)
	good, err := ring.seal(sealValue, "name", []byte("plain"), bytes.NewReader(make([]byte, nonceSize)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte{})
	f.Add([]byte{sealFormat})
	f.Add([]byte{sealFormat, 255})
	f.Add([]byte{sealFormat, 0, 0})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		plain, err := ring.open(sealValue, "name", sealed)
		switch {
		case bytes.Equal(sealed, good):
			if err != nil || string(plain) != "plain" {
				t.Errorf("the good value does not open: %v", err)
			}
		case err == nil:
			t.Errorf("%x opens as %q", sealed, plain)
		case !errors.Is(err, ErrNotOpened):
			t.Errorf("unexpected error: %v", err)
		}
	})
}
