package devidp

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Options is what a Server is made of. Only BaseURL is required.
type Options struct {
	// BaseURL is where the server is reached: http, a loopback host, a port, no path ("http://127.0.0.1:8444"). It is
	// the OIDC issuer; the SAML entity id is BaseURL + "/saml/metadata", the CI issuer BaseURL + "/ci".
	BaseURL string
	// People may sign in; nil stands for [DefaultPeople].
	People []Person
	// Clients are the OIDC relying parties.
	Clients []Client
	// ServiceProviders are the SAML relying parties; [Server.AddServiceProvider] adds later ones.
	ServiceProviders []ServiceProvider
	// Repos may ask for CI tokens; nil stands for [DefaultRepos].
	Repos []Repo
	// Clock is the time; nil means time.Now.
	Clock func() time.Time
	// Rand makes passwords, codes and identifiers; nil means crypto/rand. Keys always come from the system's source.
	Rand io.Reader
	// Logger hears of sign-ins and refusals; nil discards.
	Logger *slog.Logger
}

// Person can sign in.
type Person struct {
	// Username is typed into the form; it is also the uid attribute and preferred_username.
	Username string
	// Subject is the NameID and the sub claim; empty means Username.
	Subject string
	// Name is what pages and the name claim show.
	Name   string
	Email  string
	Groups []string
}

// Account is a Person with the password made for them at this start.
type Account struct {
	Person
	Password secret.Text
}

// Client is an OIDC relying party (OpenID Connect Core section 3.1).
type Client struct {
	ID     string
	Secret secret.Text
	// RedirectURIs are compared as whole strings (RFC 9700 section 2.1).
	RedirectURIs []string
}

// ServiceProvider is a SAML relying party.
type ServiceProvider struct {
	EntityID string
	// ACS are the assertion consumer URLs (HTTP-POST), compared as whole strings; the first is the default.
	ACS []string
	// SigningCerts, when there are any, make a valid signature on every AuthnRequest necessary.
	SigningCerts []*x509.Certificate
	// EncryptionCert, when set, holds an RSA key for which assertions are encrypted.
	EncryptionCert *x509.Certificate
}

// Repo is a repository whose workflows may have CI tokens.
type Repo struct {
	Owner   string
	OwnerID int64
	Name    string
	ID      int64
	// ImmutableSub puts ids into sub, as GitHub does for repositories made after 15 July 2026.
	ImmutableSub bool
}

// FullName is owner/name.
func (r Repo) FullName() string { return r.Owner + "/" + r.Name }

// DefaultPeople are an administrator, a developer and an auditor.
func DefaultPeople() []Person {
	return []Person{
		{Username: "alice", Subject: "u1001", Name: "Alice Example", Email: "alice@example.com", Groups: []string{"aws-admins", "developers"}},
		{Username: "bob", Subject: "u1002", Name: "Bob Example", Email: "bob@example.com", Groups: []string{"developers"}},
		{Username: "carol", Subject: "u1003", Name: "Carol Example", Email: "carol@example.com", Groups: []string{"auditors"}},
	}
}

// DefaultRepos are one repository with the old form of sub and one with the immutable form.
func DefaultRepos() []Repo {
	return []Repo{
		{Owner: "octo-org", OwnerID: 9919, Name: "shop", ID: 1296269},
		{Owner: "octo-org", OwnerID: 9919, Name: "billing", ID: 901445512, ImmutableSub: true},
	}
}

func (o Options) withDefaults() Options {
	if o.People == nil {
		o.People = DefaultPeople()
	}
	if o.Repos == nil {
		o.Repos = DefaultRepos()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// checkBaseURL holds the promise that this is served on loopback only.
func checkBaseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("base URL cannot be parsed")
	}
	ip := net.ParseIP(u.Hostname())
	switch {
	case u.Scheme != "http" || u.Port() == "" || u.User != nil || raw != "http://"+u.Host:
		return nil, fmt.Errorf("base URL %q must be http://HOST:PORT and nothing more", raw)
	case u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()):
		return nil, fmt.Errorf("base URL %q is not a loopback address; this identity provider is for development only", raw)
	}
	return u, nil
}

func (p Person) check() error {
	if p.Username == "" || strings.TrimSpace(p.Username) != p.Username || len(p.Username) > maxField {
		return fmt.Errorf("person %q needs a user name of 1 to %d characters", p.Username, maxField)
	}
	return nil
}

func (c Client) check() error {
	if c.ID == "" || c.Secret.Empty() || len(c.RedirectURIs) == 0 {
		return fmt.Errorf("client %q needs an id, a secret and a redirect URI", c.ID)
	}
	for _, uri := range c.RedirectURIs {
		if _, err := webOrigin(uri); err != nil {
			return fmt.Errorf("client %q: %w", c.ID, err)
		}
	}
	return nil
}

func (sp ServiceProvider) check() error {
	if sp.EntityID == "" || len(sp.ACS) == 0 {
		return fmt.Errorf("service provider %q needs an entity id and an ACS URL", sp.EntityID)
	}
	for _, acs := range sp.ACS {
		if _, err := webOrigin(acs); err != nil {
			return fmt.Errorf("service provider %q: %w", sp.EntityID, err)
		}
	}
	return nil
}

func (r Repo) check() error {
	if r.Owner == "" || r.Name == "" || r.OwnerID <= 0 || r.ID <= 0 || strings.Contains(r.Owner+r.Name, "/") {
		return fmt.Errorf("repository %q needs an owner, a name and ids above zero", r.FullName())
	}
	return nil
}

// webOrigin is the origin of an absolute http or https URL without fragment: what a browser may be sent to.
func webOrigin(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || strings.Contains(raw, "#") {
		return "", fmt.Errorf("%q is not an absolute http or https URL", raw)
	}
	return u.Scheme + "://" + u.Host, nil
}
