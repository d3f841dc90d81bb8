package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Defaults and bounds of [Options].
const (
	DefaultTimeout   = 10 * time.Second
	DefaultMaxBytes  = 1 << 20
	maxHeaderBytes   = 64 << 10
	maxRedirects     = 3
	maxURLBytes      = 2048
	idleConnsPerHost = 4
)

// ErrForbidden is wrapped where the client refuses to ask: scheme, address or redirect.
var ErrForbidden = errors.New("fetch: not allowed")

// ErrTooLarge is wrapped where an answer is larger than Options.MaxBytes.
var ErrTooLarge = errors.New("fetch: answer too large")

// StatusError is an answer other than 200 OK to [Client.Get].
type StatusError struct {
	Status int
}

// Error names the status only: the body of an answer is not ours to repeat.
func (e *StatusError) Error() string { return fmt.Sprintf("fetch: status %d", e.Status) }

// Resolver finds the addresses of a host name; [net.Resolver] is one. Network is always "ip".
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options of a client. The zero value reaches public https addresses only.
type Options struct {
	// Timeout bounds one request, redirects and body included. DefaultTimeout when zero.
	Timeout time.Duration
	// MaxBytes bounds the body of an answer. DefaultMaxBytes when zero.
	MaxBytes int64
	// AllowPrivate permits private and loopback addresses, over https (an IdP's private_network).
	AllowPrivate bool
	// AllowLoopbackHTTP permits loopback addresses, and plain http to them (an IdP's insecure_http).
	AllowLoopbackHTTP bool
	// UserAgent is sent with every request; "fedbroker" when empty.
	UserAgent string
	// RootCAs are the authorities that servers are verified against; the system's when nil.
	RootCAs *x509.CertPool
	// Resolver is the system's when nil.
	Resolver Resolver
}

// Client is the guarded client. It is safe for concurrent use and keeps connections; make few.
type Client struct {
	maxBytes  int64
	userAgent string
	secure    http.RoundTripper
	plain     http.RoundTripper // nil: no http at all
	client    *http.Client
}

var _ http.RoundTripper = (*Client)(nil)

// New makes a client. It starts nothing.
func New(o Options) (*Client, error) {
	if o.Timeout < 0 || o.MaxBytes < 0 {
		return nil, errors.New("fetch: negative limit")
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.UserAgent == "" {
		o.UserAgent = "fedbroker"
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	c := &Client{maxBytes: o.MaxBytes, userAgent: o.UserAgent}
	c.secure = transport(o, reach{public: true, private: o.AllowPrivate, loopback: o.AllowPrivate || o.AllowLoopbackHTTP})
	if o.AllowLoopbackHTTP {
		c.plain = transport(o, reach{loopback: true})
	}
	c.client = &http.Client{Transport: c, Timeout: o.Timeout, CheckRedirect: checkRedirect}
	return c, nil
}

func transport(o Options, r reach) *http.Transport {
	d := dialer{reach: r, resolver: o.Resolver, timeout: o.Timeout}
	return &http.Transport{
		Proxy:                  nil, // see the package comment
		DialContext:            d.dialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
		TLSHandshakeTimeout:    o.Timeout,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConnsPerHost:    idleConnsPerHost,
		IdleConnTimeout:        90 * time.Second,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
}

// HTTPClient is the same client for libraries that bring their own requests (x/oauth2, go-oidc). A body that it
// returns fails with [ErrTooLarge] once more than MaxBytes have been read.
func (c *Client) HTTPClient() *http.Client { return c.client }

// Get fetches a document: the whole body of a 200 answer, and its header fields.
func (c *Client) Get(ctx context.Context, target string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: not a URL", ErrForbidden)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("fetch: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, &StatusError{Status: resp.StatusCode}
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("fetch: reading %s: %w", req.URL.Redacted(), err)
	}
	return body, resp.Header, nil
}

// RoundTrip makes Client a transport: it checks the URL, sends the request over the transport of its scheme and
// bounds the body. Redirects and the time limit belong to [Client.HTTPClient].
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	next, err := c.transportFor(req.URL)
	if err != nil {
		if req.Body != nil {
			req.Body.Close() // the contract of http.RoundTripper
		}
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", c.userAgent)
	resp, err := next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: c.maxBytes}
	return resp, nil
}

func (c *Client) transportFor(u *url.URL) (http.RoundTripper, error) {
	switch {
	case u.User != nil, u.Hostname() == "", len(u.String()) > maxURLBytes:
		return nil, fmt.Errorf("%w: the URL has user information, no host, or too many bytes", ErrForbidden)
	case u.Scheme == "https":
		return c.secure, nil
	case u.Scheme == "http" && c.plain != nil:
		return c.plain, nil
	}
	if u.Scheme == "http" {
		return nil, fmt.Errorf("%w: scheme http; insecure_http: true on this idp permits it on loopback", ErrForbidden)
	}
	return nil, fmt.Errorf("%w: scheme %q", ErrForbidden, u.Scheme)
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("%w: more than %d redirects", ErrForbidden, maxRedirects)
	case first.Method != http.MethodGet:
		return fmt.Errorf("%w: a %s is not redirected", ErrForbidden, first.Method)
	case req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host:
		return fmt.Errorf("%w: a redirect leaves %s", ErrForbidden, first.URL.Host)
	}
	return nil
}

// boundedBody fails, rather than ends, past its limit: a cut document must not look whole.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
