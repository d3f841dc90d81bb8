package oauth

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// kind is a kind of opaque text: its prefix. Scanners for leaked secrets know a token of ours by it, and a token that
// is sent where another kind belongs is a stranger's.
type kind string

const (
	accessToken  kind = "fba_"
	refreshToken kind = "fbr_"
	authCode     kind = "fbc_"
	deviceCode   kind = "fbd_"
	clientID     kind = "fbi_"
	clientSecret kind = "fbs_"
)

const opaqueBytes = 32

// strict decoding refuses stray bits in the last character: one token has one spelling.
var text = base64.RawURLEncoding.Strict()

// unspell decodes a text that has one spelling: encoding/base64 would skip line breaks wherever they are.
func unspell(s string) ([]byte, bool) {
	raw, err := text.DecodeString(s)
	return raw, err == nil && len(s) == text.EncodedLen(len(raw))
}

// mint makes a new text of 256 random bits.
func (k kind) mint(r io.Reader) (secret.Text, error) {
	var raw [opaqueBytes]byte
	if _, err := io.ReadFull(r, raw[:]); err != nil {
		return secret.Text{}, fmt.Errorf("read randomness: %w", err)
	}
	return secret.New(string(k) + text.EncodeToString(raw[:])), nil
}

// wellFormed reports whether t is of this kind, as mint writes it.
func (k kind) wellFormed(t secret.Text) bool {
	body, ours := strings.CutPrefix(t.Reveal(), string(k))
	if !ours || len(body) != text.EncodedLen(opaqueBytes) {
		return false
	}
	_, ok := unspell(body)
	return ok
}

// digest is what texts are looked up by.
func digest(parts ...string) string { return broker.Digest(append([]string{"oauth"}, parts...)...) }

// IsAccessToken reports whether a bearer token has the shape of ours. It says nothing about its worth: it only keeps
// our tokens from ever being read as somebody's JWT, which never begins so (RFC 7515 section 3.1: base64url of JSON).
func IsAccessToken(t secret.Text) bool { return strings.HasPrefix(t.Reveal(), string(accessToken)) }
