package wire

import (
	"fmt"
	"net/http"
)

// Error is an AWS error answer: a code that clients branch on, a sentence for people, and the HTTP status.
type Error struct {
	Status  int
	Code    string
	Message string
}

// Error names code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func newError(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// AccessDenied is AWS's 403 for a refused call.
func AccessDenied(format string, args ...any) *Error {
	return newError(http.StatusForbidden, "AccessDenied", format, args...)
}

// ValidationError is AWS's 400 for a parameter that breaks its shape or the role's limits.
func ValidationError(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, "ValidationError", format, args...)
}

// MalformedInput is AWS's 400 for a value that cannot be parsed at all.
func MalformedInput(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, "MalformedInput", format, args...)
}

// InvalidParameterValue is AWS's 400 for session tags that contradict each other.
func InvalidParameterValue(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, "InvalidParameterValue", format, args...)
}

// InvalidIdentityToken is AWS's 400 for an assertion or a JWT that was not accepted.
func InvalidIdentityToken(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, "InvalidIdentityToken", format, args...)
}

// ExpiredTokenException is AWS's 400 for an assertion or a JWT whose time has passed.
func ExpiredTokenException(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, "ExpiredTokenException", format, args...)
}

// IDPRejectedClaim is AWS's 403 for a response in which the identity provider reports a failure.
func IDPRejectedClaim(format string, args ...any) *Error {
	return newError(http.StatusForbidden, "IDPRejectedClaim", format, args...)
}

// IDPCommunicationError is AWS's 400 for an identity provider that did not answer; clients retry it.
func IDPCommunicationError(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, "IDPCommunicationError", format, args...)
}

// MalformedPolicyDocument is AWS's 400 for a session policy that is no policy.
func MalformedPolicyDocument(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, "MalformedPolicyDocument", format, args...)
}

// PackedPolicyTooLarge is AWS's 400 for session policies and tags that do not fit the token.
func PackedPolicyTooLarge(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, "PackedPolicyTooLarge", format, args...)
}

// InvalidClientTokenID is AWS's 403 for an access key or session token that it does not know.
func InvalidClientTokenID() *Error {
	return newError(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

// ExpiredToken is AWS's 403 for the caller's own session credentials after their end.
func ExpiredToken() *Error {
	return newError(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
}

// MissingAuthenticationToken is AWS's 403 for an unsigned call of a signed operation.
func MissingAuthenticationToken() *Error {
	return newError(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
}

// IncompleteSignature is AWS's 400 for credentials that are not well formed.
func IncompleteSignature(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, "IncompleteSignature", format, args...)
}

// SignatureDoesNotMatch is AWS's 403 for a wrong signature, scope or time.
func SignatureDoesNotMatch(format string, args ...any) *Error {
	return newError(http.StatusForbidden, "SignatureDoesNotMatch", format, args...)
}

// InvalidAction is AWS's 400 for an operation that the version of the API does not have.
func InvalidAction(action, version string) *Error {
	if version == "" {
		version = "NO_VERSION_SPECIFIED"
	}
	return newError(http.StatusBadRequest, codeInvalidAction, "Could not find operation %s for version %s", action, version)
}

// Throttling is AWS's 400 for too many requests, which every client retries.
func Throttling() *Error { return newError(http.StatusBadRequest, "Throttling", "Rate exceeded") }

// InternalFailure is AWS's 500; the cause goes to the log.
func InternalFailure() *Error {
	return newError(http.StatusInternalServerError, "InternalFailure",
		"The request processing has failed because of an unknown error, exception or failure.")
}

const codeInvalidAction = "InvalidAction"
