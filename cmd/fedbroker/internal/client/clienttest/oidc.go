package clienttest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
)

func fault(w http.ResponseWriter, status int, shape, code string) {
	w.Header().Set("X-Amzn-ErrorType", shape)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "the broker says " + code})
}

func body(r *http.Request) map[string]any {
	var in map[string]any
	if r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(r.Body).Decode(&in) != nil {
		return map[string]any{}
	}
	return in
}

func text(in map[string]any, name string) string { s, _ := in[name].(string); return s }

func (b *Broker) register(w http.ResponseWriter, r *http.Request) {
	in := body(r)
	redirects, _ := in["redirectUris"].([]any)
	if text(in, "clientName") == "" || text(in, "clientType") != "public" || !slices.Contains(redirects, any("http://127.0.0.1/oauth/callback")) {
		fault(w, http.StatusBadRequest, "InvalidClientMetadataException", "invalid_client_metadata")
		return
	}
	id, proof := rand.Text(), rand.Text()
	b.clients[id] = proof
	answer(w, map[string]any{"clientId": id, "clientSecret": proof, "clientIdIssuedAt": b.Now().Unix(), "clientSecretExpiresAt": b.Now().Unix() + 30*24*3600})
}

func (b *Broker) client(w http.ResponseWriter, in map[string]any) bool {
	if proof, ok := b.clients[text(in, "clientId")]; !ok || proof != text(in, "clientSecret") {
		fault(w, http.StatusUnauthorized, "InvalidClientException", "invalid_client")
		return false
	}
	return true
}

// ForgetClients makes every registration worthless.
func (b *Broker) ForgetClients() {
	b.Lock()
	defer b.Unlock()
	b.clients = map[string]string{}
}

func (b *Broker) startDevice(w http.ResponseWriter, r *http.Request) {
	in := body(r)
	if !b.client(w, in) {
		return
	}
	id, page := rand.Text(), b.DevicePage
	if page == "" {
		page = b.URL + "/device"
	}
	b.devices[id] = &device{client: text(in, "clientId"), user: "BCDF-GHJK"}
	answer(w, map[string]any{
		"deviceCode": id, "userCode": "BCDF-GHJK", "verificationUri": page, "verificationUriComplete": page + "?user_code=BCDF-GHJK",
		"expiresIn": 600, "interval": b.Interval,
	})
}

var redirectForm = regexp.MustCompile(`^http://127\.0\.0\.1:[0-9]+/oauth/callback$`)

// authorize is the person's browser, which says yes at once unless Deny.
func (b *Broker) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if _, known := b.clients[q.Get("client_id")]; !known || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" ||
		q.Get("scopes") != "sso:account:access" || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 22 || !redirectForm.MatchString(q.Get("redirect_uri")) {
		http.Error(w, "the request is wrong", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	if b.Deny {
		back.Set("error", "access_denied")
	} else {
		id := rand.Text()
		b.codes[id] = code{q.Get("client_id"), q.Get("redirect_uri"), q.Get("code_challenge")}
		back.Set("code", id)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (b *Broker) token(w http.ResponseWriter, r *http.Request) {
	in := body(r)
	if !b.client(w, in) {
		return
	}
	switch text(in, "grantType") {
	case "authorization_code":
		c, ok := b.codes[text(in, "code")]
		delete(b.codes, text(in, "code"))
		sum := sha256.Sum256([]byte(text(in, "codeVerifier")))
		if !ok || c.client != text(in, "clientId") || c.redirect != text(in, "redirectUri") || c.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
			fault(w, http.StatusBadRequest, "InvalidGrantException", "invalid_grant")
			return
		}
		b.begin(w, rand.Text())
	case "urn:ietf:params:oauth:grant-type:device_code":
		b.poll(w, in)
	case "refresh_token":
		b.rotate(w, in)
	default:
		fault(w, http.StatusBadRequest, "UnsupportedGrantTypeException", "unsupported_grant_type")
	}
}

func (b *Broker) poll(w http.ResponseWriter, in map[string]any) {
	d, ok := b.devices[text(in, "deviceCode")]
	if !ok || d.client != text(in, "clientId") {
		fault(w, http.StatusBadRequest, "ExpiredTokenException", "expired_token")
		return
	}
	d.polls++
	switch {
	case d.polls <= b.Pending:
		fault(w, http.StatusBadRequest, "AuthorizationPendingException", "authorization_pending")
	case d.polls <= b.Pending+b.SlowDowns:
		fault(w, http.StatusBadRequest, "SlowDownException", "slow_down")
	case b.Deny:
		fault(w, http.StatusBadRequest, "AccessDeniedException", "access_denied")
	default:
		delete(b.devices, text(in, "deviceCode"))
		b.begin(w, rand.Text())
	}
}

// rotate takes each refresh token once: command lines that raced would end their own session here.
func (b *Broker) rotate(w http.ResponseWriter, in map[string]any) {
	token := text(in, "refreshToken")
	if family, used := b.spent[token]; used {
		b.ended[family] = true
	}
	family, ok := b.refresh[token]
	if !ok || b.ended[family] {
		fault(w, http.StatusBadRequest, "InvalidGrantException", "invalid_grant")
		return
	}
	delete(b.refresh, token)
	b.spent[token] = family
	if b.Rotated != nil {
		b.Rotated()
	}
	b.begin(w, family)
}

func (b *Broker) begin(w http.ResponseWriter, family string) {
	a, refresh := rand.Text(), rand.Text()
	b.access[a] = access{family, b.Now().Add(b.AccessLife)}
	b.refresh[refresh] = family
	answer(w, map[string]any{"accessToken": a, "tokenType": "Bearer", "expiresIn": int(b.AccessLife.Seconds()), "refreshToken": refresh})
}

func (b *Broker) logout(w http.ResponseWriter, r *http.Request) {
	a, ok := b.access[r.Header.Get("X-Amz-Sso_bearer_token")]
	if !ok {
		w.Header().Set("X-Amzn-ErrorType", "UnauthorizedException")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"message": "Session token not found or invalid"}`))
		return
	}
	b.ended[a.family] = true
}
