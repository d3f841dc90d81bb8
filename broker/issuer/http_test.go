package issuer_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/issuer"
)

func get(t *testing.T, i *issuer.Issuer, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	i.Mount(mux)
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return rec
}

func TestDocumentsAreServed(t *testing.T) {
	i := newIssuer(t)
	for path, want := range map[string][2]string{
		"/.well-known/openid-configuration": {"application/json", "public, max-age=3600"},
		"/.well-known/jwks.json":            {"application/json", "public, max-age=300"},
		"/issuer/saml/metadata":             {"application/samlmetadata+xml", "public, max-age=300"},
	} {
		rec := get(t, i, http.MethodGet, path)
		h := rec.Header()
		if rec.Code != 200 || h.Get("Content-Type") != want[0] || h.Get("Cache-Control") != want[1] || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, rec.Code, h)
		}
		if rec.Body.Len() == 0 {
			t.Errorf("%s: empty", path)
		}
		if rec := get(t, i, http.MethodPost, path); rec.Code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, rec.Code)
		}
	}
}

func TestDiscoveryHoldsWhatAWSReads(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(get(t, newIssuer(t), http.MethodGet, "/.well-known/openid-configuration").Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc["issuer"] != issuerURL || doc["jwks_uri"] != issuerURL+"/.well-known/jwks.json" {
		t.Errorf("issuer %v, jwks_uri %v", doc["issuer"], doc["jwks_uri"])
	}
	for _, list := range []string{"response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported", "claims_supported"} {
		if values, _ := doc[list].([]any); len(values) == 0 {
			t.Errorf("%s: %v", list, doc[list])
		}
	}
}

func TestAStrangerLearnsNothingOfAStoreThatIsDown(t *testing.T) {
	store := newMemory()
	store.setDown(true)
	i := newIssuer(t, func(o *issuer.Options) { o.Keys = node(t, store, newClock()) })
	rec := get(t, i, http.MethodGet, "/.well-known/jwks.json")
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Cache-Control") != "no-store" || strings.Contains(rec.Body.String(), "store") {
		t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	none := newIssuer(t, func(o *issuer.Options) { o.SAML = nil })
	if rec := get(t, none, http.MethodGet, "/issuer/saml/metadata"); rec.Code != http.StatusNotFound {
		t.Errorf("metadata of an issuer without SAML: %d", rec.Code)
	}
}
