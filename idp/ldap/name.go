package ldap

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Bounds of what a person types: a UPN has at most 256 characters, and hashing a long password costs the server.
const (
	maxName     = 256
	maxPassword = 1024
)

// usablePassword refuses what a server might take for no password: a simple bind without one succeeds as nobody (RFC
// 4513 section 5.1.2), and a server written in C may end it at the first NUL.
func usablePassword(password secret.Text) bool {
	text := password.Reveal()
	return strings.TrimSpace(text) != "" && len(text) <= maxPassword && !strings.ContainsRune(text, 0)
}

// plainName takes one word of visible text: directories pass over spaces at the ends and over characters that nobody
// sees, and one account would have many names.
func plainName(name string) bool {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.TrimSpace(name) != name {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError })
}

// localPart is the name in front of the directory's UPN suffix. It keeps to the characters of an account name (the
// others are refused by Active Directory itself), so that a bind name can be nothing but a UPN.
func localPart(name, suffix string) (string, bool) {
	if at := strings.LastIndexByte(name, '@'); at >= 0 {
		if !strings.EqualFold(name[at+1:], suffix) {
			return "", false
		}
		name = name[:at]
	}
	return name, name != "" && !strings.ContainsAny(name, `"/\[]:;|=,+*?<>@`)
}
