package api

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/oauth"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/web"
)

// Options are what the API stands on. All but Remote are required; the zero Remote believes no proxy.
type Options struct {
	Broker   *broker.Broker
	Sessions *session.Sessions
	// Tokens knows the access tokens of command lines.
	Tokens  *oauth.Tokens
	Cookies session.Cookies
	Remote  web.Remote
	// PublicURL is the origin that our own pages have.
	PublicURL string
	// Throttle bounds the SAML Responses that one address may have read; nil bounds nothing.
	Throttle *web.Throttle
}

// openAPI is the contract of every body, served at /openapi.yaml.
//
//go:embed openapi.yaml
var openAPI []byte

// API serves /api/v1.
type API struct{ Options }

// New checks the options.
func New(o Options) (*API, error) {
	if o.Broker == nil || o.Sessions == nil || o.Tokens == nil || o.Cookies == (session.Cookies{}) || o.PublicURL == "" {
		return nil, errors.New("api: Broker, Sessions, Tokens, Cookies and PublicURL are required")
	}
	return &API{o}, nil
}

// Mount adds the routes.
func (a *API) Mount(mux *http.ServeMux) {
	mux.Handle("POST /api/v1/credentials", a.route("credentials", a.credentials))
	mux.Handle("POST /api/v1/console", a.route("console", a.console))
	mux.Handle("POST /api/v1/explain", a.route("explain", a.explain))
	mux.Handle("GET /api/v1/roles", a.route("roles", a.roles))
	mux.Handle("GET /api/v1/whoami", a.route("whoami", a.whoami))
	mux.Handle("GET /api/v1/sessions", a.route("sessions", a.sessions))
	mux.Handle("DELETE /api/v1/sessions/{id}", a.route("end-session", a.endSession))
	mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(openAPI)
	})
}

// handler answers one authenticated request; what it returns is the body.
type handler func(ctx context.Context, v *broker.Visit, req *request) (any, error)

// route reads a request, takes it through the pipeline and renders what came of it, once it is on record.
func (a *API) route(action string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, readErr := a.read(w, r, action)
		req.remote = a.Remote.Addr(r)
		call := broker.Call{Door: "api", Action: action, Remote: req.remote, Ignored: req.ignored}
		var body any
		id, err := a.Broker.Run(r.Context(), call, func(ctx context.Context, v *broker.Visit) error {
			if readErr != nil {
				return readErr
			}
			if err := a.authenticate(ctx, v, req); err != nil {
				return err
			}
			var err error
			body, err = h(ctx, v, req)
			return err
		})
		w.Header().Set("X-Request-Id", id)
		if err != nil {
			writeProblem(w, id, err)
			return
		}
		if s, ok := body.(identified); ok {
			s.identify(id)
		}
		if body == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body)
	})
}

// authenticate uses the one proof that read found.
func (a *API) authenticate(ctx context.Context, v *broker.Visit, req *request) error {
	switch {
	case !req.saml.Empty() && a.Throttle != nil && !a.Throttle.Allow(req.remote):
		return broker.Refuse(broker.CodeThrottled, "too many SAML responses from your address; try again in a moment", nil)
	case !req.saml.Empty():
		return v.AuthenticateSAML(ctx, req.saml)
	case !req.bearer.Empty():
		return v.AuthenticateWorkload(ctx, req.bearer)
	}
	s, err := a.session(ctx, req)
	switch {
	case errors.Is(err, session.ErrNone) && !req.access.Empty():
		return broker.Refuse(broker.CodeInvalidToken, "this access token is over or was never given out; refresh it or sign in again", nil)
	case errors.Is(err, session.ErrNone):
		return broker.Refuse(broker.CodeLoginRequired, "your login session is over; sign in again", nil)
	case err != nil:
		return broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
	}
	v.Resume(&s.Identity, s.ID, s.Expires)
	req.login = s
	return nil
}

// session finds the login session that a command line's token or a browser's cookie stands for.
func (a *API) session(ctx context.Context, req *request) (session.Session, error) {
	if !req.access.Empty() {
		return a.Tokens.Find(ctx, req.access)
	}
	return a.Sessions.Get(ctx, req.cookie)
}

// identified is a body that repeats the request id.
type identified interface{ identify(id string) }

// seconds renders a duration as the API does, in whole seconds.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }
