package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/internal/web"
)

const (
	credentials = "POST /api/v1/credentials"
	console     = "POST /api/v1/console"
	explain     = "POST /api/v1/explain"
	roles       = "GET /api/v1/roles"
	whoami      = "GET /api/v1/whoami"
)

// door is the API of a world, behind the headers that every answer carries.
type door struct {
	*doortest.World
	t       testing.TB
	handler http.Handler
}

func newDoor(t testing.TB) *door {
	t.Helper()
	w := doortest.New(t)
	a, err := api.New(api.Options{Broker: w.Broker, Sessions: w.Sessions, Tokens: w.Tokens, Cookies: w.Cookies, PublicURL: doortest.PublicURL})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	a.Mount(mux)
	return &door{w, t, web.Protect(mux, true)}
}

// edit changes a request before it is sent.
type edit func(*http.Request)

func header(name, value string) edit {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func bearer(token string) edit { return header("Authorization", "Bearer "+token) }

func cookie(token secret.Text) edit { return header("Cookie", "__Host-session="+token.Reveal()) }

// ownPage is what a browser sends with a request of our own page's script.
func ownPage(r *http.Request) {
	r.Header.Set("Origin", doortest.PublicURL)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Mode", "cors")
}

func asForm(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }

// do makes a request of "METHOD /path" with a JSON body, unless an edit says otherwise.
func (d *door) do(route, body string, edits ...edit) *httptest.ResponseRecorder {
	d.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, e := range edits {
		e(r)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w
}

// send is do for a request that is routed and can be recorded: it holds the answer to the contract.
func (d *door) send(route, body string, edits ...edit) *httptest.ResponseRecorder {
	d.t.Helper()
	w := d.do(route, body, edits...)
	method, path, _ := strings.Cut(route, " ")
	path, _, _ = strings.Cut(path, "?")
	id := w.Header().Get("X-Request-Id")
	if last, stranger := d.Audit.Last(), d.Strangers.Last(); id == "" || last.ID != id && stranger.ID != id {
		d.t.Errorf("%s: request %q is not on record", route, id)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		d.t.Errorf("%s: Cache-Control %q", route, w.Header().Get("Cache-Control"))
	}
	if method != http.MethodHead {
		validate(d.t, method, path, w)
	}
	return w
}

// wantProblem fails unless the answer is the problem document of that code.
func wantProblem(t testing.TB, w *httptest.ResponseRecorder, status int, code broker.Code) {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if w.Code != status || p.Status != status || p.Code != code {
		t.Errorf("got %d %s (%s), want %d %s", w.Code, p.Code, p.Detail, status, code)
	}
	if kind := w.Header().Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("Content-Type %q", kind)
	}
	if p.RequestID == "" || p.RequestID != w.Header().Get("X-Request-Id") || p.Title != http.StatusText(status) || p.Detail == "" {
		t.Errorf("problem %+v", p)
	}
	if (status == http.StatusUnauthorized) != (w.Header().Get("WWW-Authenticate") != "") {
		t.Errorf("%d with WWW-Authenticate %q", status, w.Header().Get("WWW-Authenticate"))
	}
	if again := status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests; again != (w.Header().Get("Retry-After") != "") {
		t.Errorf("%d with Retry-After %q", status, w.Header().Get("Retry-After"))
	}
}

func decode[T any](t testing.TB, w *httptest.ResponseRecorder) (out T) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// alice is a person of corp, as her login session keeps her.
func alice() idp.Identity {
	return idp.Identity{
		Provider: "corp", Issuer: "https://idp.example.com/metadata", Subject: "alice", Username: "alice", Email: "alice@corp.example",
		Groups: []string{"staff"}, AuthTime: doortest.Start, AMR: []string{"pwd"}, ACR: "urn:pwd", Claims: idp.NewClaims(map[string]any{"groups": []any{"staff"}}),
		Proof: idp.Proof{Kind: idp.ProofSAML, ID: "_1", Hash: "00", IssuedAt: doortest.Start, Once: true},
	}
}

// login signs alice in.
func (d *door) login() secret.Text {
	d.t.Helper()
	token, _, err := d.Sessions.Create(d.t.Context(), alice(), session.Origin{})
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}

// response is a SAML Response of corp that nobody asked for, in a form.
func (d *door) response(more url.Values) string {
	form := url.Values{"SAMLResponse": {d.Corp.Respond(d.t, doortest.Answer("corp", "alice", ""))}}
	for name, values := range more {
		form[name] = values
	}
	return form.Encode()
}
