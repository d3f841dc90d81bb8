package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/fedbroker/fedbroker/idp"
)

// Lengths of a role session name (STS API reference, RoleSessionName) and of the hash that the broker appends.
const (
	minSessionName = 2
	maxSessionName = 64
	hashDigits     = 8
)

// SessionName brings a text into the alphabet of role session names, [\w+=,.@-]{2,64}. What already fits stays as it
// is. What had to be altered or is too long ends in "-" and eight hexadecimal digits of a hash over the identity and the
// unaltered text, and so does what already ends like that: nobody can take a name that the broker made for another.
func SessionName(id *idp.Identity, text string) string {
	clean := strings.Map(sessionRune, text)
	if clean == text && len(clean) >= minSessionName && len(clean) <= maxSessionName && !endsInHash(clean) {
		return clean
	}
	return hashedName(id, clean, text)
}

// defaultSessionName is the name of a session whose rule gives none: readable, and always with the hash.
func defaultSessionName(id *idp.Identity) string {
	text := id.Username
	if text == "" {
		text = id.Subject
	}
	return hashedName(id, strings.Map(sessionRune, text), text)
}

func hashedName(id *idp.Identity, clean, text string) string {
	if clean == "" {
		clean = "session"
	}
	if most := maxSessionName - 1 - hashDigits; len(clean) > most {
		clean = clean[:most]
	}
	return clean + "-" + identityHash(id, text)
}

// sessionRune keeps AWS's alphabet. \w is ASCII in AWS's patterns.
func sessionRune(r rune) rune {
	if isWord(r) || strings.ContainsRune("+=,.@-", r) {
		return r
	}
	return '-'
}

func isWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
}

func endsInHash(name string) bool {
	dash := len(name) - 1 - hashDigits
	if dash < 0 || name[dash] != '-' {
		return false
	}
	return strings.Trim(name[dash+1:], "0123456789abcdef") == ""
}

// identityHash covers what makes an identity (provider, issuer, subject) and the text. Each part is preceded by its
// length, so that no two different quadruples hash the same bytes.
func identityHash(id *idp.Identity, text string) string {
	h := sha256.New()
	for _, part := range []string{id.Provider, id.Issuer, id.Subject, text} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))[:hashDigits]
}
