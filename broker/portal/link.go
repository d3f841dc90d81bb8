package portal

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"strings"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/sts"
)

// link is what an address of the start page asks for: a role by alias or ARN, or whichever of one's roles may show a
// page, and that page. A link leads to buttons and never further: what a GET would issue, any site could have issued in
// the browser of whoever is signed in, and open under a page of its own.
type link struct {
	role string
	page sts.Page
}

// linkIn reads the query of the start page; nil when it is no link.
func linkIn(query url.Values) (*link, error) {
	asks := false
	for _, name := range []string{"role", "arn", "service", "destination"} {
		asks = asks || query.Get(name) != ""
		if len(query[name]) > 1 {
			return nil, bad("the link names its " + name + " twice")
		}
	}
	if !asks {
		return nil, nil
	}
	query = maps.Clone(query)
	if _, err := sts.ParseRoleARN(query.Get("arn")); err == nil && query.Get("role") == "" {
		query["role"] = query["arn"] // the role itself, rather than its page in IAM
		query.Del("arn")
	}
	page, err := pageIn(query)
	return &link{query.Get("role"), page}, err
}

// linkView is what link.html shows.
type linkView struct {
	Title, Account, AccountID string
	// Opens is the console page that the link adds; empty for the console's home.
	Opens    string
	Roles    []roleView
	Withheld []broker.Withheld
}

// linked shows the roles that a link asks for, with the page that they would open.
func (p *Portal) linked(ctx context.Context, v *broker.Visit, decision broker.Decision, l *link) (answer, error) {
	found, err := l.candidates(decision)
	if err != nil {
		return answer{}, explained(v, l.role, err)
	}
	kept := p.shelfOf(ctx, v)
	view, err := p.linkView(&rowMaker{portal: p, kept: &kept}, l, found)
	return answer{template: "link.html", data: view, console: p.consoleHelp(found.Grants)}, err
}

func (p *Portal) linkView(rows *rowMaker, l *link, found broker.Decision) (*linkView, error) {
	out := &linkView{Title: "Choose a role", Withheld: found.Withheld}
	var refused error
	for i := range found.Grants {
		g := &found.Grants[i]
		address, err := p.Broker.Destination(g.Role, l.page)
		if err != nil {
			refused = cmp.Or(refused, err)
			continue
		}
		row := rows.row(g)
		row.Open, row.Focus = p.openView(g.Role, l.page), len(out.Roles) == 0
		out.Roles = append(out.Roles, row)
		if l.page != (sts.Page{}) {
			out.Opens = address
		}
	}
	if len(out.Roles) == 0 && refused != nil {
		return nil, refused
	}
	if l.role != "" {
		r := found.Grants[0].Role
		out.Title, out.Account, out.AccountID = r.Name, r.AccountName, r.ARN.AccountID()
	}
	return out, nil
}

// candidates narrows a decision to what the link may mean. A role that is not there and one that is not granted are
// refused alike.
func (l *link) candidates(d broker.Decision) (broker.Decision, error) {
	if l.role != "" {
		g, err := d.Grant(l.role)
		if err != nil {
			return broker.Decision{}, err
		}
		return broker.Decision{Grants: []broker.Grant{*g}}, nil
	}
	var out broker.Decision
	for _, g := range d.Grants {
		if l.reaches(g.Role) {
			out.Grants = append(out.Grants, g)
		}
	}
	for _, w := range d.Withheld {
		if l.reaches(w.Role) {
			out.Withheld = append(out.Withheld, w)
		}
	}
	if len(out.Grants)+len(out.Withheld) == 0 {
		return out, broker.Refuse(broker.CodeNotAuthorized, "no role of yours has a console in the account that the link leads to", nil)
	}
	return out, nil
}

// reaches reports whether a role has a console and is in the account of the link's ARN. Of an ARN that names no account,
// and of a page that is no account's, every role may be the right one.
func (l *link) reaches(r *broker.Role) bool {
	parts := strings.SplitN(l.page.Destination, ":", 6)
	anywhere := len(parts) < 6 || parts[0] != "arn" || parts[4] == "" || parts[4] == "aws"
	return r.Mode != sts.ModePassThrough && (anywhere || parts[4] == r.ARN.AccountID())
}
