package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/oauth"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/internal/web"
)

// site is the authorization server of a world beside its portal and its API, behind the headers of every answer.
type site struct {
	*doortest.World
	t       testing.TB
	handler http.Handler
}

func newSite(t testing.TB, change ...func(*portal.Options)) *site {
	t.Helper()
	w := doortest.New(t)
	return siteOf(t, w, w.Store, change...)
}

// frozenSite has a store in which nothing ever expires: what ends there, ends by our own checks.
func frozenSite(t testing.TB) *site {
	t.Helper()
	w := doortest.New(t)
	m, err := store.NewMemory(store.MemoryOptions{Clock: func() time.Time { return doortest.Start }})
	if err != nil {
		t.Fatal(err)
	}
	if w.Sessions, err = session.New(session.Options{Store: m, Clock: w.Now, Rand: w.Rand}); err != nil {
		t.Fatal(err)
	}
	if w.Tokens, err = oauth.NewTokens(oauth.TokenOptions{Store: m, Sessions: w.Sessions, Clock: w.Now, Rand: w.Rand}); err != nil {
		t.Fatal(err)
	}
	return siteOf(t, w, m)
}

func siteOf(t testing.TB, w *doortest.World, kept broker.Store, change ...func(*portal.Options)) *site {
	t.Helper()
	s := &site{World: w, t: t}
	looks := portal.Options{
		Broker: w.Broker, Store: w.Store, Sessions: w.Sessions, Logins: w.Logins, Cookies: w.Cookies, PublicURL: doortest.PublicURL,
		Providers: []portal.Provider{{ID: "corp", Name: "Corp", Login: w.CorpSP, Metadata: w.CorpSP.Metadata}},
		Templates: oauth.Templates, Branding: portal.Branding{Name: "Acme"}, Clock: w.Now, Logger: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&looks)
	}
	pages, err := portal.New(looks)
	s.must(err)
	server, err := oauth.New(options(w, kept, pages))
	s.must(err)
	door, err := api.New(api.Options{Broker: w.Broker, Sessions: w.Sessions, Tokens: w.Tokens, Cookies: w.Cookies, PublicURL: doortest.PublicURL})
	s.must(err)
	mux := http.NewServeMux()
	pages.Mount(mux)
	server.Mount(mux)
	door.Mount(mux)
	s.handler = web.Protect(server.Logout(mux), true)
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// edit changes a request before it is sent.
type edit func(*http.Request)

func header(name, value string) edit {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func from(address string) edit { return func(r *http.Request) { r.RemoteAddr = address + ":4711" } }

func bearer(token string) edit { return header("Authorization", "Bearer "+token) }

func (s *site) send(method, target, body string, edits ...edit) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, e := range edits {
		e(r)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		s.t.Errorf("%s %s: Cache-Control %q", method, target, got)
	}
	return w
}

// call sends JSON as AWS's clients do.
func (s *site) call(path string, body map[string]any, edits ...edit) *httptest.ResponseRecorder {
	s.t.Helper()
	b, err := json.Marshal(body)
	s.must(err)
	return s.send("POST", path, string(b), append([]edit{header("Content-Type", "application/json")}, edits...)...)
}

func answerOf(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return out
}

// wantFault fails unless an answer is this error, in header and body.
func wantFault(t testing.TB, w *httptest.ResponseRecorder, status int, shape, name string) {
	t.Helper()
	got := answerOf(t, w)
	if w.Code != status || w.Header().Get("X-Amzn-Errortype") != shape || got["error"] != name || got["error_description"] == "" || got["accessToken"] != nil {
		t.Errorf("got %d %s %v, want %d %s %s", w.Code, w.Header().Get("X-Amzn-Errortype"), got, status, shape, name)
	}
}

const (
	redirectBase = "http://127.0.0.1/oauth/callback"
	redirectURI  = "http://127.0.0.1:43117/oauth/callback"
	verifier     = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk.dBjftJeZ4CVP~mB92K27"
	deviceGrant  = "urn:ietf:params:oauth:grant-type:device_code"
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// terminal is a command line as AWS's is.
type terminal struct {
	*site
	id, secret string
}

// terminal registers for the browser flow, with the members that AWS CLI 2.36 sends.
func (s *site) terminal() terminal {
	return s.register(map[string]any{
		"clientName": "botocore-client-corp", "clientType": "public", "grantTypes": []string{"authorization_code", "refresh_token"},
		"redirectUris": []string{redirectBase}, "issuerUrl": "https://corp.awsapps.com/start", "scopes": []string{"sso:account:access"},
	})
}

// headless registers for the device flow.
func (s *site) headless() terminal {
	return s.register(map[string]any{"clientName": "botocore-client-1764072000", "clientType": "public"})
}

func (s *site) register(body map[string]any) terminal {
	s.t.Helper()
	got := answerOf(s.t, s.call("/client/register", body))
	id, _ := got["clientId"].(string)
	proof, _ := got["clientSecret"].(string)
	if id == "" || proof == "" {
		s.t.Fatalf("registered: %v", got)
	}
	return terminal{s, id, proof}
}

func (c terminal) request(state string) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {c.id}, "redirect_uri": {redirectURI}, "state": {state},
		"code_challenge_method": {"S256"}, "scopes": {"sso:account:access"}, "code_challenge": {challengeOf(verifier)},
	}
}

func (c terminal) token(grant string, more map[string]any, edits ...edit) *httptest.ResponseRecorder {
	c.t.Helper()
	body := map[string]any{"clientId": c.id, "clientSecret": c.secret, "grantType": grant}
	for name, value := range more {
		body[name] = value
	}
	return c.call("/token", body, edits...)
}

func (c terminal) redeem(code string) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.token("authorization_code", map[string]any{"code": code, "redirectUri": redirectURI, "codeVerifier": verifier})
}

func (c terminal) refresh(token string) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.token("refresh_token", map[string]any{"refreshToken": token})
}

// held is what a command line keeps.
type held struct{ access, refresh string }

func tokensOf(t testing.TB, w *httptest.ResponseRecorder) held {
	t.Helper()
	got := answerOf(t, w)
	access, _ := got["accessToken"].(string)
	refresh, _ := got["refreshToken"].(string)
	if w.Code != http.StatusOK || !strings.HasPrefix(access, "fba_") || !strings.HasPrefix(refresh, "fbr_") || got["tokenType"] != "Bearer" || len(got) != 4 {
		t.Fatalf("%d %v", w.Code, got)
	}
	return held{access, refresh}
}

// login takes a terminal through the browser flow with a person who is signed in.
func (c terminal) login(p person) held {
	c.t.Helper()
	return tokensOf(c.t, c.redeem(p.approve(c)))
}

// person is a signed-in browser.
type person struct {
	*site
	token secret.Text
	login session.Session
}

func identity(name string) idp.Identity {
	return idp.Identity{
		Provider: "corp", Issuer: "https://idp.example.com/metadata", Subject: name, Username: name, Groups: []string{"staff"},
		Claims: idp.NewClaims(map[string]any{"groups": []any{"staff"}}),
		Proof:  idp.Proof{Kind: idp.ProofSAML, ID: "_1", Hash: "00", IssuedAt: doortest.Start, Once: true},
	}
}

func (s *site) person(name string) person {
	s.t.Helper()
	token, login, err := s.Sessions.Create(s.t.Context(), identity(name), session.Origin{})
	s.must(err)
	return person{s, token, login}
}

func (p person) cookie() edit { return header("Cookie", "__Host-session="+p.token.Reveal()) }

func (p person) get(target string, edits ...edit) *httptest.ResponseRecorder {
	p.t.Helper()
	w := p.send("GET", target, "", append([]edit{p.cookie()}, edits...)...)
	safe(p.t, w)
	return w
}

// post sends a form of our own page.
func (p person) post(target string, form url.Values, edits ...edit) *httptest.ResponseRecorder {
	p.t.Helper()
	ours := []edit{p.cookie(), header("Content-Type", "application/x-www-form-urlencoded"), header("Origin", doortest.PublicURL), header("Sec-Fetch-Site", "same-origin")}
	w := p.send("POST", target, form.Encode(), append(ours, edits...)...)
	safe(p.t, w)
	return w
}

// press is the form of a page with a button pressed.
func (p person) press(page *httptest.ResponseRecorder, decision string, edits ...edit) *httptest.ResponseRecorder {
	p.t.Helper()
	form := fields(page)
	form.Set("decision", decision)
	return p.post(action(p.t, page), form, edits...)
}

var (
	hidden   = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	formTo   = regexp.MustCompile(`<form method="post" action="([^"]+)">`)
	approval = regexp.MustCompile(`<button name="decision" value="approve">`)
)

func fields(page *httptest.ResponseRecorder) url.Values {
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page.Body.String(), -1) {
		form.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return form
}

func action(t testing.TB, page *httptest.ResponseRecorder) string {
	t.Helper()
	m := formTo.FindStringSubmatch(page.Body.String())
	if m == nil {
		t.Fatalf("%d, no form in %s", page.Code, page.Body)
	}
	return m[1]
}

// approve lets a terminal act as this person and returns the code that the browser brings to it.
func (p person) approve(c terminal) string {
	p.t.Helper()
	w := p.press(p.get("/authorize?"+c.request("s1").Encode()), "approve")
	return back(p.t, w).Get("code")
}

// back is what a redirect to the terminal brings.
func back(t testing.TB, w *httptest.ResponseRecorder) url.Values {
	t.Helper()
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), redirectURI+"?") {
		t.Fatalf("%d to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	return u.Query()
}

// safe holds a page to what every page must have: no frames, no inline script, nothing kept.
func safe(t testing.TB, w *httptest.ResponseRecorder) {
	t.Helper()
	policy := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action "} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
	if w.Header().Get("X-Content-Type-Options") != "nosniff" || strings.Contains(policy, "unsafe") || strings.Contains(w.Body.String(), "<script>") {
		t.Errorf("%v", w.Header())
	}
}

// works reports whether an access token opens the API, for whom.
func (s *site) works(token string) (string, bool) {
	s.t.Helper()
	w := s.send("GET", "/api/v1/whoami", "", bearer(token))
	if w.Code != http.StatusOK {
		return "", false
	}
	subject, _ := answerOf(s.t, w)["subject"].(string)
	return subject, true
}

func (s *site) wantAlive(token, subject string) {
	s.t.Helper()
	if got, ok := s.works(token); !ok || got != subject {
		s.t.Errorf("the access token is %q's, want %q's (%t)", got, subject, ok)
	}
}

func (s *site) wantDead(token string) {
	s.t.Helper()
	if got, ok := s.works(token); ok {
		s.t.Errorf("the access token still opens the API for %q", got)
	}
}

func options(w *doortest.World, kept broker.Store, pages *portal.Portal) oauth.Options {
	return oauth.Options{
		Broker: w.Broker, Store: kept, Sessions: w.Sessions, Tokens: w.Tokens, Cookies: w.Cookies, Pages: pages, PublicURL: doortest.PublicURL,
		ClientKey: []byte(strings.Repeat("k", 32)), Clock: w.Now, Rand: w.Rand,
	}
}
