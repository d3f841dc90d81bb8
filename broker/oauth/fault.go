package oauth

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/fedbroker/fedbroker/broker"
)

// fault is an error of the SSO-OIDC and SSO service models: the shape that AWS's clients know it by. It travels as the
// cause of a broker.Error.
type fault struct {
	shape  string
	name   string // RFC 6749 section 5.2, RFC 7591 section 3.2.2, RFC 8628 section 3.5
	status int
	code   broker.Code
}

func (f *fault) Error() string { return f.name }

// faults are a table, and never changed.
var (
	authorizationPending  = &fault{"AuthorizationPendingException", "authorization_pending", http.StatusBadRequest, broker.CodeLoginRequired}
	slowDown              = &fault{"SlowDownException", "slow_down", http.StatusBadRequest, broker.CodeThrottled}
	expiredToken          = &fault{"ExpiredTokenException", "expired_token", http.StatusBadRequest, broker.CodeExpiredToken}
	accessDenied          = &fault{"AccessDeniedException", "access_denied", http.StatusBadRequest, broker.CodeNotAuthorized}
	invalidGrant          = &fault{"InvalidGrantException", "invalid_grant", http.StatusBadRequest, broker.CodeInvalidToken}
	usedGrant             = &fault{"InvalidGrantException", "invalid_grant", http.StatusBadRequest, broker.CodeReplayed}
	invalidClient         = &fault{"InvalidClientException", "invalid_client", http.StatusUnauthorized, broker.CodeInvalidToken}
	invalidClientMetadata = &fault{"InvalidClientMetadataException", "invalid_client_metadata", http.StatusBadRequest, broker.CodeInvalidRequest}
	invalidRequest        = &fault{"InvalidRequestException", "invalid_request", http.StatusBadRequest, broker.CodeInvalidRequest}
	invalidRedirectURI    = &fault{"InvalidRedirectUriException", "invalid_redirect_uri", http.StatusBadRequest, broker.CodeInvalidRequest}
	invalidScope          = &fault{"InvalidScopeException", "invalid_scope", http.StatusBadRequest, broker.CodeInvalidRequest}
	unauthorizedClient    = &fault{"UnauthorizedClientException", "unauthorized_client", http.StatusBadRequest, broker.CodeInvalidRequest}
	unsupportedGrantType  = &fault{"UnsupportedGrantTypeException", "unsupported_grant_type", http.StatusBadRequest, broker.CodeInvalidRequest}
	internalServer        = &fault{"InternalServerException", "server_error", http.StatusInternalServerError, broker.CodeInternal}
	unauthorized          = &fault{"UnauthorizedException", "unauthorized", http.StatusUnauthorized, broker.CodeInvalidToken}
)

// refuse makes a refusal of this kind; detail is for whoever asked.
func (f *fault) refuse(detail string) error { return broker.Refuse(f.code, detail, f) }

func storeDown(err error) error {
	return broker.Refuse(broker.CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
}

// faultOf finds what a refusal is on the wire: trouble that is not the client's is server_error, which clients retry.
func faultOf(err error) (*fault, string) {
	var f *fault
	var e *broker.Error
	switch {
	case errors.As(err, &f) && errors.As(err, &e):
		return f, e.Detail
	case errors.As(err, &e):
		return internalServer, e.Detail
	}
	return internalServer, "something went wrong in the broker"
}

// writeFault sends an error as SSO-OIDC does. Clients look for the shape in the header; the body is OAuth's.
func writeFault(w http.ResponseWriter, err error) {
	f, detail := faultOf(err)
	f.write(w, map[string]string{"error": f.name, "error_description": detail})
}

// writePortalFault sends an error as the SSO portal does.
func writePortalFault(w http.ResponseWriter, err error) {
	f, detail := faultOf(err)
	f.write(w, map[string]string{"message": detail})
}

func (f *fault) write(w http.ResponseWriter, body map[string]string) {
	w.Header().Set("X-Amzn-ErrorType", f.shape)
	writeJSON(w, f.status, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away needs no answer
}
