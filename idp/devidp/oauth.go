package devidp

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// oauthError is an error document of RFC 6749 section 5.2.
type oauthError struct {
	status            int
	code, description string
}

func (e *oauthError) Error() string { return e.code + ": " + e.description }

func oauthRefusal(status int, code, description string) error {
	return &oauthError{status: status, code: code, description: description}
}

// oauth renders what a handler returns as an OAuth error document.
func (s *Server) oauth(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := p(w, r)
		if err == nil {
			return
		}
		var known *oauthError
		if !errors.As(err, &known) {
			status, text := s.public(r, err)
			known = &oauthError{status: status, code: "server_error", description: text}
		}
		s.log.Warn("refused", "path", r.URL.Path, "code", known.code, "reason", known.description)
		if known.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="devidp", Basic realm="devidp"`)
		}
		if err := writeJSON(w, known.status, map[string]string{"error": known.code, "error_description": known.description}); err != nil {
			s.log.Error("error not written", "path", r.URL.Path, "err", err)
		}
	})
}

// authenticateClient takes client_secret_basic or client_secret_post, never both (RFC 6749 section 2.3).
func (s *Server) authenticateClient(r *http.Request, form map[string]string) (Client, error) {
	invalid := oauthRefusal(http.StatusUnauthorized, "invalid_client", "client authentication failed")
	id, password := form["client_id"], form["client_secret"]
	if user, basic, ok := r.BasicAuth(); ok {
		if password != "" {
			return Client{}, oauthRefusal(http.StatusBadRequest, "invalid_request", "two ways of client authentication")
		}
		var errID, errSecret error
		id, errID = url.QueryUnescape(user) // section 2.3.1: form-encoded first
		password, errSecret = url.QueryUnescape(basic)
		if errID != nil || errSecret != nil || (form["client_id"] != "" && form["client_id"] != id) {
			return Client{}, invalid
		}
	}
	client, known := s.clients[id]
	if !client.Secret.Equal(secret.New(password)) || !known {
		return Client{}, invalid
	}
	return client, nil
}

// bearer reads the token of an Authorization header; the scheme is case-insensitive (RFC 9110 section 11.1).
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "bearer") && token != ""
}
