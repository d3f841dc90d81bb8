package portal_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
)

func TestLogin(t *testing.T) {
	b := newSite(t).browser()
	if b.signedIn() != "" {
		t.Fatal("nobody is signed in at first")
	}
	a := b.begin("?return=" + url.QueryEscape("/?tab=1"))
	if c := b.jar["__Host-login-"+a.relay]; c == nil || c.SameSite != http.SameSiteNoneMode || c.MaxAge != 600 || len(b.jar) != 1 {
		t.Errorf("cookies after begin: %v", b.jar)
	}
	w := b.deliver("corp", b.Corp.Respond(t, doortest.Answer("corp", "alice", a.request)), a.relay)
	wantRedirect(t, w, "/?tab=1")
	if c := b.jar["__Host-session"]; c == nil || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 0 || len(b.jar) != 2 {
		t.Errorf("cookies after the answer: %v", b.jar)
	}
	e := b.Audit.Last()
	if e.Door != "acs" || e.Action != "login" || e.Outcome != "ok" || e.Provider != "corp" || e.Subject != "alice" || len(e.Session) != 64 || e.ProofHash == "" {
		t.Errorf("record %+v", e)
	}
	if b.signedIn() != "alice" {
		t.Error("alice is not signed in")
	}
	if home := b.Audit.Last(); home.Action != "roles" || home.Session != e.Session {
		t.Errorf("record %+v", home)
	}
	o := newSite(t).browser()
	by := o.beginOther()
	wantRedirect(t, o.deliver("other", o.Other.Respond(t, doortest.Answer("other", "bob", by.request)), by.relay), "/")
	if o.signedIn() != "bob" {
		t.Error("bob is not signed in")
	}
}

func TestChooser(t *testing.T) {
	one := newSite(t, func(o *portal.Options) { o.Providers = o.Providers[:1] }).browser()
	wantRedirect(t, one.get("/login?return=%2F%3Fa%3Db"), "/login/corp?return=%2F%3Fa%3Db")
	wantRedirect(t, one.get("/login"), "/login/corp")
	if w := one.get("/login?choose=1"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `href="/login/corp"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantRedirect(t, one.get("/"), "/login")
	wantRedirect(t, one.get("/?a=b&c"), "/login?return=%2F%3Fa%3Db%26c")
	wantRefusal(t, one.get("/login/none"), 401, "untrusted_issuer")
	wantRefusal(t, one.get("/login/corp%2f"), 401, "untrusted_issuer")
	wantRefusal(t, one.get("/login/CORP"), 401, "untrusted_issuer")
}

// TestReturnTargets: through the chooser and without it, a login ends inside the portal.
func TestReturnTargets(t *testing.T) {
	b := newSite(t, func(o *portal.Options) { o.Providers = o.Providers[:1] }).browser()
	land := func(path string) string {
		w := b.get(path)
		u, err := url.Parse(w.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		b.deliver("corp", "x", "") // something in between changes nothing
		a := attempt{b.requestIn(u.Query().Get("SAMLRequest"), true), u.Query().Get("RelayState")}
		return b.deliver("corp", b.Corp.Respond(t, doortest.Answer("corp", "alice", a.request)), a.relay).Header().Get("Location")
	}
	for _, bad := range []string{
		"//evil.test", "//evil.test/", "///evil.test", "////evil.test", "https://evil.test", "HTTPS://evil.test", "http:evil.test", "https:/evil.test", "javascript:alert(1)",
		"data:text/html,x", `\\evil.test`, `/\evil.test`, `\/evil.test`, "/\t/evil.test", "/\r\n/evil.test", "/\nSet-Cookie: a=b", "\t//evil.test", " //evil.test", "evil.test", "?a", "#a", "",
		"/%zz", "/\x00", "/\x7f", "@evil.test", ":evil", "/" + strings.Repeat("x", 4<<10), "mailto:x@evil.test", "https://broker.test/", "//broker.test/",
	} {
		if got := land("/login/corp?return=" + url.QueryEscape(bad)); got != "/" {
			t.Errorf("%q leads to %q", bad, got)
		}
		if got := b.get("/login?return=" + url.QueryEscape(bad)).Header().Get("Location"); got != "/login/corp" {
			t.Errorf("%q goes on to %q", bad, got)
		}
	}
	for _, good := range []string{"/", "/?a=b", "/sessions", "/device?user_code=ABCD", "/a//b", "/%2F%2Fevil.test", "/@evil.test", "/#x"} {
		if got := land("/login/corp?return=" + url.QueryEscape(good)); got != good {
			t.Errorf("%q leads to %q", good, got)
		}
	}
	if got := land("/login/corp?return=/a&return=//evil.test"); got != "/a" {
		t.Errorf("two targets lead to %q", got)
	}
}

// TestForwardedHeaders: the broker's own address comes from the configuration.
func TestForwardedHeaders(t *testing.T) {
	b := newSite(t).browser()
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Server", "X-Original-URL", "X-Rewrite-URL", "Forwarded", "X-Forwarded-Prefix", "X_Forwarded_Host", "X-Host"} {
		for _, target := range []string{"/", "/login", "/login/corp", "/login/other", "/saml/corp/metadata"} {
			r := b.request("GET", target, nil)
			r.Host = "evil.test"
			r.Header.Set(name, map[bool]string{true: "host=evil.test;proto=http", false: "evil.test"}[name == "Forwarded"])
			w := b.send(r, false)
			doc := w.Body.String() + w.Header().Get("Location")
			if u, err := url.Parse(w.Header().Get("Location")); err == nil && u.Query().Has("SAMLRequest") {
				b.requestIn(u.Query().Get("SAMLRequest"), true)
			}
			if strings.Contains(doc, "evil.test") || w.Code >= 400 {
				t.Errorf("%s %s: %d %s", name, target, w.Code, doc)
			}
		}
	}
	r := b.request("POST", "/saml/corp/acs", url.Values{"SAMLResponse": {"x"}})
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	b.send(r, true)
	if got := b.Strangers.Last().Remote; got != "192.0.2.1" {
		t.Errorf("the client chose its address: %s", got)
	}
}

// TestForeignAnswers: what was not asked for by this browser, of this provider, signs nobody in.
func TestForeignAnswers(t *testing.T) {
	answer := func(b *browser, from string, a attempt) string {
		idp := map[string]*idptest.SAMLIDP{"corp": b.Corp, "other": b.Other}[from]
		return idp.Respond(b.t, doortest.Answer(from, "mallory", a.request))
	}
	for name, c := range map[string]struct {
		do     func(victim, attacker *browser) *httptest.ResponseRecorder
		status int
		code   string
	}{
		"login CSRF: the attacker's answer and RelayState": {func(victim, attacker *browser) *httptest.ResponseRecorder {
			a := attacker.begin("")
			return victim.deliver("corp", answer(attacker, "corp", a), a.relay)
		}, 401, "invalid_token"},
		"login CSRF: the attacker's answer, no RelayState": {func(victim, attacker *browser) *httptest.ResponseRecorder {
			return victim.deliver("corp", answer(attacker, "corp", attacker.begin("")), "")
		}, 401, "invalid_token"},
		"the attacker's answer to the victim's attempt": {func(victim, attacker *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			return victim.deliver("corp", answer(attacker, "corp", attacker.begin("")), a.relay)
		}, 401, "invalid_token"},
		"an answer that nobody asked for, to an attempt": {func(victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			return victim.deliver("corp", answer(victim, "corp", attempt{}), a.relay)
		}, 401, "invalid_token"},
		"another provider answers, at its own address": {func(victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			return victim.deliver("other", answer(victim, "other", a), a.relay)
		}, 401, "invalid_token"},
		"another provider answers, at the address of the one asked": {func(victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			forged := doortest.Answer("corp", "mallory", a.request)
			return victim.deliver("corp", victim.Other.Respond(victim.t, forged), a.relay)
		}, 401, "untrusted_issuer"},
		"a provider that takes nothing unasked": {func(victim, _ *browser) *httptest.ResponseRecorder {
			return victim.deliver("other", answer(victim, "other", attempt{}), "")
		}, 401, "invalid_token"},
		"an unknown provider": {func(victim, _ *browser) *httptest.ResponseRecorder {
			return victim.deliver("none", answer(victim, "corp", attempt{}), "")
		}, 401, "untrusted_issuer"},
		"an attempt of eleven minutes ago": {func(victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			victim.Pass(11 * time.Minute)
			return victim.deliver("corp", answer(victim, "corp", a), a.relay)
		}, 401, "login_required"},
		"a cookie with another secret": {func(victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			victim.jar["__Host-login-"+a.relay].Value = strings.Repeat("A", 43)
			return victim.deliver("corp", answer(victim, "corp", a), a.relay)
		}, 401, "login_required"},
		"two RelayStates": {func(victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			form := url.Values{"SAMLResponse": {answer(victim, "corp", a)}, "RelayState": {a.relay, a.relay}}
			return victim.send(victim.request("POST", "/saml/corp/acs", form), true)
		}, 400, "invalid_request"},
		"two Responses": {func(victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			response := answer(victim, "corp", a)
			return victim.send(victim.request("POST", "/saml/corp/acs", url.Values{"SAMLResponse": {response, response}, "RelayState": {a.relay}}), true)
		}, 400, "invalid_request"},
		"a SAMLRequest beside it": {func(victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			form := url.Values{"SAMLResponse": {answer(victim, "corp", a)}, "RelayState": {a.relay}, "SAMLRequest": {"x"}}
			return victim.send(victim.request("POST", "/saml/corp/acs", form), true)
		}, 401, "invalid_token"},
		"everything in the query": {func(victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			query := url.Values{"SAMLResponse": {answer(victim, "corp", a)}, "RelayState": {a.relay}}
			return victim.send(victim.request("POST", "/saml/corp/acs?"+query.Encode(), url.Values{}), true)
		}, 401, "invalid_token"},
		"not a form": {func(victim, _ *browser) *httptest.ResponseRecorder {
			r := victim.request("POST", "/saml/corp/acs", url.Values{"SAMLResponse": {"x"}})
			r.Header.Set("Content-Type", "text/plain")
			return victim.send(r, true)
		}, 400, "invalid_request"},
		"huge": {func(victim, _ *browser) *httptest.ResponseRecorder {
			return victim.deliver("corp", strings.Repeat("A", 300<<10), "")
		}, 400, "invalid_request"},
		"empty": {func(victim, _ *browser) *httptest.ResponseRecorder {
			return victim.deliver("corp", "", "")
		}, 401, "invalid_token"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			victim, attacker := s.browser(), s.browser()
			wantRefusal(t, c.do(victim, attacker), c.status, c.code)
			if victim.signedIn() != "" {
				t.Error("somebody is signed in")
			}
			if e := s.Strangers.Last(); e.Outcome != c.code || e.Door != "acs" || len(s.Audit.Events()) > 0 {
				t.Errorf("record %+v", e)
			}
		})
	}
}

// TestAnotherBrowserSpendsNothing: who knows a RelayState cannot end the login that it names.
func TestAnotherBrowserSpendsNothing(t *testing.T) {
	s := newSite(t)
	victim, attacker := s.browser(), s.browser()
	a := victim.begin("")
	response := s.Corp.Respond(t, doortest.Answer("corp", "alice", a.request))
	wantRefusal(t, attacker.deliver("corp", response, a.relay), 401, "invalid_token")
	wantRedirect(t, victim.deliver("corp", response, a.relay), "/")
	if victim.signedIn() != "alice" || attacker.signedIn() != "" {
		t.Error("the wrong browser is signed in")
	}
}

func TestReplayedAnswer(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	a := b.begin("")
	ticket := *b.jar["__Host-login-"+a.relay]
	response := s.Corp.Respond(t, doortest.Answer("corp", "alice", a.request))
	wantRedirect(t, b.deliver("corp", response, a.relay), "/")
	wantRefusal(t, b.deliver("corp", response, a.relay), 401, "invalid_token") // the attempt's cookie is gone
	b.jar[ticket.Name] = &ticket
	wantRefusal(t, b.deliver("corp", response, a.relay), 401, "login_required") // and came back
	free := s.Corp.Respond(t, doortest.Answer("corp", "alice", ""))
	if w := s.browser().deliver("corp", free, ""); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantRefusal(t, s.browser().deliver("corp", free, ""), 401, "replayed")
}

// TestTwentyAtOnce: of equal answers that come together, one signs in.
func TestTwentyAtOnce(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	a := b.begin("")
	ticket := b.jar["__Host-login-"+a.relay]
	for name, form := range map[string]url.Values{
		"asked for":   {"SAMLResponse": {s.Corp.Respond(t, doortest.Answer("corp", "alice", a.request))}, "RelayState": {a.relay}},
		"unsolicited": {"SAMLResponse": {s.Corp.Respond(t, doortest.Answer("corp", "alice", ""))}},
	} {
		var let atomic.Int32
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				r := b.request("POST", "/saml/corp/acs", form)
				r.AddCookie(&http.Cookie{Name: ticket.Name, Value: ticket.Value})
				w := httptest.NewRecorder()
				if s.handler.ServeHTTP(w, r); w.Code < 400 {
					let.Add(1)
				}
			})
		}
		if wait.Wait(); let.Load() != 1 {
			t.Errorf("%s: %d were let in", name, let.Load())
		}
	}
}

// TestFixation: the token of a login is new, whatever the browser held before.
func TestFixation(t *testing.T) {
	b := newSite(t).browser()
	b.login("mallory")
	planted := b.jar["__Host-session"].Value
	b.login("alice")
	if b.jar["__Host-session"].Value == planted || b.signedIn() != "alice" {
		t.Error("the planted token lives on")
	}
	b.jar["__Host-session"] = &http.Cookie{Name: "__Host-session", Value: strings.Repeat("A", 43)}
	b.login("alice")
	if b.jar["__Host-session"].Value == strings.Repeat("A", 43) {
		t.Error("the token was the browser's choice")
	}
}

// TestNothingLeavesUnrecorded: without its record, a login gives no cookie (invariant 10).
func TestNothingLeavesUnrecorded(t *testing.T) {
	b := newSite(t).browser()
	a := b.begin("")
	b.Audit.Break()
	wantRefusal(t, b.deliver("corp", b.Corp.Respond(t, doortest.Answer("corp", "alice", a.request)), a.relay), 503, "store_unavailable")
	wantRefusal(t, b.deliver("corp", b.Corp.Respond(t, doortest.Answer("corp", "alice", "")), ""), 503, "store_unavailable")

	b = newSite(t).browser()
	b.login("alice")
	b.Audit.Break()
	w := b.post("/console", url.Values{"role": {"prod/reader"}})
	wantRefusal(t, w, 503, "store_unavailable")
	if w.Header().Get("Location") != "" {
		t.Error("the console's address left")
	}
	wantRefusal(t, b.get("/"), 503, "store_unavailable")
}

// TestOutage breaks the store after every number of round trips that a login may take.
func TestOutage(t *testing.T) {
	done := false
	for after := range 12 {
		b := newSite(t).browser()
		a := b.begin("")
		b.Store.Break(after)
		w := b.deliver("corp", b.Corp.Respond(t, doortest.Answer("corp", "alice", a.request)), a.relay)
		b.Store.Mend()
		if done = w.Code == http.StatusSeeOther; done {
			break
		}
		wantRefusal(t, w, 503, "store_unavailable")
		if b.signedIn() != "" {
			t.Errorf("signed in after %d round trips", after)
		}
	}
	if !done {
		t.Error("a login takes more than eleven round trips")
	}
	b := newSite(t).browser()
	b.Store.Break(0)
	wantRefusal(t, b.get("/login/corp"), 503, "store_unavailable")
	if e := b.Strangers.Last(); e.Action != "begin" || e.Outcome != "store_unavailable" {
		t.Errorf("record %+v", e)
	}
}

// lame is a login that does what a field says.
type lame struct {
	err      error
	redirect idp.Redirect
	identity idp.Identity
}

func (l lame) Begin(context.Context, idp.LoginRequest) (idp.Redirect, idp.State, error) {
	return l.redirect, idp.State{"request_id": "x"}, l.err
}

func (l lame) Finish(context.Context, idp.State, idp.Callback) (idp.Identity, error) {
	return l.identity, l.err
}

func with(l lame) func(*portal.Options) {
	return func(o *portal.Options) { o.Providers[0].Login = l }
}

func TestBeginRefused(t *testing.T) {
	away := newSite(t, with(lame{err: idp.Refuse(idp.KindUnavailable, "away", errors.New("canary"))}))
	wantRefusal(t, away.browser().get("/login/corp"), 503, "upstream_unavailable")
	broken := newSite(t, with(lame{err: errors.New("canary")}))
	w := broken.browser().get("/login/corp")
	wantRefusal(t, w, 500, "internal")
	if strings.Contains(w.Body.String(), "canary") {
		t.Error("the page shows the cause")
	}
	if e := broken.Strangers.Last(); e.Action != "begin" || e.Cause != "canary" || !strings.Contains(w.Body.String(), e.ID) {
		t.Errorf("record %+v", e)
	}
}

// TestHostsInThePolicy: a host cannot add a directive to a content policy.
func TestHostsInThePolicy(t *testing.T) {
	for raw, want := range map[string]string{
		"https://idp.test/sso":               "form-action 'self' https://idp.test",
		"https://idp.test:8443/sso?a=b":      "form-action 'self' https://idp.test:8443",
		"https://[::1]:8443/":                "form-action 'self' https://[::1]:8443",
		"https://idp.test;script-src/":       "form-action 'self'",
		"https://a,b/":                       "form-action 'self'",
		"https://'unsafe-inline'/":           "form-action 'self'",
		"https://*/":                         "form-action 'self'",
		"https:///path":                      "form-action 'self'",
		"https://user:password@idp.test/sso": "form-action 'self' https://idp.test",
	} {
		s := newSite(t, with(lame{redirect: idp.Redirect{URL: raw, Form: url.Values{"a": {"b"}}}}))
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, httptest.NewRequest("GET", "/login/corp", nil))
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(csp, "; "+want) {
			t.Errorf("%s: %q", raw, csp)
		}
	}
}

// TestProvidersSessionOver: an identity whose provider's session is over begins none of ours.
func TestProvidersSessionOver(t *testing.T) {
	b := newSite(t, with(lame{redirect: idp.Redirect{URL: "https://idp.test/"}, identity: idp.Identity{
		Provider: "corp", Issuer: "i", Subject: "alice", SessionExpiry: doortest.Start, Proof: idp.Proof{Hash: "00", Kind: idp.ProofSAML},
	}})).browser()
	b.get("/login/corp")
	for name := range b.jar {
		w := b.deliver("corp", "x", strings.TrimPrefix(name, session.DefaultLoginCookie))
		wantRefusal(t, w, 401, "login_required")
	}
}
