// Package localaws is an embedded AWS: one http.Handler that verifies, decides and issues like the real one.
//
// It owns the STS Query API (AssumeRoleWithWebIdentity, AssumeRoleWithSAML, AssumeRole, GetCallerIdentity,
// GetAccessKeyInfo), the console's federation endpoint and a small console page, over accounts, users, roles and
// identity providers that a [Seed] describes. JWTs, assertions and signatures are verified for real, with code and
// libraries that the broker does not use: an authority that shared the broker's verifiers would agree with the
// broker's bugs. So nothing of ours is imported but sts/iampolicy, and no AWS SDK, crewjam/saml, go-oidc or go-jose.
//
// It refuses what AWS refuses, with AWS's codes, messages and statuses; where AWS's behaviour is not known the
// stricter reading is taken. It is stricter than AWS on purpose in these points: requests for another Host, GET for
// calls that carry a token, SHA-1 and non-exclusive canonicalization in assertions, encrypted assertions, RSA keys
// below 2,048 bits, duplicate JSON members. It is for rehearsal on one machine and never for production: state
// lives in memory, and whoever can reach the handler can use it. The handler binds nothing; the wiring side does,
// on loopback.
//
// Invariants: only what was verified is read; an explicit deny wins; a missing role and a refused role look the
// same; no secret reaches an answer (but the one that issues it), a log or an error.
package localaws
