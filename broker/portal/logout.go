package portal

import (
	"context"
	"net/http"

	"github.com/fedbroker/fedbroker/broker"
)

// logout ends the session for good and forgets the cookie. Who is not signed in is signed out as well, and counts
// among the strangers.
func (p *Portal) logout(w http.ResponseWriter, r *http.Request) (answer, error) {
	out, err := p.run(r, "portal", "logout", func(ctx context.Context, v *broker.Visit) (answer, error) {
		if _, err := p.ownForm(w, r); err != nil {
			return answer{}, err
		}
		token, _ := p.Cookies.ReadSession(r) // no token has no session
		if _, err := p.resume(ctx, v, token); err != nil {
			return answer{}, err
		}
		if err := p.Sessions.End(ctx, token); err != nil {
			return answer{}, broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; you may still be signed in", err)
		}
		return p.goodbye(), nil
	})
	if sessionOver(err) {
		return p.goodbye(), nil
	}
	return out, err
}

func (p *Portal) goodbye() answer {
	return answer{template: "goodbye.html", cookies: []*http.Cookie{p.Cookies.EndSession()}}
}
