package portal_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/console/consoletest"
)

func (s *site) logger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// offer delivers an answer that nobody asked for, and returns the handle on the page that comes.
func (b *browser) offer(person string) string {
	b.t.Helper()
	w := b.deliver("corp", b.Corp.Respond(b.t, doortest.Answer("corp", person, "")), "")
	m := field.FindStringSubmatch(w.Body.String())
	if w.Code != http.StatusOK || m == nil || m[1] != "handle" || !strings.Contains(w.Body.String(), "Continue as "+person) {
		b.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return m[2]
}

func handle(h string) url.Values { return url.Values{"handle": {h}} }

func TestUnsolicitedLogin(t *testing.T) {
	b := newSite(t).browser()
	h := b.offer("alice")
	if b.jar["__Host-session"] != nil || b.signedIn() != "" {
		t.Fatal("signed in without being asked")
	}
	ticket := *b.jar["__Host-login-"+h]
	wantRedirect(t, b.post("/login/corp", handle(h)), "/")
	if e := b.Audit.Last(); e.Door != "portal" || e.Action != "login" || e.Subject != "alice" || len(e.Session) != 64 {
		t.Errorf("record %+v", e)
	}
	if b.signedIn() != "alice" || b.jar[ticket.Name] != nil {
		t.Error("alice is not signed in, or the attempt is not forgotten")
	}
	again := b.browser()
	again.jar[ticket.Name] = &ticket
	wantRefusal(t, again.post("/login/corp", handle(h)), 401, "login_required")
}

// TestUnsolicitedReplacesNothing is invariant 12.
func TestUnsolicitedReplacesNothing(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	before := b.jar["__Host-session"].Value
	h := b.offer("mallory")
	wantRefusal(t, b.post("/login/corp", handle(h)), 400, "invalid_request")
	if b.jar["__Host-session"].Value != before || b.signedIn() != "alice" {
		t.Error("alice's session was replaced")
	}
	// Even a browser that sends every cookie everywhere: the ACS reads none of a session.
	r := b.request("POST", "/saml/corp/acs", url.Values{"SAMLResponse": {b.Corp.Respond(t, doortest.Answer("corp", "mallory", ""))}})
	if w := b.send(r, false); w.Code != http.StatusOK || b.signedIn() != "alice" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// The refused offer was not spent: after signing out it may be taken.
	b.post("/logout", url.Values{})
	wantRedirect(t, b.post("/login/corp", handle(h)), "/")

	// A dead session is nobody's.
	dead := newSite(t).browser()
	dead.jar["__Host-session"] = &http.Cookie{Name: "__Host-session", Value: strings.Repeat("A", 43)}
	wantRedirect(t, dead.post("/login/corp", handle(dead.offer("alice"))), "/")

	// An outage hides whether somebody is signed in: nobody becomes somebody else then.
	for after := range 6 {
		b := newSite(t).browser()
		b.login("alice")
		h := b.offer("mallory")
		b.Pass(2 * time.Minute)
		b.Store.Stumble(after)
		w := b.post("/login/corp", handle(h))
		if b.Store.Mend(); w.Code == http.StatusSeeOther {
			t.Errorf("replaced when the store stumbled after %d", after)
		}
		if b.signedIn() != "alice" {
			t.Errorf("alice is gone when the store stumbled after %d", after)
		}
	}
}

func TestForeignOffers(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(b *browser, h string) *httptest.ResponseRecorder
		status int
		code   string
	}{
		"another browser": {func(b *browser, h string) *httptest.ResponseRecorder {
			return b.browser().post("/login/corp", handle(h))
		}, 401, "login_required"},
		"another provider": {func(b *browser, h string) *httptest.ResponseRecorder {
			return b.post("/login/other", handle(h))
		}, 401, "invalid_token"},
		"an unknown provider": {func(b *browser, h string) *httptest.ResponseRecorder {
			return b.post("/login/none", handle(h))
		}, 401, "untrusted_issuer"},
		"another site's form": {func(b *browser, h string) *httptest.ResponseRecorder {
			r := b.request("POST", "/login/corp", handle(h))
			r.Header.Set("Origin", "https://evil.test")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			return b.send(r, true)
		}, 400, "invalid_request"},
		"nothing said of the origin": {func(b *browser, h string) *httptest.ResponseRecorder {
			return b.send(b.request("POST", "/login/corp", handle(h)), false)
		}, 400, "invalid_request"},
		"no handle": {func(b *browser, _ string) *httptest.ResponseRecorder {
			return b.post("/login/corp", url.Values{})
		}, 401, "login_required"},
		"two handles": {func(b *browser, h string) *httptest.ResponseRecorder {
			return b.post("/login/corp", url.Values{"handle": {h, h}})
		}, 400, "invalid_request"},
		"eleven minutes later": {func(b *browser, h string) *httptest.ResponseRecorder {
			b.Pass(11 * time.Minute)
			return b.post("/login/corp", handle(h))
		}, 401, "login_required"},
		"the handle of a login that was begun": {func(b *browser, _ string) *httptest.ResponseRecorder {
			return b.post("/login/corp", handle(b.begin("").relay))
		}, 401, "login_required"},
		"an offer as RelayState": {func(b *browser, h string) *httptest.ResponseRecorder {
			return b.deliver("corp", b.Corp.Respond(b.t, doortest.Answer("corp", "mallory", "")), h)
		}, 401, "invalid_token"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSite(t).browser()
			h := b.offer("alice")
			wantRefusal(t, c.do(b, h), c.status, c.code)
			if b.signedIn() != "" {
				t.Error("somebody is signed in")
			}
		})
	}
	// A provider that takes any answer shows that the portal itself keeps offers out of the ACS.
	b := newSite(t, with(lame{identity: idp.Identity{
		Provider: "corp", Issuer: "i", Subject: "alice", Proof: idp.Proof{Hash: "00", Kind: idp.ProofSAML},
	}})).browser()
	m := field.FindStringSubmatch(b.deliver("corp", "x", "").Body.String())
	wantRefusal(t, b.deliver("corp", "x", m[2]), 401, "invalid_token")
}

// forged are the ways of a form that is not our own page's.
var forged = map[string]map[string]string{
	"nothing said": {}, "another site": {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}, "null": {"Origin": "null"},
	"a neighbour": {"Origin": "https://www.broker.test", "Sec-Fetch-Site": "same-site"}, "our name, another site": {"Origin": doortest.PublicURL, "Sec-Fetch-Site": "cross-site"},
	"typed": {"Sec-Fetch-Site": "none"}, "referer": {"Referer": doortest.PublicURL + "/"},
}

func (b *browser) forge(target string, form url.Values, headers map[string]string) *httptest.ResponseRecorder {
	b.t.Helper()
	r := b.request("POST", target, form)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return b.send(r, false) // the worst browser: it sends Lax cookies with any form
}

func TestLogout(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	kept := *b.jar["__Host-session"]
	for name, headers := range forged {
		if wantRefusal(t, b.forge("/logout", url.Values{}, headers), 400, "invalid_request"); b.signedIn() != "alice" {
			t.Fatalf("%s: signed out", name)
		}
	}
	w := b.post("/logout", url.Values{})
	if w.Code != http.StatusOK || b.jar["__Host-session"] != nil {
		t.Errorf("%d, cookies %v", w.Code, b.jar)
	}
	if e := b.Audit.Last(); e.Action != "logout" || e.Subject != "alice" || e.Outcome != "ok" {
		t.Errorf("record %+v", e)
	}
	b.jar[kept.Name] = &kept
	if b.signedIn() != "" || b.jar[kept.Name] != nil {
		t.Error("the session lives on after logout")
	}
	// Who is not signed in is told the same, and is no record of its own.
	records := len(b.Audit.Events())
	if w := b.post("/logout", url.Values{}); w.Code != http.StatusOK || len(b.Audit.Events()) != records {
		t.Errorf("%d, %d records", w.Code, len(b.Audit.Events()))
	}
}

func TestLogoutOutage(t *testing.T) {
	for after := range 2 {
		b := newSite(t).browser()
		b.login("alice")
		b.Store.Break(after)
		w := b.post("/logout", url.Values{})
		b.Store.Mend()
		wantRefusal(t, w, 503, "store_unavailable")
		if b.jar["__Host-session"] == nil || b.signedIn() != "alice" {
			t.Error("the browser believes that it is signed out, and is not")
		}
	}
}

func TestSessionEnds(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	b.Pass(2 * time.Hour)
	wantRedirect(t, b.get("/?a=b"), "/login?return=%2F%3Fa%3Db")
	if b.jar["__Host-session"] != nil {
		t.Error("the browser keeps a dead session")
	}
	b.login("alice")
	b.Store.Break(0)
	wantRefusal(t, b.get("/"), 503, "store_unavailable")
}

func TestConsole(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	w := b.post("/console", url.Values{"role": {"prod/reader"}, "destination": {"https://console.aws.amazon.com/s3/"}})
	wantRedirect(t, w, doortest.SignInURL)
	if b.SignIn.Got().Page.Destination != "https://console.aws.amazon.com/s3/" {
		t.Errorf("sign-in %+v", b.SignIn.Got())
	}
	if h := w.Header(); h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" || len(h.Values("Set-Cookie")) > 0 {
		t.Errorf("headers %v", h)
	}
	bare := b.browser() // the address does not lean on the headers of every answer
	bare.login("alice")
	bare.site = &site{World: b.World, t: t, handler: b.bare}
	if w := bare.post("/console", url.Values{"role": {"prod/reader"}}); w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", w.Header())
	}
	for name, c := range map[string]struct {
		form url.Values
		want sts.Page
	}{
		"a service":          {url.Values{"service": {"s3"}}, sts.Page{Destination: "s3"}},
		"in a region":        {url.Values{"service": {"s3"}, "region": {"eu-west-1"}}, sts.Page{Destination: "s3", Region: "eu-west-1"}},
		"an ARN":             {url.Values{"arn": {"arn:aws:s3:::bucket"}}, sts.Page{Destination: "arn:aws:s3:::bucket"}},
		"either in one":      {url.Values{"destination": {"s3"}, "service": {""}, "arn": {""}}, sts.Page{Destination: "s3"}},
		"home in a region":   {url.Values{"region": {"eu-west-1"}}, sts.Page{Region: "eu-west-1"}},
		"an unfilled region": {url.Values{"region": {""}, "destination": {""}}, sts.Page{}},
	} {
		c.form.Set("role", "prod/reader")
		wantRedirect(t, b.post("/console", c.form), doortest.SignInURL)
		if b.SignIn.Got().Page != c.want {
			t.Errorf("%s: %+v", name, b.SignIn.Got())
		}
	}
	if e := b.Audit.Last(); e.Door != "portal" || e.Action != "console" || e.Role != "prod/reader" || e.Subject != "alice" {
		t.Errorf("record %+v", e)
	}
	calls := len(b.STS.Calls())
	for name, headers := range forged {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, b.forge("/console", url.Values{"role": {"dev/analyst"}}, headers), 400, "invalid_request")
		})
	}
	wantRefusal(t, b.post("/console", url.Values{"role": {"prod/deploy"}}), 403, "role_not_granted")
	wantRefusal(t, b.post("/console", url.Values{"role": {"prod/admin"}}), 403, "mfa_required")
	wantRefusal(t, b.post("/console", url.Values{"role": {"prod/legacy"}}), 401, "login_required")
	wantRefusal(t, b.post("/console", url.Values{}), 400, "ambiguous_role")
	wantRefusal(t, b.post("/console", url.Values{"role": {"dev/analyst", "prod/reader"}}), 400, "invalid_request")
	wantRefusal(t, b.post("/console?role=dev/analyst", url.Values{}), 400, "ambiguous_role")
	wantRefusal(t, b.post("/console", url.Values{"role": {"dev/analyst"}, "duration": {"soon"}}), 400, "invalid_request")
	wantRefusal(t, b.post("/console", url.Values{"role": {"dev/analyst"}, "duration": {"-1h"}}), 400, "invalid_request")
	wantRefusal(t, b.post("/console", url.Values{"role": {"dev/analyst"}, "duration": {"2h"}}), 400, "invalid_request")
	wantRefusal(t, b.post("/console", url.Values{"role": {strings.Repeat("x", 20<<10)}}), 400, "invalid_request")
	for _, destination := range consoletest.Hostile() {
		for _, field := range []string{"destination", "service", "arn"} {
			wantRefusal(t, b.post("/console", url.Values{"role": {"dev/analyst"}, field: {destination}}), 400, "invalid_request")
		}
	}
	wantRefusal(t, b.post("/console", url.Values{"role": {"dev/analyst"}, "service": {"s3"}, "arn": {"arn:aws:s3:::b"}}), 400, "invalid_request")
	wantRefusal(t, b.post("/console", url.Values{"role": {"dev/analyst"}, "service": {"s3"}, "region": {"cn-north-1"}}), 400, "invalid_request")
	wantRefusal(t, b.browser().post("/console", url.Values{"role": {"dev/analyst"}}), 401, "login_required")
	if len(b.STS.Calls()) != calls {
		t.Error("STS was called for a refusal")
	}
	b.Store.Break(0)
	wantRefusal(t, b.post("/console", url.Values{"role": {"dev/analyst"}}), 503, "store_unavailable")
}

func TestConsoleDuration(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	for text, want := range map[string]time.Duration{"": time.Hour, "30m": 30 * time.Minute, "1h30m": 90 * time.Minute} {
		wantRedirect(t, b.post("/console", url.Values{"role": {"prod/reader"}, "duration": {text}}), doortest.SignInURL)
		if calls := b.STS.Calls(); calls[len(calls)-1].Duration != want {
			t.Errorf("%q: STS was asked for %s", text, calls[len(calls)-1].Duration)
		}
	}
}

// TestHeadersDoNotHideTheOrigin: with no-referrer on pages browsers would send "Origin: null" with our own forms.
func TestHeadersDoNotHideTheOrigin(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	if w := b.get("/"); w.Header().Get("Referrer-Policy") != "same-origin" || !strings.HasSuffix(w.Header().Get("Content-Security-Policy"), "form-action 'self' "+consoleOrigin) {
		t.Errorf("headers %v", w.Header())
	}
}
