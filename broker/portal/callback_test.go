package portal_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oauth2"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/internal/fetch"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// callbackSite is a site with two OpenID providers and a GitHub beside those that speak SAML.
type callbackSite struct {
	*site
	one, two *idptest.OpenID
	github   *idptest.GitHub
}

func callbackURL(id string) string { return doortest.PublicURL + "/oidc/" + id + "/callback" }

func newCallbackSite(t *testing.T, change ...func(*portal.Options)) *callbackSite {
	t.Helper()
	s := &callbackSite{
		one:    idptest.NewOpenID(t, "broker", "s3cret", callbackURL("one")),
		two:    idptest.NewOpenID(t, "broker", "s3cret", callbackURL("two")),
		github: idptest.NewGitHub(t, "broker", "s3cret", callbackURL("github")),
	}
	s.site = newSite(t, func(o *portal.Options) {
		client, err := fetch.New(fetch.Options{AllowLoopbackHTTP: true})
		if err != nil {
			t.Fatal(err)
		}
		for id, op := range map[string]*idptest.OpenID{"one": s.one, "two": s.two} {
			op.Clock = o.Clock
			login, err := oidc.NewLogin(oidc.LoginOptions{
				ID: id, Issuer: op.URL, ClientID: "broker", ClientSecret: secret.New("s3cret"), RedirectURL: callbackURL(id), Fetch: client, Clock: o.Clock,
				Leave: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			o.Providers = append(o.Providers, portal.Provider{ID: id, Name: id, Login: login, Kind: idp.ProofJWT})
		}
		service, err := oauth2.Preset("github-enterprise", s.github.URL)
		if err != nil {
			t.Fatal(err)
		}
		login, err := oauth2.New(oauth2.Options{
			ID: "github", Service: service, ClientID: "broker", ClientSecret: secret.New("s3cret"), RedirectURL: callbackURL("github"),
			HTTP: client.HTTPClient(), AllowHTTP: true, Clock: o.Clock,
		})
		if err != nil {
			t.Fatal(err)
		}
		o.Providers = append(o.Providers, portal.Provider{ID: "github", Name: "GitHub", Login: login, Kind: idp.ProofCode})
		for _, c := range change {
			c(o)
		}
	})
	return s
}

// trip begins a login and lets the provider answer, but does not come back yet.
func (s *callbackSite) trip(b *browser, id, query string) url.Values {
	s.t.Helper()
	w := b.get("/login/" + id + query)
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return s.one.SignIn(w.Header().Get("Location")) // any of them plays the browser
}

// comeBack is the redirect from the provider's site.
func (b *browser) comeBack(id string, back url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	r := b.request("GET", "/oidc/"+id+"/callback?"+back.Encode(), nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	return b.send(r, false)
}

func TestCallback(t *testing.T) {
	for id, subject := range map[string]string{"one": "u1001", "github": "583231"} {
		t.Run(id, func(t *testing.T) {
			s := newCallbackSite(t)
			b := s.browser()
			back := s.trip(b, id, "?return="+url.QueryEscape("/?tab=1"))
			c := b.jar["__Host-login-"+back.Get("state")]
			if c == nil || c.SameSite != http.SameSiteNoneMode || !c.Secure || !c.HttpOnly || c.MaxAge != 600 || len(b.jar) != 1 {
				t.Fatalf("cookies after begin: %v", b.jar)
			}
			w := b.comeBack(id, back)
			wantRedirect(t, w, "/?tab=1")
			if c := b.jar["__Host-session"]; c == nil || c.SameSite != http.SameSiteLaxMode || len(b.jar) != 2 {
				t.Errorf("cookies after the answer: %v", b.jar)
			}
			e := b.Audit.Last()
			if e.Door != "callback" || e.Action != "login" || e.Outcome != "ok" || e.Provider != id || e.Subject != subject || len(e.Session) != 64 || len(e.ProofHash) != 64 {
				t.Errorf("record %+v", e)
			}
		})
	}
}

func TestEveryRequestCarriesPKCE(t *testing.T) {
	s := newCallbackSite(t)
	for _, id := range []string{"one", "github"} {
		w := s.browser().get("/login/" + id)
		u, err := url.Parse(w.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) != 22 || q.Get("redirect_uri") != callbackURL(id) {
			t.Errorf("%s asks %v", id, q)
		}
	}
}

// TestForeignCallbacks: what was not asked for by this browser, of this provider, signs nobody in.
func TestForeignCallbacks(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(s *callbackSite, victim, attacker *browser) *httptest.ResponseRecorder
		status int
		code   string
	}{
		"login CSRF: the attacker's whole answer": {func(s *callbackSite, victim, attacker *browser) *httptest.ResponseRecorder {
			return victim.comeBack("one", s.trip(attacker, "one", ""))
		}, 401, "invalid_token"},
		"login CSRF at GitHub": {func(s *callbackSite, victim, attacker *browser) *httptest.ResponseRecorder {
			return victim.comeBack("github", s.trip(attacker, "github", ""))
		}, 401, "invalid_token"},
		"the attacker's code for the victim's attempt": {func(s *callbackSite, victim, attacker *browser) *httptest.ResponseRecorder {
			back := s.trip(victim, "one", "")
			back.Set("code", s.trip(attacker, "one", "").Get("code"))
			return victim.comeBack("one", back)
		}, 401, "invalid_token"},
		"the attacker's code at GitHub": {func(s *callbackSite, victim, attacker *browser) *httptest.ResponseRecorder {
			back := s.trip(victim, "github", "")
			back.Set("code", s.trip(attacker, "github", "").Get("code"))
			return victim.comeBack("github", back)
		}, 401, "invalid_token"},
		"the answer of one at the callback of the other": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			return victim.comeBack("two", s.trip(victim, "one", ""))
		}, 401, "invalid_token"},
		"the answer of one for an attempt at the other": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			back, other := s.trip(victim, "one", ""), s.trip(victim, "two", "")
			back.Set("state", other.Get("state"))
			return victim.comeBack("two", back)
		}, 401, "invalid_token"},
		"the answer of one at GitHub's": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			return victim.comeBack("github", s.trip(victim, "one", ""))
		}, 401, "invalid_token"},
		"no iss, where it was promised": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			back := s.trip(victim, "one", "")
			back.Del("iss")
			return victim.comeBack("one", back)
		}, 401, "invalid_token"},
		"two states": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			back := s.trip(victim, "one", "")
			back.Add("state", "x")
			return victim.comeBack("one", back)
		}, 401, "invalid_token"},
		"no state": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			back := s.trip(victim, "one", "")
			back.Del("state")
			return victim.comeBack("one", back)
		}, 401, "invalid_token"},
		"a cookie with another secret": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			back := s.trip(victim, "one", "")
			victim.jar["__Host-login-"+back.Get("state")].Value = strings.Repeat("A", 43)
			return victim.comeBack("one", back)
		}, 401, "login_required"},
		"eleven minutes later": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			back := s.trip(victim, "one", "")
			s.Pass(11 * time.Minute)
			return victim.comeBack("one", back)
		}, 401, "login_required"},
		"the person said no": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			s.one.SetAnswer(url.Values{"code": {""}, "error": {"access_denied"}, "error_description": {"<b>canary</b>"}})
			return victim.comeBack("one", s.trip(victim, "one", ""))
		}, 401, "login_required"},
		"the provider is in trouble": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			s.one.SetAnswer(url.Values{"code": {""}, "error": {"server_error"}})
			return victim.comeBack("one", s.trip(victim, "one", ""))
		}, 503, "upstream_unavailable"},
		"a broken query": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			return victim.send(victim.request("GET", "/oidc/one/callback?state=%zz", nil), false)
		}, 400, "invalid_request"},
		"nothing at all": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			return victim.comeBack("one", nil)
		}, 401, "invalid_token"},
		"nobody's callback": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			return victim.comeBack("none", s.trip(victim, "one", ""))
		}, 401, "untrusted_issuer"},
		"a SAML Response in a URL": {func(s *callbackSite, victim, _ *browser) *httptest.ResponseRecorder {
			a := victim.begin("")
			return victim.comeBack("corp", url.Values{"SAMLResponse": {s.Corp.Respond(s.t, doortest.Answer("corp", "alice", a.request))}, "state": {a.relay}, "RelayState": {a.relay}})
		}, 401, "invalid_token"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCallbackSite(t)
			victim, attacker := s.browser(), s.browser()
			w := c.do(s, victim, attacker)
			wantRefusal(t, w, c.status, c.code)
			if victim.jar["__Host-session"] != nil {
				t.Error("somebody is signed in")
			}
			if body := w.Body.String(); strings.Contains(body, "canary") || strings.Contains(body, "code-") {
				t.Errorf("the page repeats the answer: %s", body)
			}
			if e := s.Strangers.Last(); e.Outcome != c.code || e.Door != "callback" || strings.Contains(e.Cause, "code-canary") || len(s.Audit.Events()) > 0 {
				t.Errorf("record %+v", e)
			}
		})
	}
}

// TestOpenIDAnswersHaveNoBusinessAtTheACS: neither protocol is taken at the other's door.
func TestOpenIDAnswersHaveNoBusinessAtTheACS(t *testing.T) {
	s := newCallbackSite(t)
	b := s.browser()
	back := s.trip(b, "one", "")
	back.Set("RelayState", back.Get("state"))
	wantRefusal(t, b.send(b.request("POST", "/saml/one/acs", back), true), 401, "invalid_token")
	back.Del("RelayState")
	wantRedirect(t, b.comeBack("one", back), "/") // and the attempt is not spent
}

func TestReplayedCallback(t *testing.T) {
	s := newCallbackSite(t)
	for _, id := range []string{"one", "github"} {
		b := s.browser()
		back := s.trip(b, id, "")
		ticket := *b.jar["__Host-login-"+back.Get("state")]
		wantRedirect(t, b.comeBack(id, back), "/")
		delete(b.jar, "__Host-session")
		wantRefusal(t, b.comeBack(id, back), 401, "invalid_token") // the attempt's cookie is gone
		b.jar[ticket.Name] = &ticket
		wantRefusal(t, b.comeBack(id, back), 401, "login_required") // and came back
		again := s.trip(b, id, "")
		again.Set("code", back.Get("code"))
		wantRefusal(t, b.comeBack(id, again), 401, "invalid_token") // an old code for a new attempt
	}
}

// TestAnotherBrowsersCallbackSpendsNothing: who knows a state cannot end the login that it names.
func TestAnotherBrowsersCallbackSpendsNothing(t *testing.T) {
	s := newCallbackSite(t)
	victim, attacker := s.browser(), s.browser()
	back := s.trip(victim, "one", "")
	wantRefusal(t, attacker.comeBack("one", back), 401, "invalid_token")
	wantRedirect(t, victim.comeBack("one", back), "/")
}

// TestCallbackReplacesTheSession: the token of a login is new, whatever the browser held before.
func TestCallbackReplacesTheSession(t *testing.T) {
	s := newCallbackSite(t)
	b := s.browser()
	b.login("mallory")
	planted := b.jar["__Host-session"].Value
	wantRedirect(t, b.comeBack("one", s.trip(b, "one", "")), "/")
	if b.jar["__Host-session"].Value == planted {
		t.Error("the session was not replaced")
	}
}

// unwilling is a provider that cannot begin.
type unwilling struct {
	idp.Login
	kind idp.Kind
}

func (u unwilling) Begin(context.Context, idp.LoginRequest) (idp.Redirect, idp.State, error) {
	return idp.Redirect{}, nil, idp.Refuse(u.kind, "its own sentence", errors.New("private canary"))
}

func TestALoginThatCannotBeginSaysWhy(t *testing.T) {
	for kind, want := range map[idp.Kind]struct {
		status int
		code   string
	}{
		idp.KindDenied: {401, "login_required"}, idp.KindUnavailable: {503, "upstream_unavailable"}, idp.KindInvalid: {503, "upstream_unavailable"},
	} {
		b := newSite(t, func(o *portal.Options) {
			o.Providers = append(o.Providers, portal.Provider{ID: "unwilling", Name: "Unwilling", Login: unwilling{kind: kind}})
		}).browser()
		w := b.get("/login/unwilling")
		wantRefusal(t, w, want.status, want.code)
		if body := w.Body.String(); !strings.Contains(body, "its own sentence") || strings.Contains(body, "canary") {
			t.Errorf("kind %d: %s", kind, body)
		}
	}
}
