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

// homeView is what home.html shows.
type homeView struct {
	Accounts []accountView
	Withheld []broker.Withheld
}

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
		if l, err := linkIn(r.URL.Query()); l != nil || err != nil {
			if err != nil {
				return answer{}, err
			}
			return p.linked(v, s, l)
		}
		decision, err := v.Decide()
		return answer{template: "home.html", data: p.homeView(decision), person: p.person(&s), console: p.consoleHelp(decision.Grants), forms: p.ConsoleOrigins}, err
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

func (p *Portal) homeView(d broker.Decision) homeView {
	out := homeView{Withheld: d.Withheld}
	at := map[string]int{}
	for i := range d.Grants {
		g := &d.Grants[i]
		id := g.Role.ARN.AccountID()
		if _, known := at[id]; !known {
			at[id] = len(out.Accounts)
			out.Accounts = append(out.Accounts, accountView{Name: g.Role.AccountName, ID: id})
		}
		account := &out.Accounts[at[id]]
		account.Roles = append(account.Roles, p.roleView(g))
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
