package portal

import (
	"context"

	"github.com/fedbroker/fedbroker/broker"
)

// With more roles than foldedFrom accounts show theirs only when they are opened. With more than leanFrom a row leads to
// its details instead of having them, which halves the page: 5,000 roles are 3.6 MB then, 170 KB as they are sent.
const (
	foldedFrom = 100
	leanFrom   = 500
)

// homeView is what home.html shows.
type homeView struct {
	// Query is what was searched for. Then there are neither favourites nor recent roles.
	Query               string
	Favourites, Recents []roleView
	Accounts            []accountView
	Withheld            []broker.Withheld
	// Total is how many roles are granted, Shown how many of them match.
	Total, Shown int
	// Why explains to somebody with no role at all how the rules came to that.
	Why *broker.Explanation
}

// Folded reports whether accounts show their roles only when they are opened.
func (h *homeView) Folded() bool { return h.Shown > foldedFrom && len(h.Accounts) > 1 }

// Count says how many roles are shown.
func (h *homeView) Count() string { return countText(h) }

type accountView struct {
	Name, ID string
	Roles    []roleView
}

func (p *Portal) homeView(ctx context.Context, v *broker.Visit, decision broker.Decision, q query) (*homeView, error) {
	out := &homeView{Total: len(decision.Grants), Query: q.text}
	for _, w := range decision.Withheld {
		if q.matches(w.Role) {
			out.Withheld = append(out.Withheld, w)
		}
	}
	if out.Total == 0 {
		why, err := v.Explain("")
		out.Why = &why
		return out, err
	}
	granted := matching(decision.Grants, q)
	out.Shown = len(granted)
	kept := p.shelfOf(ctx, v)
	rows := rowMaker{portal: p, query: q.text, kept: &kept, lean: len(granted) > leanFrom}
	out.Accounts = rows.accounts(granted)
	if len(q.words) == 0 {
		out.Favourites, out.Recents = rows.shelf(granted)
	}
	return out, nil
}

func matching(grants []broker.Grant, q query) []*broker.Grant {
	out := make([]*broker.Grant, 0, len(grants))
	for i := range grants {
		if q.matches(grants[i].Role) {
			out = append(out, &grants[i])
		}
	}
	return out
}
