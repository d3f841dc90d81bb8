package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
)

// TestAuthorizeRefuses: whatever is wrong is shown on a page, to whoever asks, and is sent nowhere.
func TestAuthorizeRefuses(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	for name, change := range map[string]func(url.Values){
		"plain PKCE":            func(v url.Values) { v.Set("code_challenge_method", "plain"); v.Set("code_challenge", verifier) },
		"PKCE without a method": func(v url.Values) { v.Del("code_challenge_method") },
		"lower-case method":     func(v url.Values) { v.Set("code_challenge_method", "s256") },
		"SHA-256":               func(v url.Values) { v.Set("code_challenge_method", "SHA-256") },
		"no challenge":          func(v url.Values) { v.Del("code_challenge") },
		"empty challenge":       func(v url.Values) { v.Set("code_challenge", "") },
		"short challenge":       func(v url.Values) { v.Set("code_challenge", challengeOf(verifier)[:42]) },
		"long challenge":        func(v url.Values) { v.Set("code_challenge", challengeOf(verifier)+"A") },
		"a line more":           func(v url.Values) { v.Set("code_challenge", challengeOf(verifier)+"\n") },
		"padded challenge":      func(v url.Values) { v.Set("code_challenge", challengeOf(verifier)+"=") },
		"challenge of + and /":  func(v url.Values) { v.Set("code_challenge", strings.Repeat("+/", 21)+"A") },
		"no PKCE at all":        func(v url.Values) { v.Del("code_challenge"); v.Del("code_challenge_method") },
		"implicit":              func(v url.Values) { v.Set("response_type", "token") },
		"hybrid":                func(v url.Values) { v.Set("response_type", "code token") },
		"no response type":      func(v url.Values) { v.Del("response_type") },
		"no state":              func(v url.Values) { v.Del("state") },
		"long state":            func(v url.Values) { v.Set("state", strings.Repeat("x", 513)) },
		"state of two lines":    func(v url.Values) { v.Set("state", "a\r\nSet-Cookie: x=y") },
		"state with a space":    func(v url.Values) { v.Set("state", "a b") },
		"no client":             func(v url.Values) { v.Del("client_id") },
		"unknown client":        func(v url.Values) { v.Set("client_id", "fbi_AAAA") },
		"no redirect URI":       func(v url.Values) { v.Del("redirect_uri") },
		"another scope":         func(v url.Values) { v.Set("scopes", "sso:account:access openid") },
		"OAuth's own scope":     func(v url.Values) { v.Set("scope", "sso:account:access") },
		"response_mode":         func(v url.Values) { v.Set("response_mode", "form_post") },
		"request object":        func(v url.Values) { v.Set("request", "eyJ") },
		"state twice":           func(v url.Values) { v.Add("state", "s2") },
		"redirect URI twice":    func(v url.Values) { v.Add("redirect_uri", "http://127.0.0.1:1/oauth/callback") },
		"client twice":          func(v url.Values) { v.Add("client_id", v.Get("client_id")) },
		"too long":              func(v url.Values) { v.Set("scopes", strings.Repeat("sso:account:access ", 200)) },
	} {
		t.Run(name, func(t *testing.T) {
			request := c.request("s1")
			change(request)
			for _, w := range []*httptest.ResponseRecorder{p.get("/authorize?" + request.Encode()), s.send("GET", "/authorize?"+request.Encode(), "")} {
				if w.Code != http.StatusBadRequest && w.Code != http.StatusUnauthorized || w.Header().Get("Location") != "" || approval.MatchString(w.Body.String()) {
					t.Errorf("%d to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
				}
			}
			request["session"], request["decision"] = []string{p.login.ID}, []string{"approve"}
			if w := p.post("/authorize", request); w.Code != http.StatusBadRequest && w.Code != http.StatusUnauthorized || w.Header().Get("Location") != "" {
				t.Errorf("posted: %d to %q", w.Code, w.Header().Get("Location"))
			}
		})
	}
	for _, raw := range []string{"%zz", "a;b", "client_id=%"} {
		if w := p.get("/authorize?" + raw); w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d", raw, w.Code)
		}
	}
}

// TestApprovalIsAPersonsOwn: a form of another site, without a login, by an old one, or in somebody else's session
// approves nothing.
func TestApprovalIsAPersonsOwn(t *testing.T) {
	s := newSite(t)
	c, alice, bob := s.terminal(), s.person("alice"), s.person("bob")
	target := "/authorize?" + c.request("s1").Encode()
	form := fields(alice.get(target))
	form.Set("decision", "approve")
	encoded := form.Encode()
	asForm, ours := header("Content-Type", "application/x-www-form-urlencoded"), header("Origin", doortest.PublicURL)
	for name, edits := range map[string][]edit{
		"another site":              {asForm, alice.cookie(), header("Origin", "https://evil.test"), header("Sec-Fetch-Site", "cross-site")},
		"the client's own page":     {asForm, alice.cookie(), header("Origin", "http://127.0.0.1:43117")},
		"an opaque origin":          {asForm, alice.cookie(), header("Origin", "null")},
		"no origin":                 {asForm, alice.cookie()},
		"a sibling":                 {asForm, alice.cookie(), header("Sec-Fetch-Site", "same-site")},
		"no login":                  {asForm, ours},
		"a login that is none":      {asForm, ours, header("Cookie", "__Host-session="+strings.Repeat("A", 43))},
		"two logins":                {asForm, ours, alice.cookie(), bob.cookie()},
		"somebody else signed in":   {asForm, ours, bob.cookie()},
		"JSON":                      {header("Content-Type", "application/json"), ours, alice.cookie()},
		"an access token as cookie": {asForm, ours, header("Cookie", "__Host-session="+c.login(alice).access)},
	} {
		w := s.send("POST", "/authorize", encoded, edits...)
		if w.Code != http.StatusBadRequest && w.Code != http.StatusUnauthorized || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q", name, w.Code, w.Header().Get("Location"))
		}
	}
	for name, change := range map[string]func(url.Values){
		"no decision": func(v url.Values) { v.Del("decision") }, "another decision": func(v url.Values) { v.Set("decision", "yes") },
		"no session": func(v url.Values) { v.Del("session") }, "a field more": func(v url.Values) { v.Set("x", "y") },
	} {
		changed := fields(alice.get(target))
		changed.Set("decision", "approve")
		change(changed)
		if w := alice.post("/authorize", changed); w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := alice.send("GET", target+"&decision=approve&session="+alice.login.ID, "", alice.cookie()); w.Code != http.StatusBadRequest {
		t.Errorf("approved by a link: %d", w.Code)
	}
	if w := alice.post("/authorize", form); back(t, w).Get("code") == "" {
		t.Error("the form itself is not good")
	}
}

// TestApprovalNeedsAYoungLogin: fifteen minutes, at the page and at the button.
func TestApprovalNeedsAYoungLogin(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	target := "/authorize?" + c.request("s1").Encode()
	s.Pass(15*time.Minute - time.Second)
	page := p.get(target)
	if page.Code != http.StatusOK {
		t.Fatalf("%d", page.Code)
	}
	device := p.get("/device")
	s.Pass(time.Second)
	for _, path := range []string{target, "/device", "/device?user_code=BCDF-GHJK"} {
		if w := p.get(path); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login?return="+url.QueryEscape(path) {
			t.Errorf("%s: %d to %q", path, w.Code, w.Header().Get("Location"))
		}
		if e := s.Audit.Last(); e.Outcome != "login_required" || e.Subject != "alice" {
			t.Errorf("record %+v", e)
		}
	}
	if w := p.press(page, "approve"); w.Code != http.StatusUnauthorized || w.Header().Get("Location") != "" {
		t.Errorf("approved by an old login: %d", w.Code)
	}
	if w := p.post(action(t, device), url.Values{"code": {s.headless().start().user}}); w.Code != http.StatusUnauthorized {
		t.Errorf("a device shown to an old login: %d", w.Code)
	}
}

func TestDenied(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	query := back(t, p.press(p.get("/authorize?"+c.request("s1").Encode()), "deny"))
	if query.Get("error") != "access_denied" || query.Get("state") != "s1" || len(query) != 2 {
		t.Errorf("%v", query)
	}
	if e := s.Audit.Last(); e.Outcome != "not_authorized" || e.Subject != "alice" || e.Client != "botocore-client-corp" {
		t.Errorf("record %+v", e)
	}
}

// TestACodeIsUsedOnce: again, late, altered, or by another client it is nothing; what it began ends when it comes
// again.
func TestACodeIsUsedOnce(t *testing.T) {
	refused := func(t *testing.T, w *httptest.ResponseRecorder) {
		t.Helper()
		wantFault(t, w, 400, "InvalidGrantException", "invalid_grant")
	}
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	t.Run("again", func(t *testing.T) {
		code := p.approve(c)
		mine := tokensOf(t, c.redeem(code))
		refused(t, c.redeem(code))
		if e := s.Strangers.Last(); e.Outcome != "replayed" {
			t.Errorf("record %+v", e)
		}
		s.wantDead(mine.access)
		refused(t, c.refresh(mine.refresh))
	})
	t.Run("after a minute", func(t *testing.T) {
		code := p.approve(c)
		s.Pass(time.Minute)
		refused(t, c.redeem(code))
	})
	t.Run("just within a minute", func(t *testing.T) {
		code := p.approve(c)
		s.Pass(time.Minute - time.Second)
		tokensOf(t, c.redeem(code))
	})
	p = s.person("alice") // young again
	t.Run("another client's", func(t *testing.T) {
		code := p.approve(c)
		refused(t, s.terminal().redeem(code))
		tokensOf(t, c.redeem(code)) // which did not spend it
	})
	for name, change := range map[string]func(map[string]any){
		"another verifier":      func(b map[string]any) { b["codeVerifier"] = strings.ToUpper(verifier) },
		"the challenge itself":  func(b map[string]any) { b["codeVerifier"] = challengeOf(verifier) },
		"a longer verifier":     func(b map[string]any) { b["codeVerifier"] = verifier + "x" },
		"another port":          func(b map[string]any) { b["redirectUri"] = "http://127.0.0.1:43118/oauth/callback" },
		"the registered URI":    func(b map[string]any) { b["redirectUri"] = redirectBase },
		"another path":          func(b map[string]any) { b["redirectUri"] = redirectURI + "/x" },
		"a redirect elsewhere":  func(b map[string]any) { b["redirectUri"] = "https://evil.test/" },
		"a code of another day": func(b map[string]any) { b["code"] = "fbc_" + strings.Repeat("A", 43) },
	} {
		t.Run(name, func(t *testing.T) {
			code := p.approve(c)
			body := map[string]any{"code": code, "redirectUri": redirectURI, "codeVerifier": verifier}
			change(body)
			refused(t, c.token("authorization_code", body))
			if body["code"] == code {
				refused(t, c.redeem(code)) // one guess
			}
		})
	}
	t.Run("weak verifiers", func(t *testing.T) {
		for _, weak := range []string{strings.Repeat("x", 42), strings.Repeat("x", 129), strings.Repeat("x", 43) + "+", strings.Repeat("é", 30)} {
			request := c.request("s1")
			request.Set("code_challenge", challengeOf(weak))
			code := back(t, p.press(p.get("/authorize?"+request.Encode()), "approve")).Get("code")
			refused(t, c.token("authorization_code", map[string]any{"code": code, "redirectUri": redirectURI, "codeVerifier": weak}))
		}
	})
	t.Run("altered", func(t *testing.T) {
		code := p.approve(c)
		for _, other := range altered(code)[1:] {
			s.Pass(60 * time.Millisecond)
			if w := c.redeem(other); w.Code != http.StatusBadRequest {
				t.Fatalf("%q: %d", other, w.Code)
			}
		}
		tokensOf(t, c.redeem(code))
	})
}

// TestTwentyRedeemOneCode: one of them gets tokens, and at least nobody gets a second login.
func TestTwentyRedeemOneCode(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	code := p.approve(c)
	answers := together(20, func() *httptest.ResponseRecorder { return c.redeem(code) })
	got := 0
	for _, w := range answers {
		if w.Code == http.StatusOK {
			got++
		} else {
			wantFault(t, w, 400, "InvalidGrantException", "invalid_grant")
		}
	}
	if got != 1 {
		t.Errorf("%d of 20 got tokens", got)
	}
}

func together(n int, do func() *httptest.ResponseRecorder) []*httptest.ResponseRecorder {
	out := make([]*httptest.ResponseRecorder, n)
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			<-start
			out[i] = do()
		})
	}
	close(start)
	wait.Wait()
	return out
}

// TestOutage: without the store nothing is issued at any step, and clients are told to try again.
func TestOutage(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	mine := c.login(p)
	d := s.headless()
	started := d.start()
	page, device := p.get("/authorize?"+c.request("s1").Encode()), p.get("/device?user_code="+started.user)
	code := p.approve(c)
	for after := range 8 {
		steps := map[string]func() *httptest.ResponseRecorder{
			"redeem":  func() *httptest.ResponseRecorder { return c.redeem(code) },
			"refresh": func() *httptest.ResponseRecorder { return c.refresh(mine.refresh) },
			"poll":    func() *httptest.ResponseRecorder { return d.poll(started) },
			"start": func() *httptest.ResponseRecorder {
				return s.call("/device_authorization", map[string]any{"clientId": d.id, "clientSecret": d.secret, "startUrl": "x"})
			},
			"consent": func() *httptest.ResponseRecorder { return p.press(page, "approve") },
			"device":  func() *httptest.ResponseRecorder { return p.press(device, "approve") },
			"type":    func() *httptest.ResponseRecorder { return p.post("/device", url.Values{"code": {started.user}}) },
			"api":     func() *httptest.ResponseRecorder { return s.send("GET", "/api/v1/whoami", "", bearer(mine.access)) },
			"logout": func() *httptest.ResponseRecorder {
				return s.send("POST", "/logout", "", header("x-amz-sso_bearer_token", mine.access))
			},
		}
		for name, step := range steps {
			if after > 0 && name != "redeem" && name != "refresh" { // those two go on further, and are spent by it
				continue
			}
			s.Store.Break(after)
			w := step()
			s.Store.Mend()
			switch {
			case name == "logout" || w.Code == http.StatusServiceUnavailable: // the SSO portal's errors, and our own
			case w.Code == http.StatusInternalServerError:
				wantFault(t, w, 500, "InternalServerException", "server_error")
			case after == 0 || w.Code != http.StatusOK && (name != "redeem" || w.Code != http.StatusBadRequest):
				t.Errorf("%s after %d operations: %d %s", name, after, w.Code, w.Body)
			}
			if name == "logout" && w.Code != http.StatusInternalServerError {
				t.Errorf("logout: %d %s", w.Code, w.Body)
			}
		}
	}
}

// TestNothingLeavesUnrecorded: when the audit log cannot be written no code and no token leaves.
func TestNothingLeavesUnrecorded(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	code := p.approve(c)
	page := p.get("/authorize?" + c.request("s1").Encode())
	mine := c.login(p)
	s.Audit.Break()
	wantFault(t, c.redeem(code), 500, "InternalServerException", "server_error")
	wantFault(t, c.refresh(mine.refresh), 500, "InternalServerException", "server_error")
	wantFault(t, s.call("/client/register", map[string]any{"clientName": "x", "clientType": "public"}), 500, "InternalServerException", "server_error")
	if w := p.press(page, "approve"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Location") != "" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
}
