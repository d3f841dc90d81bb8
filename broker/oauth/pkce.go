package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"regexp"
)

// verifierForm is RFC 7636 section 4.1.
var verifierForm = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// wellFormedChallenge reports whether a code_challenge can be one of method S256: 32 bytes of base64url.
func wellFormedChallenge(challenge string) bool {
	raw, ok := unspell(challenge)
	return ok && len(raw) == sha256.Size
}

// verifies reports whether a code_verifier belongs to a challenge of method S256 (RFC 7636 section 4.6).
func verifies(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return verifierForm.MatchString(verifier) && subtle.ConstantTimeCompare([]byte(text.EncodeToString(sum[:])), []byte(challenge)) == 1
}
