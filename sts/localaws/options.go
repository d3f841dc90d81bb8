package localaws

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options are what a [Server] is made from. Seed and URL are required.
type Options struct {
	Seed Seed
	// URL is the server's own base URL without a path, http://127.0.0.1:4566 say. The console lives beneath it.
	URL string
	// AllowedHosts are further values of the Host header, each with its port; URL's own is always allowed.
	AllowedHosts []string
	// Clock defaults to time.Now.
	Clock func() time.Time
	// Rand defaults to crypto/rand.
	Rand io.Reader
	// HTTPClient fetches discovery documents and key sets. It defaults to one that follows no redirect; in either
	// case one fetch lasts at most five seconds and reads at most a megabyte.
	HTTPClient *http.Client
	// Logger defaults to discarding everything.
	Logger *slog.Logger
	// AllowInsecureProviders takes OIDC providers at http URLs with ports on loopback hosts: for the demo and tests.
	AllowInsecureProviders bool
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.HTTPClient == nil {
		o.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// base checks URL and returns it parsed.
func (o Options) base() (*url.URL, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("local AWS: URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("local AWS: URL must be http or https with a host and nothing else")
	}
	u.Path = ""
	return u, nil
}
