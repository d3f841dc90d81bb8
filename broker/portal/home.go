package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
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

type roleView struct{ Name, ARN, Most, Rule string }

// home lists a signed-in person's roles by account.
func (p *Portal) home(w http.ResponseWriter, r *http.Request) (answer, error) {
	token, ok := p.Cookies.ReadSession(r)
	if !ok {
		return p.toLogin(r), nil
	}
	var out homeView
	err := p.run(r, "portal", "roles", func(ctx context.Context, v *broker.Visit) error {
		s, err := p.Sessions.Get(ctx, token)
		if err != nil {
			return resumeFailed(err)
		}
		v.Resume(&s.Identity, s.ID, s.Expires)
		decision, err := v.Decide()
		out = p.homeView(s, decision)
		return err
	})
	var e *broker.Error
	if errors.As(err, &e) && e.Code == broker.CodeLoginRequired {
		http.SetCookie(w, p.Cookies.EndSession())
		return p.toLogin(r), nil
	}
	return answer{template: "home.html", data: out, forms: p.ConsoleOrigins}, err
}

func (p *Portal) toLogin(r *http.Request) answer {
	if r.URL.RawQuery == "" {
		return seeOther("/login")
	}
	return seeOther("/login?return=" + url.QueryEscape(r.URL.RequestURI()))
}

func resumeFailed(err error) error {
	if errors.Is(err, session.ErrNone) {
		return broker.Refuse(broker.CodeLoginRequired, "your login session is over; sign in again", nil)
	}
	return broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
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
			Name: g.Role.Name, ARN: string(g.Role.ARN), Most: p.Broker.MostOf(&g).String(), Rule: g.Rule,
		})
	}
	return out
}

// console issues credentials and sends the browser into the AWS console with them.
func (p *Portal) console(w http.ResponseWriter, r *http.Request) (answer, error) {
	form, err := p.ownForm(w, r)
	if err != nil {
		return answer{}, err
	}
	var signIn broker.SignInURL
	err = p.run(r, "portal", "console", func(ctx context.Context, v *broker.Visit) error {
		token, _ := p.Cookies.ReadSession(r)
		s, err := p.Sessions.Get(ctx, token)
		if err != nil {
			return resumeFailed(err)
		}
		v.Resume(&s.Identity, s.ID, s.Expires)
		signIn, _, err = v.Console(ctx, broker.Want{Role: form.Get("role")}, form.Get("destination"))
		return err
	})
	if err != nil {
		return answer{}, err
	}
	w.Header().Set("Referrer-Policy", "no-referrer") // the URL is a secret for as long as it works
	return seeOther(signIn.URL.Reveal()), nil
}
