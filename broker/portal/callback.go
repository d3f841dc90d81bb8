package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

// calledBack tells providers that answer at the callback, by redirect, from those that answer at the ACS. Neither may
// answer at the other's door: a SAML Response has no business in a URL.
func (p *Provider) calledBack() bool { return p.Kind == idp.ProofJWT || p.Kind == idp.ProofCode }

// callback takes the answer of an OIDC or OAuth 2.0 provider. No cookie of a session is read here: the request comes
// from another site, and signing in must not depend on who was signed in before.
//
// People whom the provider signed out come back here, too: one address that it must know. Then there is a state and
// neither a code nor an error.
func (p *Portal) callback(_ http.ResponseWriter, r *http.Request) (answer, error) {
	query := r.URL.Query() // of a query that cannot be decoded, what can; the steps look again
	provider := p.providers[r.PathValue("idp")]
	if provider != nil && provider.Kind == idp.ProofJWT && query.Has("state") && !query.Has("code") && !query.Has("error") {
		return p.farewell(r, "callback", provider, query.Get("state"), idp.Callback{Form: query, Query: r.URL.RawQuery})
	}
	return p.run(r, "callback", "login", func(ctx context.Context, v *broker.Visit) (answer, error) {
		provider, err := p.provider(r)
		if err != nil {
			return answer{}, err
		}
		if !provider.calledBack() {
			return answer{}, broker.Refuse(broker.CodeInvalidToken, "this identity provider does not answer by a redirect", nil)
		}
		form, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return answer{}, bad("the answer cannot be decoded")
		}
		return p.comeBack(ctx, r, v, arrival{provider, provider.Kind, form, form.Get("state")})
	})
}
