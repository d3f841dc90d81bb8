// Package codeflow is our side of OAuth 2.0's authorization code grant, as the logins of idp/oidc and idp/oauth2 share
// it: the request with state and PKCE, the reading of the answer, the exchange of the code, on x/oauth2.
//
// PKCE (RFC 7636, S256) and state are not options. It refuses answers in which a parameter occurs twice, whose state is
// another's, or whose iss (RFC 9207) is missing where it was promised or is not the server that was asked; it looks at
// neither error nor code before these hold.
//
// It keeps nothing and fails with an [idp.Error]: KindDenied where the server itself said no, KindUnavailable where it
// cannot be reached or has trouble of its own, KindInvalid for all else. No code, token, secret or body of an answer is
// in an error.
package codeflow
