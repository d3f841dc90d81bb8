package portal

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
)

// What text in the accent colour stands on, as portal.css has it.
const (
	lightPaper, lightGround = "#ffffff", "#f5f6f8"
	darkPaper, darkGround   = "#1b1f25", "#13161a"
)

// enoughContrast is what WCAG 2.2 asks of text (1.4.3, level AA). A focus ring and the edge of a control need 3:1
// (1.4.11) and have the same colour, so they have enough, too.
const enoughContrast = 4.5

// rgb is an sRGB colour with eight bits a component.
type rgb [3]uint8

// brandCSS is the style sheet that puts the company's colour in place of ours: the nearest to it that can be read, by
// theme. The colour is #rgb or #rrggbb; an empty one leaves ours.
func brandCSS(accent string) ([]byte, error) {
	if accent == "" {
		return nil, nil
	}
	c, err := parseColour(accent)
	if err != nil {
		return nil, err
	}
	light := c.readable(rgb{}, lightPaper, lightGround)
	dark := c.readable(rgb{255, 255, 255}, darkPaper, darkGround)
	return fmt.Appendf(nil, ":root{--accent:%s}@media (prefers-color-scheme:dark){:root{--accent:%s}}\n", light, dark), nil
}

func parseColour(s string) (rgb, error) {
	digits, marked := strings.CutPrefix(s, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	raw, err := hex.DecodeString(digits)
	if err != nil || !marked || len(raw) != len(rgb{}) {
		return rgb{}, fmt.Errorf("portal: %q is no colour such as #0b6 or #00bb66", s)
	}
	return rgb(raw), nil
}

// String is the colour in CSS.
func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// readable moves a colour towards black or white, which keeps its hue, no further than it must to be read on both of a
// theme's grounds. At the end of the way every ground of ours is contrast enough.
func (c rgb) readable(end rgb, paper, ground string) rgb {
	on, _ := parseColour(paper) // constants of ours
	under, _ := parseColour(ground)
	const steps = 255
	for step := range steps {
		got := c.mixed(end, float64(step)/steps)
		if contrast(got, on) >= enoughContrast && contrast(got, under) >= enoughContrast {
			return got
		}
	}
	return end
}

// mixed is a share of the way from one colour to another.
func (c rgb) mixed(end rgb, share float64) rgb {
	var out rgb
	for i := range c {
		out[i] = uint8(math.Round(float64(c[i]) + (float64(end[i])-float64(c[i]))*share))
	}
	return out
}

// contrast is WCAG's contrast ratio of two colours, from 1 to 21.
func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is WCAG's relative luminance, from 0 to 1.
func (c rgb) luminance() float64 {
	var linear [3]float64
	for i, v := range c {
		s := float64(v) / 255
		if s <= 0.04045 {
			linear[i] = s / 12.92
		} else {
			linear[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}
