// Package agent gives programs on this machine credentials that keep refreshing, over the two protocols that every AWS
// SDK speaks on loopback: the container credentials endpoint, and the EC2 instance metadata service, version 2 only. It
// also runs a command with the former ([Exec]).
//
// It owns the last credentials of one role, in memory, and the tokens that open its endpoints. It writes no key to disk
// and logs none.
//
// A web page must not reach it, nor another machine: listeners stand on loopback addresses, the Host must be the
// listener's own address (a name that was pointed at loopback is refused), and whatever looks as if it came from a
// browser or over a proxy is refused before anything else is looked at: Origin, Referer, Cookie, Sec-*, Forwarded, Via,
// X-Forwarded-*. No answer has CORS headers. Paths are compared as they were sent, methods are listed, tokens are
// compared in constant time. Everything else is 401, 403, 404 or 405 with a reason in it.
//
// The metadata service asks no secret of whoever can reach it; that is its protocol. It is served only where a person
// asked for it.
//
// When credentials cannot be refreshed the last ones are served for as long as they are good; then the error is.
package agent
