package oidc_test

import (
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// workload is one entry of a set, of this issuer and audience.
func workload(t *testing.T, id, issuer, aud string, fetch *counting, change ...func(*oidc.Options)) *oidc.Workload {
	t.Helper()
	o := oidc.Options{ID: id, Issuer: issuer, Audiences: []string{aud}, Fetch: fetch}
	for _, c := range change {
		c(&o)
	}
	w, err := oidc.NewWorkload(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newSet(t *testing.T, workloads ...*oidc.Workload) *oidc.Set {
	t.Helper()
	s, err := oidc.NewSet(workloads)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSetPicksByIssuerAndAudience(t *testing.T) {
	one, two, stranger := idptest.NewIssuer(t), idptest.NewIssuer(t), idptest.NewIssuer(t)
	net := &counting{Client: loopback(t)}
	set := newSet(t,
		workload(t, "a", one.URL, "aud-a", net),
		workload(t, "b", one.URL, "aud-b", net, func(o *oidc.Options) { o.Tenant = map[string][]string{"org": {"ours"}} }),
		workload(t, "c", two.URL, "aud-a", net))
	for _, tc := range []struct {
		name, token, want string
		kind              idp.Kind
	}{
		{"first", one.Token(map[string]any{"aud": "aud-a", "sub": "s"}), "a", 0},
		{"same issuer, other audience", one.Token(map[string]any{"aud": "aud-b", "sub": "s", "org": "ours"}), "b", 0},
		{"same audience, other issuer", two.Token(map[string]any{"aud": "aud-a", "sub": "s"}), "c", 0},
		{"the pins are those of the one that was picked", one.Token(map[string]any{"aud": "aud-b", "sub": "s"}), "", idp.KindUntrusted},
		{"two audiences of ours", one.Token(map[string]any{"aud": []string{"aud-a", "aud-b"}, "sub": "s", "org": "ours"}), "", idp.KindInvalid},
		{"audience of another issuer's entry", two.Token(map[string]any{"aud": "aud-b", "sub": "s", "org": "ours"}), "", idp.KindInvalid},
		{"nobody's audience", one.Token(map[string]any{"aud": "aud-x", "sub": "s"}), "", idp.KindInvalid},
		{"no audience", one.Token(map[string]any{"sub": "s"}), "", idp.KindInvalid},
		{"unknown issuer", stranger.Token(map[string]any{"aud": "aud-a", "sub": "s"}), "", idp.KindUntrusted},
		{"no issuer", one.Token(map[string]any{"iss": idptest.Absent{}, "aud": "aud-a", "sub": "s"}), "", idp.KindUntrusted},
		{"issuer as a number", one.Token(map[string]any{"iss": 1, "aud": "aud-a", "sub": "s"}), "", idp.KindUntrusted},
		{"another's key", idptest.SignJWT(t, two.Key(), []byte(`{"iss":"`+one.URL+`","aud":"aud-a","sub":"s","exp":9999999999}`)), "", idp.KindInvalid},
		{"not a token", "x", "", idp.KindInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id, err := set.Verify(t.Context(), secret.New(tc.token))
			if tc.want == "" {
				wantKind(t, tc.kind, id, err)
				return
			}
			if err != nil || id.Provider != tc.want || id.Subject != "s" {
				t.Errorf("got %q, %v", id.Provider, err)
			}
		})
	}
	if n := stranger.Fetches(idptest.DiscoveryPath) + stranger.Fetches(idptest.JWKSPath); n != 0 {
		t.Errorf("%d fetches from an issuer that is not configured", n)
	}
	if n := one.Fetches(idptest.JWKSPath); n != 1 {
		t.Errorf("%d fetches of shared keys", n)
	}
}

// A token for nobody causes no fetch, whoever issued it.
func TestStrangersCostNoFetch(t *testing.T) {
	issuer := idptest.NewIssuer(t)
	net := &counting{Client: loopback(t)}
	w := workload(t, "a", issuer.URL, "aud-a", net)
	for name, v := range map[string]idp.Verifier{"set": newSet(t, w), "workload": w} {
		for _, change := range []map[string]any{
			{"iss": "https://evil.example"}, {"iss": issuer.URL + "/"}, {"aud": "other"}, {"aud": []string{}}, {"aud": []string{"aud-a", "x"}, "azp": "x"},
		} {
			claims := map[string]any{"aud": "aud-a", "sub": "s"}
			for k, v := range change {
				claims[k] = v
			}
			if _, err := v.Verify(t.Context(), secret.New(issuer.Token(claims))); err == nil {
				t.Errorf("%s: accepted %v", name, change)
			}
		}
		token := issuer.Token(map[string]any{"aud": "aud-a", "sub": "s"})
		input, _ := cutLast(token)
		_, rest, _ := strings.Cut(token, ".")
		for _, bad := range []string{b64(`{"alg":"HS256","kid":"key-1"}`) + "." + rest, input + "."} {
			if _, err := v.Verify(t.Context(), secret.New(bad)); err == nil {
				t.Errorf("%s: accepted %s", name, bad)
			}
		}
	}
	if n := net.gets.Load(); n != 0 {
		t.Errorf("%d fetches", n)
	}
}

func TestNewSetRefuses(t *testing.T) {
	net, other := &counting{Client: loopback(t)}, "https://other.example"
	a := workload(t, "a", "https://idp.example", "aud", net)
	for name, ws := range map[string][]*oidc.Workload{
		"the same id":                    {a, workload(t, "a", other, "x", net)},
		"the same issuer and audience":   {a, workload(t, "b", "https://idp.example", "aud", net)},
		"the same once in several":       {a, workload(t, "b", "https://idp.example", "x", net, func(o *oidc.Options) { o.Audiences = []string{"x", "aud"} })},
		"the same entry given two times": {a, a},
	} {
		if _, err := oidc.NewSet(ws); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := oidc.NewSet([]*oidc.Workload{a, workload(t, "b", other, "aud", net)}); err != nil {
		t.Errorf("the same audience at another issuer: %v", err)
	}
	empty, err := oidc.NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := empty.Verify(t.Context(), secret.New(idptest.NewIssuer(t).Token(map[string]any{"aud": "aud", "sub": "s"})))
	wantKind(t, idp.KindUntrusted, id, err)
}

// Entries that would fetch in different ways, or not at all, keep their keys to themselves.
func TestKeysAreSharedOnlyBetweenEqualSources(t *testing.T) {
	issuer := idptest.NewIssuer(t)
	pinned := idptest.SigningKey{ID: "pinned", Alg: "ES256", Key: idptest.ECKey(t)}
	keyFile := idptest.NewIssuer(t)
	keyFile.SetKeys(pinned)
	net := &counting{Client: loopback(t)}
	set := newSet(t,
		workload(t, "fetched", issuer.URL, "a", net),
		workload(t, "file", issuer.URL, "b", net, func(o *oidc.Options) { o.JWKSFile = keyFile.JWKS() }),
		workload(t, "other-net", issuer.URL, "c", &counting{Client: loopback(t)}))
	for aud, want := range map[string]bool{"a": false, "b": true, "c": false} {
		payload := mustJSON(t, map[string]any{"iss": issuer.URL, "aud": aud, "sub": "s", "exp": 9999999999})
		if _, err := set.Verify(t.Context(), secret.New(idptest.SignJWT(t, pinned, payload))); (err == nil) != want {
			t.Errorf("audience %s: %v", aud, err)
		}
	}
	if n := issuer.Fetches(idptest.JWKSPath); n != 2 {
		t.Errorf("%d fetches, want one for each fetcher", n)
	}
}
