package api_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/broker/oauth"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/internal/web"
)

// contract is openapi.yaml, as JSON values.
var contract = sync.OnceValue(func() map[string]any {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		panic(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		panic(err)
	}
	asJSON, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		panic(err)
	}
	return out.(map[string]any)
})

// at walks the contract by member names, over references.
func at(t testing.TB, node any, names ...string) any {
	t.Helper()
	for _, name := range names {
		object, ok := node.(map[string]any)
		if !ok {
			t.Fatalf("openapi.yaml: nothing at %v", names)
		}
		if node, ok = object[name]; !ok {
			t.Fatalf("openapi.yaml: no %s in %v", name, names)
		}
		if target, ok := node.(map[string]any); ok {
			if ref, ok := target["$ref"].(string); ok && !strings.HasPrefix(ref, "#/components/schemas/") {
				node = at(t, contract(), strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
		}
	}
	return node
}

// schemas compiles the named schemas of the contract.
var schemas = sync.OnceValue(func() map[string]*jsonschema.Schema {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("contract.json", contract()); err != nil {
		panic(err)
	}
	out := map[string]*jsonschema.Schema{}
	components, _ := contract()["components"].(map[string]any)
	named, _ := components["schemas"].(map[string]any)
	for name := range named {
		ref := "#/components/schemas/" + name
		out[ref] = c.MustCompile("contract.json" + ref)
	}
	return out
})

// validate holds an answer's body to the contract.
func validate(t testing.TB, method, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	if id, ok := strings.CutPrefix(path, "/api/v1/sessions/"); ok && id != "" {
		path = "/api/v1/sessions/{id}"
	}
	if w.Code == http.StatusNoContent {
		at(t, contract(), "paths", path, strings.ToLower(method), "responses", "204")
		return
	}
	responses, _ := at(t, contract(), "paths", path, strings.ToLower(method), "responses").(map[string]any)
	status := "200"
	if w.Code != http.StatusOK {
		status = "default"
	}
	kind, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	ref, _ := at(t, responses, status, "content", kind, "schema", "$ref").(string)
	body, err := jsonschema.UnmarshalJSON(w.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if schemas()[ref] == nil {
		t.Fatalf("%s %s: the answer has no named schema", method, path)
	}
	if err := schemas()[ref].Validate(body); err != nil {
		t.Errorf("%s %s answers %d: %v", method, path, w.Code, err)
	}
	again, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	w.Body = bytes.NewBuffer(again) // for who wants to read it as well
}

var methods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// TestEveryPathOfTheContract walks openapi.yaml: what it says is served is routed to a handler of its own, everything
// else is not.
func TestEveryPathOfTheContract(t *testing.T) {
	d := newDoor(t)
	mux := http.NewServeMux()
	a, err := api.New(api.Options{Broker: d.Broker, Sessions: d.Sessions, Tokens: d.Tokens, Cookies: d.Cookies, PublicURL: "https://broker.test"})
	if err != nil {
		t.Fatal(err)
	}
	a.Mount(mux)
	mountPages(t, d, mux)
	// These rooms are mounted by the daemon, which has its own test of them.
	elsewhere := []string{"issuer", "operations"}
	paths, _ := contract()["paths"].(map[string]any)
	for path, node := range paths {
		operations, _ := node.(map[string]any)
		for _, method := range methods {
			operation, declared := operations[strings.ToLower(method)].(map[string]any)
			served := declared && operation["x-served"] != false
			if served && slices.Contains(elsewhere, tag(t, operation)) {
				continue
			}
			r := httptest.NewRequest(method, strings.NewReplacer("{idp}", "corp", "{id}", "x", "{key}", "x").Replace(path), nil)
			w := httptest.NewRecorder()
			_, pattern := mux.Handler(r)
			if !served {
				mux.ServeHTTP(w, r)
				if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
					t.Errorf("%s %s is not served and answers %d by %q", method, path, w.Code, pattern)
				}
				continue
			}
			if want := method + " " + strings.TrimSuffix(path, "/"); strings.TrimSuffix(pattern, "/{$}") != want {
				t.Errorf("%s %s is routed to %q", method, path, pattern)
			}
		}
	}
}

func tag(t *testing.T, operation map[string]any) string {
	t.Helper()
	tags, _ := operation["tags"].([]any)
	if len(tags) != 1 {
		t.Fatalf("%v has tags %v", operation["summary"], tags)
	}
	name, _ := tags[0].(string)
	return name
}

func mountPages(t *testing.T, d *door, mux *http.ServeMux) {
	t.Helper()
	p, err := portal.New(portal.Options{
		Broker: d.Broker, Store: d.Store, Sessions: d.Sessions, Logins: d.Logins, Cookies: d.Cookies, Remote: web.Remote{}, PublicURL: "https://broker.test",
		Templates: oauth.Templates, Clock: d.Now, Logger: discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Mount(mux)
	o, err := oauth.New(oauth.Options{
		Broker: d.Broker, Store: d.Store, Sessions: d.Sessions, Tokens: d.Tokens, Cookies: d.Cookies, Pages: p, PublicURL: "https://broker.test",
		ClientKey: make([]byte, 32), Clock: d.Now, Rand: d.Rand,
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Mount(mux)
}

// statuses is the table of design.md section 6, written down a second time.
var statuses = map[broker.Code]int{
	broker.CodeInvalidRequest: 400, broker.CodeAmbiguousRole: 400,
	broker.CodeInvalidToken: 401, broker.CodeUntrustedIssuer: 401, broker.CodeReplayed: 401, broker.CodeExpiredToken: 401, broker.CodeLoginRequired: 401,
	broker.CodeMFARequired: 403, broker.CodeNotAuthorized: 403, broker.CodeRoleNotGranted: 403, broker.CodeRevoked: 403, broker.CodeUpstreamDenied: 403,
	broker.CodeThrottled: 429, broker.CodeUpstreamUnavailable: 503, broker.CodeStoreUnavailable: 503, broker.CodeInternal: 500,
}

func TestCodes(t *testing.T) {
	listed, _ := at(t, contract(), "components", "schemas", "Problem", "properties", "code", "enum").([]any)
	var enum []string
	for _, v := range listed {
		name, _ := v.(string)
		enum = append(enum, name)
	}
	var known []string
	for code, status := range statuses {
		known = append(known, string(code))
		if got := api.Status(code); got != status {
			t.Errorf("%s is %d, want %d", code, got, status)
		}
	}
	slices.Sort(enum)
	slices.Sort(known)
	if !slices.Equal(enum, known) || !slices.Equal(known, declaredCodes(t)) {
		t.Errorf("openapi.yaml has %v,\nthis test %v,\nbroker/error.go %v", enum, known, declaredCodes(t))
	}
	if api.Status("no such code") != http.StatusInternalServerError {
		t.Error("an unknown code must be our own mistake")
	}
}

// declaredCodes reads broker/error.go: a code that is added there must be added to the contract.
func declaredCodes(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../error.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if _, value, ok := strings.Cut(strings.TrimSpace(line), " Code = "); ok {
			found[strings.Trim(value, `"`)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func TestTheContractIsServed(t *testing.T) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := newDoor(t).do("GET /openapi.yaml", "")
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), text) || w.Header().Get("Content-Type") != "application/yaml" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
