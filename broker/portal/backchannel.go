package portal

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/web"
)

// backchannel takes a logout token from an OpenID provider itself (Back-Channel Logout 1.0 section 2.5). No browser is
// there: it reads no cookie and sets none.
func (p *Portal) backchannel(w http.ResponseWriter, r *http.Request) {
	_, err := p.run(r, "backchannel", "logout", func(ctx context.Context, v *broker.Visit) (answer, error) {
		if err := p.throttled(r); err != nil {
			return answer{}, err
		}
		provider, err := p.provider(r)
		if err != nil {
			return answer{}, err
		}
		if provider.Kind != idp.ProofJWT || provider.Logouts == nil {
			return answer{}, broker.Refuse(broker.CodeUntrustedIssuer, "this identity provider does not speak OpenID Connect", nil)
		}
		form, err := web.Form(w, r, maxLogoutMessage)
		if err != nil {
			return answer{}, bad(err.Error())
		}
		l, err := v.ReadLogout(ctx, func(ctx context.Context) (idp.Logout, error) {
			return provider.Logouts.ReadLogout(ctx, idp.Callback{Form: form})
		})
		if err != nil {
			return answer{}, err
		}
		_, err = p.endUpstream(ctx, v, &l)
		return answer{}, err
	})
	w.Header().Set("Cache-Control", "no-store") // section 2.8
	if err != nil {
		p.backchannelRefusal(w, err)
	}
}

// backchannelRefusal answers 400 whatever went wrong, as section 2.8 has it, but to who asks too often; the body says in
// OAuth's words whether it is worth trying again.
func (p *Portal) backchannelRefusal(w http.ResponseWriter, err error) {
	var e *broker.Error
	if !errors.As(err, &e) { // never: Run returns nothing else
		e = broker.Refuse(broker.CodeInternal, "something went wrong in the broker", err)
	}
	status, code := http.StatusBadRequest, "invalid_request"
	switch e.Code {
	case broker.CodeThrottled:
		status, code = http.StatusTooManyRequests, "temporarily_unavailable"
	case broker.CodeStoreUnavailable, broker.CodeUpstreamUnavailable:
		code = "temporarily_unavailable"
	case broker.CodeInternal:
		code = "server_error"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": e.Detail}) // a provider that went away needs no answer
}
