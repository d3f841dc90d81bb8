package policy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/idp"
)

func identify(provider string, c idp.Claims) (idp.Identity, error) {
	if c.Text("sub") == "bad" {
		return idp.Identity{}, errors.New("no such subject")
	}
	return idp.Identity{Provider: provider, Issuer: "i", Subject: "s", Claims: c}, nil
}

func TestRunTest(t *testing.T) {
	p := shop(t)
	push := map[string]any{
		"repository_id": "1296269", "repository": "acme/shop", "ref": "refs/heads/main", "event_name": "push",
		"run_id": 77, "actor_id": "4711", "environment": "prod",
	}
	pull := map[string]any{"repository_id": "1296269", "ref": "refs/heads/main", "event_name": "pull_request"}
	deploys := []string{"deploy"}
	for _, c := range []struct {
		name string
		test policy.Test
		want []string // parts of the error; none: it passes
	}{
		{"granted", policy.Test{IdP: "ci", Claims: push, Expect: policy.Expect{Roles: deploys}}, nil},
		{"refused", policy.Test{IdP: "ci", Claims: pull, Expect: policy.Expect{}}, nil},
		{"session", policy.Test{IdP: "ci", Claims: push, Expect: policy.Expect{
			Roles: deploys, SessionName: "gha-77", SourceIdentity: "4711", Tags: map[string]string{"environment": "prod"},
		}}, nil},
		{
			"granted unexpectedly",
			policy.Test{IdP: "ci", Claims: push, Expect: policy.Expect{}},
			[]string{`got deploy, which is not expected: granted by rule "shop deploys from main"`},
		},
		{
			"refused unexpectedly",
			policy.Test{IdP: "ci", Claims: pull, Expect: policy.Expect{Roles: deploys}},
			[]string{"expected deploy, which is not granted", `wanted claims.event_name != "pull_request", got false; claims.event_name is pull_request`},
		},
		{
			"no such role",
			policy.Test{IdP: "ci", Claims: push, Expect: policy.Expect{Roles: []string{"deploy", "depoly"}}},
			[]string{"expected depoly: there is no such role"},
		},
		{
			"other session",
			policy.Test{IdP: "ci", Claims: push, Expect: policy.Expect{
				Roles: deploys, SessionName: "gha-78", SourceIdentity: "x", Tags: map[string]string{"environment": "dev", "team": "a"},
			}},
			[]string{
				`expected session name "gha-78", got "gha-77"`, `expected source identity "x", got "4711"`,
				`expected tag environment "dev", got "prod"`, `expected tag team "a", got none`,
			},
		},
		{"unknown provider", policy.Test{IdP: "nobody", Claims: push}, []string{`no identity provider "nobody"`}},
		{"claims that the provider refuses", policy.Test{IdP: "ci", Claims: map[string]any{"sub": "bad"}}, []string{"no such subject"}},
		{"claims that are not JSON", policy.Test{IdP: "ci", Claims: map[string]any{"f": func() {}}}, []string{"claims:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := p.RunTest(c.test, identify, now)
			if (err == nil) != (len(c.want) == 0) {
				t.Fatalf("error %v", err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in %q", part, err)
				}
			}
		})
	}
}

// A mapping that forgets the provider would let every test of a refusal pass.
func TestRunTestWantsAnIdentityOfTheProvider(t *testing.T) {
	forgetful := func(string, idp.Claims) (idp.Identity, error) { return idp.Identity{Subject: "s"}, nil }
	if err := shop(t).RunTest(policy.Test{IdP: "ci", Claims: map[string]any{}}, forgetful, now); err == nil {
		t.Error("an identity of no provider passed")
	}
}
