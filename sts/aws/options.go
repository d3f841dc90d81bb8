package aws

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Options describes how STS is called.
type Options struct {
	// Endpoint replaces AWS's regional endpoints, for local AWS: https, or http on loopback. Empty means AWS itself.
	Endpoint string
	// InsecureEndpoint allows pass-through proofs to be sent to Endpoint.
	InsecureEndpoint bool
	// Principal signs AssumeRole when a request has no Caller.
	Principal Principal
	// Attempts bounds the tries of one call, the first included; 0 means 2. Throttling is never retried.
	Attempts int
	// Timeout bounds one try; 0 means 10 s.
	Timeout time.Duration
	// Transport carries the calls; nil means one made for STS: TLS 1.2 or later, kept connections, bounded waits.
	Transport http.RoundTripper
}

// Principal is the broker's own AWS identity. The zero value means the SDK's default chain (environment, shared files,
// container, instance), looked up when it is first needed.
type Principal struct {
	AccessKeyID     string
	SecretAccessKey secret.Text
	SessionToken    secret.Text // only with temporary keys
}

func (p Principal) zero() bool {
	return p.AccessKeyID == "" && p.SecretAccessKey.Empty() && p.SessionToken.Empty()
}

func (o *Options) check() error {
	if o.Attempts == 0 {
		o.Attempts = 2
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	switch {
	case o.Attempts < 1 || o.Attempts > 5:
		return errors.New("sts: between 1 and 5 attempts")
	case o.Timeout < 0:
		return errors.New("sts: a negative timeout")
	case !o.Principal.zero() && (o.Principal.AccessKeyID == "" || o.Principal.SecretAccessKey.Empty()):
		return errors.New("sts: the broker's own principal needs an access key id and a secret access key")
	}
	if o.Endpoint == "" {
		return nil
	}
	return checkEndpoint(o.Endpoint)
}

// checkEndpoint allows https anywhere and http on loopback only (design.md section 5).
func checkEndpoint(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "":
		return errors.New("sts endpoint: not a URL with a host")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return fmt.Errorf("sts endpoint %s: must be https, or http on loopback", u.Redacted())
	case u.User != nil || strings.ContainsAny(raw, "?#"):
		return fmt.Errorf("sts endpoint %s: must have no user, query or fragment", u.Redacted())
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}
