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
	// Link is the address of this role's own page.
	Link string
}

func (p *Portal) openView(r *broker.Role) openView {
	return openView{Region: r.Region, Link: p.PublicURL + "/?role=" + strings.ReplaceAll(url.QueryEscape(r.Name), "%2F", "/")}
}

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
