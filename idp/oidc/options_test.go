package oidc_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/internal/fetch"
)

// counting counts what goes out.
type counting struct {
	*fetch.Client
	gets atomic.Int32
}

func (c *counting) Get(ctx context.Context, target string) ([]byte, http.Header, error) {
	c.gets.Add(1)
	return c.Client.Get(ctx, target)
}

func TestNewWorkloadRefuses(t *testing.T) {
	private := string(mustJSON(t, map[string]any{"keys": []any{map[string]any{"kty": "oct", "k": "c2VjcmV0"}}}))
	for name, change := range map[string]func(*oidc.Options){
		"no id":                   func(o *oidc.Options) { o.ID = "" },
		"no issuer":               func(o *oidc.Options) { o.Issuer = "" },
		"issuer not a URL":        func(o *oidc.Options) { o.Issuer = "idp.example" },
		"issuer a file":           func(o *oidc.Options) { o.Issuer = "file:///x" },
		"issuer with a query":     func(o *oidc.Options) { o.Issuer += "?x" },
		"issuer with a fragment":  func(o *oidc.Options) { o.Issuer += "#x" },
		"issuer with a user":      func(o *oidc.Options) { o.Issuer = "https://u@idp.example" },
		"no audience":             func(o *oidc.Options) { o.Audiences = nil },
		"an empty audience":       func(o *oidc.Options) { o.Audiences = []string{"a", ""} },
		"negative skew":           func(o *oidc.Options) { o.Skew = -1 },
		"more than 5m of skew":    func(o *oidc.Options) { o.Skew = 5*60e9 + 1 },
		"negative age":            func(o *oidc.Options) { o.MaxAge = -1 },
		"negative StaleFor":       func(o *oidc.Options) { o.StaleFor = -1 },
		"negative MinRefetch":     func(o *oidc.Options) { o.MinRefetch = -1 },
		"no fetcher":              func(o *oidc.Options) { o.Fetch = nil },
		"algorithm none":          func(o *oidc.Options) { o.Algorithms = []string{"none"} },
		"algorithm HS256":         func(o *oidc.Options) { o.Algorithms = []string{"ES256", "HS256"} },
		"a pin without values":    func(o *oidc.Options) { o.Tenant = map[string][]string{"org": nil} },
		"a pin with an empty one": func(o *oidc.Options) { o.Tenant = map[string][]string{"org": {""}} },
		"a pin without a name":    func(o *oidc.Options) { o.Tenant = map[string][]string{"": {"x"}} },
		"a broken key file":       func(o *oidc.Options) { o.JWKSFile = []byte("{") },
		"an empty key file":       func(o *oidc.Options) { o.JWKSFile = []byte{} },
		"a key file of nothing":   func(o *oidc.Options) { o.JWKSFile = []byte(private) },
	} {
		t.Run(name, func(t *testing.T) {
			o := oidc.Options{ID: "ci", Issuer: "https://idp.example", Audiences: []string{audience}, Fetch: loopback(t)}
			change(&o)
			if w, err := oidc.NewWorkload(o); err == nil || w != nil {
				t.Error("accepted")
			}
		})
	}
	_, err := oidc.NewWorkload(oidc.Options{ID: "many"})
	for _, want := range []string{"idp many", "issuer", "audience", "fetcher"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %q: all that is wrong is told at once", err, want)
		}
	}
}

func TestWorkloadSaysWhoItIs(t *testing.T) {
	f := newFixture(t)
	if f.ID() != "ci" || f.Issuer() != f.issuer.URL {
		t.Errorf("%q, %q", f.ID(), f.Issuer())
	}
}

// An issuer whose URL ends in a slash (Auth0) keeps it in iss and loses it before the well-known path.
func TestIssuerWithATrailingSlash(t *testing.T) {
	issuer := idptest.NewIssuer(t)
	issuer.SetDiscovery(map[string]any{"issuer": issuer.URL + "/"})
	f := newFixture(t, func(o *oidc.Options) { o.Issuer = issuer.URL + "/" })
	issuer.Clock = f.clock.now
	id := f.accepts(t, issuer.Token(f.claims(map[string]any{"iss": issuer.URL + "/"})))
	if id.Issuer != issuer.URL+"/" {
		t.Errorf("issuer %q", id.Issuer)
	}
}
