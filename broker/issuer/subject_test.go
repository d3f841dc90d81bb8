package issuer_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/broker/issuer"
)

func TestSubject(t *testing.T) {
	long := strings.Repeat("a", 252)
	hash := sha256.Sum256([]byte(long + "a"))
	for _, c := range []struct{ idp, subject, want string }{
		{"ci", "repo:acme/shop:ref:refs/heads/main", "ci:repo%3Aacme/shop%3Aref%3Arefs/heads/main"},
		{"corp", "alice@example.com", "corp:alice@example.com"},
		{"corp", "100%", "corp:100%25"},
		{"corp", "a%3Ab", "corp:a%253Ab"},
		{"corp", "a\nb\x00\x7f", "corp:a%0Ab%00%7F"},
		{"corp", "a\u0085b", "corp:a%C2%85b"},
		{"corp", "a\u2028b", "corp:a%E2%80%A8b"},
		{"corp", "\xff\xfe", "corp:%FF%FE"},
		{"corp", "\uffff", "corp:%EF%BF%BF"},
		{"corp", "\ufffd", "corp:\ufffd"},
		{"corp", "ünï", "corp:ünï"},
		{"a:b", "c", "a%3Ab:c"},
		{"ci", long, "ci:" + long},
		{"ci", long + "a", "ci:sha256:" + hex.EncodeToString(hash[:])},
	} {
		got := issuer.Subject(c.idp, c.subject)
		if got != c.want {
			t.Errorf("Subject(%q, %q) = %q, want %q", c.idp, c.subject, got, c.want)
		}
	}
}

// Two identities never share a name, not even one that spells what the hash of another looks like.
func TestSubjectsDoNotCollide(t *testing.T) {
	long := strings.Repeat("x", 300)
	hashed := strings.TrimPrefix(issuer.Subject("corp", long), "corp:")
	pairs := [][2]string{
		{"corp", long},
		{"corp", hashed},
		{"corp", strings.Repeat("x", 301)},
		{"corp:sha256", strings.TrimPrefix(hashed, "sha256:")},
		{"corp", "a:b"},
		{"corp:a", "b"},
		{"corp", "a%3Ab"},
		{"corp", "\xff"},
		{"corp", "\ufffd"},
		{"corp", "%FF"},
		{"corp", "\xfe"},
	}
	seen := map[string][2]string{}
	for _, p := range pairs {
		s := issuer.Subject(p[0], p[1])
		if other, dup := seen[s]; dup {
			t.Errorf("%q and %q are both %q", p, other, s)
		}
		seen[s] = p
	}
}

func FuzzSubject(f *testing.F) {
	f.Add("ci", "repo:a/b", "ci", "repo%3Aa/b")
	f.Add("a", "b:c", "a:b", "c")
	f.Add("a", "\xff", "a", "\ufffd")
	f.Add("a", strings.Repeat("é", 254), "a", strings.Repeat("é", 255))
	f.Fuzz(func(t *testing.T, idp1, sub1, idp2, sub2 string) {
		if len(idp1) > 40 || len(idp2) > 40 { // the configuration bounds ids
			return
		}
		one, two := issuer.Subject(idp1, sub1), issuer.Subject(idp2, sub2)
		if (idp1 != idp2 || sub1 != sub2) && one == two {
			t.Errorf("(%q, %q) and (%q, %q) share %q", idp1, sub1, idp2, sub2, one)
		}
		if !utf8.ValidString(one) || utf8.RuneCountInString(one) > 255 || strings.ContainsFunc(one, unicode.IsControl) {
			t.Errorf("Subject(%q, %q) = %q", idp1, sub1, one)
		}
	})
}
