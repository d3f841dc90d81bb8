package portal

import (
	"net/url"
	"slices"
	"strings"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/console"
)

// openView is what destination.html shows in the row of a role.
type openView struct {
	// Page is what the fields hold, Region where the console begins when nobody says where.
	Page   sts.Page
	Region string
	// Link is the address of a page with this role alone, and what Page says filled in.
	Link string
}

func (p *Portal) openView(r *broker.Role, page sts.Page) openView {
	link := p.PublicURL + "/?role=" + plainly(r.Name)
	if page.Destination != "" {
		link += "&destination=" + plainly(page.Destination)
	}
	if page.Region != "" {
		link += "&region=" + plainly(page.Region)
	}
	return openView{Page: page, Region: r.Region, Link: link}
}

// plainly escapes a value of a query, but for the slashes that people read it by.
func plainly(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "%2F", "/") }

// consoleHelp is what a page with roles says once, for all of them.
type consoleHelp struct {
	Services, Regions []string
	SignOuts          []signOut
}

// signOut is where a browser leaves the console of a partition.
type signOut struct{ Name, URL string }

func (p *Portal) consoleHelp(grants []broker.Grant) *consoleHelp {
	out := &consoleHelp{Services: console.Services()}
	for i := range grants {
		r := grants[i].Role
		if r.Region != "" && !slices.Contains(out.Regions, r.Region) {
			out.Regions = append(out.Regions, r.Region)
		}
		partition := r.ARN.Partition()
		leave := signOut{partitionName(partition), p.Broker.SignIn.SignOut(partition)}
		if !slices.Contains(out.SignOuts, leave) {
			out.SignOuts = append(out.SignOuts, leave)
		}
	}
	slices.Sort(out.Regions)
	return out
}

func partitionName(p sts.Partition) string {
	switch p {
	case sts.PartitionChina:
		return "AWS China"
	case sts.PartitionGov:
		return "AWS GovCloud"
	}
	return "AWS"
}
