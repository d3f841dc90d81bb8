package policy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/sts"
)

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// providers are one of each kind that tests need.
func providers() []policy.IdP {
	return []policy.IdP{
		{ID: "ci", Kind: policy.KindWorkload},
		{ID: "corp", Kind: policy.KindSAML, MFA: policy.MFA{ACR: []string{"urn:mfa"}}},
		{ID: "auth0", Kind: policy.KindOIDC, MFA: policy.MFA{AMR: []string{"otp", "hwk"}}},
		{ID: "plain", Kind: policy.KindOIDC},
		{ID: "gh", Kind: policy.KindOAuth2},
		{ID: "ad", Kind: policy.KindLDAP},
	}
}

func role(name string) *broker.Role {
	return &broker.Role{
		Name: name, ARN: sts.RoleARN("arn:aws:iam::111122223333:role/" + strings.ReplaceAll(name, "/", "-")),
		Mode: sts.ModeWebIdentity, Duration: time.Hour, MaxDuration: 4 * time.Hour,
	}
}

func roles() []*broker.Role { return []*broker.Role{role("deploy"), role("read"), role("admin")} }

// allow is a rule for the CI provider that gives the deploy role.
func allow(change ...func(*policy.Rule)) policy.Rule {
	r := policy.Rule{Name: "allow", IdP: "ci", Roles: []string{"deploy"}}
	for _, f := range change {
		f(&r)
	}
	return r
}

func compile(t testing.TB, rules ...policy.Rule) *policy.Policy {
	t.Helper()
	p, problems := policy.Compile(policy.Options{IdPs: providers(), Roles: roles(), Rules: rules})
	for _, problem := range problems {
		t.Errorf("%v: %s", problem.Place, problem.Message)
	}
	if p == nil {
		t.FailNow()
	}
	return p
}

// claims parses a JSON object as a verified token's payload is parsed.
func claims(t testing.TB, doc string) idp.Claims {
	t.Helper()
	c, err := idp.ParseClaims([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ci is a workload with these claims; its subject is their sub.
func ci(t testing.TB, doc string) *idp.Identity {
	t.Helper()
	c := claims(t, doc)
	subject := c.Text("sub")
	if subject == "" {
		subject = "a workload"
	}
	return &idp.Identity{Provider: "ci", Issuer: "https://ci.example.com", Subject: subject, Claims: c}
}

func granted(p *policy.Policy, id *idp.Identity) []string {
	var names []string
	for _, g := range p.Decide(id, now).Grants {
		names = append(names, g.Role.Name)
	}
	return names
}

func wantGranted(t *testing.T, p *policy.Policy, id *idp.Identity, want ...string) {
	t.Helper()
	if got := granted(p, id); !slices.Equal(got, want) {
		t.Errorf("granted %q, want %q", got, want)
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
