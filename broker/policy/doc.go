// Package policy decides which roles an identity has and how their sessions look. It implements [broker.Policy].
//
// It owns the rules: exact pins over claims, CEL conditions, deny, require, and the session values that CEL computes
// from verified claims. [Compile] checks everything that can be known without an identity and reports every problem
// at once; what it returns never changes, so that any number of goroutines may ask it, and a reload swaps it whole.
//
// # What rules see
//
// The raw claims of the proof, overlaid by the five normalised names subject, username, email, groups and auth_time
// (Unix seconds). Those five names are the broker's own: where the provider's mapping found nothing they are absent,
// even when the proof has a raw claim of that name. An e-mail address that the provider left out because it is not
// verified must not come back through a side door.
//
// # How a role is decided
//
//   - A rule is met when its provider is the identity's, every pin equals, and `when` is true. An error in `when`
//     is not true; in a deny rule it denies, once the pins are equal.
//   - A deny rule that is met takes its roles away, whatever grants them.
//   - Of the rules that are met and whose `require` the login satisfies, the first in file order shapes the session.
//     Where only `require` stands in the way of every rule, the role is withheld with mfa_required.
//   - When a session value of the shaping rule cannot be computed, or AWS would refuse it, the role is withheld. A
//     later rule does not step in: the session would lack what the first one puts on it.
//
// # Session values
//
// Tags and the source identity are used as they are or not at all. Session names are brought into AWS's alphabet, and
// whatever had to be altered, is too long, or could be mistaken for an altered name gets a hash of the identity and the
// unaltered text (see [SessionName]). A rule without a session name gets the user name or the subject, always with that
// hash: user names are attributes, and aws:userid in somebody's bucket policy must not mean two people. A rule without
// a source identity sets none: a source identity needs sts:SetSourceIdentity in the trust policy of every role on the
// way and cannot be changed afterwards, so it is the rule's author who asks for it.
//
// # Cost
//
// Rules are indexed by provider and by the most telling of their pins, so that a decision costs the rules that could
// match and not the rules that exist. It grows with the number of different claim names that a provider's rules pin, and
// with the rules of the provider that have no pin. Expressions are compiled once for each different text. Every
// evaluation has a cost limit; expressions whose estimated cost is above it do not compile.
//
// How it fails: towards refusal. An unknown provider, an absent claim, a value of another type, a failing expression
// and a login that does not say when or how it was made all mean "not granted".
package policy
