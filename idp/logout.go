package idp

import (
	"context"
	"errors"
)

// ErrStays is what BeginLogout and AnswerLogout fail with where the provider has no place for it: people leave us and
// stay signed in there.
var ErrStays = errors.New("the identity provider offers no logout")

// Leaver is a login whose provider can be asked to end its own session when a person signs out here. Both steps are
// stateless, as those of [Login] are.
type Leaver interface {
	// BeginLogout sends the browser to the provider to end the session that id came from; Identity.Leave says which.
	// handle names the pending logout; it travels as RelayState or state and comes back unchanged. It asks nobody for
	// longer than ctx allows, and fails with [ErrStays] where there is nothing to ask for.
	BeginLogout(ctx context.Context, id Identity, handle string) (Redirect, State, error)
	// FinishLogout reads the answer to the request that state remembers. It returns nil only when the provider's session
	// is over; partly says that the provider could not end all that hung on it.
	FinishLogout(ctx context.Context, state State, back Callback) (partly bool, err error)
}

// LogoutReader is a provider that says when it ended a session of its own. It fails with an [Error]. It remembers
// nothing: a message that comes twice is the pipeline's business.
type LogoutReader interface {
	ReadLogout(ctx context.Context, back Callback) (Logout, error)
}

// LogoutAnswerer is a LogoutReader whose messages come through the browser, which has to carry an answer back.
type LogoutAnswerer interface {
	LogoutReader
	// AnswerLogout makes the answer to a message that ReadLogout read; done says whether all that it named is over here.
	// It fails with [ErrStays] where the provider wants no answer.
	AnswerLogout(ctx context.Context, l Logout, done bool) (Redirect, error)
}

// Logout is a verified message of a provider: what it wants ended. Subject or SessionIDs is given.
type Logout struct {
	// Provider and Issuer are as in [Identity].
	Provider, Issuer string
	// Subject is whose sessions are meant; empty where the message names sessions only.
	Subject string
	// SessionIDs are the provider's own names of its sessions; none means all of the subject's.
	SessionIDs []string
	// Proof says what is known of the message. Once is always set.
	Proof Proof
	// Reply is for AnswerLogout of the same provider alone.
	Reply State
}
