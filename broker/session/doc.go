// Package session keeps who is signed in ([Sessions]) and who is on the way to be ([Logins]), over broker.Store, and
// builds the cookies that carry both ([Cookies]).
//
// It refuses tokens that are not exactly what it gave out: a token is 256 random bits, looked up by the hash of its
// whole text, so that a prefix, another spelling or one changed bit is a stranger's. The store sees neither token nor
// cookie.
//
// A person's sessions, in browsers and at command lines, are in an index beside them, so that they can be listed and
// ended by whose they are, or by the provider that they came from. A person has [MaxSessions] at most.
//
// Invariants: a session never outlives its absolute limit, its idle limit or what the identity provider allowed
// (Identity.SessionExpiry); the limits are checked against the clock on every read and do not rest on the store's
// expiry. Ending is final: activity is kept beside the session and a request that is still running cannot bring it
// back. A pending login is taken once, by the browser that began it, within ten minutes; asking with the wrong cookie
// finds nothing and spends nothing.
//
// How it fails: [ErrNone] for everything that is not there, without saying why; any other error comes from the store
// or the randomness, and the caller must then refuse (store_unavailable).
package session
