// Package idp is the vocabulary of the way in: how a proof becomes an [Identity].
//
// It owns [Claims] and [Identity], the two ports that every kind of identity provider implements ([Verifier] for
// proofs that a machine presents, [Login] for people with a browser), the ports of leaving ([Leaver] for what begins
// here, [LogoutReader] for what begins there) and the error kinds they fail with.
//
// Invariant: nothing unverified has the type Identity. A provider verifies first and then builds the Identity from
// the very bytes it verified. A provider decides nothing else: replay, policy, limits and audit belong to the
// pipeline in package broker, so that no provider can forget them. It says what it knows about the proof in
// [Proof], and the pipeline acts on it.
//
// It imports nothing of ours but the leaves. Implementations live in the packages beneath it.
package idp
