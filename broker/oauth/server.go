package oauth

import (
	"context"
	"embed"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/web"
)

// Templates are the pages of this package, for portal.Options.
//
//go:embed templates/*.html
var Templates embed.FS

// pages sends pages with the portal's looks. broker/portal implements it.
type pages interface {
	// Show sends one of Templates; formOrigins are where its forms may lead besides our own origin.
	Show(w http.ResponseWriter, name string, data any, formOrigins ...string)
	// Refuse sends the page of a refusal.
	Refuse(w http.ResponseWriter, requestID string, err error)
}

// Options are what the server stands on. All but Remote are required; the zero Remote believes no proxy.
type Options struct {
	Broker   *broker.Broker
	Store    broker.Store
	Sessions *session.Sessions
	Tokens   *Tokens
	Cookies  session.Cookies
	Pages    pages
	Remote   web.Remote
	// PublicURL is the broker's origin.
	PublicURL string
	// ClientKey seals client registrations: at least 32 random bytes, the same on every node, used for nothing else.
	ClientKey []byte
	Clock     func() time.Time
	Rand      io.Reader
}

// Server is the HTTP side of the authorization server.
type Server struct {
	Options
	clients *registrar
	devices devices
	tries   tries
	// What strangers may do costs us work or memory: bounded per address.
	registering, polling, entering *web.Throttle
}

// New checks the options.
func New(o Options) (*Server, error) {
	if o.Broker == nil || o.Store == nil || o.Sessions == nil || o.Tokens == nil || o.Cookies == (session.Cookies{}) || o.Pages == nil ||
		o.PublicURL == "" || o.Clock == nil || o.Rand == nil {
		return nil, errors.New("oauth: Broker, Store, Sessions, Tokens, Cookies, Pages, PublicURL, Clock and Rand are required")
	}
	clients, err := newRegistrar(o.ClientKey, o.Rand, o.Clock)
	if err != nil {
		return nil, err
	}
	return &Server{
		Options: o, clients: clients, devices: devices{o.Store, o.Clock, o.Rand}, tries: tries{o.Store},
		registering: web.NewThrottle(5, 30, o.Clock), polling: web.NewThrottle(20, 100, o.Clock), entering: web.NewThrottle(2, 20, o.Clock),
	}, nil
}

// Mount adds the routes. POST /logout is the portal's too: see [Server.Logout].
func (s *Server) Mount(mux *http.ServeMux) {
	mux.Handle("POST /client/register", s.json("register", s.registering, s.register))
	mux.Handle("POST /device_authorization", s.json("device_authorization", s.registering, s.deviceAuthorization))
	mux.Handle("POST /token", s.json("token", s.polling, s.token))
	mux.Handle("GET /authorize", s.page("authorize", s.showConsent))
	mux.Handle("POST /authorize", s.page("consent", s.consent))
	mux.Handle("GET /device", s.page("device", s.showDevice))
	mux.Handle("POST /device", s.page("device", s.device))
}

// jsonHandler answers one request of a client; what it returns is the body.
type jsonHandler func(ctx context.Context, v *broker.Visit, remote string, p params) (any, error)

// json takes a client's request through the pipeline and renders what came of it, once it is on record. No cookie is
// read.
func (s *Server) json(action string, throttle *web.Throttle, h jsonHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body any
		remote := s.Remote.Addr(r)
		id, err := s.Broker.Run(r.Context(), broker.Call{Door: "oauth", Action: action, Remote: remote}, func(ctx context.Context, v *broker.Visit) error {
			if !throttle.Allow(remote) {
				return slowDown.refuse("too many requests from this address")
			}
			p, err := readParams(w, r)
			if err != nil {
				return err
			}
			body, err = h(ctx, v, remote, p)
			return err
		})
		w.Header().Set("X-Amzn-RequestId", id)
		if err != nil {
			writeFault(w, err)
			return
		}
		writeJSON(w, http.StatusOK, body)
	})
}

// answer is what a page handler wants sent: a redirect or a page. It leaves when the record is written.
type answer struct {
	location string // 303
	template string
	data     any
	forms    []string // origins that the page's forms may lead to besides our own
}

// visitor is a person's request on its way through the pipeline.
type visitor struct {
	*broker.Visit
	w      http.ResponseWriter // for reading bodies only
	r      *http.Request
	remote string
}

type pageHandler func(ctx context.Context, v visitor) (answer, error)

func (s *Server) page(action string, h pageHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var out answer
		remote := s.Remote.Addr(r)
		id, err := s.Broker.Run(r.Context(), broker.Call{Door: "oauth", Action: action, Remote: remote}, func(ctx context.Context, v *broker.Visit) (err error) {
			out, err = h(ctx, visitor{v, w, r, remote})
			return err
		})
		var better *instead
		if errors.As(err, &better) {
			out, err = better.answer, nil
		}
		switch {
		case err != nil:
			s.Pages.Refuse(w, id, err)
		case out.location != "":
			w.Header().Set("Referrer-Policy", "no-referrer") // the location may hold a code
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Location", out.location)
			w.WriteHeader(http.StatusSeeOther)
		default:
			s.Pages.Show(w, out.template, out.data, out.forms...)
		}
	})
}
