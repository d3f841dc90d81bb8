package localaws

import (
	"regexp"
	"strings"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/webidentity"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

type webIdentityResult struct {
	issued
	SubjectFromWebIdentityToken string `xml:"SubjectFromWebIdentityToken"`
	Provider                    string `xml:"Provider"`
	Audience                    string `xml:"Audience"`
}

// sourceIdentityPattern is what an identity provider may set; aws: is reserved.
var sourceIdentityPattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// assumeRoleWithWebIdentity implements AssumeRoleWithWebIdentity: a JWT of a provider that the role's account
// registered takes a role on.
func (s *Server) assumeRoleWithWebIdentity(c *call) (any, error) {
	a := &assumption{method: session.ByWebIdentity}
	raw, err := s.webIdentityShapes(c, a)
	if err != nil {
		return nil, err
	}
	if err := s.findRole(a); err != nil {
		return nil, err
	}
	provider, claims, err := s.verifyWebIdentity(c, a, raw)
	if err != nil {
		return nil, err
	}
	roleNamed, err := readWebIdentity(a, claims)
	if err != nil {
		return nil, err
	}
	x := c.federatedContext(provider.ARN(), provider.Account.ID)
	for _, key := range claims.ConditionKeys(provider.Prefix()) {
		held := session.ProviderKey{Name: key.Name, Values: key.Values, Multi: key.Multi}
		setKey(&x, held)
		if key.Persists {
			a.providers = append(a.providers, held)
		}
	}
	x.Set("sts:RoleAuthorizedByIdp", roleNamed)
	if err := s.authorizeFederated(c, a, x, provider.ARN()); err != nil {
		return nil, err
	}
	out, err := s.issue(c, a)
	if err != nil {
		return nil, err
	}
	return webIdentityResult{issued: out, SubjectFromWebIdentityToken: claims.Subject, Provider: provider.ARN(), Audience: claims.Audience}, nil
}

func (s *Server) webIdentityShapes(c *call, a *assumption) (token string, err error) {
	var check wire.Checker
	if err := s.commonShapes(c, &check, a, policyShape); err != nil {
		return "", err
	}
	a.name, _ = c.query.Get("RoleSessionName")
	check.String("roleSessionName", a.name, required(sessionNameShape))
	token, _ = c.query.Get("WebIdentityToken")
	check.String("webIdentityToken", token, jwtShape)
	providerID, hasProvider := c.query.Get("ProviderId")
	check.String("providerId", providerID, providerIDShape)
	if err := check.Err(); err != nil {
		return "", err
	}
	switch {
	case !hasProvider:
		return token, nil
	case providerID == "www.amazon.com" || providerID == "graph.facebook.com":
		return "", wire.InvalidIdentityToken("The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements.")
	default:
		return "", wire.AccessDenied("Unrecognized OAuth provider. Do not include a provider parameter when submitting OpenIDConnect ID tokens")
	}
}

// verifyWebIdentity finds the provider in the account of the role and holds the token to it.
func (s *Server) verifyWebIdentity(c *call, a *assumption, raw string) (*iam.OIDCProvider, *webidentity.Claims, error) {
	token, err := webidentity.Parse(raw)
	if err != nil {
		return nil, nil, err
	}
	provider, ok := s.state.OIDCProvider(accountOf(a.roleARN), token.Issuer())
	if !ok {
		return nil, nil, wire.InvalidIdentityToken("No OpenIDConnect provider found in your account for %s", clip(token.Issuer()))
	}
	claims, err := token.Verify(c.ctx, s.fetcher, provider.Pinned)
	if err != nil {
		return nil, nil, err
	}
	if err := claims.Check(provider.ClientIDs, c.now); err != nil {
		return nil, nil, err
	}
	a.provider = provider.ARN()
	return provider, claims, nil
}

// readWebIdentity takes roles claim, tags and source identity from the token; roleNamed is the value of
// sts:RoleAuthorizedByIdp.
func readWebIdentity(a *assumption, claims *webidentity.Claims) (roleNamed string, err error) {
	roleNamed = "false"
	if present, allowed := claims.RoleAllowed(a.roleARN); present {
		if !allowed {
			return "", wire.InvalidIdentityToken("The target role ARN is not present in the roles claim of the identity token")
		}
		roleNamed = "true"
	}
	tags, transitive, err := claims.Tags()
	if err != nil {
		return "", err
	}
	for _, tag := range tags {
		a.tags = append(a.tags, iam.Tag{Key: tag.Key, Value: tag.Value})
	}
	a.transitive = transitive
	if a.sourceIdentity, err = claims.SourceIdentity(); err != nil {
		return "", err
	}
	return roleNamed, checkFederated(a)
}

// checkFederated holds what an identity provider wrote to the shapes that parameters have.
func checkFederated(a *assumption) error {
	if a.sourceIdentity != "" && (!sourceIdentityPattern.MatchString(a.sourceIdentity) || strings.HasPrefix(strings.ToLower(a.sourceIdentity), "aws:")) {
		return wire.InvalidIdentityToken("Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"")
	}
	var check wire.Checker
	check.Length("tags", len(a.tags), maxSessionTags)
	for _, tag := range a.tags {
		check.String("tags.member.key", tag.Key, tagKeyShape)
		check.String("tags.member.value", tag.Value, tagValueShape)
	}
	check.Length("transitiveTagKeys", len(a.transitive), maxSessionTags)
	return check.Err()
}

// federatedContext is the context of a call that an identity provider vouches for (sts fact sheet, section 11).
func (c *call) federatedContext(providerARN, accountID string) iampolicy.Context {
	x := c.baseContext()
	x.Set("aws:PrincipalType", "User")
	x.Set("aws:userid", providerARN)
	x.Set("aws:PrincipalAccount", accountID)
	x.Set("aws:FederatedProvider", providerARN)
	return x
}

// authorizeFederated asks the trust policy alone: whoever a provider vouches for has no policies yet.
func (s *Server) authorizeFederated(c *call, a *assumption, x iampolicy.Context, providerARN string) error {
	a.requestContext(&x)
	refused, d := a.trusts(iampolicy.TrustInput{Principal: iampolicy.NewFederated(providerARN), Context: x})
	if refused == "" {
		return nil
	}
	s.logger.DebugContext(c.ctx, "local AWS: trust policy refused", "role", a.roleARN, "refused", refused, "because", d.Because, "failed", describe(d))
	return wire.AccessDenied("Not authorized to perform sts:%s", a.method)
}
