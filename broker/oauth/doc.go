// Package oauth is the broker as an authorization server for command lines, on the URLs of AWS's SSO-OIDC service, so
// that our own command line and AWS's clients use the same one.
//
// It owns client registrations, authorization codes with PKCE (RFC 7636), device codes (RFC 8628), and the tokens that
// both end in ([Tokens]), with the two pages on which a person says yes. [Server] is its HTTP side: JSON in camelCase
// and errors as AWS's models have them, in the header x-amzn-ErrorType and in the body. Whatever it answers has gone
// through broker.Run, door oauth.
//
// A registration is a sealed blob and costs no memory: the client's id holds its name, redirect URIs and end under
// AES-256-GCM, its secret is an HMAC of the id. Registrations end after thirty days.
//
// A family is what a command line has after an approval: a login session of its own, derived from the browser's, with
// an access token of at most an hour and a refresh token that rotates. It ends with the login that it came from, after
// the idle time, or by logout; then every token of it is dead at once.
//
// Invariants: a code is used once, by the client that it was made for, with the redirect URI and the verifier of the
// request; a code that comes again ends the family that it began. A refresh token is followed by one successor,
// whoever asks: for two minutes the one before gets that same successor, anything older ends the family. A redirect
// goes to loopback only (RFC 8252 section 7.3). An approval needs a login younger than fifteen minutes, comes from our
// own page in the session that was shown, and names client, address and end. A device's code is filled in only where
// device and person have one address. Tokens, codes and secrets are told apart by their prefix, looked up by the hash
// of their whole text, and none works where another belongs.
//
// It refuses plain PKCE, unknown and repeated parameters, wishes for other scopes, and anything over its limits. A
// request to /authorize that is wrong is answered by a page and never sent on to where it wanted.
//
// How it fails: when the store is down nothing is issued and clients are told server_error, which they try again.
//
// Browsers hold form-action against every redirect, and their policies know no IPv6 address: approvals for [::1] are
// right on the wire but may be stopped by the browser. Clients had better listen on 127.0.0.1.
package oauth
