package oauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
)

// TestRegistration: the answer has every member that AWS's model requires, and its times are seconds.
func TestRegistration(t *testing.T) {
	s := newSite(t)
	got := answerOf(t, s.call("/client/register", map[string]any{"clientName": "botocore-client-corp", "clientType": "public", "scopes": []string{"sso:account:access"}}))
	if got["clientIdIssuedAt"] != float64(s.Now().Unix()) || got["clientSecretExpiresAt"] != float64(s.Now().Add(30*24*time.Hour).Unix()) ||
		got["authorizationEndpoint"] != doortest.PublicURL+"/authorize" || got["tokenEndpoint"] != doortest.PublicURL+"/token" || len(got) != 6 {
		t.Errorf("%v", got)
	}
	if e := s.Audit.Last(); e.Door != "oauth" || e.Action != "register" || e.Outcome != "ok" {
		t.Errorf("record %+v", e)
	}
}

// TestBrowserFlow is what AWS CLI 2.36 does with an sso-session: register, send the browser, listen, redeem, use,
// refresh, log out. The person signs in on the way, at a real SAML provider.
func TestBrowserFlow(t *testing.T) {
	s := newSite(t)
	c := s.terminal()
	target := "/authorize?" + c.request("3f6a-state").Encode()

	first := s.send("GET", target, "")
	if want := "/login?return=" + url.QueryEscape(target); first.Code != http.StatusSeeOther || first.Header().Get("Location") != want {
		t.Fatalf("without a login: %d to %q", first.Code, first.Header().Get("Location"))
	}
	p, landed := s.signIn(first.Header().Get("Location"))
	if landed != target {
		t.Fatalf("the login ends at %q", landed)
	}
	page := p.get(landed)
	for _, want := range []string{"botocore-client-corp", "192.0.2.1", "alice", "2026-11-26T00:01:00Z"} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page does not show %q: %s", want, page.Body)
		}
	}
	if policy := page.Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action 'self' http://127.0.0.1:43117") {
		t.Errorf("policy %q", policy)
	}
	w := p.press(page, "approve")
	query := back(t, w)
	if query.Get("state") != "3f6a-state" || len(query) != 2 || w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v %v", query, w.Header())
	}
	if e := s.Audit.Last(); e.Action != "consent" || e.Client != "botocore-client-corp" || e.Subject != "alice" || e.Session != p.login.ID || e.Remote != "192.0.2.1" {
		t.Errorf("record %+v", e)
	}
	answer := c.redeem(query.Get("code"))
	mine := tokensOf(t, answer)
	if got := answerOf(t, answer)["expiresIn"]; got != 3600.0 {
		t.Errorf("expiresIn %v", got)
	}
	if e := s.Audit.Last(); e.Action != "token" || e.Client != "botocore-client-corp" || e.Subject != "alice" || e.Session == p.login.ID || e.Session == "" {
		t.Errorf("record %+v", e)
	}
	s.wantAlive(mine.access, "alice")

	s.Pass(50 * time.Minute)
	next := tokensOf(t, c.refresh(mine.refresh))
	if next.refresh == mine.refresh || next.access == mine.access {
		t.Error("nothing rotated")
	}
	s.wantAlive(next.access, "alice")
	if w := s.send("POST", "/logout", "", header("x-amz-sso_bearer_token", next.access)); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("logout: %d %s", w.Code, w.Body)
	}
	s.wantDead(next.access)
	s.wantDead(mine.access)
	wantFault(t, c.refresh(next.refresh), 400, "InvalidGrantException", "invalid_grant")
	if w := p.get("/"); w.Code != http.StatusOK {
		t.Errorf("the browser was signed out as well: %d", w.Code)
	}
}

// signIn follows a browser through the login to where it ends.
func (s *site) signIn(location string) (person, string) {
	s.t.Helper()
	w := s.send("GET", location, "")
	w = s.send("GET", w.Header().Get("Location"), "")
	request, relay := idptest.ReadAuthnRequest(s.t, idp.Redirect{URL: w.Header().Get("Location")})
	form := url.Values{"SAMLResponse": {s.Corp.Respond(s.t, doortest.Answer("corp", "alice", request.SelectAttrValue("ID", "")))}, "RelayState": {relay}}
	acs := s.send("POST", "/saml/corp/acs", form.Encode(), header("Content-Type", "application/x-www-form-urlencoded"), header("Cookie", w.Result().Cookies()[0].String()))
	for _, cookie := range acs.Result().Cookies() {
		if cookie.Name == "__Host-session" {
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(cookie)
			token, _ := s.Cookies.ReadSession(r)
			login, err := s.Sessions.Get(s.t.Context(), token)
			s.must(err)
			return person{s, token, login}, acs.Header().Get("Location")
		}
	}
	s.t.Fatalf("not signed in: %d %s", acs.Code, acs.Body)
	return person{}, ""
}

// TestDeviceFlow is what AWS CLI 2.9 does, and newer ones with --use-device-code: it asks once before it shows the
// address, once more at once, and then every interval.
func TestDeviceFlow(t *testing.T) {
	s := newSite(t)
	c := s.headless()
	d := c.start()
	if d.full != "https://broker.test/device?user_code="+d.user {
		t.Errorf("%+v", d)
	}
	for range 2 {
		wantFault(t, c.poll(d), 400, "AuthorizationPendingException", "authorization_pending")
	}
	for range 20 { // forty seconds
		s.Pass(2 * time.Second)
		wantFault(t, c.poll(d), 400, "AuthorizationPendingException", "authorization_pending")
	}
	p := s.person("alice")
	page := p.get(strings.TrimPrefix(d.full, doortest.PublicURL))
	if !approval.MatchString(page.Body.String()) {
		t.Fatalf("one address, so that the link is enough: %s", page.Body)
	}
	done := p.press(page, "approve")
	if done.Code != http.StatusOK || !strings.Contains(done.Body.String(), "goes on in your terminal") {
		t.Errorf("%d %s", done.Code, done.Body)
	}
	if e := s.Audit.Last(); e.Action != "device" || e.Outcome != "ok" || e.Client != "botocore-client-1764072000" || e.Subject != "alice" {
		t.Errorf("record %+v", e)
	}
	s.Pass(2 * time.Second)
	mine := tokensOf(t, c.poll(d))
	s.wantAlive(mine.access, "alice")
	s.Pass(2 * time.Second)
	wantFault(t, c.poll(d), 400, "InvalidGrantException", "invalid_grant")
	s.wantAlive(mine.access, "alice")
	s.wantAlive(tokensOf(t, c.refresh(mine.refresh)).access, "alice")
}

// started is an answer of StartDeviceAuthorization.
type started struct{ device, user, full string }

func (c terminal) start(edits ...edit) started {
	c.t.Helper()
	w := c.call("/device_authorization", map[string]any{"clientId": c.id, "clientSecret": c.secret, "startUrl": "https://corp.awsapps.com/start"}, edits...)
	got := answerOf(c.t, w)
	if got["expiresIn"] != 600.0 || got["interval"] != 2.0 || got["verificationUri"] != doortest.PublicURL+"/device" || len(got) != 6 {
		c.t.Fatalf("%d %v", w.Code, got)
	}
	device, _ := got["deviceCode"].(string)
	user, _ := got["userCode"].(string)
	full, _ := got["verificationUriComplete"].(string)
	return started{device, user, full}
}

func (c terminal) poll(d started) *httptest.ResponseRecorder {
	c.t.Helper()
	return c.token(deviceGrant, map[string]any{"deviceCode": d.device})
}

// TestLimitsOfTheLogin: a command line's login ends with the login that approved it, and when it is not used.
func TestLimitsOfTheLogin(t *testing.T) {
	t.Run("the identity provider's end", func(t *testing.T) {
		s := newSite(t)
		id := identity("alice")
		id.SessionExpiry = s.Now().Add(20 * time.Minute)
		token, login, err := s.Sessions.Create(t.Context(), id, session.Origin{})
		s.must(err)
		c := s.terminal()
		s.Pass(5 * time.Minute)
		w := c.redeem(person{s, token, login}.approve(c))
		mine := tokensOf(t, w)
		if got := answerOf(t, w)["expiresIn"]; got != 900.0 {
			t.Errorf("expiresIn %v", got)
		}
		s.Pass(15*time.Minute - time.Second)
		s.wantAlive(mine.access, "alice")
		s.Pass(time.Second)
		s.wantDead(mine.access)
		wantFault(t, c.refresh(mine.refresh), 400, "InvalidGrantException", "invalid_grant")
	})
	t.Run("absolute", func(t *testing.T) {
		s := newSite(t)
		c, p := s.terminal(), s.person("alice")
		s.Pass(10 * time.Minute)
		mine := c.login(p)
		for range 14 { // every 50 minutes, until ten minutes before twelve hours after the login
			s.Pass(50 * time.Minute)
			mine = tokensOf(t, c.refresh(mine.refresh))
		}
		s.Pass(10 * time.Minute)
		s.wantDead(mine.access)
		wantFault(t, c.refresh(mine.refresh), 400, "InvalidGrantException", "invalid_grant")
	})
	t.Run("idle", func(t *testing.T) {
		s := newSite(t)
		c, p := s.terminal(), s.person("alice")
		mine := c.login(p)
		s.Pass(time.Hour)
		wantFault(t, c.refresh(mine.refresh), 400, "InvalidGrantException", "invalid_grant")
	})
	t.Run("an access token lives an hour", func(t *testing.T) {
		s := newSite(t)
		c, p := s.terminal(), s.person("alice")
		mine := c.login(p)
		s.Pass(time.Hour - time.Second)
		s.wantAlive(mine.access, "alice")
		s.Pass(time.Second)
		s.wantDead(mine.access)
		s.wantAlive(tokensOf(t, c.refresh(mine.refresh)).access, "alice") // its use kept the login from being idle
	})
	t.Run("signed out between approval and token", func(t *testing.T) {
		s := newSite(t)
		c, p := s.terminal(), s.person("alice")
		code := p.approve(c)
		s.must(s.Sessions.End(t.Context(), p.token))
		wantFault(t, c.redeem(code), 400, "InvalidGrantException", "invalid_grant")
	})
}

// TestLimitsDoNotRestOnTheStore: where nothing expires by itself, everything still ends.
func TestLimitsDoNotRestOnTheStore(t *testing.T) {
	s := frozenSite(t)
	c, device, p := s.terminal(), s.headless(), s.person("alice")
	mine, code, d := c.login(p), p.approve(c), device.start()
	page := p.typed(d.user)
	s.Pass(time.Minute)
	noGrant(t, c.redeem(code))
	s.Pass(9 * time.Minute)
	if w := p.press(page, "approve"); !asksForCode(w) {
		t.Errorf("a device was approved after ten minutes: %s", w.Body)
	}
	d = device.start()
	s.Pass(10 * time.Minute)
	p = s.person("alice")
	if w := p.typed(d.user); !asksForCode(w) {
		t.Errorf("a device is shown after ten minutes: %s", w.Body)
	}
	wantFault(t, device.poll(d), 400, "ExpiredTokenException", "expired_token")
	s.wantAlive(mine.access, "alice") // so that the login is not idle
	s.Pass(40 * time.Minute)
	s.wantDead(mine.access)
	tokensOf(t, c.refresh(mine.refresh))
}
