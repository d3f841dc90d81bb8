package portal

import (
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/sts"
)

// roleView is what role.html shows of one granted role.
type roleView struct {
	Name, ARN string
	// Console is false where a login session cannot become credentials (pass-through).
	Console bool
	// Open is where the console begins, Focus where the page's focus is.
	Open  openView
	Focus bool
	// Details is what the row unfolds.
	Details *roleDetails
}

// roleDetails says why a role is granted and what its session would be, as far as the rules can tell before it is issued.
type roleDetails struct {
	Rule, SessionName, SourceIdentity string
	Tags                              []sts.Tag
	Transitive                        []string
	// Narrowed says that a session policy takes away some of what the role may do.
	Narrowed bool
	// Usual is given when nobody chooses, Most is the most that may be chosen, Durations are the choices between.
	Usual, Most time.Duration
	Durations   []time.Duration
}

func (p *Portal) roleView(g *broker.Grant) roleView {
	r := g.Role
	return roleView{Name: r.Name, ARN: string(r.ARN), Console: r.Mode != sts.ModePassThrough, Open: p.openView(r, sts.Page{}), Details: p.roleDetails(g)}
}

func (p *Portal) roleDetails(g *broker.Grant) *roleDetails {
	r, most := g.Role, p.Broker.MostOf(g)
	name := g.SessionName
	if r.Mode == sts.ModePassThrough {
		name = "" // the proof's own
	}
	return &roleDetails{
		Rule: g.Rule, SessionName: name, SourceIdentity: g.SourceIdentity, Tags: g.Tags, Transitive: g.TransitiveTags,
		Narrowed: g.Policy != "" || len(g.PolicyARNs) > 0 || r.Policy != "" || len(r.PolicyARNs) > 0,
		Usual:    min(r.Duration, most), Most: most, Durations: durations(most),
	}
}

// durations are the choices of a session's length up to the most.
func durations(most time.Duration) []time.Duration {
	out := make([]time.Duration, 0, 8)
	for _, d := range []time.Duration{
		sts.MinDuration, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour,
	} {
		if d < most {
			out = append(out, d)
		}
	}
	return slices.Clip(append(out, most))
}
