package sts

import "fmt"

// Kind says what kind of answer AWS gave when it gave no credentials.
type Kind int

// The kinds, and what the pipeline makes of them. The zero value is KindDenied: an unknown answer is a refusal.
const (
	KindDenied      Kind = iota // AccessDenied, InvalidIdentityToken and the like: upstream_denied
	KindExpired                 // the proof we sent had expired: expired_token
	KindInvalid                 // a parameter, policy or duration AWS does not take: invalid_request
	KindThrottled               // Throttling: throttled
	KindUnavailable             // no answer, 5xx: upstream_unavailable
	KindConfig                  // the broker cannot make this call as configured: internal
)

// Error is AWS's refusal, or that of the code that would have asked AWS.
type Error struct {
	Kind Kind
	// Code and Message are AWS's own; Message may name ARNs, which the caller of a granted role may read. Without a Code
	// it is a sentence of ours, for whoever asked.
	Code, Message string
	// RequestID is AWS's id of the call, for a support case.
	RequestID string
	Err       error
}

// Error names AWS's code, message and request id, or our sentence.
func (e *Error) Error() string {
	s := e.Message
	if e.Code != "" {
		s = e.Code + ": " + s
	}
	if e.RequestID != "" {
		s += " (AWS request id " + e.RequestID + ")"
	}
	if e.Err != nil && e.Message == "" {
		s = fmt.Sprintf("%s %v", s, e.Err)
	}
	return s
}

// Unwrap returns the transport's error.
func (e *Error) Unwrap() error { return e.Err }
