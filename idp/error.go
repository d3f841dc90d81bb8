package idp

import "fmt"

// Kind says what kept a proof from becoming an Identity. The zero value is KindInvalid: unknown trouble refuses.
type Kind int

// The kinds, and what the pipeline makes of them.
const (
	KindInvalid     Kind = iota // malformed, forged, for somebody else: invalid_token
	KindUntrusted               // an issuer that is not configured, or outside its tenant pins: untrusted_issuer
	KindExpired                 // was good once: expired_token
	KindReplayed                // one-use proof seen before: replayed
	KindDenied                  // the provider itself said no (a failed SAML Status, error=access_denied): login_required
	KindUnavailable             // keys or endpoints of the provider cannot be reached: upstream_unavailable
)

// Error is why a proof was refused.
type Error struct {
	Kind Kind
	// Reason is one sentence that a stranger may read: it never quotes the proof's contents.
	Reason string
	// Err is for our own logs.
	Err error
}

// Error includes the private cause; render Reason to the public.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return fmt.Sprintf("%s: %v", e.Reason, e.Err)
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Err }

// Refuse builds an Error of a kind; err may be nil.
func Refuse(kind Kind, reason string, err error) *Error {
	return &Error{Kind: kind, Reason: reason, Err: err}
}

// Cause is a private cause out of a fixed set, such as "account disabled". It holds nothing that a stranger wrote, so
// that audit may count refusals by it.
type Cause string

// Error is the cause itself.
func (c Cause) Error() string { return string(c) }
