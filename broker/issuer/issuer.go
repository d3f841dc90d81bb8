package issuer

import (
	"errors"
	"fmt"
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// proofLife is how long a proof may be redeemed. AWS wants a SAML Response within five minutes of its issue and gives
// a JWT that much tolerance besides (facts, saml-aws section 3, oidc-aws section A.2).
const proofLife = 5 * time.Minute

// DefaultAudience is the client id that AWS's own tools register with an IAM OIDC provider.
const DefaultAudience = "sts.amazonaws.com"

// Options describes the broker as an issuer.
type Options struct {
	// URL is the issuer identifier: iss of every token, and where AWS finds the discovery document. https, or http on
	// loopback for local AWS; no query, fragment, user or trailing slash. [Check] tells what AWS itself would mind.
	URL string
	// Audience is aud of every token; empty means DefaultAudience.
	Audience string
	// Keys signs tokens; PurposeJWT.
	Keys *Keyring
	// SAML describes the other form of proof; left out, SAMLResponse and the metadata are refused.
	SAML *SAMLOptions
}

// SAMLOptions describes the broker as a SAML identity provider for AWS.
type SAMLOptions struct {
	// EntityID is Issuer of every assertion; empty means URL + "/issuer/saml/metadata".
	EntityID string
	// Keys signs assertions and Responses; PurposeSAML.
	Keys *Keyring
	// Recipient is the assertion consumer URL of a sign-in endpoint other than AWS's own (local AWS, a regional one);
	// empty means the sign-in endpoint of the role's partition.
	Recipient string
}

// Issuer mints proofs for STS and publishes what verifies them. It is safe for concurrent use.
type Issuer struct {
	url, audience string
	keys          *Keyring
	saml          *SAMLOptions
	discovery     []byte
}

var _ broker.Minter = (*Issuer)(nil)

// New checks the options. It makes no keys and starts nothing; see [Keyring.Load].
func New(o Options) (*Issuer, error) {
	if err := checkIdentifier(o.URL); err != nil {
		return nil, fmt.Errorf("issuer url: %w", err)
	}
	if o.Keys == nil || o.Keys.Purpose() != PurposeJWT {
		return nil, errors.New("the issuer needs a keyring for JWTs")
	}
	if o.Audience == "" {
		o.Audience = DefaultAudience
	}
	if len(o.Audience) > maxSubject {
		return nil, fmt.Errorf("the audience is longer than %d characters", maxSubject)
	}
	i := &Issuer{url: o.URL, audience: o.Audience, keys: o.Keys}
	if o.SAML != nil {
		saml, err := checkSAMLOptions(*o.SAML, o.URL)
		if err != nil {
			return nil, err
		}
		i.saml = &saml
	}
	var err error
	i.discovery, err = discoveryDocument(o.URL)
	return i, err
}

func checkSAMLOptions(s SAMLOptions, issuerURL string) (SAMLOptions, error) {
	if s.EntityID == "" {
		s.EntityID = issuerURL + pathMetadata
	}
	switch {
	case s.Keys == nil || s.Keys.Purpose() != PurposeSAML:
		return s, errors.New("the SAML issuer needs a keyring for SAML")
	case len(s.EntityID) > 1024: // saml-core section 8.3.6
		return s, errors.New("the SAML entity id is longer than 1024 characters")
	}
	if err := checkSubjectLike(s.EntityID); err != nil {
		return s, fmt.Errorf("SAML entity id: %w", err)
	}
	if s.Recipient != "" {
		if err := checkIdentifier(s.Recipient); err != nil {
			return s, fmt.Errorf("SAML recipient: %w", err)
		}
	}
	return s, nil
}

// Audience is aud of the tokens: what an IAM OIDC provider must list as a client id.
func (i *Issuer) Audience() string { return i.audience }

// URL is the issuer identifier.
func (i *Issuer) URL() string { return i.url }
