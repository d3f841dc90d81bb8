package devidp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Limits of what one request may carry.
const (
	maxBody  = 256 << 10
	maxField = 256
	maxURL   = 32 << 10
)

// Server is the identity provider. It is safe for concurrent use and holds everything in memory.
type Server struct {
	base    *url.URL
	clock   func() time.Time
	rand    io.Reader
	log     *slog.Logger
	handler http.Handler

	people   people
	sessions *expiring[session]
	pending  *expiring[pending]
	codes    *expiring[grant]
	access   *expiring[session]
	clients  map[string]Client
	repos    []CIAccess
	ciJWT    jwtSigner
	oidcJWT  jwtSigner
	saml     samlSigner

	mu  sync.RWMutex
	sps map[string]ServiceProvider
}

var _ http.Handler = (*Server)(nil)

// New makes keys and passwords and a handler over them; it starts nothing. It fails for a base URL that is not
// loopback and for parties that lack something.
func New(o Options) (*Server, error) {
	keys, err := newKeySet()
	if err != nil {
		return nil, err
	}
	return newServer(o, keys)
}

func newServer(o Options, keys keySet) (*Server, error) {
	o = o.withDefaults()
	base, err := checkBaseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	s := &Server{
		base: base, clock: o.Clock, rand: o.Rand, log: o.Logger,
		sessions: newExpiring[session](sessionLife, o.Clock), pending: newExpiring[pending](pendingLife, o.Clock),
		codes: newExpiring[grant](codeLife, o.Clock), access: newExpiring[session](accessLife, o.Clock),
		clients: map[string]Client{}, sps: map[string]ServiceProvider{},
	}
	if err := errors.Join(s.addPeople(o.People), s.addClients(o.Clients), s.addRepos(o.Repos), s.addKeys(keys)); err != nil {
		return nil, err
	}
	for _, sp := range o.ServiceProviders {
		if err := s.AddServiceProvider(sp); err != nil {
			return nil, err
		}
	}
	s.handler = s.routes()
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// BaseURL is the OIDC issuer.
func (s *Server) BaseURL() string { return s.base.String() }

// EntityID names the SAML identity provider; its metadata is served there.
func (s *Server) EntityID() string { return s.url("/saml/metadata") }

// CIIssuer is the iss of CI tokens.
func (s *Server) CIIssuer() string { return s.url("/ci") }

// People are the accounts, passwords included, in the order they were given.
func (s *Server) People() []Account { return slices.Clone(s.people.accounts) }

// CIAccess is what a workflow run of a repository is given to ask for tokens with.
type CIAccess struct {
	Repo Repo
	// RequestURL stands in for ACTIONS_ID_TOKEN_REQUEST_URL: append "&audience=…", "&event=…" and so on.
	RequestURL string
	// RequestToken stands in for ACTIONS_ID_TOKEN_REQUEST_TOKEN.
	RequestToken secret.Text
}

// Repos are the repositories with what their workflows ask for tokens with, in the order they were given.
func (s *Server) Repos() []CIAccess { return slices.Clone(s.repos) }

// AddServiceProvider registers a SAML relying party, in the place of an earlier one of that entity id. Brokers that
// know their own metadata only once they are running are added so.
func (s *Server) AddServiceProvider(sp ServiceProvider) error {
	if err := sp.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sps[sp.EntityID] = sp
	return nil
}

func (s *Server) serviceProvider(entityID string) (ServiceProvider, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	sp, ok := s.sps[entityID]
	return sp, ok
}

func (s *Server) addClients(clients []Client) error {
	for _, c := range clients {
		if err := c.check(); err != nil {
			return err
		}
		if _, dup := s.clients[c.ID]; dup {
			return fmt.Errorf("client %q occurs twice", c.ID)
		}
		s.clients[c.ID] = c
	}
	return nil
}

func (s *Server) addKeys(keys keySet) error {
	der, err := selfSigned(keys.saml, s.clock())
	if err != nil {
		return err
	}
	s.saml = samlSigner{key: keys.saml, certDER: der}
	if s.ciJWT, err = newJWTSigner(keys.ci); err != nil {
		return err
	}
	s.oidcJWT, err = newJWTSigner(keys.oidc)
	return err
}

func (s *Server) url(path string) string { return s.base.String() + path }
