package oauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// bearerHeader carries an access token on the calls of AWS's SSO portal.
const bearerHeader = "X-Amz-Sso_bearer_token"

const logoutPattern = "POST /logout"

// Logout stands before a mux whose POST /logout is for browsers: a request that carries the header of AWS's SSO portal
// is its Logout and comes here, whatever cookies it has. The pattern is set for the metrics around it.
func (s *Server) Logout(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/logout" || len(r.Header.Values(bearerHeader)) == 0 {
			mux.ServeHTTP(w, r)
			return
		}
		r.Pattern = logoutPattern
		s.logout(w, r)
	})
}

// logout ends the family of an access token.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	call := broker.Call{Door: "oauth", Action: "logout", Remote: s.Remote.Addr(r)}
	id, err := s.Broker.Run(r.Context(), call, func(ctx context.Context, v *broker.Visit) error {
		values := r.Header.Values(bearerHeader)
		if len(values) != 1 {
			return invalidRequest.refuse("two tokens")
		}
		family, err := s.Tokens.Find(ctx, secret.New(values[0]))
		switch {
		case errors.Is(err, session.ErrNone):
			return unauthorized.refuse("Session token not found or invalid")
		case err != nil:
			return storeDown(err)
		}
		v.Resume(&family.Identity, family.ID, family.Expires)
		if err := s.Sessions.EndID(ctx, family.ID); err != nil {
			return storeDown(err)
		}
		return nil
	})
	w.Header().Set("X-Amzn-RequestId", id)
	if err != nil {
		writePortalFault(w, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}
