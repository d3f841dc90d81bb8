package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
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

// home lists a signed-in person's roles by account.
func (p *Portal) home(_ http.ResponseWriter, r *http.Request) (answer, error) {
	token, ok := p.Cookies.ReadSession(r)
	if !ok {
		return toLogin(r), nil
	}
	out, err := p.run(r, "portal", "roles", func(ctx context.Context, v *broker.Visit) (answer, error) {
		s, err := p.resume(ctx, v, token)
		if err != nil {
			return answer{}, err
		}
		q, err := parseQuery(r.URL.Query().Get("q"))
		if err != nil {
			return answer{}, err
		}
		view, err := p.homeView(ctx, v, q)
		if err != nil {
			return answer{}, err
		}
		return answer{template: "home.html", data: view, person: p.person(&s), forms: p.ConsoleOrigins, pack: takesGzip(r)}, nil
	})
	if sessionOver(err) {
		out = toLogin(r)
		out.cookies = []*http.Cookie{p.Cookies.EndSession()}
		return out, nil
	}
	return out, err
}

// toLogin keeps where the person wanted to go, but nothing that an AWS client sent here by mistake: its query may hold
// a token, and would go on into logs.
func toLogin(r *http.Request) answer {
	if r.URL.RawQuery == "" || r.URL.Query().Has("Action") {
		return seeOther("/login")
	}
	return seeOther("/login?return=" + url.QueryEscape(r.URL.RequestURI()))
}

// resume continues with the identity of the login session that a token stands for.
func (p *Portal) resume(ctx context.Context, v *broker.Visit, token secret.Text) (session.Session, error) {
	s, err := p.Sessions.Get(ctx, token)
	switch {
	case errors.Is(err, session.ErrNone):
		return s, broker.Refuse(broker.CodeLoginRequired, "your login session is over; sign in again", nil)
	case err != nil:
		return s, storeDown(err)
	}
	v.Resume(&s.Identity, s.ID, s.Expires)
	return s, nil
}

func storeDown(err error) error {
	return broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
}

// sessionOver reports whether a request was refused because nobody is signed in.
func sessionOver(err error) bool {
	var e *broker.Error
	return errors.As(err, &e) && e.Code == broker.CodeLoginRequired
}

func (p *Portal) homeView(ctx context.Context, v *broker.Visit, q query) (*homeView, error) {
	decision, err := v.Decide()
	if err != nil {
		return nil, err
	}
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
