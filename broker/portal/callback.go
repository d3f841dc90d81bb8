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
func (p *Portal) callback(_ http.ResponseWriter, r *http.Request) (answer, error) {
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
