package configs

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Duration is written as Go writes durations: 90s, 15m, 12h.
type Duration time.Duration

// Or returns the duration, or other when the key was left out.
func (d Duration) Or(other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return time.Duration(d)
}

// Secret is a reference to a value that is not in the file: env:NAME or file:PATH. It is resolved while loading.
type Secret struct {
	ref   string
	value secret.Text
}

// Given reports whether the key was in the file.
func (s Secret) Given() bool { return s.ref != "" }

// Text returns the resolved value.
func (s Secret) Text() secret.Text { return s.value }

// URL is an address that may hold a password: written out when it does not, otherwise env:NAME or file:PATH.
type URL struct{ Secret }

// literal reports whether the address was written out.
func (u URL) literal() bool { return u.ref == u.value.Reveal() }

// Path is a file name; a relative one starts at the configuration file's folder.
type Path string

// Values are wanted claim values in text form: a scalar or a list of them. Integers are decimal, booleans true or false.
type Values []string

// Strings is one string or a list of them.
type Strings []string

// Place is where something stands in a file; lines and columns count from 1.
type Place struct {
	File         string
	Line, Column int
}

// String is file:line:column, as editors and terminals understand it.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one thing that is wrong, with its place.
type Problem struct {
	Place   Place
	Message string
}

// String is the one line that a person reads.
func (p Problem) String() string { return p.Place.String() + ": " + p.Message }

// Problems is everything that is wrong with a configuration; it is an error when it is not empty.
type Problems []Problem

// Error lists every problem, a line each.
func (ps Problems) Error() string {
	text := ""
	for i, p := range ps {
		if i > 0 {
			text += "\n"
		}
		text += p.String()
	}
	return text
}

// With adds what others found, in the file's order. What stands where a problem is known already is left out: it is
// nearly always the same mistake seen from further on.
func (ps Problems) With(more Problems) Problems {
	known := map[Place]bool{}
	for _, p := range ps {
		known[p.Place] = true
	}
	out := slices.Clone(ps)
	for _, p := range more {
		if !known[p.Place] {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(a.Place.Line-b.Place.Line, a.Place.Column-b.Place.Column)
	})
	return out
}
