package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
)

// hostile is what a provider or a person might be called.
const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{.}}`

func hostileAnswer(request string) idptest.SAMLAnswer {
	a := doortest.Answer("corp", "alice", request)
	a.Attributes[0].Values = []string{hostile}
	return a
}

func TestPages(t *testing.T) {
	bad := func(o *portal.Options) {
		o.Providers[0].Name = hostile
		o.Branding = portal.Branding{Name: hostile, Contact: hostile, Logo: []byte("<svg/>")}
	}
	t.Run("login", func(t *testing.T) { golden(t, "login", newSite(t).browser().get("/login?return=/%3Ftab%3D1")) })
	t.Run("login-hostile", func(t *testing.T) {
		golden(t, "login-hostile", newSite(t, bad).browser().get("/login?return="+url.QueryEscape("/"+hostile)))
	})
	t.Run("login-mail", func(t *testing.T) {
		golden(t, "login-mail", newSite(t, withDomains).browser().get("/login?return=/%3Ftab%3D1"))
	})
	t.Run("login-mail-hostile", func(t *testing.T) {
		golden(t, "login-mail-hostile", newSite(t, bad, withDomains).browser().get("/login?return="+url.QueryEscape("/"+hostile)+"&email="+url.QueryEscape(hostile)))
	})
	t.Run("login-again", func(t *testing.T) {
		b := newSite(t, withDomains).browser()
		b.login("alice")
		golden(t, "login-again", b.get("/login?return=/%3Ftab%3D1"))
	})
	t.Run("login-again-hostile", func(t *testing.T) {
		b := newSite(t, bad, withDomains).browser()
		b.login("alice")
		golden(t, "login-again-hostile", b.get("/login"))
	})
	t.Run("onward-hostile", func(t *testing.T) {
		golden(t, "onward-hostile", newSite(t, bad, withDomains).browser().get("/login?email=ana%40acme.example&return="+url.QueryEscape("/"+hostile)))
	})
	t.Run("login-machines-only", func(t *testing.T) {
		golden(t, "login-machines-only", newSite(t, func(o *portal.Options) { o.Providers = nil }).browser().get("/login"))
	})
	t.Run("post", func(t *testing.T) { golden(t, "post", newSite(t).browser().get("/login/other")) })
	t.Run("home", func(t *testing.T) {
		b := newSite(t).browser()
		b.login("alice")
		golden(t, "home", b.get("/"))
	})
	t.Run("home-hostile", func(t *testing.T) {
		b := newSite(t, bad).browser()
		a := b.begin("")
		b.deliver("corp", b.Corp.Respond(t, hostileAnswer(a.request)), a.relay)
		golden(t, "home-hostile", b.get("/"))
	})
	t.Run("home-nothing", func(t *testing.T) {
		b := newSite(t).browser()
		a := b.beginOther()
		answer := doortest.Answer("other", "bob", a.request)
		answer.Attributes = answer.Attributes[:1]
		b.deliver("other", b.Other.Respond(t, answer), a.relay)
		b.Pass(7 * time.Minute)
		golden(t, "home-nothing", b.get("/"))
	})
	t.Run("continue-hostile", func(t *testing.T) {
		b := newSite(t, bad).browser()
		golden(t, "continue-hostile", b.deliver("corp", b.Corp.Respond(t, hostileAnswer("")), "/deep/link"))
	})
	t.Run("goodbye", func(t *testing.T) {
		b := newSite(t).browser()
		b.login("alice")
		golden(t, "goodbye", b.post("/logout", url.Values{}))
	})
	t.Run("goodbye-hostile", func(t *testing.T) {
		b := newSite(t, bad, func(o *portal.Options) {
			next := idp.Redirect{URL: "https://idp.test/slo", Form: url.Values{"a": {"b"}}}
			o.Providers[0].Leaver = lameLeaver{next: next}
		}).browser()
		b.login("alice")
		golden(t, "goodbye-hostile", b.post("/logout", url.Values{}))
	})
	t.Run("refusal-sign-in", func(t *testing.T) {
		b := newSite(t).browser()
		golden(t, "refusal-sign-in", b.deliver("corp", "x", ""))
	})
	t.Run("refusal-hostile", func(t *testing.T) {
		b := newSite(t, bad).browser()
		b.login("alice")
		b.SignIn.Err = broker.Refuse(broker.CodeUpstreamDenied, hostile, nil)
		golden(t, "refusal-hostile", b.post("/console", url.Values{"role": {"prod/reader"}}))
	})
}

func TestClockShowsTheDayWhereItIsAnother(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	if page := b.get("/").Body.String(); !strings.Contains(page, `title="until 2026-11-26 00:01 UTC"`) {
		t.Errorf("the session ends after midnight: %s", page)
	}
	a := b.begin("")
	answer := doortest.Answer("corp", "alice", a.request)
	answer.SessionEnd = b.Now().Add(time.Hour)
	b.deliver("corp", b.Corp.Respond(t, answer), a.relay)
	if page := b.get("/").Body.String(); !strings.Contains(page, `title="until 13:01 UTC"`) {
		t.Errorf("the provider's session ends today: %s", page)
	}
}

// TestErrorText: what a stranger sends is on no page.
func TestErrorText(t *testing.T) {
	b := newSite(t).browser()
	for _, w := range []*http.Response{
		b.get("/login/" + url.PathEscape(hostile)).Result(), b.deliver("corp", hostile, hostile).Result(), b.get("/login?error=" + url.QueryEscape(hostile)).Result(),
		b.get("/?error_description=" + url.QueryEscape(hostile)).Result(), b.deliver(url.PathEscape(hostile), "x", "").Result(),
	} {
		body := make([]byte, 1<<16)
		n, _ := w.Body.Read(body)
		if text := string(body[:n]); strings.Contains(text, "alert") || strings.Contains(w.Header.Get("Location"), "<") {
			t.Errorf("%d %v: %s", w.StatusCode, w.Header, text)
		}
	}
}

func TestStatic(t *testing.T) {
	logo := []byte("\x89PNG\r\n\x1a\n")
	b := newSite(t, func(o *portal.Options) { o.Branding.Logo, o.Branding.Accent = logo, "#00bb66" }).browser()
	for path, kind := range map[string]string{
		"/static/portal.css": "text/css; charset=utf-8", "/static/go.js": "text/javascript; charset=utf-8", "/static/keys.js": "text/javascript; charset=utf-8", "/static/brand.css": "text/css; charset=utf-8", "/static/logo": "image/png",
	} {
		w := b.get(path)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind || !strings.HasPrefix(w.Header().Get("Cache-Control"), "public") ||
			!strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	if css := b.get("/static/brand.css").Body.String(); !strings.HasPrefix(css, ":root{--accent:#008247}@media") {
		t.Errorf("brand: %s", css)
	}
	for _, path := range []string{"/static/", "/static/none.css", "/static/..%2ftemplates%2fhome.html", "/static/%2e%2e%2fportal.go", "/static/.", "/static/portal.css/", "/static/%00"} {
		if w := b.get(path); w.Code == http.StatusOK || strings.HasPrefix(w.Header().Get("Cache-Control"), "public") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	plain := newSite(t).browser()
	if w := plain.get("/static/logo"); w.Code != http.StatusNotFound {
		t.Errorf("no logo: %d", w.Code)
	}
	svg := newSite(t, func(o *portal.Options) {
		o.Branding.Logo = []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	}).browser()
	if w := svg.get("/static/logo"); w.Header().Get("Content-Type") != "image/svg+xml" || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'; frame") {
		t.Errorf("a drawing: %v", w.Header())
	}
}

func TestMetadata(t *testing.T) {
	b := newSite(t, func(o *portal.Options) {
		o.Providers = append(o.Providers, portal.Provider{ID: "bare", Name: "Bare", Login: o.Providers[0].Login})
	}).browser()
	w := b.get("/saml/corp/metadata")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/samlmetadata+xml" || !strings.Contains(w.Body.String(), doortest.ACS("corp")) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	wantRefusal(t, b.get("/saml/none/metadata"), 401, "untrusted_issuer")
	wantRefusal(t, b.get("/saml/bare/metadata"), 401, "untrusted_issuer")
}

func TestMethods(t *testing.T) {
	b := newSite(t).browser()
	for _, route := range []string{
		"GET /logout", "GET /console", "GET /saml/corp/acs", "POST /", "POST /login", "POST /saml/corp/metadata", "PUT /login/corp", "DELETE /", "POST /static/portal.css",
		"GET /console?role=prod/reader", "GET /credentials", "GET /logout?x", "POST /oidc/corp/callback",
		"PUT /saml/corp/slo", "GET /oidc/corp/backchannel-logout",
	} {
		method, target, _ := strings.Cut(route, " ")
		if w := b.send(b.request(method, target, nil), false); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", route, w.Code)
		}
	}
	for _, target := range []string{"/credentials/", "/sessions/x", "/device", "/saml/corp/slo/x", "/login/corp/x", "/saml/corp", "/saml//acs", "/Login"} {
		w := b.get(target)
		if w.Code != http.StatusNotFound && w.Code != http.StatusTemporaryRedirect && w.Code != http.StatusMovedPermanently {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	s := newSite(t)
	good := portal.Options{
		Broker: s.Broker, Store: s.Store, Sessions: s.Sessions, Logins: s.Logins, Cookies: s.Cookies, PublicURL: doortest.PublicURL, Clock: s.Now, Logger: s.logger(),
		Providers: []portal.Provider{{ID: "corp", Login: s.CorpSP}},
	}
	for i, change := range []func(*portal.Options){
		func(o *portal.Options) { o.Broker = nil }, func(o *portal.Options) { o.Store = nil }, func(o *portal.Options) { o.Sessions = nil }, func(o *portal.Options) { o.Logins = nil },
		func(o *portal.Options) { o.Cookies = portal.Options{}.Cookies }, func(o *portal.Options) { o.PublicURL = "" }, func(o *portal.Options) { o.Clock = nil },
		func(o *portal.Options) { o.Logger = nil }, func(o *portal.Options) { o.Providers[0].Login = nil }, func(o *portal.Options) { o.Providers[0].ID = "" },
		func(o *portal.Options) { o.Providers = append(o.Providers, o.Providers[0]) },
	} {
		o := good
		o.Providers = []portal.Provider{good.Providers[0]}
		change(&o)
		if _, err := portal.New(o); err == nil {
			t.Errorf("options %d are accepted", i)
		}
	}
}
