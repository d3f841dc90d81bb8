package localaws

import (
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/samlassert"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

type samlResult struct {
	issued
	Subject       string `xml:"Subject"`
	SubjectType   string `xml:"SubjectType"`
	Issuer        string `xml:"Issuer"`
	Audience      string `xml:"Audience"`
	NameQualifier string `xml:"NameQualifier"`
}

// reservedRolePrefix marks the roles of IAM Identity Center, which SAML by hand cannot assume.
const reservedRolePrefix = "AWSReservedSSO_"

// assumeRoleWithSAML implements AssumeRoleWithSAML: an assertion of a provider in the role's account takes a role on.
func (s *Server) assumeRoleWithSAML(c *call) (any, error) {
	a := &assumption{method: session.BySAML}
	principal, encoded, err := s.samlShapes(c, a)
	if err != nil {
		return nil, err
	}
	if err := s.findRole(a); err != nil {
		return nil, err
	}
	provider, assertion, err := s.verifySAML(c, a, principal, encoded)
	if err != nil {
		return nil, err
	}
	if err := readSAML(a, assertion, c.now); err != nil {
		return nil, err
	}
	x := c.federatedContext(provider.ARN(), provider.Account.ID)
	for _, key := range assertion.ConditionKeys(provider.Account.ID, provider.Name) {
		held := session.ProviderKey{Name: key.Name, Values: key.Values, Multi: key.Multi}
		setKey(&x, held)
		if key.Persists {
			a.providers = append(a.providers, held)
		}
	}
	if err := s.authorizeFederated(c, a, x, provider.ARN()); err != nil {
		return nil, err
	}
	out, err := s.issue(c, a)
	if err != nil {
		return nil, err
	}
	return samlResult{
		issued: out, Subject: assertion.Subject, SubjectType: assertion.SubjectType, Issuer: assertion.Issuer,
		Audience: assertion.Recipient, NameQualifier: assertion.NameQualifier(provider.Account.ID, provider.Name),
	}, nil
}

func (s *Server) samlShapes(c *call, a *assumption) (principal, assertion string, err error) {
	var check wire.Checker
	if err := s.commonShapes(c, &check, a, policyShape); err != nil {
		return "", "", err
	}
	principal, _ = c.query.Get("PrincipalArn")
	check.String("principalArn", principal, required(arnShape))
	assertion, _ = c.query.Get("SAMLAssertion")
	check.String("SAMLAssertion", assertion, assertionShape)
	return principal, assertion, check.Err()
}

// verifySAML finds the provider, which must be in the role's account, and holds the response to it and to the clock.
func (s *Server) verifySAML(c *call, a *assumption, principal, encoded string) (*iam.SAMLProvider, *samlassert.Assertion, error) {
	provider, ok := s.state.SAMLProvider(principal)
	if !ok || provider.Account.ID != accountOf(a.roleARN) {
		return nil, nil, wire.InvalidIdentityToken("Specified provider doesn't exist.")
	}
	assertion, err := samlassert.Verify(encoded, provider.Metadata)
	if err != nil {
		return nil, nil, err
	}
	if err := assertion.Check(c.now); err != nil {
		return nil, nil, err
	}
	if !assertion.AllowsRole(a.roleARN, provider.ARN()) {
		return nil, nil, wire.InvalidIdentityToken("SAML Assertion doesn't contain the requested Role and Metadata in the attributes")
	}
	if a.role != nil && strings.HasPrefix(a.role.Name, reservedRolePrefix) {
		a.role = nil
	}
	a.provider = provider.ARN()
	return provider, assertion, nil
}

// readSAML takes session name, duration, tags and source identity from the assertion. SessionDuration and
// SessionNotOnOrAfter only shorten.
func readSAML(a *assumption, assertion *samlassert.Assertion, now time.Time) error {
	var err error
	if a.name, err = assertion.SessionName(); err != nil {
		return err
	}
	seconds, err := assertion.Duration()
	if err != nil {
		return err
	}
	a.notAfter = assertion.SessionNotOnOrAfter
	if end := now.Add(time.Duration(seconds) * time.Second); seconds > 0 && (a.notAfter.IsZero() || end.Before(a.notAfter)) {
		a.notAfter = end
	}
	tags, transitive, err := assertion.Tags()
	if err != nil {
		return err
	}
	for _, tag := range tags {
		a.tags = append(a.tags, iam.Tag{Key: tag.Key, Value: tag.Value})
	}
	a.transitive = transitive
	if a.sourceIdentity, err = assertion.SourceIdentity(); err != nil {
		return err
	}
	return checkFederated(a)
}
