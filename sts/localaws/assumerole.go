package localaws

import (
	"strings"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// assumeRoleParams are the parameters that only AssumeRole has.
type assumeRoleParams struct {
	externalID string
	serial     string
	code       string
	contexts   int
}

// assumeRole implements AssumeRole: a user or a role session takes a role on.
func (s *Server) assumeRole(c *call) (any, error) {
	a := &assumption{method: session.ByAssumeRole, chained: c.caller.session != nil, inherited: c.caller.transitive()}
	params, err := s.assumeRoleShapes(c, a)
	if err != nil {
		return nil, err
	}
	if err := s.findRole(a); err != nil {
		return nil, err
	}
	if params.serial != "" || params.code != "" {
		return nil, wire.AccessDenied("MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.")
	}
	if err := s.authorizeAssumeRole(c, a, params); err != nil {
		return nil, err
	}
	out, err := s.issue(c, a)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Server) assumeRoleShapes(c *call, a *assumption) (assumeRoleParams, error) {
	var check wire.Checker
	var p assumeRoleParams
	if err := s.commonShapes(c, &check, a, anyPolicyShape); err != nil {
		return p, err
	}
	a.name, _ = c.query.Get("RoleSessionName")
	check.String("roleSessionName", a.name, required(sessionNameShape))
	p.externalID, _ = c.query.Get("ExternalId")
	check.String("externalId", p.externalID, externalIDShape)
	p.serial, _ = c.query.Get("SerialNumber")
	check.String("serialNumber", p.serial, serialShape)
	p.code, _ = c.query.Get("TokenCode")
	check.String("tokenCode", p.code, codeShape)
	a.sourceIdentity, _ = c.query.Get("SourceIdentity")
	check.String("sourceIdentity", a.sourceIdentity, sessionNameShape)
	if err := tagShapes(c, &check, a); err != nil {
		return p, err
	}
	contexts, err := c.query.Structs("ProvidedContexts")
	if err != nil {
		return p, err
	}
	p.contexts = len(contexts)
	check.Length("providedContexts", p.contexts, maxContexts)
	if err := check.Err(); err != nil {
		return p, err
	}
	if strings.HasPrefix(strings.ToLower(a.sourceIdentity), "aws:") {
		return p, wire.ValidationError("Source Identity must not begin with \"aws:\"")
	}
	return p, nil
}

func tagShapes(c *call, check *wire.Checker, a *assumption) error {
	tags, err := c.query.Structs("Tags")
	if err != nil {
		return err
	}
	check.Length("tags", len(tags), maxSessionTags)
	for _, tag := range tags {
		check.String("tags.member.key", tag["Key"], tagKeyShape)
		check.String("tags.member.value", tag["Value"], tagValueShape)
		a.tags = append(a.tags, iam.Tag{Key: tag["Key"], Value: tag["Value"]})
	}
	if a.transitive, err = c.query.Strings("TransitiveTagKeys"); err != nil {
		return err
	}
	check.Length("transitiveTagKeys", len(a.transitive), maxSessionTags)
	for _, key := range a.transitive {
		check.String("transitiveTagKeys.member", key, tagKeyShape)
	}
	return nil
}

// authorizeAssumeRole asks the trust policy and the caller's own policies. A source identity, once set, goes along
// and cannot change.
func (s *Server) authorizeAssumeRole(c *call, a *assumption, p assumeRoleParams) error {
	denied := func(action string) error {
		return wire.AccessDenied("User: %s is not authorized to perform: %s on resource: %s", c.caller.arn(), action, a.roleARN)
	}
	changed := false
	if held := c.caller.session; held != nil && held.SourceIdentity != "" {
		changed = a.sourceIdentity != "" && a.sourceIdentity != held.SourceIdentity
		a.sourceIdentity = held.SourceIdentity
	}
	x := c.callerContext()
	a.requestContext(&x)
	setIf(&x, "sts:ExternalId", p.externalID)
	in := iampolicy.TrustInput{
		Principal: c.caller.principal(), Context: x,
		Identity: c.caller.identityPolicies(), Session: c.caller.sessionPolicies(),
	}
	if refused, d := a.trusts(in); refused != "" {
		s.logger.DebugContext(c.ctx, "local AWS: trust policy refused", "role", a.roleARN, "refused", refused, "because", d.Because, "failed", describe(d))
		return denied(refused)
	}
	switch {
	case changed:
		return denied("sts:SetSourceIdentity")
	case a.sourceIdentity != "" && a.chained && !c.may(x, "sts:SetSourceIdentity", a.roleARN):
		return denied("sts:SetSourceIdentity")
	case p.contexts > 0:
		return denied("sts:SetContext") // no provider of contexts exists here
	}
	return nil
}

// may asks the caller's own policies alone.
func (c *call) may(x iampolicy.Context, action, resource string) bool {
	return c.decide(x, action, resource).Allowed
}

func (c *call) decide(x iampolicy.Context, action, resource string) iampolicy.Decision {
	return iampolicy.Evaluate(iampolicy.Input{
		Principal: c.caller.principal(), Action: action, Resource: resource, ResourceAccount: c.caller.account.ID, Context: x,
		Identity: c.caller.identityPolicies(), Session: c.caller.sessionPolicies(),
	})
}
