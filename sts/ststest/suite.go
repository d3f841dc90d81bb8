package ststest

import (
	"strconv"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// signInURL is the recipient that the SAML roles of Setup trust: the partition's own.
const signInURL = "https://signin.aws.amazon.com/saml"

// Target is an STS endpoint and one account of it that holds what [Setup] says.
type Target struct {
	// Endpoint is the URL of the Query API.
	Endpoint string
	// Region is what requests are signed for.
	Region string
	// AccountID is the account that holds the set-up.
	AccountID string
	// AccessKeyID and SecretAccessKey are a long-term key of the user named UserName.
	AccessKeyID     string
	SecretAccessKey secret.Text

	// IssuerURL and Audience are what the account's OIDC provider registers; JWTKeys are the keys it finds there.
	IssuerURL, Audience string
	JWTKeys             *issuer.Keyring
	// SAMLKeys are the keys in the metadata of the account's SAML provider, whose entity id is [EntityID].
	SAMLKeys *issuer.Keyring

	// Now is the endpoint's clock; nil means time.Now. Signatures need it within minutes of the real time.
	Now func() time.Time
	// Advance moves the endpoint's clock, where that can be done; without it expiry of sessions is not looked at.
	Advance func(time.Duration)
}

// EntityID is the SAML entity id that an issuer at the URL has.
func EntityID(issuerURL string) string { return issuerURL + "/issuer/saml/metadata" }

// behaviour is one thing that STS does.
type behaviour struct {
	name string
	run  func(*testing.T, *suite)
}

// suite is a target with the issuer that it trusts.
type suite struct {
	Target
	issuer *issuer.Issuer
	serial int
}

// Run checks every behaviour in a subtest of its own. They run one after another.
func Run(t *testing.T, target Target) {
	if target.Now == nil {
		target.Now = time.Now
	}
	s := &suite{Target: target}
	s.issuer = s.newIssuer(t, nil)
	groups := [][]behaviour{webIdentityBehaviours(), samlBehaviours(), assumeRoleBehaviours(), chainBehaviours(), callerBehaviours()}
	if target.Advance != nil {
		groups = append(groups, expiryBehaviours())
	}
	for _, group := range groups {
		for _, b := range group {
			t.Run(b.name, func(t *testing.T) { b.run(t, s) })
		}
	}
}

// newIssuer makes an issuer like the trusted one, with one thing changed.
func (s *suite) newIssuer(t *testing.T, change func(*issuer.Options)) *issuer.Issuer {
	t.Helper()
	o := issuer.Options{
		URL: s.IssuerURL, Audience: s.Audience, Keys: s.JWTKeys,
		SAML: &issuer.SAMLOptions{EntityID: EntityID(s.IssuerURL), Keys: s.SAMLKeys, Recipient: signInURL},
	}
	if change != nil {
		change(&o)
	}
	i, err := issuer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// role is the ARN of a role of the set-up.
func (s *suite) role(name string) sts.RoleARN {
	return sts.RoleARN("arn:aws:iam::" + s.AccountID + ":role" + RolePath + name)
}

func (s *suite) samlProvider() string {
	return "arn:aws:iam::" + s.AccountID + ":saml-provider/" + ProviderName
}

// request is what an ordinary proof for a role says.
func (s *suite) request(role string) broker.MintRequest {
	s.serial++
	now := s.Now()
	return broker.MintRequest{
		ID: "ststest." + strconv.FormatInt(now.UnixNano(), 36) + "." + strconv.Itoa(s.serial), Subject: oneSubject, RoleARN: s.role(role),
		PrincipalARN: s.samlProvider(), SessionName: "alice", Now: now, Deadline: now.Add(12 * time.Hour), Duration: 12 * time.Hour,
	}
}

func (s *suite) token(t *testing.T, i *issuer.Issuer, p broker.MintRequest) string {
	t.Helper()
	text, err := i.WebIdentityToken(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

func (s *suite) response(t *testing.T, i *issuer.Issuer, p broker.MintRequest) string {
	t.Helper()
	text, err := i.SAMLResponse(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}
