package portal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/internal/web"
)

func TestOneAddressCannotBeginWithoutEnd(t *testing.T) {
	var throttle *web.Throttle
	s := newSite(t, func(o *portal.Options) {
		throttle = web.NewThrottle(1, 3, o.Clock)
		o.Throttle = throttle
	})
	ask := func(method, path, from string) int {
		r := httptest.NewRequest(method, path, strings.NewReader("SAMLResponse=x"))
		r.RemoteAddr = from
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		return w.Code
	}
	for range 2 {
		if got := ask("GET", "/login/corp", "192.0.2.1:1"); got != http.StatusSeeOther {
			t.Fatalf("begin answered %d", got)
		}
	}
	if got := ask("POST", "/saml/corp/acs", "192.0.2.1:2"); got != http.StatusUnauthorized {
		t.Errorf("the ACS answered %d", got)
	}
	for _, route := range []string{"GET /login/corp", "POST /saml/corp/acs"} {
		method, path, _ := strings.Cut(route, " ")
		if got := ask(method, path, "192.0.2.1:3"); got != http.StatusTooManyRequests {
			t.Errorf("%s answered %d", route, got)
		}
	}
	if got := ask("GET", "/login/corp", "192.0.2.2:1"); got != http.StatusSeeOther {
		t.Errorf("another address was answered %d", got)
	}
}

func TestAnAWSQueryGoesNoFurther(t *testing.T) {
	s := newSite(t)
	w := s.browser().get("/?Action=AssumeRoleWithWebIdentity&WebIdentityToken=canary")
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/login" {
		t.Errorf("answered %d, to %s", w.Code, got)
	}
}
