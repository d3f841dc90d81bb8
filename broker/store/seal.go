package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// A sealed value is
//
//	format (1 byte) | n (1 byte) | key id (n bytes) | nonce (12 bytes) | ciphertext and tag
//
// with format, n, key id and the logical name as associated data.
const (
	sealFormat = 1
	nonceSize  = 12
	tagSize    = 16
)

// seal encrypts plain for one purpose and one logical name under the active key.
func (k *Keyring) seal(p purpose, name string, plain []byte, rand io.Reader) ([]byte, error) {
	aead, err := k.active.aead(p, name)
	if err != nil {
		return nil, err
	}
	id := k.active.id
	out := make([]byte, 0, 2+len(id)+nonceSize+len(plain)+tagSize)
	out = append(append(out, sealFormat, byte(len(id))), id...)
	header := len(out)
	out = out[:header+nonceSize]
	if _, err := io.ReadFull(rand, out[header:]); err != nil {
		return nil, fmt.Errorf("read randomness for a nonce: %w", err)
	}
	return aead.Seal(out, out[header:], plain, associated(out[:header], name)), nil
}

// open decrypts what seal made for the same purpose and name, whichever key of the ring sealed it.
func (k *Keyring) open(p purpose, name string, sealed []byte) ([]byte, error) {
	id, header, err := parseHeader(sealed)
	if err != nil {
		return nil, err
	}
	key := k.byID[id]
	if key == nil {
		return nil, fmt.Errorf("%w: sealing key %.32q is not in the ring", ErrNotOpened, id)
	}
	aead, err := key.aead(p, name)
	if err != nil {
		return nil, err
	}
	nonce, body := sealed[header:header+nonceSize], sealed[header+nonceSize:]
	plain, err := aead.Open(nil, nonce, body, associated(sealed[:header], name))
	if err != nil {
		return nil, fmt.Errorf("%w: it was altered or belongs to another name", ErrNotOpened)
	}
	return plain, nil
}

func parseHeader(sealed []byte) (id string, header int, err error) {
	if len(sealed) < 2 || sealed[0] != sealFormat {
		return "", 0, fmt.Errorf("%w: not a sealed value", ErrNotOpened)
	}
	header = 2 + int(sealed[1])
	if len(sealed) < header+nonceSize+tagSize {
		return "", 0, fmt.Errorf("%w: cut short", ErrNotOpened)
	}
	return string(sealed[2:header]), header, nil
}

// aead makes the cipher of one entry. A key per entry keeps the number of random nonces under one key small: the
// bound of 2^32 (NIST SP 800-38D section 8.3) is for one name then, not for everything the broker ever wrote.
func (key *ringKey) aead(p purpose, name string) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, key.roots[p])
	_, _ = io.WriteString(mac, name)
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, errors.Join(ErrNotOpened, err)
	}
	return cipher.NewGCM(block)
}

func associated(header []byte, name string) []byte {
	return append(append(make([]byte, 0, len(header)+len(name)), header...), name...)
}
