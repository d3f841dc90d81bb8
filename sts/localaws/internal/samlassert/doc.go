// Package samlassert verifies SAML responses the way AWS STS does, and reads identity provider metadata.
//
// It owns the strict lexing of XML, the verification of XML signatures (goxmldsig, one trusted certificate at a
// time) and the reading of an assertion. The configured metadata chooses issuer and keys before the message is
// opened; KeyInfo is thrown away unread. It refuses DTDs, processing instructions, odd encodings, deep or huge
// documents, more or less than one assertion, encrypted assertions, an assertion without its own signature, signatures
// with other transforms than enveloped and exclusive canonicalization, and SHA-1. Invariants: an [Assertion] is read
// only from the canonical bytes that a digest covered; text with markup inside is refused, never cut; every
// mandatory element is there exactly once. Whether the assertion is still good is the caller's [Assertion.Check].
// It fails with a [wire.Error].
package samlassert
