package devidp

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxAuthAge bounds max_age so that it fits a time.Duration.
const maxAuthAge = 10 * 365 * 24 * 3600

// oidcFlow is an authorization request whose client and redirect URI were checked.
type oidcFlow struct {
	client, redirectURI, state, nonce string
	challenge                         string // S256
	need                              requirement
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
	f := oidcFlow{client: client.ID, redirectURI: q["redirect_uri"], state: q["state"], nonce: q["nonce"], challenge: q["code_challenge"]}
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

// oidcDiscovery is OpenID Connect Discovery 1.0, section 3.
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
