// Package client is the command line's side of a broker: signing in, keeping the sign-in, and asking for roles,
// credentials and console URLs.
//
// It owns what one person's machine keeps: which broker is the usual one, the registration of this command line with
// it, the tokens of the login session, and the names of the granted roles with how often each was used. Tokens rest in
// the system's keyring where there is one, else in a file that only its owner may read; nothing else is secret. AWS
// keys pass through and are never kept.
//
// A sign-in is the SSO-OIDC protocol of design.md section 6: a registration, then an authorization code with PKCE that
// comes back on a loopback port (RFC 8252, RFC 7636), or a device code (RFC 8628). Everything else is the JSON API with
// the access token as bearer token.
//
// It refuses brokers that are not reached by https or on loopback, redirects that leave the broker, answers that are
// too large, and callbacks whose state is not the one that was sent.
//
// Commands that run side by side refresh once: whoever holds the lock refreshes, the others read what it saved. Errors
// are sentences that say what to do next; [ErrLogin] is wrapped where that is to sign in.
package client
