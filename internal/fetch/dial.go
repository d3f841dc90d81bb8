package fetch

import (
	"context"
	"errors"
	"net"
	"time"
)

// DialOptions of a [Dialer]. The zero value reaches public addresses only.
type DialOptions struct {
	// Timeout bounds one connection, all addresses of a name included. DefaultTimeout when zero.
	Timeout time.Duration
	// AllowPrivate permits private and loopback addresses (an IdP's private_network).
	AllowPrivate bool
	// AllowLoopback permits loopback addresses (an IdP's insecure_http).
	AllowLoopback bool
	// Resolver is the system's when nil.
	Resolver Resolver
}

// Dialer connects under the address rules of the client, for protocols other than HTTP. It is safe for concurrent use.
type Dialer struct{ dialer }

// NewDialer makes a dialer. It starts nothing.
func NewDialer(o DialOptions) (*Dialer, error) {
	if o.Timeout < 0 {
		return nil, errors.New("fetch: negative limit")
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	allowed := reach{public: true, private: o.AllowPrivate, loopback: o.AllowPrivate || o.AllowLoopback}
	return &Dialer{dialer{reach: allowed, resolver: o.Resolver, timeout: o.Timeout}}, nil
}

// DialContext connects to host:port, or fails with an error that wraps [ErrForbidden] where the address is out of reach.
func (d *Dialer) DialContext(ctx context.Context, network, hostport string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	return d.dialContext(ctx, network, hostport)
}
