package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/internal/web"
)

// leaving lets people leave their SAML providers when they leave us.
func leaving(o *portal.Options) {
	for i := range o.Providers {
		if p, ok := o.Providers[i].Login.(idp.Leaver); ok {
			o.Providers[i].Leaver = p
			o.Providers[i].Logouts, _ = p.(idp.LogoutReader)
		}
	}
}

// hidden matches a hidden field of a form, whatever its name.
var hidden = regexp.MustCompile(`<input type="hidden" name="([a-zA-Z_]+)" value="([^"]*)"`)

// departure is a sign-out that goes on at corp.
type departure struct{ request, relay, where string }

// depart signs out and reads where the page sends the browser.
func (b *browser) depart() departure {
	b.t.Helper()
	w := b.post("/logout", url.Values{})
	where, found := strings.CutPrefix(w.Header().Get("Refresh"), "0;url=")
	u, err := url.Parse(where)
	if w.Code != http.StatusOK || !found || err != nil || u.Host != "idp.example.com" || !strings.Contains(html.UnescapeString(w.Body.String()), `href="`+where+`"`) {
		b.t.Fatalf("%d to %q: %s", w.Code, where, w.Body)
	}
	return departure{b.requestIn(u.Query().Get("SAMLRequest"), true), u.Query().Get("RelayState"), where}
}

// slo delivers a message of corp or other by redirect.
func (b *browser) slo(id string, l idptest.SAMLLogout) *httptest.ResponseRecorder {
	b.t.Helper()
	from := map[string]*idptest.SAMLIDP{"corp": b.Corp, "other": b.Other}[id]
	return b.send(b.request("GET", "/saml/"+id+"/slo?"+from.LogoutQuery(b.t, l), nil), true)
}

func answerTo(d departure) idptest.SAMLLogout {
	return idptest.SAMLLogout{Destination: doortest.SLO("corp"), InResponseTo: d.request, RelayState: d.relay}
}

// ending is corp's request to end a person's sessions.
func ending(person string, sessions ...string) idptest.SAMLLogout {
	return idptest.SAMLLogout{Destination: doortest.SLO("corp"), NameID: person, SessionIndexes: sessions, RelayState: "corp's own"}
}

func wantPage(t testing.TB, w *httptest.ResponseRecorder, status int, words string) {
	t.Helper()
	if w.Code != status || !strings.Contains(html.UnescapeString(w.Body.String()), words) {
		t.Errorf("%d, want %d and %q: %s", w.Code, status, words, w.Body)
	}
}

// TestSigningOutLeavesTheProvider: our session is over before the provider is asked, whatever it answers.
func TestSigningOutLeavesTheProvider(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*idptest.SAMLLogout)
		status int
		words  string
	}{
		"done":       {func(*idptest.SAMLLogout) {}, 200, "Corp & Sons signed you out, too."},
		"partly":     {func(l *idptest.SAMLLogout) { l.StatusCodes = []string{"Success", "PartialLogout"} }, 200, "could not reach every application"},
		"refused":    {func(l *idptest.SAMLLogout) { l.StatusCodes = []string{"Responder"} }, 401, "did not confirm"},
		"unsigned":   {func(l *idptest.SAMLLogout) { l.Unsigned = true }, 401, "did not confirm"},
		"of another": {func(l *idptest.SAMLLogout) { l.InResponseTo = "_other" }, 401, "did not confirm"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSite(t, leaving).browser()
			b.login("alice")
			kept := *b.jar["__Host-session"]
			d := b.depart()
			if b.jar["__Host-session"] != nil || b.held() != 1 || b.jar["__Host-login-"+d.relay] == nil {
				t.Errorf("cookies %v", b.jar)
			}
			thief := b.browser()
			thief.jar[kept.Name] = &kept
			if thief.signedIn() != "" {
				t.Fatal("the session lives on while the provider is asked")
			}
			l := answerTo(d)
			c.answer(&l)
			w := b.slo("corp", l)
			if wantPage(t, w, c.status, c.words); b.held() > 0 {
				t.Errorf("cookies %v", b.jar)
			}
			kind := b.Audit
			if c.status != 200 {
				kind = b.Strangers
			}
			if e := kind.Last(); e.Door != "slo" || e.Action != "logout-answer" || e.Provider != "corp" || (e.Outcome == "ok") != (c.status == 200) {
				t.Errorf("record %+v", e)
			}
			wantRefusal(t, b.slo("corp", l), 401, "invalid_token") // once
		})
	}
}

func TestSigningOutByPost(t *testing.T) {
	b := newSite(t, leaving).browser()
	a := b.beginOther()
	wantRedirect(t, b.deliver("other", b.Other.Respond(t, doortest.Answer("other", "bob", a.request)), a.relay), "/")
	w := b.post("/logout", url.Values{})
	fields := map[string]string{}
	for _, m := range field.FindAllStringSubmatch(w.Body.String(), -1) {
		fields[m[1]] = html.UnescapeString(m[2])
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' https://other.example.com") || w.Header().Get("Refresh") != "" {
		t.Errorf("headers %v", w.Header())
	}
	if !strings.Contains(w.Body.String(), `<form method="post" action="https://other.example.com/slo" id="go">`) {
		t.Errorf("page %s", w.Body)
	}
	back := b.Other.LogoutForm(t, idptest.SAMLLogout{
		Destination: doortest.SLO("other"), InResponseTo: b.requestIn(fields["SAMLRequest"], false), RelayState: fields["RelayState"],
	})
	wantPage(t, b.send(b.request("POST", "/saml/other/slo", back), true), 200, "Other signed you out, too.")
}

// lameLeaver asks for what a field says, or cannot ask.
type lameLeaver struct {
	idp.Leaver
	next idp.Redirect
	err  error
}

func (l lameLeaver) BeginLogout(ctx context.Context, _ idp.Identity, _ string) (idp.Redirect, idp.State, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		return idp.Redirect{}, nil, errors.New("a sign-out waits without end")
	}
	return l.next, idp.State{}, l.err
}

// TestSigningOutHere: where there is no provider to ask, or it cannot be asked, the page says so at once.
func TestSigningOutHere(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*portal.Options)
		words  string
	}{
		"by configuration": {func(*portal.Options) {}, "was not asked to sign you out"},
		"no such service":  {func(o *portal.Options) { o.Providers[0].Leaver = lameLeaver{err: idp.ErrStays} }, "was not asked to sign you out"},
		"away": {func(o *portal.Options) {
			o.Providers[0].Leaver = lameLeaver{err: idp.Refuse(idp.KindUnavailable, "away", nil)}
		}, "could not be asked"},
	} {
		b := newSite(t, c.change).browser()
		b.login("alice")
		w := b.post("/logout", url.Values{})
		if wantPage(t, w, 200, "Corp & Sons "+c.words); w.Header().Get("Refresh") != "" || b.held() > 0 || b.signedIn() != "" {
			t.Errorf("%s: %v, cookies %v", name, w.Header(), b.jar)
		}
	}
	b := newSite(t, leaving).browser()
	b.login("alice")
	b.Store.Break(2) // ended, and then nothing can be kept of what is asked
	if w := b.post("/logout", url.Values{}); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	} else {
		wantPage(t, w, 200, "could not be asked")
	}
}

func TestEndingOnesOwnSessionLeavesTheProvider(t *testing.T) {
	b := newSite(t, leaving).browser()
	b.login("alice")
	id := b.Audit.Last().Session
	w := b.post("/sessions", url.Values{"session": {id}})
	if wantPage(t, w, 200, "Now Corp & Sons is asked"); w.Header().Get("Refresh") == "" || b.jar["__Host-session"] != nil {
		t.Errorf("%v", w.Header())
	}
}

// TestForeignFarewells: an answer is for the browser that asked, from the provider that was asked, and neither a login
// nor a sign-out passes for the other.
func TestForeignFarewells(t *testing.T) {
	for name, do := range map[string]func(b *browser, d departure) *httptest.ResponseRecorder{
		"another browser": func(b *browser, d departure) *httptest.ResponseRecorder {
			return b.browser().slo("corp", answerTo(d))
		},
		"another provider": func(b *browser, d departure) *httptest.ResponseRecorder {
			l := answerTo(d)
			l.Destination = doortest.SLO("other")
			return b.slo("other", l)
		},
		"nobody's request": func(b *browser, d departure) *httptest.ResponseRecorder {
			l := answerTo(d)
			l.RelayState = ""
			return b.slo("corp", l)
		},
		"a login's handle": func(b *browser, d departure) *httptest.ResponseRecorder {
			a := b.begin("")
			return b.slo("corp", answerTo(departure{request: a.request, relay: a.relay}))
		},
		"a Response to a sign-out": func(b *browser, d departure) *httptest.ResponseRecorder {
			return b.deliver("corp", b.Corp.Respond(b.t, doortest.Answer("corp", "mallory", d.request)), d.relay)
		},
		"a request and an answer": func(b *browser, d departure) *httptest.ResponseRecorder {
			q := b.Corp.LogoutQuery(b.t, answerTo(d)) + "&SAMLRequest=x"
			return b.send(b.request("GET", "/saml/corp/slo?"+q, nil), true)
		},
		"an unknown provider": func(b *browser, d departure) *httptest.ResponseRecorder {
			return b.send(b.request("GET", "/saml/none/slo?"+b.Corp.LogoutQuery(b.t, answerTo(d)), nil), true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSite(t, leaving).browser()
			b.login("alice")
			w := do(b, b.depart())
			if w.Code < 400 || strings.Contains(w.Body.String(), "signed you out") || b.signedIn() != "" {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if e := b.Strangers.Last(); e.Outcome == "ok" || e.Outcome == "" {
				t.Errorf("record %+v", e)
			}
		})
	}
}

// TestTheProviderEndsSessions: single logout that begins at the provider.
func TestTheProviderEndsSessions(t *testing.T) {
	for name, c := range map[string]struct {
		ask   idptest.SAMLLogout
		ended int
	}{
		"a person":            {ending("alice"), 2},
		"a session":           {ending("alice", "_session"), 2},
		"another session":     {ending("alice", "_none"), 0},
		"several":             {ending("alice", "_none", "_session"), 2},
		"another person":      {ending("bob"), 0},
		"a part of a name":    {ending("alic"), 0},
		"in another spelling": {ending("Alice"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, leaving)
			b, other := s.browser(), s.browser()
			b.login("alice")
			other.login("mallory")
			here, err := s.Sessions.Find(t.Context(), s.Audit.Events()[0].Session)
			if err != nil {
				t.Fatal(err)
			}
			terminal, err := s.Sessions.Derive(t.Context(), here, session.Origin{Client: "fedbroker"})
			if err != nil {
				t.Fatal(err)
			}
			w := s.browser().slo("corp", c.ask) // no cookie is needed: a frame of the provider's has none
			u, err := url.Parse(w.Header().Get("Location"))
			if err != nil || w.Code != http.StatusSeeOther || u.Host != "idp.example.com" || u.Path != "/slo" || u.Query().Get("RelayState") != "corp's own" || !u.Query().Has("Signature") {
				t.Fatalf("%d to %s", w.Code, w.Header().Get("Location"))
			}
			e := s.Audit.Last()
			if e.Door != "slo" || e.Action != "logout" || e.Outcome != "ok" || e.Provider != "corp" || e.Subject != c.ask.NameID || len(e.Ended) != c.ended || len(e.ProofHash) != 64 {
				t.Errorf("record %+v", e)
			}
			if in := b.signedIn(); (in == "") != (c.ended > 0) {
				t.Errorf("in the browser: %q", in)
			}
			if _, err := s.Sessions.Find(t.Context(), terminal.ID); (err != nil) != (c.ended > 0) {
				t.Errorf("at the terminal: %v", err)
			}
			if other.signedIn() != "mallory" {
				t.Error("somebody else was signed out")
			}
		})
	}
}

func TestAProvidersLogoutIsTakenOnce(t *testing.T) {
	b := newSite(t, leaving).browser()
	query := b.Corp.LogoutQuery(t, ending("alice"))
	send := func() *httptest.ResponseRecorder { return b.send(b.request("GET", "/saml/corp/slo?"+query, nil), true) }
	if w := send(); w.Code != http.StatusSeeOther {
		t.Fatalf("%d", w.Code)
	}
	b.login("alice")
	wantRefusal(t, send(), 401, "replayed")
	if b.signedIn() != "alice" {
		t.Error("a message that was seen ends a session")
	}
}

func TestForeignLogoutRequests(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(b *browser) *httptest.ResponseRecorder
		code string
	}{
		"unsigned": {func(b *browser) *httptest.ResponseRecorder {
			l := ending("alice")
			l.Unsigned = true
			return b.slo("corp", l)
		}, "invalid_token"},
		"another provider's key": {func(b *browser) *httptest.ResponseRecorder {
			l := ending("alice")
			l.Signature.Key = b.Other.Keys[0]
			return b.slo("corp", l)
		}, "invalid_token"},
		"another provider's door": {func(b *browser) *httptest.ResponseRecorder {
			return b.send(b.request("GET", "/saml/other/slo?"+b.Corp.LogoutQuery(b.t, ending("alice")), nil), true)
		}, "invalid_token"},
		"another provider": {func(b *browser) *httptest.ResponseRecorder {
			l := ending("alice")
			l.Destination = doortest.SLO("other")
			query := "/saml/other/slo?" + b.Other.LogoutQuery(b.t, l)
			if w := b.send(b.request("GET", query, nil), true); w.Code != 200 { // it speaks of its own alice
				b.t.Errorf("%d %s", w.Code, w.Body)
			}
			return b.send(b.request("GET", query, nil), true)
		}, "replayed"},
		"neither": {func(b *browser) *httptest.ResponseRecorder { return b.get("/saml/corp/slo") }, "invalid_request"},
		"a form and a query": {func(b *browser) *httptest.ResponseRecorder {
			return b.send(b.request("POST", "/saml/corp/slo?"+b.Corp.LogoutQuery(b.t, ending("alice")), url.Values{"RelayState": {"x"}}), true)
		}, "invalid_request"},
		"too large": {func(b *browser) *httptest.ResponseRecorder {
			return b.send(b.request("POST", "/saml/corp/slo", url.Values{"SAMLRequest": {strings.Repeat("A", 200<<10)}}), true)
		}, "invalid_request"},
		"throttled": {func(b *browser) *httptest.ResponseRecorder {
			for range 3 {
				b.slo("corp", ending("bob"))
			}
			return b.slo("corp", ending("alice"))
		}, "throttled"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSite(t, leaving, func(o *portal.Options) {
				if name == "throttled" {
					o.Throttle = web.NewThrottle(1, 3+2, o.Clock) // a login is two
				}
			}).browser()
			b.login("alice")
			w := c.do(b)
			if w.Code < 400 || !strings.Contains(w.Body.String(), `<span class="id">`+c.code+`</span>`) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if b.signedIn() != "alice" {
				t.Error("alice was signed out")
			}
		})
	}
}

// TestAnOutageIsToldToTheProvider: it waits for the answer, and may try again with the same message.
func TestAnOutageIsToldToTheProvider(t *testing.T) {
	b := newSite(t, leaving).browser()
	b.login("alice")
	query := b.Corp.LogoutQuery(t, ending("alice"))
	b.Store.Stumble(1) // after the mark
	w := b.send(b.request("GET", "/saml/corp/slo?"+query, nil), true)
	b.Store.Mend()
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	el, _ := idptest.ReadSAML(t, idp.Redirect{URL: u.String()}, "SAMLResponse")
	if code := el.FindElement(".//StatusCode/StatusCode"); code == nil || !strings.HasSuffix(code.SelectAttrValue("Value", ""), ":PartialLogout") {
		t.Error("the answer does not say that sessions may go on")
	}
	if e := b.Audit.Last(); e.Outcome != "store_unavailable" || b.signedIn() != "alice" {
		t.Errorf("record %+v", e)
	}
	if w = b.send(b.request("GET", "/saml/corp/slo?"+query, nil), true); w.Code != http.StatusSeeOther || b.signedIn() != "" {
		t.Errorf("again: %d", w.Code)
	}
	b.login("alice")
	b.Store.Break(0)
	wantRefusal(t, b.slo("corp", ending("alice")), 503, "store_unavailable") // not even the mark
}

// TestTheProvidersWayThroughABrowser: where the answer goes back by a form, the page says what happened.
func TestTheProvidersWayThroughABrowser(t *testing.T) {
	b := newSite(t, leaving).browser()
	l := ending("nobody")
	l.Destination = doortest.SLO("other")
	form := b.Other.LogoutForm(t, l)
	w := b.send(b.request("POST", "/saml/other/slo", form), true)
	if wantPage(t, w, 200, "Other ended your session. Nothing of it was open here."); !strings.Contains(w.Body.String(), `name="SAMLResponse"`) || len(w.Result().Cookies()) > 0 {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	b = newSite(t, func(o *portal.Options) {
		leaving(o)
		o.Providers[0].Logouts = mute{o.Providers[0].Logouts}
	}).browser()
	b.login("alice")
	w = b.slo("corp", ending("alice"))
	if wantPage(t, w, 200, "Corp & Sons ended your session, and what you had open here with it."); b.signedIn() != "" || w.Header().Get("Refresh") != "" {
		t.Errorf("%v", w.Header())
	}
}

// mute wants no answer.
type mute struct{ idp.LogoutReader }

func (mute) AnswerLogout(context.Context, idp.Logout, bool) (idp.Redirect, error) {
	return idp.Redirect{}, idp.ErrStays
}

// TestNothingThatWasSignedInIsKept: the back button finds nothing in any cache.
func TestNothingThatWasSignedInIsKept(t *testing.T) {
	b := newSite(t, leaving).browser()
	b.login("alice")
	for _, target := range []string{"/", "/sessions", "/?role=prod/reader"} {
		if w := b.get(target); w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", target, w.Code, w.Header())
		}
	}
	b.depart()
	for _, target := range []string{"/", "/sessions"} {
		if w := b.get(target); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/login") {
			t.Errorf("%s after signing out: %d", target, w.Code)
		}
	}
}

// openID is a site whose people sign in at one, and leave it.
func openID(t *testing.T) *callbackSite {
	return newCallbackSite(t, func(o *portal.Options) { leaving(o) })
}

func (s *callbackSite) signIn(b *browser, id string) {
	s.t.Helper()
	wantRedirect(s.t, b.comeBack(id, s.trip(b, id, "")), "/")
}

// TestSigningOutAtAnOpenIDProvider: the ID token goes by a form, and stands in no URL and no record.
func TestSigningOutAtAnOpenIDProvider(t *testing.T) {
	s := openID(t)
	s.one.SetDiscovery(s.one.Metadata(map[string]any{"end_session_endpoint": "https://one.example.com/end"}))
	b := s.browser()
	s.signIn(b, "one")
	w := b.post("/logout", url.Values{})
	fields := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(w.Body.String(), -1) {
		fields.Set(m[1], html.UnescapeString(m[2]))
	}
	if !strings.Contains(w.Body.String(), `action="https://one.example.com/end"`) || !strings.HasSuffix(w.Header().Get("Content-Security-Policy"), "form-action 'self' https://one.example.com") {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	if fields.Get("post_logout_redirect_uri") != callbackURL("one") || fields.Get("client_id") != "broker" || strings.Count(fields.Get("id_token_hint"), ".") != 2 {
		t.Errorf("fields %v", fields)
	}
	for _, e := range append(s.Audit.Events(), s.Strangers.Events()...) {
		if blob, _ := json.Marshal(e); strings.Contains(string(blob), fields.Get("id_token_hint")) {
			t.Errorf("the ID token is on record: %s", blob)
		}
	}
	back := url.Values{"state": {fields.Get("state")}}
	wantRefusal(t, s.browser().comeBack("one", back), 401, "invalid_token") // another browser
	if w := b.comeBack("one", back); b.held() > 0 {
		t.Errorf("cookies %v", b.jar)
	} else {
		wantPage(t, w, 200, "one signed you out, too.")
	}
	wantRefusal(t, b.comeBack("one", back), 401, "invalid_token") // once

	// A code does not pass for a sign-out's answer, nor the other way round.
	s.signIn(b, "one")
	w = b.post("/logout", url.Values{})
	state := hiddenField(t, w, "state")
	wantRefusal(t, b.comeBack("one", url.Values{"state": {state}, "code": {"x"}, "iss": {s.one.URL}}), 401, "invalid_token")
	trip := s.trip(b, "one", "")
	wantRefusal(t, b.comeBack("one", url.Values{"state": {trip.Get("state")}}), 401, "invalid_token")
	// And at the door of another provider it is refused.
	s.signIn(b, "one")
	state = hiddenField(t, b.post("/logout", url.Values{}), "state")
	wantRefusal(t, b.comeBack("two", url.Values{"state": {state}}), 401, "invalid_token")
}

func hiddenField(t *testing.T, w *httptest.ResponseRecorder, name string) string {
	t.Helper()
	for _, m := range hidden.FindAllStringSubmatch(w.Body.String(), -1) {
		if m[1] == name {
			return html.UnescapeString(m[2])
		}
	}
	t.Fatalf("no %s: %s", name, w.Body)
	return ""
}

func (b *browser) backchannel(id string, form url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(b.request("POST", "/oidc/"+id+"/backchannel-logout", form), false)
}

func TestBackchannelLogout(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		ended  int
	}{
		"the session":     {map[string]any{"sid": "s-1"}, 1},
		"the person":      {map[string]any{"sub": "u1001"}, 1},
		"both":            {map[string]any{"sub": "u1001", "sid": "s-1"}, 1},
		"another session": {map[string]any{"sid": "s-2"}, 0},
		"another person":  {map[string]any{"sub": "u1002"}, 0},
	} {
		s := openID(t)
		s.one.SetClaims(map[string]any{"sid": "s-1"})
		b := s.browser()
		s.signIn(b, "one")
		c.claims["aud"] = "broker"
		w := s.browser().backchannel("one", url.Values{"logout_token": {s.one.LogoutToken(c.claims)}})
		if w.Code != http.StatusOK || w.Body.Len() > 0 || w.Header().Get("Cache-Control") != "no-store" || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if e := s.Audit.Last(); e.Door != "backchannel" || e.Action != "logout" || e.Provider != "one" || len(e.Ended) != c.ended {
			t.Errorf("%s: record %+v", name, e)
		}
		if in := b.signedIn(); (in == "") != (c.ended > 0) {
			t.Errorf("%s: signed in as %q", name, in)
		}
	}
}

func TestForeignBackchannelLogouts(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(s *callbackSite, b *browser) *httptest.ResponseRecorder
		status int
		code   string
	}{
		"another provider's token": {func(s *callbackSite, b *browser) *httptest.ResponseRecorder {
			return b.backchannel("one", url.Values{"logout_token": {s.two.LogoutToken(map[string]any{"aud": "broker", "sub": "u1001"})}})
		}, 400, "invalid_request"},
		"another provider's door": {func(s *callbackSite, b *browser) *httptest.ResponseRecorder {
			return b.backchannel("two", url.Values{"logout_token": {s.one.LogoutToken(map[string]any{"aud": "broker", "sub": "u1001"})}})
		}, 400, "invalid_request"},
		"a SAML provider's door": {func(s *callbackSite, b *browser) *httptest.ResponseRecorder {
			return b.backchannel("corp", b.Corp.LogoutForm(b.t, ending("alice")))
		}, 400, "invalid_request"},
		"GitHub's door": {func(_ *callbackSite, b *browser) *httptest.ResponseRecorder {
			return b.backchannel("github", url.Values{})
		}, 400, "invalid_request"},
		"an unknown provider": {func(_ *callbackSite, b *browser) *httptest.ResponseRecorder {
			return b.backchannel("none", url.Values{})
		}, 400, "invalid_request"},
		"no token": {func(_ *callbackSite, b *browser) *httptest.ResponseRecorder {
			return b.backchannel("one", url.Values{})
		}, 400, "invalid_request"},
		"a nonce": {func(s *callbackSite, b *browser) *httptest.ResponseRecorder {
			return b.backchannel("one", url.Values{"logout_token": {s.one.LogoutToken(map[string]any{"aud": "broker", "sub": "u1001", "nonce": "n"})}})
		}, 400, "invalid_request"},
		"twice": {func(s *callbackSite, b *browser) *httptest.ResponseRecorder {
			form := url.Values{"logout_token": {s.one.LogoutToken(map[string]any{"aud": "broker", "sub": "u1002"})}}
			b.backchannel("one", form)
			return b.backchannel("one", form)
		}, 400, "invalid_request"},
		"the store is away": {func(s *callbackSite, b *browser) *httptest.ResponseRecorder {
			b.Store.Stumble(1)
			return b.backchannel("one", url.Values{"logout_token": {s.one.LogoutToken(map[string]any{"aud": "broker", "sub": "u1001"})}})
		}, 400, "temporarily_unavailable"},
		"too many": {func(s *callbackSite, b *browser) *httptest.ResponseRecorder {
			for range 50 {
				b.backchannel("one", url.Values{})
			}
			return b.backchannel("one", url.Values{"logout_token": {s.one.LogoutToken(map[string]any{"aud": "broker", "sub": "u1001"})}})
		}, 429, "temporarily_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCallbackSite(t, func(o *portal.Options) {
				leaving(o)
				o.Throttle = web.NewThrottle(1, 20, o.Clock)
			})
			b := s.browser()
			s.signIn(b, "one")
			w := c.do(s, b)
			s.Store.Mend()
			var body map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != c.status || body["error"] != c.code || body["error_description"] == "" {
				t.Errorf("%d %s, %v", w.Code, w.Body, err)
			}
			if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/json" {
				t.Errorf("headers %v", h)
			}
			if b.Pass(time.Minute); b.signedIn() == "" {
				t.Error("somebody was signed out")
			}
		})
	}
}
