package idptest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// OpenID is an [Issuer] that people sign in at: authorization endpoint, token endpoint, userinfo. Whoever comes is
// signed in at once. It holds its client to the protocol: exact redirect URI, S256, a verifier that fits, a code once.
type OpenID struct {
	*Issuer
	// ClientID, ClientSecret and RedirectURI are the registration; without a secret the client is public.
	ClientID, ClientSecret, RedirectURI string

	mu       sync.Mutex
	claims   map[string]any
	userinfo map[string]any
	answer   url.Values
	token    map[string]any
	status   int
	codes    map[string]url.Values // code: the authorization request
	seen     []url.Values          // authorization requests
	basic    bool                  // how the last token request was authenticated
}

// Paths of an [OpenID] beside those of its [Issuer].
const (
	AuthorizePath = "/authorize"
	TokenPath     = "/token"
	UserinfoPath  = "/userinfo"
)

// AccessToken is what [OpenID] and [GitHub] hand out.
const AccessToken = "access-canary"

// NewOpenID starts a provider with one client.
func NewOpenID(t testing.TB, clientID, clientSecret, redirectURI string) *OpenID {
	t.Helper()
	o := &OpenID{Issuer: NewIssuer(t), ClientID: clientID, ClientSecret: clientSecret, RedirectURI: redirectURI, codes: map[string]url.Values{}}
	o.Issuer.mu.Lock()
	defer o.Issuer.mu.Unlock()
	o.handlers = map[string]http.HandlerFunc{AuthorizePath: o.serveAuthorize, TokenPath: o.serveToken, UserinfoPath: o.serveUserinfo}
	o.discovery = o.Metadata(nil)
	return o
}

// Metadata is what the discovery document says of the login, with changes; use it with SetDiscovery.
func (o *OpenID) Metadata(changes map[string]any) map[string]any {
	doc := map[string]any{
		"authorization_endpoint":                         o.URL + AuthorizePath,
		"token_endpoint":                                 o.URL + TokenPath,
		"userinfo_endpoint":                              o.URL + UserinfoPath,
		"response_types_supported":                       []string{"code"},
		"authorization_response_iss_parameter_supported": true,
	}
	maps.Copy(doc, changes)
	return doc
}

// SetClaims changes the claims of ID tokens; [Absent] leaves one out.
func (o *OpenID) SetClaims(changes map[string]any) { o.set(func() { o.claims = changes }) }

// SetUserinfo replaces what userinfo says.
func (o *OpenID) SetUserinfo(claims map[string]any) { o.set(func() { o.userinfo = claims }) }

// SetAnswer changes the parameters that the browser is sent back with; an empty value leaves one out.
func (o *OpenID) SetAnswer(changes url.Values) { o.set(func() { o.answer = changes }) }

// SetToken changes the members of the token endpoint's answer, under that status; 0 is 200.
func (o *OpenID) SetToken(status int, changes map[string]any) {
	o.set(func() { o.status, o.token = status, changes })
}

func (o *OpenID) set(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

// Requests are the authorization requests so far.
func (o *OpenID) Requests() []url.Values {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]url.Values(nil), o.seen...)
}

// UsedBasic reports whether the last token request carried HTTP Basic.
func (o *OpenID) UsedBasic() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.basic
}

// SignIn plays a browser that opens the authorization URL and returns the parameters that it is sent back with.
func (o *OpenID) SignIn(authorizeURL string) url.Values { return signIn(o.t, authorizeURL) }

// signIn follows one redirect by hand.
func signIn(t testing.TB, authorizeURL string) url.Values {
	t.Helper()
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(authorizeURL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatalf("the provider answers %s and no redirect", resp.Status)
	}
	return back.Query()
}

func (o *OpenID) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	q := r.URL.Query()
	if why := badAuthorize(q, o.ClientID, o.RedirectURI); why != "" {
		http.Error(w, why, http.StatusBadRequest)
		return
	}
	if !strings.Contains(" "+q.Get("scope")+" ", " openid ") || q.Get("nonce") == "" {
		http.Error(w, "no openid scope, or no nonce", http.StatusBadRequest)
		return
	}
	o.seen = append(o.seen, q)
	code := "code-canary-" + q.Get("nonce")
	o.codes[code] = q
	redirectBack(w, r, o.RedirectURI, url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {o.URL}}, o.answer)
}

func badAuthorize(q url.Values, clientID, redirectURI string) string {
	switch {
	case q.Get("client_id") != clientID || q.Get("redirect_uri") != redirectURI:
		return "not this client, or not this redirect URI"
	case q.Get("response_type") != "code" || q.Get("state") == "":
		return "no code is asked for, or there is no state"
	case q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43:
		return "no PKCE"
	}
	return ""
}

func redirectBack(w http.ResponseWriter, r *http.Request, target string, answer, changes url.Values) {
	for name, values := range changes {
		answer[name] = values
		if len(values) == 1 && values[0] == "" {
			answer.Del(name)
		}
	}
	http.Redirect(w, r, target+"?"+answer.Encode(), http.StatusFound)
}

func (o *OpenID) serveToken(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	id, clientSecret, basic := r.BasicAuth()
	if o.basic = basic; !basic {
		id, clientSecret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != o.ClientID || clientSecret != o.ClientSecret {
		writeJSON(o.t, w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	request, ok := o.codes[r.PostFormValue("code")]
	delete(o.codes, r.PostFormValue("code"))
	if !ok || r.PostFormValue("redirect_uri") != o.RedirectURI || !challengeFits(request, r.PostFormValue("code_verifier")) {
		writeJSON(o.t, w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "not this canary"})
		return
	}
	answer := map[string]any{"access_token": AccessToken, "token_type": "Bearer", "expires_in": 300, "id_token": o.Token(o.idClaims(request))}
	maps.Copy(answer, o.token)
	maps.DeleteFunc(answer, func(_ string, v any) bool { return v == Absent{} })
	writeJSON(o.t, w, max(o.status, http.StatusOK), answer)
}

func challengeFits(request url.Values, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return request.Get("code_challenge") == base64.RawURLEncoding.EncodeToString(sum[:])
}

func (o *OpenID) idClaims(request url.Values) map[string]any {
	half := sha256.Sum256([]byte(AccessToken))
	claims := map[string]any{
		"sub": "u1001", "aud": o.ClientID, "nonce": request.Get("nonce"), "auth_time": o.Clock().Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(half[:16]), "preferred_username": "alice", "email": "alice@example.com",
	}
	maps.Copy(claims, o.claims)
	return claims
}

func (o *OpenID) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+AccessToken {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	writeJSON(o.t, w, http.StatusOK, o.userinfo)
}

func writeJSON(t testing.TB, w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.Error(err)
	}
}
