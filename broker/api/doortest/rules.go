package doortest

import (
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/sts"
)

// roles are two accounts' and a role of each mode. CI has prod/deploy and prod/legacy, staff the rest.
func roles() []*broker.Role {
	prod, dev := "arn:aws:iam::111122223333:role/", "arn:aws:iam::444455556666:role/"
	role := func(name, arn, account string, mode sts.Mode) *broker.Role {
		return &broker.Role{
			Name: name, ARN: sts.RoleARN(arn), AccountName: account, Mode: mode, Region: "eu-central-1", Duration: time.Hour, MaxDuration: 4 * time.Hour,
		}
	}
	hub := role("prod/hub", prod+"Hub", "prod", sts.ModeAssumeRole)
	analyst := role("dev/analyst", dev+"Analyst", "dev", sts.ModeAssumeRole)
	analyst.Through, analyst.ExternalID = hub, "acme-7f3"
	return []*broker.Role{
		role("prod/deploy", prod+"Deploy", "prod", sts.ModeWebIdentity), role("prod/legacy", prod+"Legacy", "prod", sts.ModePassThrough),
		role("prod/reader", prod+"Reader", "prod", sts.ModeSAML), role("prod/admin", prod+"Admin", "prod", sts.ModeSAML), hub, analyst,
	}
}

func (w *World) policy(further []*broker.Role) *policy.Policy {
	staff := map[string][]string{"groups": {"staff"}}
	rules := []policy.Rule{
		{Name: "shop deploys", IdP: "ci", Match: map[string][]string{"repository": {"acme/shop"}}, Roles: []string{"prod/deploy", "prod/legacy"}, Place: "rules.yaml:1:1"},
		{Name: "staff read", IdP: "corp", Match: staff, Roles: []string{"prod/reader", "dev/analyst"}, MaxDuration: 90 * time.Minute, Place: "rules.yaml:9:1"},
		{Name: "staff, the old way", IdP: "corp", Match: staff, Roles: []string{"prod/legacy"}, Place: "rules.yaml:12:1"},
		{Name: "staff, with a second factor", IdP: "corp", Match: staff, Roles: []string{"prod/admin"}, Require: broker.Require{MFA: true}, Place: "rules.yaml:15:1"},
		{Name: "guests read", IdP: "other", Match: staff, Roles: []string{"prod/reader"}, Place: "rules.yaml:20:1"},
	}
	if len(further) > 0 {
		rules = append(rules, policy.Rule{Name: "staff, further", IdP: "corp", Match: staff, Roles: namesOf(further)})
	}
	compiled, problems := policy.Compile(policy.Options{
		IdPs: []policy.IdP{
			{ID: "ci", Kind: policy.KindWorkload},
			{ID: "other", Kind: policy.KindSAML},
			{ID: "corp", Kind: policy.KindSAML, MFA: policy.MFA{ACR: []string{"urn:mfa"}}},
		},
		Roles: w.roles,
		Rules: rules,
	})
	for _, p := range problems {
		w.t.Fatalf("%v: %s", p.Place, p.Message)
	}
	return compiled
}

func namesOf(roles []*broker.Role) []string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, r.Name)
	}
	return names
}
