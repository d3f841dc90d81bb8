package idp

import (
	"context"
	"net/url"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Verifier verifies a proof that is presented in a request of its own: a workload's JWT, a SAML Response outside a
// browser flow. It fails with an [Error]. It remembers nothing: replay is the pipeline's business.
type Verifier interface {
	Verify(ctx context.Context, proof secret.Text) (Identity, error)
}

// Login is a provider that people sign in with through a browser. Both steps are stateless: what Begin returns as
// State is kept by the pipeline, sealed and bound to one browser, and given back to Finish once.
type Login interface {
	Begin(ctx context.Context, want LoginRequest) (Redirect, State, error)
	Finish(ctx context.Context, state State, back Callback) (Identity, error)
}

// LoginRequest is what the pipeline asks of a login.
type LoginRequest struct {
	// Handle names the pending login; it travels as RelayState or state and comes back unchanged.
	Handle string
	// Force asks for a new authentication; MaxAge, when above zero, for one at most that old; ACR for one of these classes.
	Force  bool
	MaxAge time.Duration
	ACR    []string
	// Hint is the mail address that the person says is theirs; empty when they said none. It is passed on where the
	// protocol has a place for it (OIDC's login_hint). SAML has none: the Subject of a request is a demand (SAML Core
	// section 3.3.4), which providers refuse when their name for the person is another.
	Hint string
}

// Redirect sends the browser to the provider: to URL as it stands when Form is empty, otherwise by a POST of Form.
type Redirect struct {
	URL  string
	Form url.Values
}

// State is what a provider needs to recognise the answer to its own request: a SAML request ID, an OIDC nonce and
// PKCE verifier.
type State map[string]string

// Callback is what the browser brought back.
type Callback struct {
	Form url.Values
	// Query is the raw query that Form was read from, for signatures over its very octets; empty where a form was posted.
	Query string
	// Unsolicited is set when the pipeline found no pending login: the provider began (IdP-initiated).
	Unsolicited bool
}

// Directory is a provider that is given a person's name and password: Active Directory, LDAP. It fails with an
// [Error]: of kind [KindDenied], with [PasswordRefusal] and a [Cause], for whatever is wrong with name, password or
// account. It counts no attempts: that is the pipeline's business.
type Directory interface {
	Authenticate(ctx context.Context, username string, password secret.Text) (Identity, error)
}

// PasswordRefusal is the one public sentence of every refused password: it tells neither whether the name exists nor
// what state the account is in nor whether the attempt was looked at.
const PasswordRefusal = "the name or the password is wrong, or the account may not sign in now; after several attempts wait a quarter of an hour"
