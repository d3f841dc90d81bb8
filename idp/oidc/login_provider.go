package oidc

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/internal/codeflow"
)

// provider is what a login needs of an issuer's metadata.
type provider struct {
	authorize, token     string
	userinfo, endSession string   // empty where the provider has none
	promisesIssuer       bool     // RFC 9207 section 3
	authMethods          []string // of the token endpoint; nil when the document does not say
}

// server chooses how we authenticate at the token endpoint, among what the provider offers.
func (l *Login) server(p *provider) (codeflow.Server, error) {
	s := codeflow.Server{Issuer: l.opts.Issuer, PromisesIssuer: p.promisesIssuer, AuthorizeURL: p.authorize, TokenURL: p.token}
	if l.opts.ClientSecret.Empty() {
		return s, nil
	}
	for _, method := range p.authMethods {
		switch method {
		case "client_secret_basic":
			s.SecretInBody = false
			return s, nil
		case "client_secret_post":
			s.SecretInBody = true
		}
	}
	if !s.SecretInBody && p.authMethods != nil {
		return codeflow.Server{}, idp.Refuse(idp.KindUnavailable, "the identity provider takes no client secret at its token endpoint", nil)
	}
	return s, nil // a document that does not say means client_secret_basic (Discovery section 3)
}

func readProvider(issuer string, meta idp.Claims) (*provider, error) {
	p := &provider{
		authorize:  meta.Text("authorization_endpoint"),
		token:      meta.Text("token_endpoint"),
		userinfo:   meta.Text("userinfo_endpoint"),
		endSession: meta.Text("end_session_endpoint"),
	}
	for _, e := range []struct {
		name, url string
		optional  bool
	}{
		{"authorization_endpoint", p.authorize, false},
		{"token_endpoint", p.token, false},
		{"userinfo_endpoint", p.userinfo, true},
		{"end_session_endpoint", p.endSession, true}, // RP-Initiated Logout 1.0 section 2.1
	} {
		if e.optional && e.url == "" {
			continue
		}
		if err := checkEndpoint(issuer, e.url); err != nil {
			return nil, fmt.Errorf("discovery document: %s: %w", e.name, err)
		}
	}
	promised, _ := meta.Get("authorization_response_iss_parameter_supported")
	p.promisesIssuer = promised == true
	if methods, ok := meta.Get("token_endpoint_auth_methods_supported"); ok {
		if p.authMethods, ok = texts(methods); !ok {
			return nil, fmt.Errorf("discovery document: token_endpoint_auth_methods_supported is no list of strings")
		}
	}
	return p, nil
}

// providerSource holds the metadata of one issuer: fetched when first needed, one fetch at a time, fresh and stale as
// keys are, with the same pause after every attempt.
type providerSource struct {
	issuer     string
	fetch      fetcher
	staleFor   time.Duration
	minRefetch time.Duration
	clock      func() time.Time
	log        *slog.Logger

	mu        sync.Mutex
	meta      *provider
	fetched   time.Time
	fresh     time.Duration
	attempted time.Time
	failure   error
	inFlight  chan struct{} // closed when the running fetch has ended; nil: none runs
}

func newProviderSource(o Options) *providerSource {
	return &providerSource{issuer: o.Issuer, fetch: o.Fetch, staleFor: o.StaleFor, minRefetch: o.MinRefetch, clock: o.Clock, log: o.Logger}
}

// current returns metadata that is fresh, or what is at hand when a fetch is not due or failed.
func (s *providerSource) current(ctx context.Context) (*provider, error) {
	s.mu.Lock()
	if s.meta == nil || s.clock().Sub(s.fetched) >= s.fresh {
		wait := s.startLocked()
		s.mu.Unlock()
		if wait != nil {
			select {
			case <-wait:
			case <-ctx.Done():
				return nil, unreachable(ctx.Err())
			}
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if s.meta == nil || s.clock().Sub(s.fetched) > s.staleFor {
		return nil, unreachable(s.failure)
	}
	return s.meta, nil
}

// startLocked joins the running fetch, or starts one if the pause since the last attempt is over; nil when there is
// nothing to wait for. The fetch belongs to nobody's request.
func (s *providerSource) startLocked() <-chan struct{} {
	now := s.clock()
	if s.inFlight != nil || !s.attempted.IsZero() && now.Sub(s.attempted) < s.minRefetch {
		return s.inFlight
	}
	done := make(chan struct{})
	s.attempted, s.inFlight = now, done
	go s.run(done)
	return done
}

func (s *providerSource) run(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	meta, fresh, err := s.load(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(done)
	s.inFlight, s.attempted, s.failure = nil, s.clock(), err
	if err != nil {
		s.log.Warn("fetching the metadata of an OpenID provider", "issuer", s.issuer, "error", err)
		return
	}
	s.meta, s.fetched, s.fresh = meta, s.attempted, fresh
}

// load fetches once. A panic over a hostile document would end the process: it runs on a goroutine of its own.
func (s *providerSource) load(ctx context.Context) (meta *provider, fresh time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			meta, err = nil, fmt.Errorf("reading metadata: panic: %v", p)
		}
	}()
	doc, header, err := readMetadata(ctx, s.fetch, s.issuer)
	if err != nil {
		return nil, 0, err
	}
	meta, err = readProvider(s.issuer, doc)
	return meta, freshness(header), err
}

func unreachable(err error) error {
	return idp.Refuse(idp.KindUnavailable, "the identity provider cannot be reached; try again", err)
}
