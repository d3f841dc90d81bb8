package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Remote tells the address that a request came from.
type Remote struct{ trusted []netip.Prefix }

// NewRemote takes addresses and CIDR ranges of proxies whose X-Forwarded-For is believed.
func NewRemote(proxies []string) (Remote, error) {
	var r Remote
	for _, p := range proxies {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			addr, addrErr := netip.ParseAddr(p)
			if addrErr != nil {
				return Remote{}, addrErr
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		r.trusted = append(r.trusted, prefix.Masked())
	}
	return r, nil
}

// Addr walks X-Forwarded-For from its end, over trusted proxies only, to the first address that is not one of them.
// What stands further left was written by the client.
func (rm Remote) Addr(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && rm.trusts(host); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = next.Unmap().String()
	}
	return host
}

func (rm Remote) trusts(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range rm.trusted {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
