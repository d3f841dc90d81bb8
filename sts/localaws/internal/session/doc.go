// Package session holds what was issued: temporary credentials, sign-in tokens and console sessions.
//
// It owns their lifetimes and their look-up. Secrets that a client presents whole (session tokens, sign-in tokens,
// cookies) are kept as SHA-256 hashes only; the secret access key is kept because signatures are checked with it.
// It refuses to hold more than a fixed number of live entries, so that a loop of requests cannot exhaust memory.
// Invariants: a [Session] does not change once it is stored; an entry past its end is never returned as live.
package session
