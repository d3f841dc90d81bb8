package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/fedbroker/fedbroker/broker"
)

// Problem is RFC 9457's problem document with the contract's code and the request id.
type Problem struct {
	Type      string      `json:"type"`
	Title     string      `json:"title"`
	Status    int         `json:"status"`
	Detail    string      `json:"detail"`
	Code      broker.Code `json:"code"`
	RequestID string      `json:"request_id"`
}

// Status is the HTTP status of a code (design.md section 6); an unknown code is our own mistake.
func Status(code broker.Code) int {
	switch code {
	case broker.CodeInvalidRequest, broker.CodeAmbiguousRole:
		return http.StatusBadRequest
	case broker.CodeInvalidToken, broker.CodeUntrustedIssuer, broker.CodeReplayed, broker.CodeExpiredToken, broker.CodeLoginRequired:
		return http.StatusUnauthorized
	case broker.CodeMFARequired, broker.CodeNotAuthorized, broker.CodeRoleNotGranted, broker.CodeRevoked, broker.CodeUpstreamDenied:
		return http.StatusForbidden
	case broker.CodeThrottled:
		return http.StatusTooManyRequests
	case broker.CodeUpstreamUnavailable, broker.CodeStoreUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func writeProblem(w http.ResponseWriter, id string, err error) {
	var e *broker.Error
	if !errors.As(err, &e) {
		e = broker.Refuse(broker.CodeInternal, "something went wrong in the broker", err)
	}
	status := Status(e.Code)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="fedbroker"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "2")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Problem{
		Type: "urn:fedbroker:problem:" + string(e.Code), Title: http.StatusText(status), Status: status,
		Detail: e.Detail, Code: e.Code, RequestID: id,
	})
}
