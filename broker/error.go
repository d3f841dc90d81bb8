package broker

import "fmt"

// Code is an error code of the contract (design.md section 6).
type Code string

// The codes. Everything that a door answers other than success is one of these.
const (
	CodeInvalidRequest      Code = "invalid_request"
	CodeAmbiguousRole       Code = "ambiguous_role"
	CodeInvalidToken        Code = "invalid_token"
	CodeUntrustedIssuer     Code = "untrusted_issuer"
	CodeReplayed            Code = "replayed"
	CodeExpiredToken        Code = "expired_token"
	CodeLoginRequired       Code = "login_required"
	CodeMFARequired         Code = "mfa_required"
	CodeNotAuthorized       Code = "not_authorized"
	CodeRoleNotGranted      Code = "role_not_granted"
	CodeRevoked             Code = "revoked"
	CodeUpstreamDenied      Code = "upstream_denied"
	CodeThrottled           Code = "throttled"
	CodeUpstreamUnavailable Code = "upstream_unavailable"
	CodeStoreUnavailable    Code = "store_unavailable"
	CodeInternal            Code = "internal"
)

// Error is a refusal: a code and a sentence for whoever asked, and a cause for our own logs.
type Error struct {
	Code   Code
	Detail string
	Err    error
	// Explanation is set when the asker may see why (their own identity only).
	Explanation *Explanation
	// Require is set with CodeMFARequired.
	Require Require
}

// Error includes the private cause; doors render Code and Detail only.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Code, e.Detail)
	}
	return fmt.Sprintf("%s: %s: %v", e.Code, e.Detail, e.Err)
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Err }

// Refuse builds an Error; cause may be nil.
func Refuse(code Code, detail string, cause error) *Error {
	return &Error{Code: code, Detail: detail, Err: cause}
}
