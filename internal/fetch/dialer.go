package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// dialer resolves a name once, and connects only to an address that passes the check.
type dialer struct {
	reach    reach
	resolver Resolver
	timeout  time.Duration
}

func (d *dialer) dialContext(ctx context.Context, network, hostport string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	share := d.timeout / time.Duration(len(addrs)) // a dead first address must leave time for the next
	var failures []error
	for _, addr := range addrs {
		conn, err := d.connect(ctx, network, net.JoinHostPort(addr.String(), port), share)
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

func (d *dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	addrs, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("no address for %s", host)
	}
	return addrs, nil
}

// connect checks the address at the last moment, when the socket exists and its peer is settled: nothing that happens
// to a name before can unhinge the rule.
func (d *dialer) connect(ctx context.Context, network, literal string, timeout time.Duration) (net.Conn, error) {
	dial := net.Dialer{Timeout: timeout}
	dial.Control = func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrForbidden, err)
		}
		return d.reach.check(ap.Addr())
	}
	return dial.DialContext(ctx, network, literal)
}
