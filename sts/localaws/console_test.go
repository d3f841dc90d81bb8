package localaws_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/idptest"
)

// browser keeps cookies and does not follow redirects.
type browser struct {
	w   *world
	jar http.CookieJar
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, jar}
}

func (b *browser) open(method, target string, header map[string]string) reply {
	b.w.t.Helper()
	request, err := http.NewRequest(method, target, nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	for _, cookie := range b.jar.Cookies(request.URL) {
		request.AddCookie(cookie)
	}
	got := b.w.do(request)
	b.jar.SetCookies(request.URL, (&http.Response{Header: got.header}).Cookies())
	return got
}

func sessionJSON(c *types.Credentials) string {
	text, err := json.Marshal(map[string]string{"sessionId": *c.AccessKeyId, "sessionKey": *c.SecretAccessKey, "sessionToken": *c.SessionToken})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (w *world) admin(edits ...func(*idptest.Statement)) *types.Credentials {
	w.t.Helper()
	response := w.response(edits...)
	out, err := w.client(nil).AssumeRoleWithSAML(context.Background(), &sts.AssumeRoleWithSAMLInput{RoleArn: aws.String(adminRole), PrincipalArn: aws.String(samlProvider), SAMLAssertion: &response})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Credentials
}

// signinToken asks by GET or by POST, whose answers must be alike.
func (w *world) signinToken(method string, form url.Values) (string, reply) {
	w.t.Helper()
	form.Set("Action", "getSigninToken")
	target, body := w.url+"/federation", ""
	if method == http.MethodGet {
		target += "?" + form.Encode()
	} else {
		body = form.Encode()
	}
	request, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	got := w.do(request)
	var answer struct{ SigninToken string }
	if got.status == http.StatusOK {
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
			w.t.Fatal(err)
		}
	}
	return answer.SigninToken, got
}

func (w *world) loginURL(token, destination string) string {
	return w.url + "/federation?" + url.Values{"Action": {"login"}, "SigninToken": {token}, "Destination": {destination}, "Issuer": {"https://broker.example.com/"}}.Encode()
}

func TestConsoleSignIn(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		w := newWorld(t)
		c := w.admin(func(s *idptest.Statement) {
			s.Attributes = map[string][]string{idptest.AttributePrefix + "PrincipalTag:team": {"core"}, idptest.AttributePrefix + "SourceIdentity": {"alice@example.com"}, idptest.AttributePrefix + "TransitiveTagKeys": {"team"}}
		})
		token, got := w.signinToken(method, url.Values{"Session": {sessionJSON(c)}, "SessionDuration": {"7200"}, "SessionType": {"json"}})
		equal(t, method, got.status, http.StatusOK)
		b := w.browser()
		login := b.open(http.MethodGet, w.loginURL(token, w.url+"/console/s3/home?region=eu-central-1"), nil)
		equal(t, "login", login.status, http.StatusSeeOther)
		equal(t, "location", login.header.Get("Location"), "/console/s3/home?region=eu-central-1")
		equal(t, "referrer", login.header.Get("Referrer-Policy"), "no-referrer")
		cookie := login.header.Get("Set-Cookie")
		for _, want := range []string{"localaws_console=", "HttpOnly", "SameSite=Lax", "Path=/console", "Max-Age=7200"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("cookie %q lacks %s", cookie, want)
			}
		}
		page := b.open(http.MethodGet, w.url+"/console/s3/home", nil)
		equal(t, "page", page.status, http.StatusOK)
		for _, want := range []string{
			"Signed in as alice", prod, "acme-prod", adminRole, "arn:aws:sts::" + prod + ":assumed-role/Admin/alice", "alice@example.com",
			">team<", ">core<", "yes (transitive)", "AssumeRoleWithSAML", samlProvider, "s3/home", "Sign out", "https://broker.example.com/",
			w.clock.Now().Add(2 * time.Hour).UTC().Format("2006-01-02 15:04:05 UTC"), w.clock.Now().Add(time.Hour).UTC().Format("2006-01-02 15:04:05 UTC"),
		} {
			if !strings.Contains(page.body, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		policy := page.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(page.body, "<script") || strings.Contains(page.body, "style=") {
			t.Errorf("not a strict page: %s", policy)
		}
		equal(t, "no-store", page.header.Get("Cache-Control"), "no-store")

		w.clock.Add(2*time.Hour - time.Second)
		equal(t, "a second before its end", b.open(http.MethodGet, w.url+"/console", nil).status, http.StatusOK)
		w.clock.Add(time.Second)
		equal(t, "at its end", b.open(http.MethodGet, w.url+"/console", nil).status, http.StatusUnauthorized)
	}
}

func TestConsoleWithoutDurationEndsWithCredentials(t *testing.T) {
	w := newWorld(t)
	token, _ := w.signinToken(http.MethodPost, url.Values{"Session": {sessionJSON(w.admin())}})
	b := w.browser()
	equal(t, "login", b.open(http.MethodGet, w.loginURL(token, w.url), nil).status, http.StatusSeeOther)
	w.clock.Add(time.Hour - time.Second)
	equal(t, "before", b.open(http.MethodGet, w.url+"/console", nil).status, http.StatusOK)
	w.clock.Add(time.Second)
	equal(t, "after", b.open(http.MethodGet, w.url+"/console", nil).status, http.StatusUnauthorized)
}

func TestSigninTokenRefusals(t *testing.T) {
	w := newWorld(t)
	c := w.admin()
	ctx := context.Background()
	direct, err := w.user().AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(hubRole), RoleSessionName: aws.String("xx")})
	if err != nil {
		t.Fatal(err)
	}
	chained, err := w.session(direct.Credentials).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(readerRole), RoleSessionName: aws.String("xx"), ExternalId: aws.String("acme-7f3")})
	if err != nil {
		t.Fatal(err)
	}
	edit := func(from, to string) string { return strings.Replace(sessionJSON(c), from, to, 1) }
	for name, test := range map[string]struct {
		form url.Values
		want int
	}{
		"good":                      {url.Values{"Session": {sessionJSON(c)}}, 200},
		"direct with a duration":    {url.Values{"Session": {sessionJSON(direct.Credentials)}, "SessionDuration": {"43200"}}, 200},
		"chained":                   {url.Values{"Session": {sessionJSON(chained.Credentials)}}, 200},
		"chained with a duration":   {url.Values{"Session": {sessionJSON(chained.Credentials)}, "SessionDuration": {"900"}}, 400},
		"899":                       {url.Values{"Session": {sessionJSON(c)}, "SessionDuration": {"899"}}, 400},
		"43201":                     {url.Values{"Session": {sessionJSON(c)}, "SessionDuration": {"43201"}}, 400},
		"no number":                 {url.Values{"Session": {sessionJSON(c)}, "SessionDuration": {"1h"}}, 400},
		"no session":                {url.Values{}, 400},
		"no JSON":                   {url.Values{"Session": {"x"}}, 400},
		"a wrong secret":            {url.Values{"Session": {edit(`"sessionKey":"`, `"sessionKey":"x`)}}, 400},
		"a wrong token":             {url.Values{"Session": {edit(`"sessionToken":"`, `"sessionToken":"x`)}}, 400},
		"a wrong key id":            {url.Values{"Session": {edit("ASIA", "ASIB")}}, 400},
		"a key in another case":     {url.Values{"Session": {edit("sessionKey", "sessionkey")}}, 400},
		"one key too many":          {url.Values{"Session": {edit("{", `{"x":"y",`)}}, 400},
		"a user's key":              {url.Values{"Session": {`{"sessionId":"` + userKey + `","sessionKey":"` + userSecret + `","sessionToken":""}`}}, 400},
		"session twice":             {url.Values{"Session": {sessionJSON(c), sessionJSON(c)}}, 400},
		"a duration in both places": {url.Values{"Session": {sessionJSON(c)}, "SessionDuration": {"900", "1800"}}, 400},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			_, got := w.signinToken(method, test.form)
			equal(t, method+" "+name, got.status, test.want)
		}
	}
	w.clock.Add(time.Hour)
	_, got := w.signinToken(http.MethodPost, url.Values{"Session": {sessionJSON(c)}})
	equal(t, "expired", got.status, http.StatusBadRequest)
	equal(t, "no action", w.get("/federation").status, http.StatusBadRequest)
	equal(t, "another action", w.get("/federation?Action=x").status, http.StatusBadRequest)
}

func TestLoginRefusals(t *testing.T) {
	w := newWorld(t)
	token, _ := w.signinToken(http.MethodPost, url.Values{"Session": {sessionJSON(w.admin())}})
	host := w.hostOf()
	for _, destination := range []string{
		"", "/console", "//" + host + "/console", "https://" + host + "/console", "https://console.aws.amazon.com/", "http://evil.example.com/console",
		"http://" + host + "@evil.example.com/console", "http://evil.example.com#" + host,
		w.url + "/console/../healthz", w.url + "/console/%2e%2e/healthz", w.url + "/console//evil.example.com", w.url + `/console/\evil`, "javascript:alert(1)",
		w.url + ":80/console", "http://" + host + ".evil.example.com/console",
	} {
		got := w.browser().open(http.MethodGet, w.loginURL(token, destination), nil)
		if got.status != http.StatusBadRequest || got.header.Get("Location") != "" || got.header.Get("Set-Cookie") != "" {
			t.Errorf("destination %q: %d %s", destination, got.status, got.header.Get("Location"))
		}
	}
	for destination, want := range map[string]string{
		"": "/console", "/": "/console", "?region=x": "/console?region=x", "/console": "/console", "/console/home#a": "/console/home#a", "/s3/home?region=x": "/console/s3/home?region=x",
		"/federation?Action=logout": "/console/federation?Action=logout", "/consolex": "/console/consolex",
	} {
		got := w.browser().open(http.MethodGet, w.loginURL(token, w.url+destination), nil)
		equal(t, "to "+destination, got.header.Get("Location"), want)
	}
	for name, bad := range map[string]string{"no token": "", "a foreign token": "x", "half a token": token[:20]} {
		equal(t, name, w.browser().open(http.MethodGet, w.loginURL(bad, w.url+"/console"), nil).status, http.StatusBadRequest)
	}
	w.clock.Add(15*time.Minute - time.Second)
	equal(t, "a second before the end", w.browser().open(http.MethodGet, w.loginURL(token, w.url+"/console"), nil).status, http.StatusSeeOther)
	w.clock.Add(time.Second)
	equal(t, "after 15 minutes", w.browser().open(http.MethodGet, w.loginURL(token, w.url+"/console"), nil).status, http.StatusBadRequest)
}

func TestSignOut(t *testing.T) {
	w := newWorld(t)
	token, _ := w.signinToken(http.MethodPost, url.Values{"Session": {sessionJSON(w.admin())}})
	signIn := func() *browser {
		b := w.browser()
		b.open(http.MethodGet, w.loginURL(token, w.url+"/console"), nil)
		return b
	}
	b := signIn()
	foreign := b.open(http.MethodPost, w.url+"/console/sign-out", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.com"})
	equal(t, "another site", foreign.status, http.StatusForbidden)
	equal(t, "still signed in", b.open(http.MethodGet, w.url+"/console", nil).status, http.StatusOK)
	u, err := url.Parse(w.url + "/console")
	if err != nil {
		t.Fatal(err)
	}
	kept := b.jar.Cookies(u)[0]
	out := b.open(http.MethodPost, w.url+"/console/sign-out", map[string]string{"Sec-Fetch-Site": "same-origin"})
	equal(t, "sign out", out.status, http.StatusSeeOther)
	equal(t, "location", out.header.Get("Location"), "/console/signed-out")
	equal(t, "signed out", b.open(http.MethodGet, w.url+"/console", nil).status, http.StatusUnauthorized)
	equal(t, "the cookie is worthless", w.browser().open(http.MethodGet, w.url+"/console", map[string]string{"Cookie": kept.Name + "=" + kept.Value}).status, http.StatusUnauthorized)

	b = signIn()
	logout := b.open(http.MethodGet, w.url+"/federation?Action=logout", nil)
	equal(t, "logout", logout.status, http.StatusFound)
	next := w.loginURL(token, w.url+"/console")
	again := b.open(http.MethodGet, w.url+"/oauth?Action=logout&redirect_uri="+url.QueryEscape(next), nil)
	equal(t, "logout, then login", w.url+again.header.Get("Location"), next)
	equal(t, "signed out by the link", b.open(http.MethodGet, w.url+"/console", nil).status, http.StatusUnauthorized)
	for _, bad := range []string{"https://evil.example.com/federation", "//evil.example.com", "http://evil.example.com@" + w.hostOf() + "/federation"} {
		got := b.open(http.MethodGet, w.url+"/oauth?Action=logout&redirect_uri="+url.QueryEscape(bad), nil)
		equal(t, bad, got.status, http.StatusBadRequest)
	}
}

// Hostile text in every place that the page shows.
func TestPageEscapes(t *testing.T) {
	w := newWorld(t)
	c := w.admin(func(s *idptest.Statement) {
		s.Attributes = map[string][]string{idptest.AttributePrefix + "PrincipalTag:a": {"b"}}
	})
	token, _ := w.signinToken(http.MethodPost, url.Values{"Session": {sessionJSON(c)}})
	b := w.browser()
	form := url.Values{"Action": {"login"}, "SigninToken": {token}, "Destination": {w.url + "/console"}, "Issuer": {"javascript://evil.example.com/%0aalert(1)"}}
	equal(t, "login", b.open(http.MethodGet, w.url+"/federation?"+form.Encode(), nil).status, http.StatusSeeOther)
	page := b.open(http.MethodGet, w.url+`/console/%22%3E%3Cscript%3Ealert(1)%3C/script%3E`, nil)
	for _, bad := range []string{"<script", "javascript:"} {
		if strings.Contains(page.body, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(page.body, "&lt;script&gt;") {
		t.Error("the place is not shown")
	}
}
