package store_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func TestNewKeyringRefuses(t *testing.T) {
	good := newKey(t).Reveal()
	b64 := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	raw, _ := base64.StdEncoding.DecodeString(good)
	for name, c := range map[string]struct {
		active string
		ring   map[string]string
	}{
		"empty ring":       {"k1", nil},
		"active not there": {"k2", map[string]string{"k1": good}},
		"no active":        {"", map[string]string{"k1": good}},
		"not base64":       {"k1", map[string]string{"k1": "!" + good[1:]}},
		"url alphabet":     {"k1", map[string]string{"k1": strings.Repeat("-_8A", 10) + "AAA="}},
		"empty":            {"k1", map[string]string{"k1": ""}},
		"31 bytes":         {"k1", map[string]string{"k1": b64(raw[:31])}},
		"33 bytes":         {"k1", map[string]string{"k1": b64(append(raw[:32:32], 1))}},
		"64 bytes":         {"k1", map[string]string{"k1": b64(append(raw[:32:32], raw...))}},
		"zeros":            {"k1", map[string]string{"k1": b64(make([]byte, 32))}},
		"pattern":          {"k1", map[string]string{"k1": b64(bytes.Repeat([]byte{1, 2, 250, 251}, 8))}},
		"a passphrase":     {"k1", map[string]string{"k1": b64([]byte("correct horse battery staple 1234"[:32]))}},
		"hex digits":       {"k1", map[string]string{"k1": b64([]byte(fmt.Sprintf("%x", raw[:16])))}},
		"twice the same":   {"k1", map[string]string{"k1": good, "k2": good}},
		"weak old key":     {"k1", map[string]string{"k1": good, "k2": b64(make([]byte, 32))}},
		"empty id":         {"", map[string]string{"": good}},
		"odd id":           {"k 1", map[string]string{"k 1": good}},
		"long id":          {strings.Repeat("k", 33), map[string]string{strings.Repeat("k", 33): good}},
	} {
		ring := map[string]secret.Text{}
		for id, key := range c.ring {
			ring[id] = secret.New(key)
		}
		_, err := store.NewKeyring(c.active, ring)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, key := range c.ring {
			if len(key) > 8 && strings.Contains(err.Error(), key[:8]) {
				t.Errorf("%s: the error shows the key: %v", name, err)
			}
		}
	}
}

func TestNewKeyringTakesAFileWithANewline(t *testing.T) {
	if _, err := store.NewKeyring("k1", map[string]secret.Text{"k1": secret.New(newKey(t).Reveal() + "\n")}); err != nil {
		t.Error(err)
	}
}

func TestKeyringPrintsNoKey(t *testing.T) {
	key := newKey(t)
	raw, _ := base64.StdEncoding.DecodeString(key.Reveal())
	ring := newRing(t, "k1", map[string]secret.Text{"k1": key})
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "ring", ring)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "ring", ring)
	out := log.String() + fmt.Sprintf("%v %+v %#v %s %x %d", ring, ring, ring, ring, ring, ring)
	for _, bad := range []string{key.Reveal(), fmt.Sprintf("%x", raw), fmt.Sprint(raw), "0x"} {
		if strings.Contains(out, bad) {
			t.Errorf("the ring printed a key: %s", out)
		}
	}
	if !strings.Contains(out, "keyring[k1]") {
		t.Errorf("the ring prints its ids: %s", out)
	}
}

func TestEphemeralKeyring(t *testing.T) {
	a, err := store.NewEphemeralKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := store.NewEphemeralKeyring(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := newMemory(t, newClock())
	seal(t, m, a)
	if _, err := store.NewSealed(t.Context(), store.SealedOptions{Raw: m, Keyring: b, Rand: rand.Reader}); !errors.Is(err, store.ErrNotOpened) {
		t.Errorf("two rings share a key: %v", err)
	}
	if _, err := store.NewEphemeralKeyring(iotest.ErrReader(errors.New("no entropy"))); err == nil {
		t.Error("a ring was made without randomness")
	}
}
