// Package daemon builds a broker from a configuration and runs it: start-up, reload, shutdown.
//
// It owns the wiring and nothing else: what outlives a reload (store, audit log, keys, listeners) is in [resources],
// what a reload replaces (providers, rules, roles, pages) is built by small constructors in build.go and swapped as
// one handler. A configuration that cannot be built leaves the one in force untouched.
//
// It refuses to start when the store or the audit log cannot be used, when a signing key cannot be had, and when the
// configuration has problems; it starts while an identity provider's metadata cannot be fetched, and keeps trying.
package daemon
