package portal_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"flag"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/internal/web"
)

var update = flag.Bool("update", false, "write the golden files anew")

const consoleOrigin = "https://signin.test"

// site is the portal of a world, behind the headers that every answer carries.
type site struct {
	*doortest.World
	t       testing.TB
	handler http.Handler
	bare    http.Handler // without those headers
}

func newSite(t testing.TB, change ...func(*portal.Options)) *site {
	t.Helper()
	return siteOf(t, doortest.New(t), change...)
}

func siteOf(t testing.TB, w *doortest.World, change ...func(*portal.Options)) *site {
	t.Helper()
	s := &site{World: w, t: t}
	o := portal.Options{
		Broker: w.Broker, Store: w.Store, Sessions: w.Sessions, Logins: w.Logins, Cookies: w.Cookies, PublicURL: doortest.PublicURL,
		Providers: []portal.Provider{
			{ID: "corp", Name: "Corp & Sons", Login: w.CorpSP, Metadata: w.CorpSP.Metadata},
			{ID: "other", Name: "Other", Login: w.OtherSP, Metadata: w.OtherSP.Metadata},
		},
		ConsoleOrigins: []string{consoleOrigin}, Clock: w.Now, Logger: s.logger(),
		Branding: portal.Branding{Name: "Acme", Contact: "help@acme.example"},
	}
	for _, c := range change {
		c(&o)
	}
	p, err := portal.New(o)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	p.Mount(mux)
	s.handler, s.bare = web.Protect(mux, true), mux
	return s
}

// browser keeps cookies and sends them as browsers do: a Lax one not with a form of another site.
type browser struct {
	*site
	jar map[string]*http.Cookie
}

func (s *site) browser() *browser { return &browser{s, map[string]*http.Cookie{}} }

func (b *browser) request(method, target string, form url.Values) *http.Request {
	if form == nil {
		return httptest.NewRequest(method, target, nil)
	}
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// send adds the cookies, keeps those that come, and checks what every answer must hold to.
func (b *browser) send(r *http.Request, crossSite bool) *httptest.ResponseRecorder {
	b.t.Helper()
	for _, c := range b.jar {
		if !crossSite || c.SameSite == http.SameSiteNoneMode {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
			b.t.Errorf("cookie %s", c)
		}
		if b.jar[c.Name] = c; c.MaxAge < 0 {
			delete(b.jar, c.Name)
		}
	}
	safe(b.t, w, r.Method == "POST" && r.URL.Path == "/credentials" && w.Code == http.StatusOK)
	return w
}

// held is how many cookies the browser keeps, but for the choice of a provider, which outlives a sign-out.
func (b *browser) held() int {
	n := len(b.jar)
	if b.jar["__Host-idp"] != nil {
		n--
	}
	return n
}

func (b *browser) get(target string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(b.request("GET", target, nil), false)
}

// post sends a form of our own page.
func (b *browser) post(target string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	r := b.request("POST", target, form)
	r.Header.Set("Origin", doortest.PublicURL)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(r, false)
}

// deliver posts a provider's answer, as its page makes the browser do.
func (b *browser) deliver(id, response, relay string) *httptest.ResponseRecorder {
	b.t.Helper()
	form := url.Values{"SAMLResponse": {response}}
	if relay != "" {
		form.Set("RelayState", relay)
	}
	r := b.request("POST", "/saml/"+id+"/acs", form)
	r.Header.Set("Origin", "https://idp.example.com")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return b.send(r, true)
}

// attempt is a login that was begun.
type attempt struct{ request, relay string }

var (
	requestID = regexp.MustCompile(` ID="([^"]+)"`)
	field     = regexp.MustCompile(`name="([A-Za-z]+)" value="([^"]*)"`)
)

// begin begins a login at corp, by redirect.
func (b *browser) begin(query string) attempt {
	b.t.Helper()
	w := b.get("/login/corp" + query)
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusSeeOther || u.Host != "idp.example.com" {
		b.t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	return attempt{b.requestIn(u.Query().Get("SAMLRequest"), true), u.Query().Get("RelayState")}
}

// beginOther begins a login at other, by a form.
func (b *browser) beginOther() attempt {
	b.t.Helper()
	fields := map[string]string{}
	for _, m := range field.FindAllStringSubmatch(b.get("/login/other").Body.String(), -1) {
		fields[m[1]] = html.UnescapeString(m[2])
	}
	return attempt{b.requestIn(fields["SAMLRequest"], false), fields["RelayState"]}
}

func (b *browser) requestIn(text string, packed bool) string {
	b.t.Helper()
	doc, err := base64.StdEncoding.DecodeString(text)
	if err == nil && packed {
		doc, err = io.ReadAll(flate.NewReader(bytes.NewReader(doc)))
	}
	m := requestID.FindSubmatch(doc)
	if err != nil || m == nil {
		b.t.Fatalf("request %q: %v", doc, err)
	}
	return string(m[1])
}

// login signs a person of corp in.
func (b *browser) login(person string) *httptest.ResponseRecorder {
	b.t.Helper()
	a := b.begin("")
	w := b.deliver("corp", b.Corp.Respond(b.t, doortest.Answer("corp", person, a.request)), a.relay)
	wantRedirect(b.t, w, "/")
	return w
}

// signedIn tells who the browser is to the portal; empty for nobody.
func (b *browser) signedIn() string {
	b.t.Helper()
	w := b.get("/")
	if w.Code == http.StatusSeeOther {
		return ""
	}
	_, rest, _ := strings.Cut(w.Body.String(), "<strong>")
	name, _, _ := strings.Cut(rest, "</strong>")
	return html.UnescapeString(name)
}

var (
	anyScript   = regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>`)
	ownScript   = regexp.MustCompile(`^<script src="/static/[a-z]+\.js" defer>$`)
	quotedValue = regexp.MustCompile(`"[^"]*"`)
	handlerAttr = regexp.MustCompile(`(?i)<[a-z][^>]*[\s"](on[a-z]+|style)\s*=`)
	policyShape = regexp.MustCompile(`^default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'( https://[a-z.]+)*$|^default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'$`)
)

// safe holds an answer to invariants 6 and 8: strict policy, no inline script, nothing cached.
// A page of keys has them in it, and is passed on to nobody.
func safe(t testing.TB, w *httptest.ResponseRecorder, keys bool) {
	t.Helper()
	h := w.Header()
	if h.Get("Content-Type") == "text/html; charset=utf-8" {
		if csp := h.Values("Content-Security-Policy"); len(csp) != 1 || !policyShape.MatchString(csp[0]) {
			t.Errorf("policy %q", csp)
		}
		body := w.Body.String()
		for _, tag := range anyScript.FindAllString(body, -1) {
			if !ownScript.MatchString(tag) {
				t.Errorf("a script of another's %q", tag)
			}
		}
		if at := handlerAttr.FindString(quotedValue.ReplaceAllString(body, `""`)); at != "" {
			t.Errorf("inline handler or style %q", at)
		}
		referrer := map[bool]string{true: "no-referrer", false: "same-origin"}[keys]
		if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != referrer {
			t.Errorf("headers of a page: %v", h)
		}
		if keys {
			return
		}
	}
	for _, canary := range []string{doortest.SecretKey, doortest.SessionToken, "canary-signin"} {
		if strings.Contains(w.Body.String(), canary) {
			t.Errorf("a page shows %q", canary)
		}
	}
}

func wantRedirect(t testing.TB, w *httptest.ResponseRecorder, location string) {
	t.Helper()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != location || w.Body.Len() > 0 {
		t.Fatalf("%d to %q, want 303 to %q: %s", w.Code, w.Header().Get("Location"), location, w.Body)
	}
}

// wantRefusal fails unless the answer is the page of that code, and nobody was signed in by it.
func wantRefusal(t testing.TB, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), `<span class="id">`+code+`</span>`) {
		t.Errorf("got %d, want %d %s: %s", w.Code, status, code, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 {
			t.Errorf("a refusal sets %s", c)
		}
	}
}

// golden compares a page with its file.
func golden(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	file := filepath.Join("testdata", name+".html")
	got := "<!-- " + w.Header().Get("Content-Security-Policy") + " -->\n" + w.Body.String()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and read the change:\n%s", file, got)
	}
}
