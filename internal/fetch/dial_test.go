package fetch_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/internal/fetch"
)

func TestDialerKeepsToTheAddressRules(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for name, c := range map[string]struct {
		o       fetch.DialOptions
		address string
		ok      bool
	}{
		"loopback is not public":       {fetch.DialOptions{}, l.Addr().String(), false},
		"loopback, allowed":            {fetch.DialOptions{AllowLoopback: true}, l.Addr().String(), true},
		"loopback, as private":         {fetch.DialOptions{AllowPrivate: true}, l.Addr().String(), true},
		"private is not loopback":      {fetch.DialOptions{AllowLoopback: true}, "10.0.0.1:636", false},
		"private":                      {fetch.DialOptions{}, "192.168.0.1:636", false},
		"metadata, though all allowed": {fetch.DialOptions{AllowPrivate: true, AllowLoopback: true}, "169.254.169.254:80", false},
		"no port":                      {fetch.DialOptions{AllowPrivate: true}, "127.0.0.1", false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := fetch.NewDialer(c.o)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := d.DialContext(t.Context(), "tcp", c.address)
			switch {
			case c.ok && err != nil, !c.ok && !errors.Is(err, fetch.ErrForbidden):
				t.Errorf("got %v", err)
			case err == nil:
				_ = conn.Close()
			}
		})
	}
	if _, err := fetch.NewDialer(fetch.DialOptions{Timeout: -time.Second}); err == nil {
		t.Error("a negative time was accepted")
	}
}
