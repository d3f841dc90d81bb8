package mailaddr_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/internal/mailaddr"
)

func TestParse(t *testing.T) {
	for typed, want := range map[string]string{
		"ana@example.com":                       "ana@example.com",
		" Ana.Lopez+aws@Example.COM\n":          "Ana.Lopez+aws@example.com",
		"ana@bücher.example":                    "ana@xn--bcher-kva.example",
		"ana@BÜCHER.example":                    "ana@xn--bcher-kva.example",
		"ana@xn--bcher-kva.example":             "ana@xn--bcher-kva.example",
		"ana@straße.example":                    "ana@xn--strae-oqa.example",
		"ana@例え。テスト":                            "ana@xn--r8jz45g.xn--zckzah",
		"ana@ｅｘａｍｐｌｅ.com":                       "ana@example.com", // full width
		"ana@sub.example.com":                   "ana@sub.example.com",
		"o'brien@example.com":                   "o'brien@example.com",
		"a@" + strings.Repeat("b.", 125) + "cd": "a@" + strings.Repeat("b.", 125) + "cd",
	} {
		got, err := mailaddr.Parse(typed)
		if err != nil || got.String() != want {
			t.Errorf("%q: got %q, %v; want %q", typed, got, err, want)
		}
	}
}

// hostile is what must not become an address: it goes into a URL, and a domain decides where somebody signs in.
func hostile() []string {
	return []string{
		"", "@", "ana", "ana@", "@example.com", "ana@example", "ana@localhost", "ana@@example.com", "ana@evil.test@example.com", "ana@example.com@evil.test",
		"ana@example.com.", "ana@.example.com", "ana@example..com", "ana@-example.com", "ana@example-.com", "ana@exam_ple.com", "ana@exam ple.com", "ana lopez@example.com",
		"ana@192.0.2.1", "ana@[192.0.2.1]", "ana@[IPv6:::1]", "ana@example.com:25", "ana@example.com/x", "ana@example.com?x", "ana@example.com#x", "ana@example.com%0d%0a",
		"ana@example.com\r\nSet-Cookie: a=b", "ana\r\n@example.com", "ana@exam\nple.com", "ana\x00@example.com", "ana@example.com\x00", "ana@ex\tample.com",
		`"ana"@example.com`, `ana\@example.com`, "<ana@example.com>", "Ana <ana@example.com>", "ana@example.com,bob@example.com", "ana@example.com; bob", "ana(x)@example.com",
		"ana&x=y@example.com", "ana%40evil.test@example.com", "<script>@example.com", ".ana@example.com", "ana.@example.com", "a..b@example.com", "anä@example.com",
		"ana@xn--a.example", "ana@xn--\u00fc.example", "ana@\u202eexample.com", "ana@example.\u2028com", "ana#x@example.com", "a/b@example.com", "a?b@example.com", "ana@a\u0300\u05d0.com", "ana@" + strings.Repeat("a", 64) + ".com",
		strings.Repeat("a", 65) + "@example.com", "a@" + strings.Repeat("b.", 126) + "cd", strings.Repeat("a@", 1<<20), "ana@" + strings.Repeat("ü", 2000) + ".com", "ana@\xff.com", "ana@exa" + strings.Repeat("\u00ad", 600) + "mple.com", // soft hyphens count for nothing
	}
}

func TestParseRefuses(t *testing.T) {
	for _, typed := range hostile() {
		if got, err := mailaddr.Parse(typed); err == nil || got.String() != "" {
			t.Errorf("%.60q became %q", typed, got)
		}
	}
}

// TestLookAlikesAreOthers: a letter of another script makes another domain.
func TestLookAlikesAreOthers(t *testing.T) {
	for _, name := range []string{"\u0430cme.com", "acme.\u0441om", "acm\u0435.com", "\u1d00cme.com"} {
		if got, err := mailaddr.Domain(name); err == nil && got == "acme.com" {
			t.Errorf("%q is taken for acme.com", name)
		}
	}
}

var plain = regexp.MustCompile(`^[!-~]+@[a-z0-9-]+(\.[a-z0-9-]+)+$`)

// FuzzParse: whatever is typed, an address is plain ASCII, small, and reads back as itself.
func FuzzParse(f *testing.F) {
	for _, typed := range append(hostile(), "ana@example.com", "ana@bücher.example") {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		a, err := mailaddr.Parse(typed)
		if err != nil {
			return
		}
		if s := a.String(); !plain.MatchString(s) || len(s) > 64+1+253 || strings.ContainsAny(s, `<>"&%\/?#,;:()[] `) {
			t.Errorf("%q became %q", typed, s)
		}
		if again, err := mailaddr.Parse(a.String()); err != nil || again != a {
			t.Errorf("%q reads back as %q, %v", a, again, err)
		}
	})
}
