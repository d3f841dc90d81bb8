package api_test

import (
	"net/http"
	"testing"

	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/internal/web"
)

func TestOneAddressCannotHaveResponsesReadWithoutEnd(t *testing.T) {
	w := doortest.New(t)
	a, err := api.New(api.Options{
		Broker: w.Broker, Sessions: w.Sessions, Cookies: w.Cookies, PublicURL: doortest.PublicURL, Throttle: web.NewThrottle(1, 2, w.Now),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	a.Mount(mux)
	d := &door{w, t, mux}
	for i, want := range []int{http.StatusUnauthorized, http.StatusUnauthorized, http.StatusTooManyRequests} {
		if got := d.do(credentials, "SAMLResponse=x", asForm).Code; got != want {
			t.Errorf("response %d was answered %d, want %d", i+1, got, want)
		}
	}
	if got := d.do(whoami, "", bearer(d.Token())).Code; got != http.StatusOK {
		t.Errorf("a token was answered %d", got)
	}
}
