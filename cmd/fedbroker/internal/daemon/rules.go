package daemon

import (
	"fmt"
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/sts"
)

// roles fills in every default of the configured roles; the file was validated, so each hub exists.
func roles(f *configs.File) []*broker.Role {
	accounts := map[string]configs.Account{}
	for _, a := range f.AWS.Accounts {
		accounts[a.ID] = a
	}
	out := make([]*broker.Role, len(f.AWS.Roles))
	byName := map[string]*broker.Role{}
	for i := range f.AWS.Roles {
		c := &f.AWS.Roles[i]
		arn := sts.RoleARN(c.ARN)
		account := accounts[arn.AccountID()]
		most := c.MaxDuration.Or(time.Hour)
		r := &broker.Role{
			Name: c.Name, ARN: arn, AccountName: account.Name, Mode: f.ModeOf(c), Region: f.RegionOf(c), MaxDuration: most,
			Duration: min(c.Duration.Or(f.AWS.Defaults.Duration.Or(time.Hour)), most),
			Policy:   c.Policy, PolicyARNs: c.PolicyARNs, ExternalID: c.ExternalID, ConsoleDuration: c.ConsoleDuration.Or(0),
		}
		if r.AccountName == "" {
			r.AccountName = arn.AccountID()
		}
		if account.SAMLProvider != "" {
			r.PrincipalARN = fmt.Sprintf("arn:%s:iam::%s:saml-provider/%s", arn.Partition(), arn.AccountID(), account.SAMLProvider)
		}
		out[i], byName[r.Name] = r, r
	}
	for i := range f.AWS.Roles {
		out[i].Through = byName[f.AWS.Roles[i].Through]
	}
	return out
}

// compile turns the file's rules into a policy; its problems have their places in the file.
func compile(f *configs.File, roles []*broker.Role) (*policy.Policy, configs.Problems) {
	o := policy.Options{Roles: roles}
	for _, p := range f.IdPs {
		o.IdPs = append(o.IdPs, policy.IdP{ID: p.ID, Kind: kindOf(&p), MFA: policy.MFA{AMR: p.MFA.AMR, ACR: p.MFA.ACR}})
	}
	for i := range f.Rules {
		o.Rules = append(o.Rules, rule(f, i))
	}
	compiled, problems := policy.Compile(o)
	var out configs.Problems
	for _, p := range problems {
		place, ok := p.Place.(configs.Place)
		if !ok {
			place = f.Place("rules")
		}
		out = append(out, configs.Problem{Place: place, Message: p.Message})
	}
	return compiled, out
}

func kindOf(p *configs.IdP) string {
	switch {
	case p.SAML != nil:
		return policy.KindSAML
	case p.OIDC != nil:
		return policy.KindOIDC
	case p.OAuth2 != nil:
		return policy.KindOAuth2
	}
	return policy.KindWorkload
}

// RuleProblems says what is wrong with the rules of a file that has other problems, as far as they can be read.
func RuleProblems(f *configs.File) configs.Problems {
	_, problems := compile(f, roles(f))
	return problems
}

// issuerProblems says what AWS itself would mind about the issuer's URL, where a web-identity role goes to AWS itself.
// They fail a check; a broker with them starts, for whatever else it can do, and says so.
func issuerProblems(f *configs.File) configs.Problems {
	if f.AWS.Endpoints.STS != "" || !slices.ContainsFunc(roles(f), func(r *broker.Role) bool { return r.Mode == sts.ModeWebIdentity }) {
		return nil
	}
	path := "server.public_url"
	if f.Issuer.URL != "" {
		path = "issuer.url"
	}
	var out configs.Problems
	for _, what := range issuer.Check(f.IssuerURL()) {
		out = append(out, configs.Problem{Place: f.Place(path), Message: path + ": roles in mode web-identity need an issuer that AWS takes: " + what})
	}
	return out
}

func rule(f *configs.File, i int) policy.Rule {
	c, path := &f.Rules[i], fmt.Sprintf("rules[%d]", i)
	match := map[string][]string{}
	for claim, values := range c.Match {
		match[claim] = values
	}
	return policy.Rule{
		Name: c.Name, IdP: c.IdP, Match: match, When: c.When, Deny: c.Deny, Roles: c.Roles, MaxDuration: c.MaxDuration.Or(0),
		Require: broker.Require{MFA: c.Require.MFA, MaxAuthAge: c.Require.MaxAuthAge.Or(0), ACR: c.Require.ACR},
		Session: policy.Session{
			Name: c.Session.Name, SourceIdentity: c.Session.SourceIdentity, Tags: c.Session.Tags, Transitive: c.Session.Transitive,
		},
		Policy: c.Policy, PolicyARNs: c.PolicyARNs,
		Place: f.Place(path), PlaceOf: func(field string) any { return f.Place(path + "." + field) },
	}
}
