// Package daemon builds a broker from a configuration and runs it: start-up, reload, shutdown.
//
// It owns the wiring and nothing else. What outlives a reload (store, audit log, keys, listeners) is in resources; what
// a reload replaces (providers, rules, roles, pages) is a generation, built by small constructors and swapped as one
// handler. A configuration that cannot be built leaves the one in force untouched. A provider whose configuration did
// not change is taken over with the keys and metadata that it has fetched.
//
// It refuses to start when the store or the audit log cannot be used, when a signing key cannot be had, and when the
// configuration has problems, those of the files that it names included; it starts while an identity provider's
// metadata cannot be fetched, and keeps trying. Problems are configs.Problems: each has its place in the file.
package daemon
