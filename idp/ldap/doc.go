// Package ldap signs people in with the password that a directory keeps for them: Active Directory, Samba, OpenLDAP
// and others that speak LDAPv3 (RFC 4511), on go-ldap.
//
// It owns the way to a directory (several servers in order, LDAPS or StartTLS, time and size limits), the search for
// one person, the bind that proves the password, the state of the account, and the person's groups.
//
// A service account looks the person up and the bind is made by the DN that was found; or the person binds directly as
// name@suffix, is looked up with their own rights, and binds once more by the DN that was found, so that the entry
// that is read is the one whose password was proven. An unknown name is answered by a bind as well, of a DN that does
// not exist: a refusal costs the same operations whether the name exists or not.
//
// It refuses: an empty or blank password, and one with a NUL, before any server is asked (RFC 4513 section 5.1.2: a
// bind without a password succeeds as nobody); a name that is not one word of text; more than one entry for a name, an
// entry that does not carry the name that was typed, an entry outside base_dn; accounts that are disabled, expired,
// locked, or whose password expired or must be changed; a person in more groups than can be read whole, for a rule that
// denies could be among those left out. StartTLS never falls back: without TLS no password leaves, and
// [Options.InsecureLoopback] is for tests on one machine. Referrals are not followed (invariant 13 of design.md section 9).
//
// What a stranger typed reaches a filter only through [goldap.EscapeFilter] and a DN never; it reaches a bind name
// only in the alphabet of an account name.
//
// The subject is objectGUID (Active Directory) or entryUUID (RFC 4530), never a name. Groups appear twice: by their
// DN as the directory spells it, and by a short name: sAMAccountName, which is unique in a domain, or the value in the
// group's RDN.
//
// It fails with an [idp.Error]: KindDenied with [idp.PasswordRefusal] and a private [idp.Cause], or KindUnavailable
// where no server can be used.
package ldap
