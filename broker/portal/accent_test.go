package portal

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"testing"
)

var (
	property   = regexp.MustCompile(`--([a-z]+): ?(#[0-9a-f]{6})`)
	accentRule = regexp.MustCompile(`^:root\{--accent:(#[0-9a-f]{6})\}@media \(prefers-color-scheme:dark\)\{:root\{--accent:(#[0-9a-f]{6})\}\}\n$`)
)

// themes are the custom properties of portal.css.
func themes(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	css, err := staticFiles.ReadFile("static/portal.css")
	if err != nil {
		t.Fatal(err)
	}
	first, rest, found := bytes.Cut(css, []byte("@media (prefers-color-scheme: dark) {"))
	if !found {
		t.Fatal("portal.css has no dark theme")
	}
	second, _, _ := bytes.Cut(rest, []byte("}"))
	read := func(b []byte) map[string]string {
		out := map[string]string{}
		for _, m := range property.FindAllSubmatch(b, -1) {
			out[string(m[1])] = string(m[2])
		}
		return out
	}
	return read(first), read(second)
}

func ratio(t *testing.T, a, b string) float64 {
	t.Helper()
	x, errX := parseColour(a)
	y, errY := parseColour(b)
	if errX != nil || errY != nil {
		t.Fatal(errX, errY)
	}
	return contrast(x, y)
}

// TestOurOwnColours holds portal.css to WCAG 2.2: text 4.5:1 (1.4.3), edges of controls 3:1 (1.4.11).
func TestOurOwnColours(t *testing.T) {
	light, dark := themes(t)
	if light["paper"] != lightPaper || light["ground"] != lightGround || dark["paper"] != darkPaper || dark["ground"] != darkGround {
		t.Errorf("accent.go reckons with other grounds than portal.css has: %v, %v", light, dark)
	}
	for theme, c := range map[string]map[string]string{"light": light, "dark": dark} {
		for text, least := range map[string]float64{"ink": 7, "quiet": 4.5, "accent": 4.5, "edge": 3, "bad": 4.5} {
			for _, on := range []string{"paper", "ground"} {
				if got := ratio(t, c[text], c[on]); got < least {
					t.Errorf("%s: --%s on --%s has a contrast of %.2f, want %.1f", theme, text, on, got, least)
				}
			}
		}
		if got := ratio(t, c["ink"], c["line"]); got < 4.5 {
			t.Errorf("%s: a plain button under the mouse has a contrast of %.2f", theme, got)
		}
	}
}

// TestAnyAccentCanBeRead tries a grid over all colours.
func TestAnyAccentCanBeRead(t *testing.T) {
	const step = 15
	for r := 0; r <= 255; r += step {
		for g := 0; g <= 255; g += step {
			for b := 0; b <= 255; b += step {
				readableEverywhere(t, fmt.Sprintf("#%02x%02x%02x", r, g, b))
			}
		}
	}
}

func readableEverywhere(t *testing.T, accent string) {
	t.Helper()
	css, err := brandCSS(accent)
	m := accentRule.FindSubmatch(css)
	if err != nil || m == nil {
		t.Fatalf("%s: %s, %v", accent, css, err)
	}
	for _, c := range []struct{ got, paper, ground string }{{string(m[1]), lightPaper, lightGround}, {string(m[2]), darkPaper, darkGround}} {
		least := min(ratio(t, c.got, c.paper), ratio(t, c.got, c.ground))
		if least < 4.5 {
			t.Errorf("%s became %s, with a contrast of %.2f", accent, c.got, least)
		}
		// no further than needed: what changed stands at the edge, give or take a step of eight bits
		if c.got != accent && least > 4.75 {
			t.Errorf("%s became %s, with a contrast of %.2f: further than it must", accent, c.got, least)
		}
	}
}

func TestBrandCSS(t *testing.T) {
	for accent, want := range map[string]string{
		"":        "",
		"#1f5fbf": ":root{--accent:#1f5fbf}@media (prefers-color-scheme:dark){:root{--accent:#5687cf}}\n",
		"#0b6":    ":root{--accent:#008247}@media (prefers-color-scheme:dark){:root{--accent:#00bb66}}\n",
		"#00BB66": ":root{--accent:#008247}@media (prefers-color-scheme:dark){:root{--accent:#00bb66}}\n",
	} {
		if got, err := brandCSS(accent); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", accent, got, err)
		}
	}
	for _, accent := range []string{"red", "#12", "#12345", "#1234567", "#ggg", "0b6000", "#-1-1-1", "# f f f", "#é1", "#fff}body{"} {
		if got, err := brandCSS(accent); err == nil {
			t.Errorf("%s: %s, %v", accent, got, err)
		}
	}
}

// TestContrast: the ends of the scale, and the pair that WCAG's own understanding document works out.
func TestContrast(t *testing.T) {
	for pair, want := range map[[2]string]float64{{"#000", "#fff"}: 21, {"#fff", "#ffffff"}: 1, {"#777777", "#ffffff"}: 4.48, {"#767676", "#ffffff"}: 4.54} {
		if got := ratio(t, pair[0], pair[1]); math.Abs(got-want) > 0.005 {
			t.Errorf("%v: %.3f, want %.2f", pair, got, want)
		}
	}
}
