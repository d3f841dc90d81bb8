package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/sts"
)

func problems(rules ...policy.Rule) []policy.Problem {
	all := append(roles(), narrowed(), passing())
	_, found := policy.Compile(policy.Options{IdPs: providers(), Roles: all, Rules: rules})
	return found
}

func narrowed() *broker.Role {
	r := role("narrow")
	r.Policy = `{"Statement":[]}`
	return r
}

func passing() *broker.Role {
	r := role("pass")
	r.Mode = sts.ModePassThrough
	return r
}

func tags(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprintf("k%d", i)] = `"v"`
	}
	return m
}

func TestProblems(t *testing.T) {
	const doc = `{"Statement":[]}`
	arn := "arn:aws:iam::aws:policy/ReadOnlyAccess"
	for _, c := range []struct {
		name    string
		change  func(*policy.Rule)
		problem string // empty: none
		field   string
	}{
		{"nothing wrong", func(*policy.Rule) {}, "", ""},
		{"no name", named(""), "needs a name", "name"},
		{"unknown provider", from("nobody"), `no identity provider "nobody"`, "idp"},
		{"no provider", from(""), "no identity provider", "idp"},
		{"no roles", forRoles(), "needs roles", "roles"},
		{"unknown role", forRoles("deploy", "depoly"), `no role "depoly"`, "roles.depoly"},
		{"an ARN is not an alias", forRoles("arn:aws:iam::111122223333:role/deploy"), "no role", "roles.arn:aws:iam::111122223333:role/deploy"},
		{"all roles given", forRoles("*"), "deny rules", "roles.*"},
		{"all roles taken", func(r *policy.Rule) { r.Deny = true; r.Roles = []string{"*"} }, "", ""},
		{"no wanted value", match("ref"), "lists no value", "match.ref"},
		{"no claim name", match("", "x"), "needs a name", "match."},
		{"bad pointer", match("/a~2", "x"), "JSON Pointer", "match./a~2"},
		{"pointer ending in ~", match("/a~", "x"), "JSON Pointer", "match./a~"},

		{"when: syntax", when("claims.x =="), "when:", "when"},
		{"when: unknown name", when("claim.x == 1"), "undeclared reference to 'claim'", "when"},
		{"when: unknown function", when("claims.x.matches('a')"), "undeclared reference to 'matches'", "when"},
		{"when: matches as a function", when("matches(claims.x, 'a')"), "undeclared reference to 'matches'", "when"},
		{"when: not a condition", when("claims.x + 'a'"), "must give true or false", "when"},
		{"when: a number", when("1"), "must give true or false", "when"},
		{"when: too dear", when("claims.g.exists(a, claims.g.exists(b, a == b))"), "may cost up to", "when"},
		{"when: too long", when(strings.Repeat("claims.x == 1 || ", 300) + "true"), "when:", "when"},
		{"when: pattern from a claim", when("like(claims.x, claims.y)"), "must not come from claims", "when"},
		{"when: pattern partly from a claim", when("like(claims.x, 'a' + string(claims.y))"), "must not come from claims", "when"},
		{"when: pattern from a claim in a loop", when("claims.g.all(p, like(claims.x, p))"), "must not come from claims", "when"},
		{"when: pattern from a claim in two loops", when("claims.g.all(y, [y].all(p, like(claims.x, p)))"), "must not come from claims", "when"},
		{"when: pattern from a list", when("['a', 'b'].exists(p, like(claims.x, p))"), "", ""},
		{"when: several dear parts", when("claims.g.exists(g, like(g, 'aws-*') || like(g, 'ops-*') || like(g, 'dev-*'))"), "", ""},

		{"mfa nobody defined", func(r *policy.Rule) { r.IdP = "plain"; r.Require.MFA = true }, "needs mfa: {amr, acr}", "require"},
		{"mfa of a workload", requiring(broker.Require{MFA: true}), "does not say how", "require"},
		{"mfa of OAuth 2.0", func(r *policy.Rule) { r.IdP = "gh"; r.Require.MFA = true }, "does not say how", "require"},
		{"mfa of a directory", func(r *policy.Rule) { r.IdP = "ad"; r.Require.MFA = true }, "does not say how", "require"},
		{"age of a workload", requiring(broker.Require{MaxAuthAge: time.Hour}), "does not say when", "require"},
		{"class of a directory", func(r *policy.Rule) { r.IdP = "ad"; r.Require.ACR = []string{"x"} }, "class", "require"},
		{"empty class", func(r *policy.Rule) { r.IdP = "corp"; r.Require.ACR = []string{"x", ""} }, "empty class", "require"},
		{"negative age", func(r *policy.Rule) { r.IdP = "corp"; r.Require.MaxAuthAge = -1 }, "negative", "require"},
		{"all that SAML can say", func(r *policy.Rule) {
			r.IdP, r.Require = "corp", broker.Require{MFA: true, MaxAuthAge: time.Hour, ACR: []string{"x"}}
		}, "", ""},

		{"max_duration too short", func(r *policy.Rule) { r.MaxDuration = 899 * time.Second }, "max_duration is", "max_duration"},
		{"max_duration too long", func(r *policy.Rule) { r.MaxDuration = 12*time.Hour + 1 }, "max_duration is", "max_duration"},
		{"max_duration negative", func(r *policy.Rule) { r.MaxDuration = -time.Hour }, "max_duration is", "max_duration"},
		{"max_duration shortest", func(r *policy.Rule) { r.MaxDuration = 15 * time.Minute }, "", ""},

		{"session name is a number", session(policy.Session{Name: "1 + 1"}), "must give a text", "session.name"},
		{"session name is a condition", session(policy.Session{Name: "claims.x == 1"}), "must give a text", "session.name"},
		{"source identity does not compile", session(policy.Session{SourceIdentity: "claims."}), "session.source_identity", "session.source_identity"},
		{"constant source identity that AWS refuses", session(policy.Session{SourceIdentity: `"a b"`}), "AWS does not take", "session.source_identity"},
		{"constant source identity, too short", session(policy.Session{SourceIdentity: `"a"`}), "AWS wants 2 to 64", "session.source_identity"},
		{"constant tag that AWS refuses", session(policy.Session{Tags: map[string]string{"k": `"a,b"`}}), "AWS does not take", "session.tags.k"},
		{"constant tag that cannot be computed", session(policy.Session{Tags: map[string]string{"k": `["a"][1]`}}), "session.tags.k", "session.tags.k"},
		{"tag without an expression", session(policy.Session{Tags: map[string]string{"k": ""}}), "expression is missing", "session.tags.k"},
		{"tag key empty", session(policy.Session{Tags: map[string]string{"": `"v"`}}), "1 to 128", "session.tags."},
		{"tag key too long", session(policy.Session{Tags: map[string]string{strings.Repeat("k", 129): `"v"`}}), "1 to 128", "session.tags." + strings.Repeat("k", 129)},
		{"tag key of AWS", session(policy.Session{Tags: map[string]string{"aws:x": `"v"`}}), "AWS's own", "session.tags.aws:x"},
		{"tag key of AWS, other case", session(policy.Session{Tags: map[string]string{"AwS:x": `"v"`}}), "AWS's own", "session.tags.AwS:x"},
		{"tag key with a comma", session(policy.Session{Tags: map[string]string{"a,b": `"v"`}}), "AWS does not take", "session.tags.a,b"},
		{"tag keys that differ in case", session(policy.Session{Tags: map[string]string{"Team": `"v"`, "team": `"w"`}}), "ignores their case", "session.tags.team"},
		{"fifty tags", session(policy.Session{Tags: tags(50)}), "", ""},
		{"too many tags", session(policy.Session{Tags: tags(51)}), "at most 50", "session"},
		{"transitive without a tag", session(policy.Session{Transitive: []string{"k"}}), "not among", "session.transitive.k"},
		{"transitive in other case", session(policy.Session{Tags: map[string]string{"K": `"v"`}, Transitive: []string{"k"}}), "not among", "session.transitive.k"},
		{"transitive twice", session(policy.Session{Tags: map[string]string{"k": `"v"`}, Transitive: []string{"k", "k"}}), "listed twice", "session.transitive.k"},

		{"policy", func(r *policy.Rule) { r.Policy = doc }, "", ""},
		{"policy is not JSON", func(r *policy.Rule) { r.Policy = "{" }, "not a JSON object", "policy"},
		{"policy is an array", func(r *policy.Rule) { r.Policy = "[]" }, "not a JSON object", "policy"},
		{"policy is null", func(r *policy.Rule) { r.Policy = "null" }, "no Statement", "policy"},
		{"policy and more", func(r *policy.Rule) { r.Policy = doc + doc }, "not a JSON object", "policy"},
		{"policy without a statement", func(r *policy.Rule) { r.Policy = "{}" }, "no Statement", "policy"},
		{"policy too long", func(r *policy.Rule) { r.Policy = doc + strings.Repeat(" ", 2048) }, "at most 2048", "policy"},
		{"policy ARN", func(r *policy.Rule) { r.PolicyARNs = []string{arn} }, "", ""},
		{"policy ARN of a role", func(r *policy.Rule) { r.PolicyARNs = []string{"arn:aws:iam::111122223333:role/x"} }, "not the ARN", "policy_arns"},
		{"too many policy ARNs", func(r *policy.Rule) { r.PolicyARNs = slices.Repeat([]string{arn}, 11) }, "at most 10", "policy_arns"},
		{"policy for a role that has one", func(r *policy.Rule) { r.Policy = doc; r.Roles = []string{"narrow"} }, "unites", "policy"},
		{"policy ARN for a role that has a policy", func(r *policy.Rule) { r.PolicyARNs = []string{arn}; r.Roles = []string{"narrow"} }, "unites", "policy"},

		{"pass-through with a name", func(r *policy.Rule) { r.Roles = []string{"pass"}; r.Session.Name = `"x"` }, "", ""},
		{"pass-through with tags", func(r *policy.Rule) { r.Roles = []string{"pass"}; r.Session.Tags = tags(1) }, "pass-through", "session"},
		{"pass-through with a source identity", func(r *policy.Rule) { r.Roles = []string{"pass"}; r.Session.SourceIdentity = `"xy"` }, "pass-through", "session"},
		{"pass-through of SAML with a name", func(r *policy.Rule) { r.IdP = "corp"; r.Roles = []string{"pass"}; r.Session.Name = `"x"` }, "pass-through", "session.name"},

		{"deny with a requirement", func(r *policy.Rule) { r.Deny = true; r.IdP = "corp"; r.Require.MFA = true }, "has no require", "require"},
		{"deny with a session", func(r *policy.Rule) { r.Deny = true; r.Session.Name = `"x"` }, "has no session", "session"},
		{"deny with a duration", func(r *policy.Rule) { r.Deny = true; r.MaxDuration = time.Hour }, "has no max_duration", "max_duration"},
		{"deny with a policy", func(r *policy.Rule) { r.Deny = true; r.Policy = doc }, "has no session policy", "policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := allow(c.change, func(r *policy.Rule) { r.PlaceOf = func(field string) any { return field } })
			found := problems(r)
			if c.problem == "" {
				if len(found) != 0 {
					t.Errorf("unexpected: %v", found)
				}
				return
			}
			ok := slices.ContainsFunc(found, func(p policy.Problem) bool {
				return strings.Contains(p.Message, c.problem) && p.Place == c.field
			})
			if !ok || len(found) > 1 && c.name != "too many policy ARNs" {
				t.Errorf("problems %v, want one with %q at %q", found, c.problem, c.field)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	at := func(place string) func(*policy.Rule) { return func(r *policy.Rule) { r.Place = place } }
	found := problems(
		allow(named("one"), at("rules.yaml:3"), from("nobody"), forRoles("nothing"), when("(")),
		allow(named("two"), at("rules.yaml:9")),
		allow(named("two"), at("rules.yaml:12"), session(policy.Session{Name: "1", Tags: map[string]string{"aws:x": "2"}})),
	)
	var places []string
	for _, p := range found {
		places = append(places, fmt.Sprint(p.Place))
	}
	want := []string{"rules.yaml:3", "rules.yaml:3", "rules.yaml:3", "rules.yaml:12", "rules.yaml:12", "rules.yaml:12", "rules.yaml:12"}
	if !slices.Equal(places, want) {
		t.Errorf("problems at %v, want %v: %v", places, want, found)
	}
	for _, p := range found {
		if strings.Contains(p.Message, "\n") {
			t.Errorf("a problem is one line: %q", p.Message)
		}
	}
}

func TestPlaceOfNilIsTheRulesPlace(t *testing.T) {
	r := allow(when("("), func(r *policy.Rule) { r.Place = "here"; r.PlaceOf = func(string) any { return nil } })
	if found := problems(r); len(found) != 1 || found[0].Place != "here" {
		t.Errorf("%v", found)
	}
}

func TestNoPolicyWithAProblem(t *testing.T) {
	p, found := policy.Compile(policy.Options{IdPs: providers(), Roles: roles(), Rules: []policy.Rule{allow(when("("))}})
	if p != nil || len(found) != 1 {
		t.Errorf("%v, %v", p, found)
	}
}
