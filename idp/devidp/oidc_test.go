package devidp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// callback is the relying party's own page: it shows its query, so that tests can read the answer.
func callback(t *testing.T) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(r.URL.Query())
	}) + "/callback?fixed=1"
}

// relyingParty is go-oidc and x/oauth2 against the identity provider.
type relyingParty struct {
	s        *devidp.Server
	config   oauth2.Config
	provider *oidc.Provider
	clock    *clock
}

func newRelyingParty(t *testing.T) *relyingParty {
	t.Helper()
	now := newClock()
	redirect := callback(t)
	s := start(t, func(o *devidp.Options) {
		o.Clock = now.Now
		o.Clients = []devidp.Client{
			{ID: "broker", Secret: secret.New("s3cret%+ x"), RedirectURIs: []string{redirect}},
			{ID: "other", Secret: secret.New("other"), RedirectURIs: []string{redirect}},
		}
	})
	provider, err := oidc.NewProvider(t.Context(), s.BaseURL())
	if err != nil {
		t.Fatal(err)
	}
	return &relyingParty{s: s, provider: provider, clock: now, config: oauth2.Config{
		ClientID: "broker", ClientSecret: "s3cret%+ x", RedirectURL: redirect, Endpoint: provider.Endpoint(),
		Scopes: []string{"openid", "email", "groups"},
	}}
}

const verifier = "a-code-verifier-of-at-least-forty-three-characters"

func (rp *relyingParty) authorizeURL(extra ...oauth2.AuthCodeOption) string {
	return rp.config.AuthCodeURL("state-1", append([]oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce-1")}, extra...)...)
}

// answer is what the callback was told.
func answer(t *testing.T, page *devclient.Page) url.Values {
	t.Helper()
	var q url.Values
	if err := json.Unmarshal(page.Body, &q); err != nil {
		t.Fatalf("not at the callback but at %s: %s", page.URL, page.Body)
	}
	return q
}

// code signs a person in and returns the code.
func (rp *relyingParty) code(t *testing.T, extra ...oauth2.AuthCodeOption) string {
	t.Helper()
	b := devclient.New(devclient.Options{Clock: rp.clock.Now})
	page, err := b.SignIn(t.Context(), rp.authorizeURL(extra...), person(t, rp.s, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	q := answer(t, page)
	if q.Get("state") != "state-1" || q.Get("iss") != rp.s.BaseURL() || q.Get("fixed") != "1" {
		t.Errorf("callback with %v", q)
	}
	return q.Get("code")
}

func (rp *relyingParty) exchange(ctx context.Context, code string) (*oauth2.Token, error) {
	return rp.config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
}

func (rp *relyingParty) verify(t *testing.T, token *oauth2.Token) map[string]any {
	t.Helper()
	raw, _ := token.Extra("id_token").(string)
	idToken, err := rp.provider.Verifier(&oidc.Config{ClientID: "broker", Now: rp.clock.Now}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if idToken.Nonce != "nonce-1" {
		t.Errorf("nonce %q", idToken.Nonce)
	}
	if err := idToken.VerifyAccessToken(token.AccessToken); err != nil {
		t.Error(err)
	}
	var claims map[string]any
	if err := idToken.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestOIDCSignIn(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{"basic": oauth2.AuthStyleInHeader, "post": oauth2.AuthStyleInParams} {
		t.Run(name, func(t *testing.T) {
			rp := newRelyingParty(t)
			rp.config.Endpoint.AuthStyle = style
			token, err := rp.exchange(t.Context(), rp.code(t))
			if err != nil {
				t.Fatal(err)
			}
			claims := rp.verify(t, token)
			if claims["sub"] != "u1001" || claims["preferred_username"] != "alice" || claims["email"] != "alice@example.com" {
				t.Errorf("claims %v", claims)
			}
			if g, _ := json.Marshal(claims["groups"]); string(g) != `["aws-admins","developers"]` {
				t.Errorf("groups %s", g)
			}
			if amr, _ := json.Marshal(claims["amr"]); string(amr) != `["pwd"]` || claims["acr"] != devidp.ClassPassword {
				t.Errorf("amr %s, acr %v", amr, claims["acr"])
			}
			if claims["auth_time"] != float64(rp.clock.Now().Unix()) {
				t.Errorf("auth_time %v", claims["auth_time"])
			}
			info, err := rp.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
			if err != nil || info.Subject != "u1001" || info.Email != "alice@example.com" {
				t.Errorf("userinfo %+v, %v", info, err)
			}
		})
	}
}

func TestOIDCSecondFactor(t *testing.T) {
	rp := newRelyingParty(t)
	b := devclient.New(devclient.Options{Clock: rp.clock.Now})
	alice := person(t, rp.s, "alice")
	start := rp.authorizeURL(oauth2.SetAuthURLParam("acr_values", "urn:unknown "+devidp.ClassMFA))
	if _, err := b.SignIn(t.Context(), start, alice); err == nil {
		t.Fatal("a password alone must not do")
	}
	alice.SecondFactor = true
	page, err := b.SignIn(t.Context(), start, alice)
	if err != nil {
		t.Fatal(err)
	}
	token, err := rp.exchange(t.Context(), answer(t, page).Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	claims := rp.verify(t, token)
	if amr, _ := json.Marshal(claims["amr"]); string(amr) != `["pwd","otp","mfa"]` || claims["acr"] != devidp.ClassMFA {
		t.Errorf("amr %s, acr %v", amr, claims["acr"])
	}
}

func TestOIDCSessionRules(t *testing.T) {
	rp := newRelyingParty(t)
	b := devclient.New(devclient.Options{Clock: rp.clock.Now})
	none := oauth2.SetAuthURLParam("prompt", "none")
	if q := answer(t, open(t, b, rp.authorizeURL(none))); q.Get("error") != "login_required" || q.Get("state") != "state-1" {
		t.Errorf("prompt=none without a session: %v", q)
	}
	if _, err := b.SignIn(t.Context(), rp.authorizeURL(), person(t, rp.s, "alice")); err != nil {
		t.Fatal(err)
	}
	rp.clock.Advance(10 * time.Minute)
	for name, tc := range map[string]struct {
		extra oauth2.AuthCodeOption
		asks  bool
	}{
		"session":       {oauth2.SetAuthURLParam("x", "y"), false},
		"prompt=none":   {none, false},
		"prompt=login":  {oauth2.SetAuthURLParam("prompt", "login"), true},
		"max_age=599":   {oauth2.SetAuthURLParam("max_age", "599"), true},
		"max_age=600":   {oauth2.SetAuthURLParam("max_age", "600"), false},
		"max_age=0":     {oauth2.SetAuthURLParam("max_age", "0"), true},
		"huge max_age":  {oauth2.SetAuthURLParam("max_age", "18446744073709551615"), false},
		"asks a factor": {oauth2.SetAuthURLParam("acr_values", devidp.ClassMFA), true},
	} {
		page := open(t, b, rp.authorizeURL(tc.extra))
		if _, err := page.Form("password"); (err == nil) != tc.asks {
			t.Errorf("%s: asked for the password: %v", name, err == nil)
		}
	}
}

func TestOIDCCancel(t *testing.T) {
	rp := newRelyingParty(t)
	b := devclient.New(devclient.Options{})
	form, err := open(t, b, rp.authorizeURL()).Form("password")
	if err != nil {
		t.Fatal(err)
	}
	form.Fields.Set("cancel", "yes")
	if q := answer(t, submit(t, b, form)); q.Get("error") != "access_denied" || q.Get("code") != "" {
		t.Errorf("cancel: %v", q)
	}
}

func TestAuthorizeNeverRedirectsToStrangers(t *testing.T) {
	rp := newRelyingParty(t)
	good := mustURL(t, rp.authorizeURL())
	for name, change := range map[string]func(url.Values){
		"unknown client":  func(q url.Values) { q.Set("client_id", "evil") },
		"no client":       func(q url.Values) { q.Del("client_id") },
		"no redirect":     func(q url.Values) { q.Del("redirect_uri") },
		"foreign":         func(q url.Values) { q.Set("redirect_uri", "http://evil.example/callback?fixed=1") },
		"longer":          func(q url.Values) { q.Set("redirect_uri", q.Get("redirect_uri")+"2") },
		"shorter":         func(q url.Values) { q.Set("redirect_uri", strings.TrimSuffix(q.Get("redirect_uri"), "?fixed=1")) },
		"user info":       func(q url.Values) { q.Set("redirect_uri", strings.Replace(q.Get("redirect_uri"), "//", "//evil@", 1)) },
		"two clients":     func(q url.Values) { q.Add("client_id", "broker") },
		"two redirects":   func(q url.Values) { q.Add("redirect_uri", q.Get("redirect_uri")) },
		"two states":      func(q url.Values) { q.Add("state", "x") },
		"two challenges":  func(q url.Values) { q.Add("code_challenge", q.Get("code_challenge")) },
		"redirect script": func(q url.Values) { q.Set("redirect_uri", "javascript:alert(1)") },
	} {
		q := good.Query()
		change(q)
		answer, body := get(t, rp.s.BaseURL()+"/oidc/authorize?"+q.Encode())
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" || strings.Contains(body, "password") {
			t.Errorf("%s: %d to %q", name, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
}

func TestAuthorizeRefusalsGoToTheClient(t *testing.T) {
	rp := newRelyingParty(t)
	good := mustURL(t, rp.authorizeURL())
	for name, tc := range map[string]struct {
		change func(url.Values)
		code   string
	}{
		"no PKCE":       {func(q url.Values) { q.Del("code_challenge"); q.Del("code_challenge_method") }, "invalid_request"},
		"plain PKCE":    {func(q url.Values) { q.Set("code_challenge_method", "plain") }, "invalid_request"},
		"no method":     {func(q url.Values) { q.Del("code_challenge_method") }, "invalid_request"},
		"short PKCE":    {func(q url.Values) { q.Set("code_challenge", "x") }, "invalid_request"},
		"no openid":     {func(q url.Values) { q.Set("scope", "email") }, "invalid_scope"},
		"implicit":      {func(q url.Values) { q.Set("response_type", "id_token") }, "unsupported_response_type"},
		"form_post":     {func(q url.Values) { q.Set("response_mode", "form_post") }, "invalid_request"},
		"request":       {func(q url.Values) { q.Set("request", "x") }, "request_not_supported"},
		"request_uri":   {func(q url.Values) { q.Set("request_uri", "http://evil.example") }, "request_uri_not_supported"},
		"bad max_age":   {func(q url.Values) { q.Set("max_age", "-1") }, "invalid_request"},
		"empty max_age": {func(q url.Values) { q.Set("max_age", "") }, "invalid_request"},
	} {
		q := good.Query()
		tc.change(q)
		page := open(t, devclient.New(devclient.Options{}), rp.s.BaseURL()+"/oidc/authorize?"+q.Encode())
		if got := answer(t, page); got.Get("error") != tc.code || got.Get("state") != "state-1" || got.Get("code") != "" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestCodesAreUsedOnceByTheirOwner(t *testing.T) {
	rp := newRelyingParty(t)
	code := rp.code(t)
	if _, err := rp.exchange(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	if _, err := rp.exchange(t.Context(), code); err == nil {
		t.Error("a code must work once")
	}
	for name, tc := range map[string]struct {
		change func(url.Values)
		status int
		code   string
	}{
		"good":            {func(url.Values) {}, http.StatusOK, ""},
		"wrong verifier":  {func(f url.Values) { f.Set("code_verifier", verifier+"x") }, http.StatusBadRequest, "invalid_grant"},
		"no verifier":     {func(f url.Values) { f.Del("code_verifier") }, http.StatusBadRequest, "invalid_grant"},
		"other redirect":  {func(f url.Values) { f.Set("redirect_uri", "http://localhost/") }, http.StatusBadRequest, "invalid_grant"},
		"no redirect":     {func(f url.Values) { f.Del("redirect_uri") }, http.StatusBadRequest, "invalid_grant"},
		"other client":    {func(f url.Values) { f.Set("client_id", "other"); f.Set("client_secret", "other") }, http.StatusBadRequest, "invalid_grant"},
		"unknown code":    {func(f url.Values) { f.Set("code", "x") }, http.StatusBadRequest, "invalid_grant"},
		"no code":         {func(f url.Values) { f.Del("code") }, http.StatusBadRequest, "invalid_grant"},
		"wrong secret":    {func(f url.Values) { f.Set("client_secret", "x") }, http.StatusUnauthorized, "invalid_client"},
		"no secret":       {func(f url.Values) { f.Del("client_secret") }, http.StatusUnauthorized, "invalid_client"},
		"no client":       {func(f url.Values) { f.Del("client_id"); f.Del("client_secret") }, http.StatusUnauthorized, "invalid_client"},
		"unknown client":  {func(f url.Values) { f.Set("client_id", "x"); f.Set("client_secret", "") }, http.StatusUnauthorized, "invalid_client"},
		"other grant":     {func(f url.Values) { f.Set("grant_type", "password") }, http.StatusBadRequest, "unsupported_grant_type"},
		"two codes":       {func(f url.Values) { f.Add("code", "x") }, http.StatusBadRequest, "invalid_request"},
		"larger than all": {func(f url.Values) { f.Set("x", strings.Repeat("x", 1<<20)) }, http.StatusBadRequest, "invalid_request"},
	} {
		form := url.Values{
			"grant_type": {"authorization_code"}, "code": {rp.code(t)}, "redirect_uri": {rp.config.RedirectURL},
			"code_verifier": {verifier}, "client_id": {"broker"}, "client_secret": {rp.config.ClientSecret},
		}
		tc.change(form)
		answer, body := post(t, rp.s.BaseURL()+"/oidc/token", form)
		if answer.StatusCode != tc.status || (tc.code != "" && !strings.Contains(body, `"error":"`+tc.code+`"`)) {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
}

func TestTwoWaysOfClientAuthenticationAreRefused(t *testing.T) {
	rp := newRelyingParty(t)
	for name, tc := range map[string]struct {
		user, password, bodySecret, bodyID string
		status                             int
		code                               string
	}{
		"both":         {"other", "other", "other", "", http.StatusBadRequest, "invalid_request"},
		"another id":   {"other", "other", "", "broker", http.StatusUnauthorized, "invalid_client"},
		"bad escape":   {"other", "%zz", "", "", http.StatusUnauthorized, "invalid_client"},
		"wrong secret": {"other", "x", "", "", http.StatusUnauthorized, "invalid_client"},
	} {
		r := postRequest(t, rp.s.BaseURL()+"/oidc/token", url.Values{"client_id": {tc.bodyID}, "client_secret": {tc.bodySecret}, "grant_type": {"authorization_code"}})
		r.SetBasicAuth(tc.user, tc.password)
		if answer, body := do(t, r); answer.StatusCode != tc.status || !strings.Contains(body, tc.code) {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
}

func TestCodesAndAccessTokensEnd(t *testing.T) {
	rp := newRelyingParty(t)
	late := rp.code(t)
	token, err := rp.exchange(t.Context(), rp.code(t))
	if err != nil {
		t.Fatal(err)
	}
	rp.clock.Advance(time.Minute)
	if _, err := rp.exchange(t.Context(), late); err == nil {
		t.Error("a code must end after a minute")
	}
	rp.clock.Advance(9 * time.Minute)
	if _, err := rp.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token.AccessToken})); err == nil {
		t.Error("an access token must end after ten minutes")
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, rp.s.BaseURL()+"/oidc/userinfo", nil)
	if answer, _ := do(t, r); answer.StatusCode != http.StatusUnauthorized || answer.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("userinfo without a token: %d", answer.StatusCode)
	}
}

func TestDiscoveryIsWhatIsServed(t *testing.T) {
	rp := newRelyingParty(t)
	var document struct {
		CodeChallengeMethods []string `json:"code_challenge_methods_supported"`
		Algorithms           []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := rp.provider.Claims(&document); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(document.CodeChallengeMethods, []string{"S256"}) || !slices.Equal(document.Algorithms, []string{"ES256"}) {
		t.Errorf("%+v", document)
	}
	_, keys := get(t, rp.s.BaseURL()+"/oidc/jwks")
	if strings.Contains(keys, `"d":`) {
		t.Error("a private key is published")
	}
}
