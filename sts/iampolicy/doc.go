// Package iampolicy is IAM's policy language: it parses a document, checks it the way IAM checks a write, and
// evaluates a request against any number of documents, saying why.
//
//	Parse(document, Kind) ──> *Policy ──Validate──> []Finding
//	Evaluate(Input) ──> Decision{Allowed, Reason, By, Because, Trace}
//	EvaluateTrust(TrustInput) ──> Decision, for the calls that assume a role
//
// Local AWS decides with it; explain and trust predict real AWS with it.
//
// It owns the grammar, the operators, the matching rules and the order in which identity policies, permissions
// boundary, session policies and resource policy are combined. It does not own request context: the caller says
// what is known about a request in [Context]. Service and resource control policies are not part of it.
//
// Invariants:
//   - The zero value refuses: a [Decision] that nobody filled in is an implicit deny, a nil [Policy] allows nothing,
//     and an empty account is never "the same account".
//   - An explicit Deny anywhere wins; adding a Deny never grants, adding an Allow never takes away.
//   - A [Policy] does not change after [Parse] and may be used by any number of goroutines.
//   - What a policy variable inserts is text: a wildcard in a tag or claim stays a character.
//   - Matching a pattern costs at most the product of both lengths; there is no backtracking beyond the last star.
//
// It refuses documents with duplicate keys, unknown elements, characters outside IAM's range, or beyond IAM's
// limits, with a [SyntaxError] that names the place. Evaluation cannot fail: what cannot be understood (a number
// that is none, an address that is none) follows AWS's rule for that operator.
//
// Where AWS's behaviour is not documented, the stricter reading was chosen and the comment says so.
package iampolicy
