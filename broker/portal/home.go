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
	"github.com/fedbroker/fedbroker/sts"
)

// homeView is what home.html shows.
type homeView struct {
	Name, Provider string
	Ends           time.Time
	Accounts       []accountView
	Withheld       []broker.Withheld
}

type accountView struct {
	Name, ID string
	Roles    []roleView
}

// roleView is one granted role. Console is false where a login session cannot become credentials (pass-through).
type roleView struct {
	Name, ARN, Most, Rule string
	Console               bool
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
		decision, err := v.Decide()
		return answer{template: "home.html", data: p.homeView(s, decision), forms: p.ConsoleOrigins}, err
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

func (p *Portal) homeView(s session.Session, d broker.Decision) homeView {
	out := homeView{Name: displayName(&s.Identity), Ends: s.Expires, Withheld: d.Withheld}
	if provider := p.providers[s.Identity.Provider]; provider != nil {
		out.Provider = provider.Name
	}
	at := map[string]int{}
	for _, g := range d.Grants {
		id := g.Role.ARN.AccountID()
		if _, known := at[id]; !known {
			at[id] = len(out.Accounts)
			out.Accounts = append(out.Accounts, accountView{Name: g.Role.AccountName, ID: id})
		}
		account := &out.Accounts[at[id]]
		account.Roles = append(account.Roles, roleView{
			Name: g.Role.Name, ARN: string(g.Role.ARN), Most: hoursText(p.Broker.MostOf(&g)), Rule: g.Rule,
			Console: g.Role.Mode != sts.ModePassThrough,
		})
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

// console issues credentials and sends the browser into the AWS console with them.
func (p *Portal) console(w http.ResponseWriter, r *http.Request) (answer, error) {
	return p.run(r, "portal", "console", func(ctx context.Context, v *broker.Visit) (answer, error) {
		form, err := p.ownForm(w, r)
		if err != nil {
			return answer{}, err
		}
		token, _ := p.Cookies.ReadSession(r) // no token has no session
		if _, err := p.resume(ctx, v, token); err != nil {
			return answer{}, err
		}
		signIn, _, err := v.Console(ctx, broker.Want{Role: form.Get("role")}, sts.Page{Destination: form.Get("destination")})
		if err != nil {
			return answer{}, err
		}
		out := seeOther(signIn.URL.Reveal())
		out.secret = true
		return out, nil
	})
}
