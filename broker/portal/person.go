package portal

import (
	"fmt"
	"time"

	"github.com/fedbroker/fedbroker/broker/session"
)

// person is whose page it is: what the header of every signed-in page shows.
type person struct {
	Name, Provider string
	// Ends is when the login session ends, Left how long that is from now.
	Ends time.Time
	Left time.Duration
}

func (p *Portal) person(s *session.Session) *person {
	out := &person{Name: displayName(&s.Identity), Ends: s.Expires, Left: s.Expires.Sub(p.Clock())}
	if provider := p.providers[s.Identity.Provider]; provider != nil {
		out.Provider = provider.Name
	}
	return out
}

// Seconds is Left for the script that goes on counting.
func (p *person) Seconds() int64 { return int64(p.Left / time.Second) }

// leftText is a remaining time in whole minutes, rounded down: nobody counts on a minute that there is not. The script
// left.js says the same in the same words.
func leftText(d time.Duration) string {
	minutes := int64(d / time.Minute)
	switch {
	case minutes < 1:
		return "less than a minute left"
	case minutes < 60:
		return fmt.Sprintf("%d min left", minutes)
	}
	return fmt.Sprintf("%d h %d min left", minutes/60, minutes%60)
}
