package issuer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSubject is AWS's limit of a web identity subject in characters (facts, sts section 3).
const maxSubject = 255

// Subject names an identity towards AWS: {idp id}:{subject}, with percent, colon, control characters and whatever is
// not a Unicode character percent-encoded byte by byte, so that two identities never share a name and trust policies
// can match on the prefix. Above 255 characters it is {idp id}:sha256:{hex of the subject's SHA-256}, which no encoded
// subject can spell because its colon would be encoded.
func Subject(idpID, subject string) string {
	id := encode(idpID)
	if s := id + ":" + encode(subject); utf8.RuneCountInString(s) <= maxSubject {
		return s
	}
	sum := sha256.Sum256([]byte(subject))
	return id + ":sha256:" + hex.EncodeToString(sum[:])
}

func encode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == '%' || r == ':' || (r == utf8.RuneError && size == 1) || !plain(r) {
			for _, c := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		} else {
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// plain reports whether a character may stand in JSON, XML and a log line as it is. U+FFFE and U+FFFF are no XML
// characters (XML 1.0, section 2.2); line and paragraph separators break lines.
func plain(r rune) bool {
	return !unicode.IsControl(r) && r != 0xFFFE && r != 0xFFFF && r != 0x2028 && r != 0x2029
}
