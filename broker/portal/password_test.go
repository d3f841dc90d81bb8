package portal_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/ldap"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/internal/web"
)

// passwordWorld is a portal in front of a fake Active Directory with alice.
type passwordWorld struct {
	*doortest.World
	t      *testing.T
	ad     *idptest.ActiveDirectory
	server *idptest.LDAPServer
	guid   uint32
	mux    http.Handler
}

const alicesPassword = "correct horse battery"

func newPasswordWorld(t *testing.T) *passwordWorld {
	t.Helper()
	w := &passwordWorld{World: doortest.New(t), t: t}
	w.ad = idptest.NewActiveDirectory(t, w.Now)
	w.server = idptest.NewLDAPServer(t, idptest.LDAPS, w.ad)
	_, w.guid = w.ad.Person(idptest.ADPerson{Name: "alice", Password: alicesPassword})
	directory, err := ldap.New(ldap.Options{
		ID: "ad", Servers: []string{"ldaps://" + w.server.Address}, CA: w.server.CA, BaseDN: idptest.ADBase,
		BindDN: idptest.ADService, BindPassword: secret.New(idptest.ADServicePassword), Clock: w.Now,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	remote, err := web.NewRemote(nil)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := portal.New(portal.Options{
		Broker: w.Broker, Store: w.Store, Sessions: w.Sessions, Logins: w.Logins, Cookies: w.Cookies, Remote: remote, PublicURL: doortest.PublicURL,
		Providers: []portal.Provider{{ID: "ad", Name: "Windows account", Directory: directory}, {ID: "other", Name: "Other", Directory: directory}},
		Clock:     w.Now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Mount(mux)
	w.mux = web.Protect(mux, true)
	return w
}

// page is one answer, and the form in it.
type page struct {
	*httptest.ResponseRecorder
	handle  string
	cookies []*http.Cookie
}

var handleField = regexp.MustCompile(`name="handle" value="([^"]+)"`)

func (w *passwordWorld) send(r *http.Request) page {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	p := page{ResponseRecorder: rec, cookies: rec.Result().Cookies()}
	if m := handleField.FindStringSubmatch(rec.Body.String()); m != nil {
		p.handle = m[1]
	}
	return p
}

func (w *passwordWorld) form(query string) page {
	w.t.Helper()
	return w.send(httptest.NewRequest("GET", "/login/ad"+query, nil))
}

func (w *passwordWorld) request(p page, username, password string) *http.Request {
	body := url.Values{"handle": {p.handle}, "username": {username}, "password": {password}}
	r := httptest.NewRequest("POST", "/login/ad", strings.NewReader(body.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", doortest.PublicURL)
	for _, c := range p.cookies {
		if c.MaxAge >= 0 {
			r.AddCookie(c)
		}
	}
	return r
}

func (w *passwordWorld) submit(p page, username, password string) page {
	w.t.Helper()
	return w.send(w.request(p, username, password))
}

// session is the identity of the session that an answer began; nil without one.
func (w *passwordWorld) session(p page) *idp.Identity {
	w.t.Helper()
	for _, c := range p.cookies {
		if c.Name == "__Host-session" && c.Value != "" {
			s, err := w.Sessions.Get(w.t.Context(), secret.New(c.Value))
			if err != nil {
				w.t.Fatal(err)
			}
			return &s.Identity
		}
	}
	return nil
}

func TestAPersonSignsInWithAPassword(t *testing.T) {
	w := newPasswordWorld(t)
	form := w.form("?return=%2F%3Frole%3Dx")
	if form.Code != http.StatusOK || form.handle == "" || len(form.cookies) != 1 {
		t.Fatalf("the form: %d %s", form.Code, form.Body)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Content-Security-Policy": "form-action 'self'", "X-Content-Type-Options": "nosniff",
	} {
		if got := form.Header().Get(name); !strings.Contains(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if c := form.cookies[0]; !strings.HasPrefix(c.Name, "__Host-login-") || !c.HttpOnly || !c.Secure {
		t.Errorf("cookie %+v", c)
	}
	done := w.submit(form, "alice", alicesPassword)
	if done.Code != http.StatusSeeOther || done.Header().Get("Location") != "/?role=x" {
		t.Fatalf("%d %s\n%s", done.Code, done.Header().Get("Location"), done.Body)
	}
	if id := w.session(done); id == nil || id.Subject != idptest.ADGUIDText(w.guid) || id.Proof.Kind != idp.ProofBind || id.Proof.Once {
		t.Errorf("identity %+v", id)
	}
	last := w.Audit.Last()
	if last.Outcome != "ok" || last.Username != "alice" || last.Session == "" || last.Action != "login" {
		t.Errorf("record %+v", last)
	}
	if again := w.submit(form, "alice", alicesPassword); again.Code != http.StatusUnauthorized || w.session(again) != nil {
		t.Errorf("the form was taken twice: %d", again.Code)
	}
}

// TestARefusedPasswordTellsNothing: name, state and count of attempts make no difference in the answer.
func TestARefusedPasswordTellsNothing(t *testing.T) {
	w := newPasswordWorld(t)
	w.ad.Person(idptest.ADPerson{Name: "off", Password: alicesPassword, Control: 514})
	for range 6 {
		w.submit(w.form(""), "spent", "wrong")
	}
	w.Pass(time.Minute)
	masked := func(name, pass string) string {
		p := w.submit(w.form(""), name, pass)
		if p.Code != http.StatusUnauthorized || w.session(p) != nil || p.handle == "" {
			t.Fatalf("%s: %d\n%s", name, p.Code, p.Body)
		}
		body := p.Body.String()
		if strings.Contains(body, pass) {
			t.Errorf("the password is in the page:\n%s", body)
		}
		return strings.NewReplacer(p.handle, "HANDLE", `value="`+name+`"`, `value="NAME"`).Replace(body)
	}
	want := masked("alice", "wrong-password-1")
	for name, pass := range map[string]string{"stranger": "wrong-password-2", "off": alicesPassword, "spent": "wrong-password-3", "*)(uid=*": "wrong-password-4"} {
		if got := masked(name, pass); !strings.Contains(name, "*") && got != want {
			t.Errorf("%s is answered otherwise:\n%s\n%s", name, got, want)
		}
	}
	if !strings.Contains(want, "quarter of an hour") || strings.Contains(want, "locked") || strings.Contains(want, "disabled") {
		t.Errorf("the answer:\n%s", want)
	}
	reasons := map[string]bool{}
	for _, e := range w.Strangers.Events() {
		reasons[e.Reason] = true
		if strings.Contains(e.Cause+e.Detail, "wrong-password") {
			t.Errorf("a password is on record: %+v", e)
		}
	}
	for _, want := range []string{"directory: wrong password", "directory: unknown name", "directory: account disabled", "too many attempts for this name"} {
		if !reasons[want] {
			t.Errorf("no record says %q: %v", want, reasons)
		}
	}
}

func TestMarkupInANameStaysText(t *testing.T) {
	w := newPasswordWorld(t)
	p := w.submit(w.form(""), `"><script>alert(1)</script>`, "wrong")
	if p.Code != http.StatusUnauthorized || strings.Contains(p.Body.String(), "<script>alert") {
		t.Errorf("%d\n%s", p.Code, p.Body)
	}
}

// TestAFormThatIsNotOurs: none reaches the directory.
func TestAFormThatIsNotOurs(t *testing.T) {
	w := newPasswordWorld(t)
	foreign := func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }
	for name, change := range map[string]func(*http.Request){
		"another site": foreign, "no origin": func(r *http.Request) { r.Header.Del("Origin") },
		"cross-site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"no cookie":  func(r *http.Request) { r.Header.Del("Cookie") },
		"JSON":       func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		"another browser": func(r *http.Request) {
			other := w.form("")
			r.Header.Set("Cookie", strings.Replace(r.Header.Get("Cookie"), "=", "="+other.cookies[0].Value[:1], 1))
		},
		"another provider": func(r *http.Request) { r.URL.Path = "/login/other" },
		"an unknown one":   func(r *http.Request) { r.URL.Path = "/login/nope" },
	} {
		r := w.request(w.form(""), "alice", alicesPassword)
		w.server.Forget()
		change(r)
		p := w.send(r)
		if p.Code < 400 || w.session(p) != nil || len(w.server.Log()) != 0 {
			t.Errorf("%s: %d, the directory saw %v", name, p.Code, w.server.Log())
		}
	}
	late := w.form("")
	w.Pass(10*time.Minute + time.Second)
	if p := w.submit(late, "alice", alicesPassword); p.Code != http.StatusUnauthorized || w.session(p) != nil {
		t.Errorf("a form of long ago: %d", p.Code)
	}
	saml := httptest.NewRequest("POST", "/saml/ad/acs", strings.NewReader("SAMLResponse=x"))
	saml.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p := w.send(saml); p.Code != http.StatusUnauthorized {
		t.Errorf("a SAML Response for a directory: %d", p.Code)
	}
}

func TestOneAddressGuessesSlowly(t *testing.T) {
	w := newPasswordWorld(t)
	throttled := 0
	for range 30 {
		if p := w.submit(w.form(""), "alice", "wrong"); p.Code == http.StatusTooManyRequests {
			throttled++
		}
	}
	if throttled != 10 {
		t.Errorf("%d of 30 were told to wait", throttled)
	}
}

func TestADirectoryThatIsAwayIsNoWrongPassword(t *testing.T) {
	w := newPasswordWorld(t)
	form := w.form("")
	w.server.Stop()
	if p := w.submit(form, "alice", alicesPassword); p.Code != http.StatusServiceUnavailable {
		t.Errorf("%d\n%s", p.Code, p.Body)
	}
}
