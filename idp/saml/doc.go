// Package saml is a SAML 2.0 service provider: one [Provider] for each configured SAML identity provider.
//
// It owns our metadata, the AuthnRequest (redirect and POST bindings), the IdP's metadata with its refresh, the
// reading of a Response: in a browser flow ([Provider.Begin], [Provider.Finish]) and outside one ([Provider.Verify]),
// and single logout, whoever begins it ([Provider.BeginLogout] and FinishLogout, [Provider.ReadLogout] and AnswerLogout).
//
// # How a Response is read
//
// Size limit, base64, one strict parse (internal/xmltree: no DOCTYPE, no instruction, no CDATA, unique ids, bounded
// everything), shape of the whole document, signature (internal/xmlsig), decryption (internal/xmlenc), and then the
// profile's checks. What a signature covers is canonicalised once; the digest is taken over those bytes, the bytes are
// parsed anew, and every later step reads that second tree only. So what is verified and what is read cannot differ.
//
// A logout message is read in the same way: limits, signature, and then what the signature covers and nothing else. By
// redirect that is the query's octets as they came, by POST the canonical form. All of ours are signed, and those that
// are not signed by the IdP are refused, whatever its metadata says.
//
// Invariants:
//   - exactly one assertion in the document, a child of the Response, with its own signature or the Response's over it;
//     where both are signed both verify;
//   - keys come from the IdP's metadata. KeyInfo in a message is skipped. Every key is tried, so that a rollover works
//     with and without KeyInfo. The validity dates of the certificates are ignored, as SAML's metadata
//     interoperability profile (section 2.6.1) wants: the metadata vouches for the key, and its validUntil is honoured;
//   - Destination, Recipient, Audience, Issuer and InResponseTo match exactly; what is absent is refused;
//   - clock and randomness are the Provider's own. crewjam/saml lends its metadata, request and schema types; none of
//     its package globals is read or written.
//
// # How it fails
//
// Always with an [idp.Error]. KindUntrusted: another issuer. KindExpired: a time that has passed. KindDenied: the IdP
// itself said no, or answered with an older or weaker sign-in than was asked for. KindUnavailable: no valid metadata.
// KindInvalid: all else. From the ciphertext to the signature inside it there is one refusal only, so that nobody can
// use us as a padding oracle. A panic in the reading is a refusal, too.
//
// # Decisions
//
//   - The tokenizer is encoding/xml's; canonicalisation is ours and not goxmldsig's, which drops the PrefixList of
//     declarations that stand above the apex, does not know "#default", sorts attributes by prefix where the
//     namespace is declared further up, and wants one KeyInfo. goxmldsig signs our requests, and is the oracle
//     that the tests compare with.
//   - Attributes that share a Name are merged in document order (Keycloak sends one Attribute element for each role).
//     Username and e-mail are set only where exactly one value is left.
//   - A transient NameID is accepted as subject; rules that name such a subject never match twice.
//   - SubjectConfirmationData's Address is not compared: proxies and dual-stack clients make it a lie.
//   - A LogoutRequest names the person exactly as the assertion did, with every qualifier. One that comes is matched by
//     the name itself: subjects are told apart by nothing else. Whoever leaves does not wait for metadata.
//   - Replay is the pipeline's business: [idp.Proof] carries assertion ID, hash and the time until which to remember.
package saml
