package portal_test

import (
	"compress/gzip"
	"io"
	"net/http/httptest"
	"testing"
)

func (b *browser) getAccepting(target string, codings ...string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := b.request("GET", target, nil)
	r.Header["Accept-Encoding"] = codings
	return b.send(r, false)
}

func TestHomeIsPackedForWhoTakesThat(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	plain := b.get("/").Body.String()
	for _, codings := range [][]string{{"gzip"}, {"gzip, deflate, br, zstd"}, {"br", "GZIP;q=0.5"}, {"identity;q=0, gzip; q=1"}} {
		w := b.getAccepting("/", codings...)
		if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Fatalf("%q: %v", codings, w.Header())
		}
		zip, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(zip); err != nil || string(got) != plain {
			t.Errorf("%q: %v: %s", codings, err, got)
		}
	}
	for _, codings := range [][]string{nil, {""}, {"br"}, {"*"}, {"gzip;q=0"}, {"gzip; q=0.000, br"}, {"xgzip, gzipped"}} {
		if w := b.getAccepting("/", codings...); w.Header().Get("Content-Encoding") != "" || w.Body.String() != plain {
			t.Errorf("%q: %v", codings, w.Header())
		}
	}
}

// TestOtherPagesAreNotPacked: only the start page is known to hold nothing that its length must not give away.
func TestOtherPagesAreNotPacked(t *testing.T) {
	b := newSite(t).browser()
	for _, target := range []string{"/login", "/login/other", "/login/none", "/oidc/corp/callback"} {
		if w := b.getAccepting(target, "gzip"); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: %v", target, w.Header())
		}
	}
}
