// Package fetch is the one way out to the web: discovery documents, key sets, metadata, token endpoints.
//
// It owns a client with limits: time, body and header size, redirects, and above all the addresses that it may connect
// to. A name is resolved, each address is checked, and the connection goes to the checked address, so that a name
// which answers differently the second time (DNS rebinding) gains nothing.
//
// It refuses: any scheme but https, except http to loopback where [Options.AllowLoopbackHTTP] says so; user
// information in a URL; loopback and private addresses (RFC 1918, RFC 4193, RFC 6598) without
// [Options.AllowPrivate]; and, whatever the options, link-local, multicast, unspecified, reserved and cloud-metadata
// addresses, and IPv6 forms that carry an IPv4 address which would itself be refused. A redirect may not leave the
// scheme, host and port that were asked, only a GET is redirected, and at most three times.
//
// It uses no proxy, whatever the environment says: behind a proxy the address that is connected to cannot be checked.
// It keeps no cookies and asks for no compression, so that the size limit counts what is really read.
//
// It fails with an error that wraps [ErrForbidden] where it refuses to ask (and names the IdP's setting that would
// permit it, where one does), [ErrTooLarge] where the answer is too
// big, and [*StatusError] where the answer is not 200. An error never holds the body of an answer.
package fetch
