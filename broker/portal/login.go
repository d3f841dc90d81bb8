package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/mailaddr"
	"github.com/fedbroker/fedbroker/internal/web"
)

// maxResponse bounds what an identity provider posts: a SAML Response of 128 KiB, encoded twice.
const maxResponse = 256 << 10

// maxReturn bounds a return target: the request of a command line, which goes on after the login, is a long one.
const maxReturn = 4 << 10

// begin sends the browser to its identity provider. Beginning decides nothing and anybody may: only refusals are
// recorded.
func (p *Portal) begin(_ http.ResponseWriter, r *http.Request) (answer, error) {
	return p.beginning(r, p.ask)
}

// beginning does a step on the way to a provider, and records why it was refused.
func (p *Portal) beginning(r *http.Request, step func(*http.Request) (answer, error)) (answer, error) {
	out, err := step(r)
	if err != nil {
		err = &astray{err, r.URL.Query().Get("return")}
		return p.run(r, "portal", "begin", func(context.Context, *broker.Visit) (answer, error) { return answer{}, err })
	}
	return out, nil
}

// ask makes the request to the provider and keeps what is needed to recognise its answer.
func (p *Portal) ask(r *http.Request) (answer, error) {
	if err := p.throttled(r); err != nil {
		return answer{}, err
	}
	provider, err := p.provider(r)
	if err != nil {
		return answer{}, err
	}
	query := r.URL.Query()
	hint, _ := mailaddr.Parse(query.Get("login_hint")) // what is no address hints at nobody
	if provider.Directory != nil {
		return p.passwordForm(r.Context(), provider, passwordView{Username: hint.String()}, localPath(query.Get("return")))
	}
	ticket, err := p.Logins.Ticket()
	if err != nil {
		return answer{}, err
	}
	redirect, state, err := provider.Login.Begin(r.Context(), idp.LoginRequest{Handle: ticket.Handle, Hint: hint.String()})
	if err != nil {
		return answer{}, cannotBegin(err)
	}
	pending := session.Pending{Provider: provider.ID, State: state, ReturnTo: localPath(query.Get("return"))}
	if err := p.Logins.Keep(r.Context(), ticket, pending); err != nil {
		return answer{}, storeDown(err)
	}
	out := seeOther(redirect.URL)
	if len(redirect.Form) > 0 {
		out = answer{template: "post.html", data: redirect, forms: originOf(redirect.URL)}
	}
	out.cookies = []*http.Cookie{p.Cookies.Login(ticket)}
	return out, nil
}

// cannotBegin tells a provider that is away, or cannot do what is asked of it, from a mistake of our own.
func cannotBegin(err error) error {
	var e *idp.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Kind == idp.KindDenied:
		return broker.Refuse(broker.CodeLoginRequired, e.Reason, e.Err)
	}
	return broker.Refuse(broker.CodeUpstreamUnavailable, e.Reason, e.Err)
}

func (p *Portal) provider(r *http.Request) (*Provider, error) {
	if provider := p.providers[r.PathValue("idp")]; provider != nil {
		return provider, nil
	}
	return nil, broker.Refuse(broker.CodeUntrustedIssuer, "there is no such identity provider here", nil)
}

// acs takes a SAML Response. No cookie of a session is read here: the request comes from another site.
func (p *Portal) acs(w http.ResponseWriter, r *http.Request) (answer, error) {
	return p.run(r, "acs", "login", func(ctx context.Context, v *broker.Visit) (answer, error) {
		if err := p.throttled(r); err != nil {
			return answer{}, err
		}
		provider, err := p.provider(r)
		if err != nil {
			return answer{}, err
		}
		form, err := web.Form(w, r, maxResponse)
		if err != nil {
			return answer{}, bad(err.Error())
		}
		if provider.calledBack() || provider.Directory != nil {
			return answer{}, broker.Refuse(broker.CodeInvalidToken, "this identity provider does not answer by SAML", nil)
		}
		return p.comeBack(ctx, r, v, arrival{provider, idp.ProofSAML, form, form.Get("RelayState")})
	})
}

// arrival is what a browser brings back from an identity provider. Handle names the attempt.
type arrival struct {
	provider *Provider
	kind     idp.ProofKind
	form     url.Values
	handle   string
}

// comeBack finishes a login, whatever the protocol.
func (p *Portal) comeBack(ctx context.Context, r *http.Request, v *broker.Visit, a arrival) (answer, error) {
	pending, solicited, err := p.take(ctx, r, a.handle, a.provider)
	if err != nil {
		return answer{}, err
	}
	if isOffer(pending) || isLeaving(pending) {
		return answer{}, broker.Refuse(broker.CodeInvalidToken, "the answer belongs to no sign-in that was begun here", nil)
	}
	err = v.Authenticate(ctx, a.kind, func(ctx context.Context) (idp.Identity, error) {
		return a.provider.Login.Finish(ctx, pending.State, idp.Callback{Form: a.form, Unsolicited: !solicited})
	})
	switch {
	case err != nil:
		return answer{}, &astray{err, pending.ReturnTo}
	case !solicited:
		return p.offer(ctx, a.provider, v.Identity())
	}
	return p.signIn(ctx, r, v, pending.ReturnTo, a.handle)
}

// take finds the login that this browser began, once: whatever comes of the request, the attempt is over. An answer
// from another provider than the one that was asked is refused, not taken for an unsolicited one.
func (p *Portal) take(ctx context.Context, r *http.Request, handle string, provider *Provider) (session.Pending, bool, error) {
	ticket, ok := p.Cookies.ReadLogin(r, handle)
	if !ok {
		return session.Pending{}, false, nil
	}
	pending, err := p.Logins.Take(ctx, ticket)
	switch {
	case errors.Is(err, session.ErrNone):
		return session.Pending{}, false, loginOver()
	case err != nil:
		return session.Pending{}, false, storeDown(err)
	case pending.Provider != provider.ID:
		return session.Pending{}, false, broker.Refuse(broker.CodeInvalidToken, "the answer came from another identity provider than the one that was asked", nil)
	}
	return pending, true, nil
}

func loginOver() error {
	return broker.Refuse(broker.CodeLoginRequired, "this sign-in is over or was used; begin again", nil)
}

// signIn begins a login session under a new token, and forgets the attempt of that handle.
func (p *Portal) signIn(ctx context.Context, r *http.Request, v *broker.Visit, returnTo, handle string) (answer, error) {
	token, s, err := p.Sessions.Create(ctx, *v.Identity(), session.Origin{Remote: v.Remote(), Agent: r.UserAgent()})
	switch {
	case errors.Is(err, session.ErrNone):
		return answer{}, broker.Refuse(broker.CodeLoginRequired, "the identity provider's session is over; sign in again", err)
	case err != nil:
		return answer{}, storeDown(err)
	}
	v.Resume(&s.Identity, s.ID, s.Expires) // the record names the session that began
	out := seeOther(localPath(returnTo))
	out.cookies = []*http.Cookie{p.Cookies.EndLogin(handle), p.Cookies.Session(token)}
	if len(p.Providers) > 1 {
		out.cookies = append(out.cookies, p.Cookies.Choice(s.Identity.Provider))
	}
	return out, nil
}

// ownForm reads a form that one of our own pages sent (invariant 8).
func (p *Portal) ownForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if !web.SameOrigin(r, p.PublicURL) {
		return nil, bad("this form did not come from the portal's own page")
	}
	form, err := web.Form(w, r, 16<<10)
	if err != nil {
		return nil, bad(err.Error())
	}
	return form, nil
}

// localPath keeps a return target inside the portal; anything else becomes the start page.
func localPath(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(target, "/") ||
		strings.HasPrefix(target, "//") || strings.ContainsAny(target, "\\\r\n\t") || len(target) > maxReturn {
		return "/"
	}
	return target
}

// plainHost holds what a host in a content policy may consist of: a semicolon there would begin a directive.
var plainHost = regexp.MustCompile(`^(\[[0-9a-fA-F:.]+\]|[0-9a-zA-Z.-]+)(:[0-9]+)?$`)

// originOf is the origin of a URL for a content policy; none when it cannot stand there.
func originOf(raw string) []string {
	u, err := url.Parse(raw)
	if err != nil || !plainHost.MatchString(u.Host) {
		return nil
	}
	return []string{u.Scheme + "://" + u.Host}
}

func displayName(id *idp.Identity) string {
	for _, name := range []string{id.Username, id.Email} {
		if name != "" {
			return name
		}
	}
	return id.Subject
}
