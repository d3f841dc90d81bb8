package localaws

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/console"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/webidentity"
)

// maxSessions bounds the temporary credentials that are alive at once; beyond it calls are throttled.
const maxSessions = 100_000

// Server is the embedded AWS. It is safe for concurrent use.
type Server struct {
	state    *iam.State
	sessions *session.Store
	minter   iam.Minter
	fetcher  *webidentity.Fetcher
	clock    func() time.Time
	logger   *slog.Logger

	base     *url.URL
	hosts    map[string]bool
	services map[string]service // by API version
	handler  http.Handler
}

var _ http.Handler = (*Server)(nil)

// New builds a server from a seed. It binds nothing and starts nothing. It fails with all problems of the seed.
func New(options Options) (*Server, error) {
	options = options.withDefaults()
	base, err := options.base()
	if err != nil {
		return nil, err
	}
	minter := iam.Minter{Rand: options.Rand}
	state, err := buildState(options.Seed, iam.Options{Minter: minter, InsecureProviders: options.AllowInsecureProviders})
	if err != nil {
		return nil, fmt.Errorf("local AWS seed:\n%w", err)
	}
	s := &Server{
		state: state, minter: minter, sessions: session.NewStore(maxSessions), clock: options.Clock, logger: options.Logger,
		fetcher:  &webidentity.Fetcher{Client: options.HTTPClient, Clock: options.Clock, Insecure: options.AllowInsecureProviders},
		base:     base,
		hosts:    map[string]bool{strings.ToLower(base.Host): true},
		services: map[string]service{stsVersion: stsService()},
	}
	for _, host := range options.AllowedHosts {
		s.hosts[strings.ToLower(host)] = true
	}
	return s, s.mount()
}

// mount lists everything that answers.
func (s *Server) mount() error {
	pages, err := console.New(console.Options{
		Base: s.base, Sessions: s.sessions, Minter: s.minter, Clock: s.clock, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	pages.Mount(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("/{$}", s.serveQuery)
	s.handler = mux
	return nil
}

// ServeHTTP answers requests for the server's own hosts only, so that no web page can reach it by DNS rebinding.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.hosts[strings.ToLower(r.Host)] {
		http.Error(w, "this server does not answer for that host", http.StatusMisdirectedRequest)
		return
	}
	s.handler.ServeHTTP(w, r)
}

// Account names one AWS account.
type Account struct{ ID, Name, Partition string }

// Accounts returns all accounts in the order of their ids.
func (s *Server) Accounts() []Account {
	var out []Account
	for _, a := range s.state.Accounts() {
		out = append(out, Account{ID: a.ID, Name: a.Name, Partition: a.Partition})
	}
	return out
}

// AccessKey is a long-term key of a seeded user. It prints without its secret.
type AccessKey struct {
	AccountID       string
	UserName        string
	UserARN         string
	AccessKeyID     string
	SecretAccessKey string
}

// String hides the secret.
func (k AccessKey) String() string { return k.AccessKeyID + " [redacted]" }

// GoString hides the secret.
func (k AccessKey) GoString() string { return k.String() }

// LogValue hides the secret from logs.
func (k AccessKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// AccessKeys returns the long-term keys of all users, literal and generated, sorted by the users' ARNs.
func (s *Server) AccessKeys() []AccessKey {
	var out []AccessKey
	for _, key := range s.state.AccessKeys() {
		out = append(out, AccessKey{
			AccountID: key.User.Account.ID, UserName: key.User.Name, UserARN: key.User.ARN(),
			AccessKeyID: key.ID, SecretAccessKey: key.Secret,
		})
	}
	return out
}

// PutSAMLProvider adds an IAM SAML provider to an account, or replaces its metadata, and returns its ARN.
func (s *Server) PutSAMLProvider(accountID, name string, metadata []byte) (arn string, err error) {
	if err := putSAMLProvider(s.state, accountID, name, metadata); err != nil {
		return "", fmt.Errorf("put SAML provider %s: %w", name, err)
	}
	account, _ := s.state.Account(accountID)
	return (&iam.SAMLProvider{Account: account, Name: name}).ARN(), nil
}

// PutOIDCProvider adds an IAM OIDC provider to an account, or replaces the one of the same URL, and returns its ARN.
func (s *Server) PutOIDCProvider(accountID string, provider SeedOIDCProvider) (arn string, err error) {
	if err := putOIDCProvider(s.state, accountID, provider); err != nil {
		return "", fmt.Errorf("put OIDC provider %s: %w", provider.URL, err)
	}
	account, _ := s.state.Account(accountID)
	return (&iam.OIDCProvider{Account: account, URL: provider.URL}).ARN(), nil
}
