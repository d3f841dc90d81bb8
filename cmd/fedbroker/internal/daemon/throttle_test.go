package daemon

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestOneAddressCannotBeginWithoutEnd: what one door let through counts at the others.
func TestOneAddressCannotBeginWithoutEnd(t *testing.T) {
	o := options()
	now := time.Now()
	o.Clock = func() time.Time { return now }
	d, err := New(t.Context(), parse(t, `server: {listen: "127.0.0.1:0", public_url: "http://localhost:1"}`), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	send := func(method, path string) int {
		r := httptest.NewRequest(method, path, strings.NewReader("SAMLResponse=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		d.route(w, r)
		return w.Code
	}
	for i := range anybodyAtOnce {
		if got := send(http.MethodGet, "/login/nobody"); got != http.StatusUnauthorized {
			t.Fatalf("request %d: %d", i+1, got)
		}
	}
	for _, route := range []string{"GET /login/nobody", "POST /saml/nobody/acs", "POST /api/v1/credentials"} {
		method, path, _ := strings.Cut(route, " ")
		if got := send(method, path); got != http.StatusTooManyRequests {
			t.Errorf("%s: %d", route, got)
		}
	}
}
