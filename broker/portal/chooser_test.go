package portal_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/internal/web"
)

// withDomains gives corp and other a mail domain each.
func withDomains(o *portal.Options) {
	o.Providers[0].Domains, o.Providers[1].Domains = []string{"acme.example", "bücher.example"}, []string{"other.example"}
}

// asked is a login that remembers what it was asked for.
type asked struct {
	lame
	last idp.LoginRequest
}

func (a *asked) Begin(ctx context.Context, want idp.LoginRequest) (idp.Redirect, idp.State, error) {
	a.last = want
	return a.lame.Begin(ctx, want)
}

// ajar is a directory that lets everybody in.
type ajar struct{}

func (ajar) Authenticate(context.Context, string, secret.Text) (idp.Identity, error) {
	return idp.Identity{Provider: "ad", Issuer: "ad", Subject: "ana"}, nil
}

// TestMailDomainLeadsToItsProvider: a form's answer is a page that goes on by itself, because a redirect to the provider
// would be held against our form-action. It says whom to expect, and keeps where the person wanted to go.
func TestMailDomainLeadsToItsProvider(t *testing.T) {
	b := newSite(t, withDomains).browser()
	for typed, next := range map[string]string{
		"ana@acme.example":            "/login/corp?login_hint=ana%40acme.example",
		" Ana@ACME.Example ":          "/login/corp?login_hint=Ana%40acme.example",
		"ana@bücher.example":          "/login/corp?login_hint=ana%40xn--bcher-kva.example",
		"ana@xn--bcher-kva.example":   "/login/corp?login_hint=ana%40xn--bcher-kva.example",
		"ana+aws@other.example":       "/login/other?login_hint=ana%2Baws%40other.example",
		"o'hara&x=y@other.example":    "",
		"ana@sub.acme.example":        "",
		"ana@acme.example.evil.test":  "",
		"ana@evil.test#@acme.example": "",
	} {
		for _, back := range []string{"", "/", "/?role=prod/admin&service=s3", "//evil.test"} {
			want := next
			if strings.HasPrefix(back, "/?") && want != "" {
				want += "&return=%2F%3Frole%3Dprod%2Fadmin%26service%3Ds3"
			}
			w := b.get("/login?" + url.Values{"email": {typed}, "return": {back}}.Encode())
			refresh := w.Header().Get("Refresh")
			switch {
			case w.Code != http.StatusOK || w.Header().Get("Location") != "":
				t.Errorf("%q: %d to %s", typed, w.Code, w.Header().Get("Location"))
			case want == "" && (refresh != "" || !strings.Contains(w.Body.String(), `role="alert"`)):
				t.Errorf("%q goes on to %q:\n%s", typed, refresh, w.Body)
			case want != "" && (refresh != "0;url="+want || !strings.Contains(w.Body.String(), `href="`+strings.ReplaceAll(want, "&", "&amp;")+`"`)):
				t.Errorf("%q goes on to %q, want %q:\n%s", typed, refresh, want, w.Body)
			}
		}
	}
}

// TestDiscoveryTellsNothing: whoever the person is, a domain's answer is the same, and no page lists the domains.
func TestDiscoveryTellsNothing(t *testing.T) {
	b := newSite(t, withDomains).browser()
	one, two := b.get("/login?email=alice%40acme.example").Body.String(), b.get("/login?email=nobody%40acme.example").Body.String()
	if one != strings.ReplaceAll(two, "nobody", "alice") {
		t.Errorf("a person who exists is answered otherwise:\n%s\n%s", one, two)
	}
	for _, page := range []string{"/login", "/login?choose=1", "/login?email=ana%40none.example", "/login?email=x"} {
		if body := b.get(page).Body.String(); strings.Contains(body, "acme.example") || strings.Contains(body, "other.example") {
			t.Errorf("%s lists domains:\n%s", page, body)
		}
	}
	if n := len(b.Strangers.Events()) + len(b.Audit.Events()); n != 0 {
		t.Errorf("%d records of pages that decide nothing", n)
	}
}

// TestHostileAddresses: what is typed reaches no header, no provider and no markup.
func TestHostileAddresses(t *testing.T) {
	login := &asked{lame: lame{redirect: idp.Redirect{URL: "https://idp.example.com/"}}}
	b := newSite(t, withDomains, func(o *portal.Options) { o.Providers[0].Login = login }).browser()
	for _, typed := range []string{
		"ana@acme.example\r\nSet-Cookie: a=b", "ana\r\nLocation: https://evil.test@acme.example", "ana@acme.example\nRefresh: 0;url=//evil.test", "\x00@acme.example",
		`"><script>alert(1)</script>@acme.example`, `ana@"><script>alert(1)</script>`, "ana@acme.example;url=//evil.test", "ana,bob@acme.example", "javascript:alert(1)@acme.example",
		"//evil.test/@acme.example", "ana@@acme.example", "ana@acme.example&return=//evil.test", "ana%0d%0a@acme.example", strings.Repeat("a", 65) + "@acme.example",
		strings.Repeat("x@", 40<<10), "ana@" + strings.Repeat("ü.", 5000) + "example", "ana\u2028@acme.example", "ana@acme\u2024example.evil.test", "\xff@acme.example",
	} {
		w := b.get("/login?email=" + url.QueryEscape(typed))
		if w.Header().Get("Refresh") != "" || len(w.Result().Cookies()) > 0 || w.Header().Get("Location") != "" || strings.Contains(w.Body.String(), "<script") || w.Body.Len() > 4<<10 {
			t.Errorf("%.80q: %d %v\n%.3000s", typed, w.Code, w.Header(), w.Body)
		}
		b.get("/login/corp?login_hint=" + url.QueryEscape(typed))
		if login.last.Hint != "" {
			t.Errorf("%.80q reaches the provider as %q", typed, login.last.Hint)
		}
	}
	b.get("/login/corp?login_hint=ana%40acme.example&login_hint=bob%40acme.example")
	if login.last.Hint != "ana@acme.example" {
		t.Errorf("the provider expects %q", login.last.Hint)
	}
}

func TestADirectoryExpectsThePersonToo(t *testing.T) {
	b := newSite(t, func(o *portal.Options) {
		o.Providers = []portal.Provider{{ID: "ad", Name: "AD", Directory: ajar{}, Domains: []string{"acme.example"}}}
	}).browser()
	page := b.get("/login/ad?login_hint=ana%40acme.example&return=%2Fsessions").Body.String()
	for _, want := range []string{`value="ana@acme.example"`, `href="/login?choose=1&amp;return=%2Fsessions"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
}

// TestDiscoveryIsThrottled as what else anybody may ask for is; reading the page is not.
func TestDiscoveryIsThrottled(t *testing.T) {
	s := newSite(t, withDomains, func(o *portal.Options) { o.Throttle = web.NewThrottle(1, 2, o.Clock) })
	b := s.browser()
	for _, typed := range []string{"ana@acme.example", "not an address"} {
		if w := b.get("/login?email=" + url.QueryEscape(typed)); w.Code != http.StatusOK {
			t.Fatalf("%q: %d", typed, w.Code)
		}
	}
	wantRefusal(t, b.get("/login?email=ana%40acme.example"), 429, "throttled")
	if e := s.Strangers.Last(); e.Door != "portal" || e.Action != "begin" || e.Outcome != "throttled" {
		t.Errorf("record %+v", e)
	}
	if w := b.get("/login"); w.Code != http.StatusOK {
		t.Errorf("the page: %d", w.Code)
	}
}

// TestLastChoice: the provider of the last sign-in stands first, after signing out too; it is never gone to unasked.
func TestLastChoice(t *testing.T) {
	b := newSite(t, withDomains).browser()
	first := func(target string) string {
		t.Helper()
		w := b.get(target)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d to %s", target, w.Code, w.Header().Get("Location"))
		}
		_, rest, _ := strings.Cut(w.Body.String(), `<a class="button`)
		link, _, _ := strings.Cut(rest, "</a>")
		return link
	}
	if got := first("/login"); strings.Contains(got, "Continue") || !strings.Contains(got, "Corp") {
		t.Errorf("before any sign-in: %s", got)
	}
	by := b.beginOther()
	if b.jar["__Host-idp"] != nil {
		t.Error("a sign-in that was only begun is remembered")
	}
	wantRedirect(t, b.deliver("other", b.Other.Respond(t, doortest.Answer("other", "bob", by.request)), by.relay), "/")
	if c := b.jar["__Host-idp"]; c == nil || c.Value != "other" || c.SameSite != http.SameSiteLaxMode || !c.HttpOnly || c.MaxAge != 180*24*60*60 {
		t.Errorf("cookie %v", c)
	}
	b.post("/logout", url.Values{})
	if b.signedIn() != "" {
		t.Fatal("still signed in")
	}
	if got := first("/login?return=%2Fsessions"); got != ` last" href="/login/other?return=%2Fsessions" autofocus>Continue with Other` {
		t.Errorf("after signing out: %s", got)
	}
	for _, all := range []string{"/login?choose=1", "/login?email=ana%40none.example"} {
		if got := first(all); strings.Contains(got, "Continue") || !strings.Contains(got, "Corp") {
			t.Errorf("%s: %s", all, got)
		}
	}
	for _, planted := range []string{"none", "", "OTHER", "other ", "../other", "<script>", strings.Repeat("x", 3000)} {
		b.jar["__Host-idp"] = &http.Cookie{Name: "__Host-idp", Value: planted}
		if got := first("/login"); strings.Contains(got, "Continue") {
			t.Errorf("planted %.40q: %s", planted, got)
		}
	}
	two := httptest.NewRequest("GET", "/login", nil)
	two.Header.Set("Cookie", "__Host-idp=other; __Host-idp=corp")
	w := httptest.NewRecorder()
	if b.handler.ServeHTTP(w, two); strings.Contains(w.Body.String(), "Continue") {
		t.Errorf("two cookies:\n%s", w.Body)
	}
}

// TestARefusedSignInKeepsTheWay: trying again leads where the person wanted to go.
func TestARefusedSignInKeepsTheWay(t *testing.T) {
	b := newSite(t, withDomains).browser()
	a := b.begin("?return=" + url.QueryEscape("/?role=prod/admin"))
	w := b.deliver("corp", b.Other.Respond(t, doortest.Answer("corp", "mallory", a.request)), a.relay)
	wantRefusal(t, w, 401, "untrusted_issuer")
	wantRefusal(t, b.get("/login/none?return=%2F%3Frole%3Dprod%2Fadmin"), 401, "untrusted_issuer")
	for _, body := range []string{w.Body.String(), b.get("/login/none?return=%2F%3Frole%3Dprod%2Fadmin").Body.String()} {
		if !strings.Contains(body, `href="/login?choose=1&amp;return=%2F%3Frole%3Dprod%2Fadmin"`) {
			t.Errorf("the way is lost:\n%s", body)
		}
	}
	if body := b.get("/login/none?return=%2F%2Fevil.test").Body.String(); strings.Contains(body, "evil") {
		t.Errorf("an open redirect:\n%s", body)
	}
}

func TestDomainsAreOneProviders(t *testing.T) {
	for name, domains := range map[string][2][]string{
		"at two": {{"acme.example"}, {"acme.example"}}, "in two spellings": {{"bücher.example"}, {"xn--bcher-kva.example"}}, "no domain": {{"@acme.example"}, nil},
	} {
		s := newSite(t)
		_, err := portal.New(portal.Options{
			Broker: s.Broker, Sessions: s.Sessions, Logins: s.Logins, Cookies: s.Cookies, PublicURL: doortest.PublicURL, Clock: s.Now, Logger: s.logger(),
			Providers: []portal.Provider{{ID: "a", Directory: ajar{}, Domains: domains[0]}, {ID: "b", Directory: ajar{}, Domains: domains[1]}},
		})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
