// Package interop proves the built command against software that we did not write: Debian's SimpleSAMLphp as a SAML
// identity provider, npm's oidc-provider as an issuer of tokens, and Debian's AWS command line as a client.
//
// It owns nothing but tests. They build cmd/fedbroker once, start everything on free loopback ports, and speak to it
// over HTTP and by the command line only; for `aws sso login` the authorization server runs in the test's own process,
// with a person at its pages. install.sh beside this file installs what they need ("make interop" runs
// both); a test that misses something fails and says so, it never skips.
package interop
