package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Defaults of [Options].
const (
	DefaultSkew       = time.Minute
	DefaultStaleFor   = 24 * time.Hour
	DefaultMinRefetch = 30 * time.Second
	maxSkew           = 5 * time.Minute
)

// fetcher is the part of [fetch.Client] that key sets need.
type fetcher interface {
	Get(ctx context.Context, target string) ([]byte, http.Header, error)
}

// ClaimNames says which claims become the attributes of an identity. A name that begins with a slash is a JSON
// Pointer (RFC 6901), for claims inside objects.
type ClaimNames struct {
	Username string // preferred_username when empty
	Email    string // email when empty
	Groups   string // groups when empty; an array of strings, or one string
}

func (n ClaimNames) withDefaults() ClaimNames {
	return ClaimNames{
		Username: orElse(n.Username, "preferred_username"),
		Email:    orElse(n.Email, "email"),
		Groups:   orElse(n.Groups, "groups"),
	}
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// Options of a [Workload].
type Options struct {
	// ID is the identity provider's id in the configuration.
	ID string
	// Issuer is compared with iss byte by byte. Its discovery document is at Issuer + /.well-known/openid-configuration.
	Issuer string
	// Audiences are ours; a token names at least one of them.
	Audiences []string
	// AuthorizedParties are clients of others whose azp is accepted beside several audiences.
	AuthorizedParties []string
	// Tenant pins claims: each must have one of the values. Keys are as in [idp.Claims.At].
	Tenant map[string][]string
	// RequiredClaims must be there and not be null.
	RequiredClaims []string
	// Algorithms is the allow-list; all of RS, PS, ES 256 to 512 and EdDSA when empty.
	Algorithms []string
	// Claims names the claims that become attributes.
	Claims ClaimNames

	// Skew is how far the issuer's clock may be from ours; DefaultSkew when zero, at most five minutes.
	Skew time.Duration
	// MaxAge, when above zero, is how long after iat a token is taken.
	MaxAge time.Duration
	// Once asks the pipeline to accept each token a single time.
	Once bool

	// JWKSFile is a key set (RFC 7517) that replaces fetching; nil when there is none. An empty file is an error: it
	// must not turn pinning off.
	JWKSFile []byte
	// StaleFor is how long keys serve after the last fetch that worked; DefaultStaleFor when zero.
	StaleFor time.Duration
	// MinRefetch is the pause after every attempt to fetch keys; DefaultMinRefetch when zero.
	MinRefetch time.Duration
	// Fetch gets discovery document and keys; normally a [fetch.Client]. Not needed with JWKSFile.
	Fetch fetcher
	// Clock is time.Now when nil.
	Clock func() time.Time
	// Logger hears about keys: fetches that fail, keys that are left out. Discarded when nil.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Skew == 0 {
		o.Skew = DefaultSkew
	}
	if o.StaleFor == 0 {
		o.StaleFor = DefaultStaleFor
	}
	if o.MinRefetch == 0 {
		o.MinRefetch = DefaultMinRefetch
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if len(o.Algorithms) == 0 {
		o.Algorithms = algorithms()
	}
	o.Claims = o.Claims.withDefaults()
	return o
}

// validate joins everything that is wrong with the options, so that a configuration is mended in one go.
func (o Options) validate() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(o.ID == "", "the identity provider has no id")
	errs = append(errs, checkIssuer(o.Issuer))
	wrong(len(o.Audiences) == 0, "no audience is configured")
	wrong(slices.Contains(o.Audiences, ""), "an audience is empty")
	wrong(o.Skew < 0 || o.Skew > maxSkew, "skew is not between 0 and %s", maxSkew)
	wrong(o.MaxAge < 0 || o.StaleFor < 0 || o.MinRefetch < 0, "a duration is negative")
	wrong(o.Fetch == nil && o.JWKSFile == nil, "neither a fetcher nor a key file")
	for _, alg := range o.Algorithms {
		wrong(!slices.Contains(algorithms(), alg), "algorithm %q is not one of %v", alg, algorithms())
	}
	for claim, values := range o.Tenant {
		wrong(claim == "" || len(values) == 0 || slices.Contains(values, ""), "tenant pin %q has no value, or an empty one", claim)
	}
	return errors.Join(errs...)
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("issuer %q is not an http(s) URL without user, query and fragment", issuer)
	}
	return nil
}
