package iampolicy

import (
	"strings"
	"unicode/utf16"
)

// glob is a pattern in which the wildcards are bytes that valid UTF-8 does not contain. So * and ? can also be
// ordinary characters of the pattern: from a StringEquals value, a ${*} literal, or what a variable inserted.
type glob string

// The wildcards inside a glob.
const (
	anyRun  = '\xff' // *
	anyUnit = '\xfe' // ?

	anyRunString  = "\xff"
	anyUnitString = "\xfe"
)

var (
	wildcards   = strings.NewReplacer("*", anyRunString, "?", anyUnitString)
	unwildcards = strings.NewReplacer(anyRunString, "*", anyUnitString, "?")
)

// newGlob reads * and ? in text as wildcards.
func newGlob(text string) glob { return glob(wildcards.Replace(text)) }

// String shows the pattern with its wildcards as IAM writes them.
func (g glob) String() string { return unwildcards.Replace(string(g)) }

// match reports whether the whole of s fits. Without ? each piece between stars is found by substring search, from
// left to right; the leftmost place leaves the most for the rest, so nothing is ever tried twice.
func (g glob) match(s string) bool {
	p := string(g)
	if strings.IndexByte(p, anyUnit) >= 0 {
		return matchUnits(patternUnits(p), utf16.Encode([]rune(s)))
	}
	first, rest, wild := strings.Cut(p, anyRunString)
	if !wild {
		return p == s
	}
	if !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for {
		piece, more, another := strings.Cut(rest, anyRunString)
		if !another {
			return strings.HasSuffix(s, piece)
		}
		i := strings.Index(s, piece)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(piece):], more
	}
}

// Wildcards among UTF-16 code units.
const (
	unitRun = -1
	unitOne = -2
)

// patternUnits spells a glob in UTF-16 code units, because ? stands for one of those (two for an emoji).
func patternUnits(p string) []int32 {
	units := make([]int32, 0, len(p))
	for len(p) > 0 {
		i := firstWildcard(p)
		for _, u := range utf16.Encode([]rune(p[:i])) {
			units = append(units, int32(u))
		}
		if i == len(p) {
			return units
		}
		if p[i] == anyRun {
			units = append(units, unitRun)
		} else {
			units = append(units, unitOne)
		}
		p = p[i+1:]
	}
	return units
}

// firstWildcard returns the index of the first wildcard, len(p) if there is none.
func firstWildcard(p string) int {
	for i := range len(p) {
		if p[i] == anyRun || p[i] == anyUnit {
			return i
		}
	}
	return len(p)
}

// matchUnits walks both sides once, going back to the last star only: len(p)*len(s) steps at worst.
func matchUnits(p []int32, s []uint16) bool {
	star, resume := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == unitRun:
			star, resume = i, j
			i++
		case i < len(p) && (p[i] == unitOne || p[i] == int32(s[j])):
			i++
			j++
		case star >= 0:
			resume++
			i, j = star+1, resume
		default:
			return false
		}
	}
	for i < len(p) && p[i] == unitRun {
		i++
	}
	return i == len(p)
}
