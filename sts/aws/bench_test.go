package aws_test

import (
	"testing"
)

// The price of a client per call, in the same run as the kept one: performance.md, trap 9.
func BenchmarkAssume(b *testing.B) {
	fake := newFake(b, nil)
	b.Run("client kept", func(b *testing.B) {
		a := newAssumer(b, fake.URL)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := a.Assume(b.Context(), webIdentity()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("client per call", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := newAssumer(b, fake.URL).Assume(b.Context(), webIdentity()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("signed", func(b *testing.B) {
		a := newAssumer(b, fake.URL)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := a.Assume(b.Context(), assumeRole()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
