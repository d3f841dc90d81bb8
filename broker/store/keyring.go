package store

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// keySize is the size of a ring key in bytes: AES-256 and HMAC-SHA256 want no less.
const keySize = 32

var keyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)

// Keyring holds the keys that seal the store: one active, which seals, and any number of older ones, which still
// open. Ring keys themselves seal nothing: each purpose has a key derived by HKDF-SHA256 (RFC 5869). It prints as
// nothing but its key ids.
type Keyring struct {
	active *ringKey
	byID   map[string]*ringKey
}

type ringKey struct {
	id    string
	roots [purposes][]byte
}

// purpose separates the uses of one ring key.
type purpose int

const (
	sealValue purpose = iota
	sealAnchor
	purposes
)

func (p purpose) info() string {
	return [purposes]string{"fedbroker store value v1", "fedbroker store anchor v1"}[p]
}

// NewKeyring builds a ring from base64 (RFC 4648 section 4) keys of exactly 32 bytes each. It refuses an unknown
// active id, ids outside [A-Za-z0-9._-]{1,32}, one key under two ids, and keys that cannot have come from a random
// source: few distinct bytes, or nothing but printable text.
func NewKeyring(active string, ring map[string]secret.Text) (*Keyring, error) {
	k := &Keyring{byID: make(map[string]*ringKey, len(ring))}
	seen := make(map[string]string, len(ring))
	for _, id := range slices.Sorted(maps.Keys(ring)) {
		raw, err := decodeKey(id, ring[id])
		if err != nil {
			return nil, err
		}
		if other, dup := seen[string(raw)]; dup {
			return nil, fmt.Errorf("sealing keys %q and %q are the same key", other, id)
		}
		seen[string(raw)] = id
		if err := k.add(id, raw); err != nil {
			return nil, err
		}
	}
	if k.active = k.byID[active]; k.active == nil {
		return nil, fmt.Errorf("active sealing key %q is not in the ring", active)
	}
	return k, nil
}

// NewEphemeralKeyring makes a ring of one random key that nobody else has: for a store in memory, which ends with
// the process.
func NewEphemeralKeyring(rand io.Reader) (*Keyring, error) {
	raw := make([]byte, keySize)
	if _, err := io.ReadFull(rand, raw); err != nil {
		return nil, fmt.Errorf("read randomness for a sealing key: %w", err)
	}
	k := &Keyring{byID: map[string]*ringKey{}}
	if err := k.add("e", raw); err != nil {
		return nil, err
	}
	k.active = k.byID["e"]
	return k, nil
}

func (k *Keyring) add(id string, raw []byte) error {
	key := &ringKey{id: id}
	for p := range purposes {
		root, err := hkdf.Key(sha256.New, raw, nil, p.info(), keySize)
		if err != nil {
			return fmt.Errorf("derive from sealing key %q: %w", id, err)
		}
		key.roots[p] = root
	}
	k.byID[id] = key
	return nil
}

func decodeKey(id string, text secret.Text) ([]byte, error) {
	if !keyID.MatchString(id) {
		return nil, fmt.Errorf("sealing key id %q: want 1 to 32 of A-Z a-z 0-9 . _ -", id)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text.Reveal()))
	if err != nil {
		// The decoder's own error quotes nothing, but it gives an offset into a secret: leave it out.
		return nil, fmt.Errorf("sealing key %q is not base64; make one with: openssl rand -base64 32", id)
	}
	if err := strong(raw); err != nil {
		return nil, fmt.Errorf("sealing key %q: %w; make one with: openssl rand -base64 32", id, err)
	}
	return raw, nil
}

// strong refuses what a random generator would not make in the life of the universe.
func strong(raw []byte) error {
	if len(raw) != keySize {
		return fmt.Errorf("has %d bytes, want exactly %d", len(raw), keySize)
	}
	distinct, printable := map[byte]bool{}, 0
	for _, b := range raw {
		distinct[b] = true
		if b >= ' ' && b <= '~' {
			printable++
		}
	}
	if len(distinct) < keySize/2 || printable == keySize {
		return errors.New("is not random")
	}
	return nil
}

// Format prints the ids of the ring, whatever the verb: the keys never.
func (k *Keyring) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "keyring%v", slices.Sorted(maps.Keys(k.byID)))
}

// LogValue keeps the keys out of structured logs.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%v", k)) }
