package idp

import "time"

// Identity is who a verified proof speaks of. An identity is told from another by (Provider, Issuer, Subject) only:
// names, mail addresses and groups are attributes, never keys.
type Identity struct {
	// Provider is the id of the identity provider in our configuration.
	Provider string `json:"provider"`
	// Issuer is the verified issuer: an OIDC iss, a SAML entity id.
	Issuer string `json:"issuer"`
	// Subject is the stable name of the principal at the issuer: sub, NameID, objectGUID. Never empty.
	Subject  string   `json:"subject"`
	Username string   `json:"username,omitempty"`
	Email    string   `json:"email,omitempty"`
	Groups   []string `json:"groups,omitempty"`

	// AuthTime is when the person proved themselves to the provider; zero when the provider did not say.
	AuthTime time.Time `json:"auth_time,omitzero"`
	// AMR is the authentication methods (RFC 8176), ACR the class (OIDC acr, SAML AuthnContextClassRef).
	AMR []string `json:"amr,omitempty"`
	ACR string   `json:"acr,omitempty"`
	// SessionExpiry is when the provider wants its session over (SAML SessionNotOnOrAfter); zero when it did not say.
	SessionExpiry time.Time `json:"session_expiry,omitzero"`
	// SessionID names the provider's own session, by which it can ask us to end ours (OIDC sid, SAML SessionIndex); empty
	// when it did not say.
	SessionID string `json:"session_id,omitempty"`
	// Leave is what the provider's own code needs to end its session when the person signs out here: an ID token, a
	// NameID with its format. It is for that provider alone and is never mapped, shown or recorded.
	Leave State `json:"leave,omitempty"`

	// Claims are all verified claims as the proof spelled them.
	Claims Claims `json:"claims"`
	// Proof is what the pipeline must know about the proof itself.
	Proof Proof `json:"proof"`
}

// ProofKind tells how a proof is encoded.
type ProofKind string

// The kinds of proof.
const (
	ProofJWT  ProofKind = "jwt"
	ProofSAML ProofKind = "saml"
	ProofBind ProofKind = "bind"
	ProofCode ProofKind = "code" // an OAuth 2.0 code, and what the service's API said to it
)

// Proof is what is known about the proof that an identity came from, apart from its claims.
type Proof struct {
	Kind ProofKind `json:"kind"`
	// ID names the proof at its issuer: jti, assertion ID. May be empty for a JWT.
	ID string `json:"id,omitempty"`
	// Hash is the SHA-256 of the signed bytes, in hex: a JWT's signing input, a canonical assertion. Of a code, its own.
	Hash string `json:"hash"`
	// IssuedAt and Expires bound the proof's own validity.
	IssuedAt time.Time `json:"issued_at"`
	Expires  time.Time `json:"expires"`
	// Once says that the pipeline must accept the proof a single time (SAML always, a JWT where configured).
	Once bool `json:"once,omitempty"`
}
