package oauth_test

import (
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// BenchmarkFind is what an access token costs at every request that carries it.
func BenchmarkFind(b *testing.B) {
	s := newSite(b)
	token := secret.New(s.terminal().login(s.person("alice")).access)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Tokens.Find(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefresh is a whole request to /token that rotates.
func BenchmarkRefresh(b *testing.B) {
	s := newSite(b)
	c := s.terminal()
	mine := c.login(s.person("alice"))
	b.ReportAllocs()
	for b.Loop() {
		s.Pass(50 * time.Millisecond)
		w := c.refresh(mine.refresh)
		if w.Code != 200 { // twelve hours are over
			b.StopTimer()
			mine = c.login(s.person("alice"))
			b.StartTimer()
			continue
		}
		mine = tokensOf(b, w)
	}
}
