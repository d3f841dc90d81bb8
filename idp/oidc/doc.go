// Package oidc verifies what OpenID Connect providers hand out: JWTs that machines present ([Workload], [Set]), and ID
// tokens of people who sign in through a browser ([Login]).
//
// It owns a strict front that runs before any library sees a token, the choice of the key, the key cache, the claim
// checks and the mapping of claims to an [idp.Identity]. It stands on coreos/go-oidc for the verification frame and
// on go-jose for reading keys.
//
// The configuration chooses issuer, key set, algorithms and audience before a token is believed in anything. The
// token's iss and aud are compared with the configuration before any fetch, and a token of an issuer that is not
// configured causes none. Header members that name or carry keys (jwk, jku, x5u, x5c) choose nothing and are never followed.
//
// It refuses: every form but compact JWS; more than 16 KiB; base64url that is not canonical; a header or claims
// with a name twice; crit, b64, enc and zip; an algorithm or key that is not on the list; keys that are weak,
// symmetric, private, or meant for something else; absent or odd iss, sub, aud and exp; times out of bounds or out of
// range; a foreign azp; a tenant outside the pins; groups that the issuer says it left out.
//
// Keys are fetched when first needed, one fetch at a time for an issuer, whoever waits and whoever gives up. After
// every attempt there is a pause. An unknown key id causes at most one fetch in a pause and is remembered; a known key
// with a bad signature causes none. While the issuer is down the keys at hand serve on, for [Options.StaleFor].
//
// A login is the authorization code flow with PKCE, state and nonce, always. Its ID token passes everything above, with
// the client id as the only audience; then nonce, azp, at_hash, and what was asked of freshness and class. Userinfo adds
// attributes and never dates or strengthens a sign-in. An answer that nobody here asked for is refused. The endpoints
// come from the discovery document, which is kept as keys are.
//
// Leaving: a sign-out here can go on at the provider (RP-Initiated Logout 1.0), with the ID token in a form and never in
// a URL, and the provider can end its sessions here (Back-Channel Logout 1.0). A logout token passes the same front, is
// dated, named by a jti, has the event and no nonce; a header that names another type than logout+jwt is refused.
//
// It fails with an [idp.Error]: KindUntrusted for an issuer or tenant that is not ours, KindExpired for a token that
// was good once, KindUnavailable where keys or endpoints cannot be had, KindDenied where the provider itself refused a sign-in,
// KindInvalid for all else. The reason quotes nothing of the
// token.
package oidc
