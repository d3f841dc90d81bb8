// Package xmlsig verifies one enveloped XML signature over one element, in the profile of SAML core section 5.4.
//
// It owns [Verify]. It refuses every shape but: one SignedInfo, one SignatureValue, at most one KeyInfo; exclusive
// canonicalisation; one Reference, whose URI names the ID of the very element; the two transforms enveloped-signature
// and exclusive canonicalisation; RSA PKCS#1 v1.5 or ECDSA with SHA-256, -384 or -512 (and RSA with SHA-1 where the
// caller says so). HMAC has no entry at all, so that no public key can serve as a secret.
//
// Invariants: the caller brings the keys and KeyInfo is never opened; the Reference is read from the canonical
// SignedInfo that the signature covers, after it verified; Verify returns the canonical bytes whose digest was
// compared, which is all that a caller may read from.
//
// It relies on xmltree for ids that are unique in the document. It fails with plain errors that quote nothing.
package xmlsig
