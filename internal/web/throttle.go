package web

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxAddresses bounds what a Throttle remembers; beyond it the quieter ones are forgotten.
const maxAddresses = 1 << 14

// Throttle bounds how often one address may do what costs us memory or much time before anybody is known: begin a
// login, have a SAML Response read. An IPv6 client counts by its /64: it has the whole of it.
type Throttle struct {
	limit rate.Limit
	burst int
	clock func() time.Time

	mu      sync.Mutex
	clients map[netip.Prefix]*client
}

type client struct {
	limiter *rate.Limiter
	seen    time.Time
}

// NewThrottle allows each address perSecond requests, and burst at once.
func NewThrottle(perSecond, burst int, clock func() time.Time) *Throttle {
	return &Throttle{limit: rate.Limit(perSecond), burst: burst, clock: clock, clients: map[netip.Prefix]*client{}}
}

// Allow counts one request of an address, as [Remote.Addr] gives it. What is not an address counts together.
func (t *Throttle) Allow(address string) bool {
	now := t.clock()
	t.mu.Lock()
	defer t.mu.Unlock()
	key := network(address)
	c := t.clients[key]
	if c == nil {
		if len(t.clients) >= maxAddresses {
			t.forget()
		}
		c = &client{limiter: rate.NewLimiter(t.limit, t.burst)}
		t.clients[key] = c
	}
	c.seen = now
	return c.limiter.AllowN(now, 1)
}

// forget drops the quieter half.
func (t *Throttle) forget() {
	var newest, oldest time.Time
	for _, c := range t.clients {
		if newest.Before(c.seen) {
			newest = c.seen
		}
		if oldest.IsZero() || c.seen.Before(oldest) {
			oldest = c.seen
		}
	}
	middle := oldest.Add(newest.Sub(oldest) / 2)
	for key, c := range t.clients {
		if !c.seen.After(middle) {
			delete(t.clients, key)
		}
	}
}

func network(address string) netip.Prefix {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 32
	if addr = addr.Unmap(); addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // bits fit the family
	return prefix
}
