// Package idptest has identity providers for tests: they speak the real protocols, HTTP or LDAP, and sign with real keys
// that they make for themselves. An unknown path is answered with 404.
//
// It is for tests only. It imports package testing, and production packages must not import it.
package idptest
