package broker

import (
	"fmt"
	"time"

	"github.com/fedbroker/fedbroker/sts"
)

// lifetime is how long one session may last.
type lifetime struct {
	// asked shapes the cache key: what was asked for, or the role's default, before anything shortened it.
	asked time.Duration
	// deadline is when the credentials must be over; duration, in whole seconds, is what STS is asked for.
	deadline time.Time
	duration time.Duration
}

// lifetimeOf takes the least of every bound (design.md section 5). Asking for more than rule or role allow is the
// caller's mistake; the other bounds shorten. want is 0 when the caller does not say.
func (b *Broker) lifetimeOf(g *Grant, want time.Duration, sessionEnds ...time.Time) (lifetime, error) {
	most := b.MostOf(g)
	switch {
	case want != 0 && want < sts.MinDuration:
		return lifetime{}, Refuse(CodeInvalidRequest, "AWS issues credentials for at least 15m", nil)
	case want > most:
		return lifetime{}, Refuse(CodeInvalidRequest, fmt.Sprintf("%s may be had for at most %s", g.Role.Name, most), nil)
	case want == 0:
		want = min(g.Role.Duration, most)
	}
	l := lifetime{asked: want, duration: want}
	now := b.Clock()
	l.deadline = now.Add(l.duration)
	for _, end := range sessionEnds {
		if !end.IsZero() && end.Before(l.deadline) {
			l.deadline = end
			l.duration = end.Sub(now).Truncate(time.Second)
		}
	}
	if l.duration < sts.MinDuration {
		return lifetime{}, Refuse(CodeLoginRequired, "your login session has less than 15m left; sign in again", nil)
	}
	return l, nil
}

// MostOf is the longest that may be asked for: what role and rule allow, and an hour where AWS will count chaining.
func (b *Broker) MostOf(g *Grant) time.Duration {
	most := g.Role.MaxDuration
	if g.MaxDuration > 0 {
		most = min(most, g.MaxDuration)
	}
	if b.chained(g.Role) {
		most = min(most, sts.MaxChained)
	}
	return most
}

// chained reports whether AWS will count the call as role chaining, which ends after an hour.
func (b *Broker) chained(r *Role) bool {
	return r.Mode == sts.ModeAssumeRole && (r.Through != nil || b.PrincipalIsSession)
}
