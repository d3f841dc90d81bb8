package broker_test

import (
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker"
)

// TestNoTwoListsShareADigest: parts do not run into each other, whatever bytes they are of.
func TestNoTwoListsShareADigest(t *testing.T) {
	seen := map[string][]string{}
	for _, parts := range [][]string{
		{"a", "b", "c"},
		{"ab", "c"},
		{"a", "bc"},
		{"abc"},
		{"", "abc"},
		{"abc", ""},
		{},
		{"a" + strings.Repeat("\x00", 8) + "b"},
		{"a", "b"},
		{"b", "a"},
		{"a", "", "b"},
		{"a\x00\x00\x00\x00\x00\x00\x00\x01b"},
		{"a\x00b"},
	} {
		got := broker.Digest(parts...)
		if other, twice := seen[got]; twice || len(got) != 64 {
			t.Errorf("%q and %q have the digest %s", parts, other, got)
		}
		seen[got] = parts
	}
}
