package devidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// idTokenLife is short: an ID token is read once, at the relying party's callback.
const idTokenLife = 5 * time.Minute

// maxAuthAge bounds max_age so that it fits a time.Duration.
const maxAuthAge = 10 * 365 * 24 * 3600

// oidcFlow is an authorization request whose client and redirect URI were checked.
type oidcFlow struct {
	client                              string
	redirectURI, state, nonce, verifier string // verifier is the S256 challenge
	need                                requirement
}

var _ flow = oidcFlow{}

func (f oidcFlow) asks() requirement { return f.need }
func (f oidcFlow) party() string     { return f.client }

func (f oidcFlow) next() string {
	origin, _ := webOrigin(f.redirectURI) // checked when the client was registered
	return origin
}

// grant is what an authorization code stands for.
type grant struct {
	flow oidcFlow
	sess session
}

func (f oidcFlow) finish(s *Server, w http.ResponseWriter, sess session) error {
	code, err := newHandle(s.rand)
	if err != nil {
		return err
	}
	s.codes.put(code, grant{flow: f, sess: sess})
	f.answer(w, s.BaseURL(), url.Values{"code": {code}})
	return nil
}

func (f oidcFlow) refuse(s *Server, w http.ResponseWriter, why refusal) error {
	code := map[refusal]string{
		refusedByPerson: "access_denied", refusedPassive: "login_required", refusedClass: "unmet_authentication_requirements",
	}[why]
	f.fail(w, s.BaseURL(), code, "")
	return nil
}

func (f oidcFlow) fail(w http.ResponseWriter, issuer, code, description string) {
	answer := url.Values{"error": {code}}
	if description != "" {
		answer.Set("error_description", description)
	}
	f.answer(w, issuer, answer)
}

// answer redirects with state and iss (RFC 9207).
func (f oidcFlow) answer(w http.ResponseWriter, issuer string, answer url.Values) {
	if f.state != "" {
		answer.Set("state", f.state)
	}
	answer.Set("iss", issuer)
	separator := "?"
	if strings.Contains(f.redirectURI, "?") {
		separator = "&"
	}
	seeOther(w, f.redirectURI+separator+answer.Encode())
}

// oidcAuthorize takes an authorization request (OpenID Connect Core 3.1.2.1). Until client and redirect URI are known
// a refusal is a page; afterwards it goes back to the client.
func (s *Server) oidcAuthorize(w http.ResponseWriter, r *http.Request) error {
	q, err := onceQuery(r, "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
		"code_challenge", "code_challenge_method", "prompt", "max_age", "acr_values", "request", "request_uri")
	if err != nil {
		return err
	}
	client, known := s.clients[q["client_id"]]
	if !known || !slices.Contains(client.RedirectURIs, q["redirect_uri"]) {
		return refuse(http.StatusBadRequest, "This client is not registered here, or not with this redirect URI.")
	}
	f := oidcFlow{client: client.ID, redirectURI: q["redirect_uri"], state: q["state"], nonce: q["nonce"], verifier: q["code_challenge"]}
	if code, why := checkAuthorize(q); code != "" {
		f.fail(w, s.BaseURL(), code, why)
		return nil
	}
	f.need, err = requirementOf(q)
	if err != nil {
		f.fail(w, s.BaseURL(), "invalid_request", "max_age must be a number of seconds")
		return nil
	}
	return s.begin(w, r, f)
}

// challengeLength is that of a base64url SHA-256 (RFC 7636 section 4.2).
const challengeLength = 43

func checkAuthorize(q map[string]string) (code, why string) {
	switch {
	case q["request"] != "":
		return "request_not_supported", ""
	case q["request_uri"] != "":
		return "request_uri_not_supported", ""
	case q["response_type"] != "code":
		return "unsupported_response_type", "only code"
	case q["response_mode"] != "" && q["response_mode"] != "query":
		return "invalid_request", "only response_mode query"
	case !slices.Contains(strings.Fields(q["scope"]), "openid"):
		return "invalid_scope", "scope must contain openid"
	case q["code_challenge_method"] != "S256" || len(q["code_challenge"]) != challengeLength:
		return "invalid_request", "PKCE with S256 is required"
	}
	return "", ""
}

// requirementOf reads how the client wants the person signed in. acr_values is a wish (Core 3.1.2.1): classes that
// do not exist here are passed over.
func requirementOf(q map[string]string) (requirement, error) {
	prompts := strings.Fields(q["prompt"])
	need := requirement{force: slices.Contains(prompts, "login"), passive: slices.Contains(prompts, "none")}
	for _, class := range strings.Fields(q["acr_values"]) {
		if class == classPassword || class == classMFA {
			need.classes = append(need.classes, class)
		}
	}
	if text, asked := q["max_age"]; asked {
		seconds, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return requirement{}, err
		}
		need.maxAge = time.Duration(min(seconds, maxAuthAge)) * time.Second
		need.force = need.force || seconds == 0
	}
	return need, nil
}

// oidcToken redeems a code once, for the client it was issued to, with its verifier (RFC 6749 4.1.3, RFC 7636 4.6).
func (s *Server) oidcToken(w http.ResponseWriter, r *http.Request) error {
	form, err := onceForm(w, r, "grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret")
	if err != nil {
		return oauthRefusal(http.StatusBadRequest, "invalid_request", "a parameter occurs more than once, or the form is broken")
	}
	client, err := s.authenticateClient(r, form)
	if err != nil {
		return err
	}
	if form["grant_type"] != "authorization_code" {
		return oauthRefusal(http.StatusBadRequest, "unsupported_grant_type", "only authorization_code")
	}
	g, ok := s.codes.take(form["code"])
	if !ok || g.flow.client != client.ID || g.flow.redirectURI != form["redirect_uri"] || !verifierFits(form["code_verifier"], g.flow.verifier) {
		return oauthRefusal(http.StatusBadRequest, "invalid_grant", "the code is unknown, used, expired or somebody else's")
	}
	return s.oidcTokens(w, g)
}

func verifierFits(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

func (s *Server) oidcTokens(w http.ResponseWriter, g grant) error {
	access, err := newHandle(s.rand)
	if err != nil {
		return err
	}
	idToken, err := s.oidcJWT.sign(s.idClaims(g, access))
	if err != nil {
		return err
	}
	s.access.put(access, g.sess)
	return writeJSON(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(accessLife.Seconds()), "id_token": idToken,
	})
}

func (s *Server) idClaims(g grant, access string) map[string]any {
	now := s.clock()
	half := sha256.Sum256([]byte(access))
	claims := personClaims(g.sess.person)
	claims["iss"], claims["aud"] = s.BaseURL(), g.flow.client
	claims["iat"], claims["exp"] = now.Unix(), now.Add(idTokenLife).Unix()
	claims["auth_time"], claims["amr"], claims["acr"] = g.sess.at.Unix(), g.sess.amr(), g.sess.acr()
	claims["at_hash"] = base64.RawURLEncoding.EncodeToString(half[:len(half)/2])
	if g.flow.nonce != "" {
		claims["nonce"] = g.flow.nonce
	}
	return claims
}

func personClaims(p Person) map[string]any {
	claims := map[string]any{"sub": p.Subject, "preferred_username": p.Username}
	if p.Name != "" {
		claims["name"] = p.Name
	}
	if p.Email != "" {
		claims["email"], claims["email_verified"] = p.Email, true
	}
	if len(p.Groups) > 0 {
		claims["groups"] = p.Groups
	}
	return claims
}

func (s *Server) oidcUserinfo(w http.ResponseWriter, r *http.Request) error {
	token, _ := bearer(r)
	sess, ok := s.access.get(token)
	if !ok {
		return oauthRefusal(http.StatusUnauthorized, "invalid_token", "the access token is unknown or expired")
	}
	return writeJSON(w, http.StatusOK, personClaims(sess.person))
}

func (s *Server) oidcDiscovery(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                 s.BaseURL(),
		"authorization_endpoint": s.url("/oidc/authorize"),
		"token_endpoint":         s.url("/oidc/token"),
		"userinfo_endpoint":      s.url("/oidc/userinfo"),
		"jwks_uri":               s.url("/oidc/jwks"),

		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(s.oidcJWT.alg)},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"code_challenge_methods_supported":      []string{"S256"},
		"scopes_supported":                      []string{"openid", "profile", "email", "groups"},
		"acr_values_supported":                  []string{classPassword, classMFA},
		"prompt_values_supported":               []string{"none", "login"},
		"claims_supported": []string{
			"sub", "preferred_username", "name", "email", "email_verified", "groups", "auth_time", "amr", "acr",
		},
		"authorization_response_iss_parameter_supported": true,
	})
}
