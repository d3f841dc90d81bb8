package session

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// ErrNone says that there is no such session or pending login: never was, ended, expired, or not the asker's.
var ErrNone = errors.New("no such session")

const (
	secretBytes = 32 // of a session token and of a login's cookie
	handleBytes = 16 // of a login's handle, which travels in URLs and RelayState (80 bytes at most)
)

// strict decoding refuses stray bits in the last character: one token has one spelling.
var text = base64.RawURLEncoding.Strict()

// random returns n random bytes as unpadded base64url.
func random(r io.Reader, n int) (string, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return text.EncodeToString(b), nil
}

// wellFormed reports whether s is n bytes as random writes them.
func wellFormed(s string, n int) bool {
	if len(s) != text.EncodedLen(n) {
		return false
	}
	_, err := text.DecodeString(s)
	return err == nil
}

// idOf is the name a token is known by everywhere but in its holder's hands.
func idOf(token secret.Text) string {
	sum := sha256.Sum256([]byte("fedbroker session\x00" + token.Reveal()))
	return hex.EncodeToString(sum[:])
}
