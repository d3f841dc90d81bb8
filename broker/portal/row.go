package portal

import (
	"slices"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/sts"
)

// roleView is what role.html shows of one granted role.
type roleView struct {
	Name, ARN string
	// Account and AccountID are set where the row stands apart from its account.
	Account, AccountID string
	// Console is false where a login session cannot become credentials (pass-through).
	Console bool
	// Open is where the console begins, Focus where the page's focus is.
	Open    openView
	Focus   bool
	Starred bool
	// Query is what was searched for, to come back to.
	Query string
	// Details is what the row unfolds; where there are too many rows for that it is nil, and the row leads there.
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

// rowMaker makes the rows of one page.
type rowMaker struct {
	portal *Portal
	query  string
	kept   *shelf
	lean   bool // rows lead to their details
}

func (m *rowMaker) row(g *broker.Grant) roleView {
	r := g.Role
	out := roleView{
		Name: r.Name, ARN: string(r.ARN), Console: r.Mode != sts.ModePassThrough, Query: m.query,
		Open:    m.portal.openView(r, sts.Page{}),
		Starred: slices.Contains(m.kept.Favourites, r.Name),
	}
	if !m.lean {
		out.Details = m.portal.roleDetails(g)
	}
	return out
}

// accounts puts rows under their accounts, both in the configuration's order.
func (m *rowMaker) accounts(granted []*broker.Grant) []accountView {
	var out []accountView
	at := map[string]int{}
	for _, g := range granted {
		id := g.Role.ARN.AccountID()
		if _, known := at[id]; !known {
			at[id] = len(out)
			out = append(out, accountView{Name: g.Role.AccountName, ID: id})
		}
		account := &out[at[id]]
		account.Roles = append(account.Roles, m.row(g))
	}
	return out
}

// shelf makes the rows of the favourites, and of the recent roles that are not among them. They are few, and so have
// their details always.
func (m *rowMaker) shelf(granted []*broker.Grant) (favourites, recents []roleView) {
	by := make(map[string]*broker.Grant, len(granted))
	for _, g := range granted {
		by[g.Role.Name] = g
	}
	near := rowMaker{portal: m.portal, query: m.query, kept: m.kept}
	rows := func(names []string) (out []roleView) {
		for _, name := range names {
			if g := by[name]; g != nil {
				row := near.row(g)
				row.Account, row.AccountID = g.Role.AccountName, g.Role.ARN.AccountID()
				out = append(out, row)
			}
			delete(by, name)
		}
		return out
	}
	return rows(m.kept.Favourites), rows(m.kept.Recents)
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

// hoursText is a duration without the zeros that end it: 4h, 1h30m.
func hoursText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
