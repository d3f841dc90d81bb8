// Package issuer is the broker as an issuer that AWS trusts. It implements [broker.Minter].
//
// It owns two purposes of signing key and never lets one do the other's work: ES256 (or a loaded RS256) for the JWT of
// mode web-identity, RSA-SHA256 with a self-signed certificate for the SAML Response of mode saml. A [Keyring] makes,
// shares, rotates and forgets the keys of one purpose; an [Issuer] mints with them and publishes the public halves:
// discovery document, JWKS and SAML metadata.
//
// It refuses to sign what AWS would refuse or read differently: a subject, session name, tag or source identity outside
// STS's alphabets, a transitive key that is no tag, a deadline that has passed. It refuses keys of the wrong kind, size
// or purpose and an issuer URL that AWS could not use as an identifier.
//
// Invariants (design.md section 9):
//   - 4: a generated key lives only in the store (which seals it); of any number of nodes that start at once one
//     makes it; a new key is published an hour before it signs, an old one for a day after.
//     A store that was emptied gets the keys back from the nodes that still run. Under a number where a node that
//     started since was first, its key signs, and the one that was there before is published for a day more.
//   - 6: no key and no minted proof is in an error or a log: proofs are secret.Text and errors carry none.
//   - 11: no exported name hands out a private key or a general signature. What is signed here is a proof for STS.
//
// How it fails: with a plain error. No key means no proof: when the store cannot be read for most of the hour in which
// a new key is published beforehand, minting stops rather than sign with a key that other nodes may have retired.
package issuer
