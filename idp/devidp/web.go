package devidp

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
)

// httpError is a refusal that the person may read.
type httpError struct {
	status int
	public string
}

func (e *httpError) Error() string { return e.public }

func refuse(status int, public string) error { return &httpError{status: status, public: public} }

type page func(w http.ResponseWriter, r *http.Request) error

// routes is the whole surface. State changes by a browser go through http.CrossOriginProtection; endpoints that read
// no cookie (token, userinfo, CI) have nothing to protect, and SAML's POST binding is cross-origin by nature.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	own := http.NewCrossOriginProtection()
	mux.Handle("GET /{$}", s.html(s.index))
	mux.Handle("GET /login", s.html(s.loginForm))
	mux.Handle("POST /login", own.Handler(s.html(s.login)))
	mux.Handle("POST /logout", own.Handler(s.html(s.logout)))
	mux.Handle("GET /static/", http.FileServerFS(assets))
	mux.Handle("GET /saml/metadata", s.html(s.samlMetadata))
	mux.Handle("GET /saml/sso", s.html(s.samlRedirect))
	mux.Handle("POST /saml/sso", s.html(s.samlPost))
	mux.Handle("GET /saml/start", s.html(s.samlStart))
	mux.Handle("GET /.well-known/openid-configuration", s.html(s.oidcDiscovery))
	mux.Handle("GET /oidc/jwks", s.html(keysPage(s.oidcJWT)))
	mux.Handle("GET /oidc/authorize", s.html(s.oidcAuthorize))
	mux.Handle("POST /oidc/token", s.oauth(s.oidcToken))
	mux.Handle("GET /oidc/userinfo", s.oauth(s.oidcUserinfo))
	mux.Handle("GET /ci/.well-known/openid-configuration", s.html(s.ciDiscovery))
	mux.Handle("GET /ci/jwks", s.html(keysPage(s.ciJWT)))
	mux.Handle("GET /ci/token", s.oauth(s.ciToken))
	mux.Handle("POST /ci/token", s.oauth(s.ciToken))
	return s.guard(mux)
}

// guard checks Host first (a page that rebinds its name to loopback is refused) and hardens every answer.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // no-referrer would make our own form's Origin null
		h.Set("Content-Security-Policy", policy(""))
		if r.Host != s.base.Host || len(r.RequestURI) > maxURL {
			http.Error(w, "This server answers at "+s.base.String()+" only.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// policy allows our own files and one more origin to which a form of ours may lead.
func policy(formOrigin string) string {
	action := "'self'"
	if formOrigin != "" {
		action += " " + formOrigin
	}
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action " + action
}

// html renders what a handler returns as a page.
func (s *Server) html(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := p(w, r)
		if err == nil {
			return
		}
		status, text := s.public(r, err)
		if err := render(w, status, "error.html", errorData{Title: "Refused", Text: text}); err != nil {
			s.log.Error("page not rendered", "path", r.URL.Path, "err", err)
		}
	})
}

// public logs an error and says what a person may read of it.
func (s *Server) public(r *http.Request, err error) (int, string) {
	var known *httpError
	if errors.As(err, &known) {
		s.log.Warn("refused", "path", r.URL.Path, "reason", known.public)
		return known.status, known.public
	}
	s.log.Error("failed", "path", r.URL.Path, "err", err)
	return http.StatusInternalServerError, "Something broke here. The log knows more."
}

// once takes parameters that are known, given once and short: an unknown one is ignored when it is not ours to
// judge (OAuth 2.0 section 3.1), a second value of a known one is refused.
func once(values url.Values, names ...string) (map[string]string, error) {
	got := map[string]string{}
	for name, list := range values {
		if !slices.Contains(names, name) {
			continue
		}
		if len(list) != 1 {
			return nil, refuse(http.StatusBadRequest, "Parameter "+name+" occurs more than once.")
		}
		got[name] = list[0]
	}
	return got, nil
}

// onceQuery and onceForm read parameters from one place only, never from both.
func onceQuery(r *http.Request, names ...string) (map[string]string, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The query cannot be parsed.")
	}
	return once(values, names...)
}

func onceForm(w http.ResponseWriter, r *http.Request, names ...string) (map[string]string, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return nil, refuse(http.StatusBadRequest, "The form cannot be parsed.")
	}
	return once(r.PostForm, names...)
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(append(body, '\n'))
	return err
}

func keysPage(j jwtSigner) page {
	return func(w http.ResponseWriter, _ *http.Request) error { return writeJSON(w, http.StatusOK, j.public) }
}
