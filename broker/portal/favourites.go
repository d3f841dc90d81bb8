package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/fedbroker/fedbroker/broker"
)

// favourites adds a granted role to the person's favourites, or takes one away, and goes back to that role's row.
func (p *Portal) favourites(w http.ResponseWriter, r *http.Request) (answer, error) {
	return p.run(r, "portal", "favourites", func(ctx context.Context, v *broker.Visit) (answer, error) {
		form, _, err := p.posted(ctx, w, r, v)
		if err != nil {
			return answer{}, err
		}
		keep := form.Get("keep")
		if keep != "yes" && keep != "no" {
			return answer{}, bad("say whether the role is to be kept: yes or no")
		}
		if err := p.star(ctx, v, form.Get("role"), keep == "yes"); err != nil {
			return answer{}, err
		}
		back := url.URL{Path: "/", Fragment: "role:" + form.Get("role")}
		if text := form.Get("q"); text != "" {
			back.RawQuery = url.Values{"q": {text}}.Encode()
		}
		return seeOther(back.String()), nil
	})
}

// star changes the favourites. What is added must be granted, so that the shelf holds no text of a stranger's making.
func (p *Portal) star(ctx context.Context, v *broker.Visit, role string, keep bool) error {
	decision, err := v.Decide()
	if err != nil {
		return err
	}
	if keep {
		grant, err := decision.Grant(role)
		if err != nil {
			return explained(v, role, err)
		}
		role = grant.Role.Name
	}
	kept, err := p.shelves.get(ctx, v.Identity())
	if err != nil {
		return storeDown(err)
	}
	if !kept.star(role, keep) {
		return bad("fifty favourites are the most; take one away first")
	}
	if err := p.shelves.put(ctx, v.Identity(), kept); err != nil {
		return storeDown(err)
	}
	return nil
}
