package policy

import (
	"regexp"
	"strings"
	"testing"
)

func TestLike(t *testing.T) {
	for _, c := range []struct {
		s, pattern string
		want       bool
	}{
		{"", "", true},
		{"", "*", true},
		{"a", "", false},
		{"abc", "abc", true},
		{"abc", "ab", false},
		{"abc", "bc", false},
		{"abc", "a*", true},
		{"abc", "*c", true},
		{"abc", "*b*", true},
		{"abc", "b*", false},
		{"abc", "*b", false},
		{"abc", "a**c", true},
		{"aXbXc", "a*X*c", true},
		{"aab", "*ab", true},
		{"abab", "*ab", true},
		{"ababa", "*ab", false},
		{"refs/heads/main", "refs/heads/*", true},
		{"refs/heads/", "refs/heads/*", true},
		{"refs/heads", "refs/heads/*", false},
		{"refs/heads/a/b", "refs/heads/*", false},
		{"refs/heads/a/b", "refs/heads/*/*", true},
		{"refs/heads/a/b", "refs/*/b", false},
		{"refs/heads/a/b", "*", false},
		{"a/b", "a**b", false},
		{"a/", "a", false},
		{"a/", "a*", false},
		{"a", "a/", false},
		{"a", "a/*", false},
		{"/", "*/*", true},
		{"a/b", "a*/*b", true},
		{"xrefs/heads/main", "refs/heads/*", false},
		{"refs/heads/main\n", "refs/heads/main", false},
		{"refs/heads/main\nx", "refs/heads/main*", true}, // a line feed is a character like another
		{"ABC", "abc", false},
		{"abc", "a?c", false},
		{"a?c", "a?c", true},
		{"b", "[a-c]", false},
		{"a.c", "a.c", true},
		{"abc", "a.c", false},
		{"a|b", "a|b", true},
		{"a", "a|b", false},
		{"*", "*", true},
		{"a\\*", "a\\*", true},
		{"müller", "m*ller", true},
		{"repo:acme/shop:ref:refs/heads/main", "repo:acme/*:ref:refs/heads/main", true},
		{"repo:acme/shop/evil:ref:refs/heads/main", "repo:acme/*:ref:refs/heads/main", false},
		{"repo:acme-evil/shop:ref:refs/heads/main", "repo:acme/*:ref:refs/heads/main", false},
	} {
		if got := like(c.s, c.pattern); got != c.want {
			t.Errorf("like(%q, %q) is %v", c.s, c.pattern, got)
		}
	}
}

// FuzzLike compares with a regular expression that is made from the pattern and anchored at both ends.
func FuzzLike(f *testing.F) {
	f.Add("refs/heads/main", "refs/*/main")
	f.Add("a/b//c", "*/**/*")
	f.Add("aaab", "*a*ab")
	f.Add("\xff/\n", "*/*")
	f.Fuzz(func(t *testing.T, s, pattern string) {
		if len(s) > 200 || len(pattern) > 50 {
			return
		}
		// (?s) and a class of single bytes: claims are compared byte by byte.
		expr := `(?s)\A` + strings.ReplaceAll(regexp.QuoteMeta(latin1(pattern)), `\*`, `[^/]*`) + `\z`
		want := regexp.MustCompile(expr).MatchString(latin1(s))
		if got := like(s, pattern); got != want {
			t.Errorf("like(%q, %q) is %v, the regular expression says %v", s, pattern, got, want)
		}
	})
}

// latin1 turns every byte into a rune of its own.
func latin1(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func BenchmarkLike(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if !like("repo:acme/shop:ref:refs/heads/release/2026-11", "repo:acme/*:ref:refs/heads/release/*") {
			b.Fatal("no match")
		}
	}
}
