package portal

import (
	"net/http"
	"net/url"

	"github.com/fedbroker/fedbroker/internal/mailaddr"
)

// loginView is what login.html shows.
type loginView struct {
	// Last is the provider that this browser signed in with last; nil when it knows none, or all are asked for alike.
	Last *choice
	// Choices are all others, in the configuration's order.
	Choices []choice
	// Mail is the field that finds the provider of a mail address; nil where no provider has domains.
	Mail *mailView
}

// choice is one line of login.html.
type choice struct{ Name, URL string }

// mailView is the mail field. Typed and Wrong are what was sent before and why it led nowhere.
type mailView struct{ Typed, Wrong, Return string }

// maxTyped is how much of a mistyped address comes back to be corrected.
const maxTyped = 254

// chooser lists the identity providers, or finds the one of a mail address. With a single provider it goes straight on,
// unless choose asks to stop here.
func (p *Portal) chooser(_ http.ResponseWriter, r *http.Request) (answer, error) {
	query := r.URL.Query()
	switch {
	case query.Has("email") && len(p.domains) > 0:
		return p.beginning(r, p.discover)
	case len(p.Providers) == 1 && query.Get("choose") == "":
		return seeOther(loginURL(p.Providers[0].ID, query.Get("return"), mailaddr.Address{})), nil
	}
	return p.choices(r, ""), nil
}

// discover goes on to the provider whose domain a mail address is of. Whether there is such a person it neither knows
// nor asks.
func (p *Portal) discover(r *http.Request) (answer, error) {
	if err := p.throttled(r); err != nil {
		return answer{}, err
	}
	query := r.URL.Query()
	address, err := mailaddr.Parse(query.Get("email"))
	if err != nil {
		return p.choices(r, "That is not an e-mail address; it looks like name@example.com."), nil
	}
	provider := p.domains[address.Domain()]
	if provider == nil {
		return p.choices(r, "No identity provider here is the one of "+address.Domain()+". Choose from the list."), nil
	}
	next := choice{provider.Name, loginURL(provider.ID, query.Get("return"), address)}
	return answer{template: "onward.html", data: next, onward: next.URL}, nil
}

// choices is the sign-in page. wrong says why the mail address led nowhere.
func (p *Portal) choices(r *http.Request, wrong string) answer {
	query := r.URL.Query()
	var v loginView
	last := p.Cookies.ReadChoice(r)
	for _, provider := range p.Providers {
		c := choice{provider.Name, loginURL(provider.ID, query.Get("return"), mailaddr.Address{})}
		if provider.ID == last && query.Get("choose") == "" && wrong == "" {
			v.Last = &c
		} else {
			v.Choices = append(v.Choices, c)
		}
	}
	if len(p.domains) > 0 {
		v.Mail = &mailView{Wrong: wrong, Return: localPath(query.Get("return"))}
		if typed := query.Get("email"); len(typed) <= maxTyped {
			v.Mail.Typed = typed
		}
	}
	return answer{template: "login.html", data: v}
}

func loginURL(id, returnTo string, hint mailaddr.Address) string {
	query := url.Values{}
	if hint != (mailaddr.Address{}) {
		query.Set("login_hint", hint.String())
	}
	return withReturn("/login/"+url.PathEscape(id), query, returnTo)
}

// anotherWay is the sign-in page with all there is to choose from.
func anotherWay(returnTo string) string {
	return withReturn("/login", url.Values{"choose": {"1"}}, returnTo)
}

// withReturn is a path with a query, and the return target where there is one.
func withReturn(path string, query url.Values, returnTo string) string {
	if returnTo = localPath(returnTo); returnTo != "/" {
		query.Set("return", returnTo)
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
