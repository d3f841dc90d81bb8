package daemon

import (
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/internal/fetch"
)

// clients are the outbound clients, one for each reach that an identity provider may have: entries of one issuer then
// share its keys, and a reload keeps connections. Used by one goroutine at a time.
type clients struct {
	userAgent string
	made      map[reach]*fetch.Client
}

type reach struct{ private, loopbackHTTP bool }

func newClients(version string) *clients {
	return &clients{userAgent: "fedbroker/" + version, made: map[reach]*fetch.Client{}}
}

// to returns the client that reaches what the provider's configuration allows, and nothing else.
func (c *clients) to(p *configs.IdP) (*fetch.Client, error) {
	r := reach{private: p.PrivateNetwork, loopbackHTTP: p.InsecureHTTP}
	if made := c.made[r]; made != nil {
		return made, nil
	}
	made, err := fetch.New(fetch.Options{AllowPrivate: r.private, AllowLoopbackHTTP: r.loopbackHTTP, UserAgent: c.userAgent})
	if err == nil {
		c.made[r] = made
	}
	return made, err
}
