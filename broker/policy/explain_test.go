package policy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/idp"
)

// shop is the configuration of design.md section 8, with a deny rule.
func shop(t testing.TB) *policy.Policy {
	t.Helper()
	return compile(t,
		allow(named("no forks"), deny, forRoles("*"), when(`claims.event_name == "pull_request_target"`), placed("rules.yaml:3:5")),
		allow(named("shop deploys from main"), placed("rules.yaml:7:5"),
			match("repository_id", "1296269"), match("ref", "refs/heads/main"),
			when(`claims.event_name != "pull_request" && has(claims.environment)`),
			session(policy.Session{
				Name: `"gha-" + string(claims.run_id)`, SourceIdentity: "claims.actor_id",
				Tags:       map[string]string{"repository": "claims.repository", "environment": `"prod"`},
				Transitive: []string{"repository"},
			}),
			func(r *policy.Rule) { r.MaxDuration = 90 * time.Minute }),
		allow(named("admins"), from("auth0"), forRoles("admin"), match("groups", "aws-admins", "root"),
			requiring(broker.Require{MFA: true, MaxAuthAge: 15 * time.Minute})),
	)
}

func placed(place string) func(*policy.Rule) { return func(r *policy.Rule) { r.Place = place } }

const pushToMain = `{"sub":"repo:acme/shop:environment:prod","repository_id":"1296269","repository":"acme/shop",
	"ref":"refs/heads/main","event_name":"push","run_id":77,"actor_id":"4711","environment":"prod"}`

const pullRequest = `{"sub":"repo:acme/shop:pull_request","repository_id":"1296269","repository":"acme/shop",
	"ref":"refs/pull/5/merge","event_name":"pull_request","run_id":78,"actor_id":"4711"}`

func condition(t *testing.T, e broker.Explanation, rule, kind, key string) []broker.ExplainedCondition {
	t.Helper()
	var out []broker.ExplainedCondition
	for _, r := range e.Rules {
		for _, c := range r.Conditions {
			if r.Rule == rule && c.Kind == kind && c.Key == key {
				out = append(out, c)
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("no condition %s %s of %s in %+v", kind, key, rule, e.Rules)
	}
	return out
}

func TestExplainARefusal(t *testing.T) {
	e := shop(t).Explain(ci(t, pullRequest), "deploy", now)
	ref := condition(t, e, "shop deploys from main", "match", "ref")[0]
	if ref.Met || ref.Expected != "refs/heads/main" || ref.Actual != "refs/pull/5/merge" {
		t.Errorf("ref: %+v", ref)
	}
	if id := condition(t, e, "shop deploys from main", "match", "repository_id")[0]; !id.Met || id.Actual != "1296269" {
		t.Errorf("repository_id: %+v", id)
	}
	parts := condition(t, e, "shop deploys from main", "when", "")
	if len(parts) != 2 {
		t.Fatalf("the conjunction is taken apart: %+v", parts)
	}
	if p := parts[0]; p.Met || p.Expected != `claims.event_name != "pull_request"` || p.Actual != "false; claims.event_name is pull_request" {
		t.Errorf("first part: %+v", p)
	}
	if p := parts[1]; p.Met || p.Expected != "has(claims.environment)" || p.Actual != "false; claims.environment is absent" {
		t.Errorf("second part: %+v", p)
	}
	if r := e.Roles; len(r) != 1 || r[0].Granted || r[0].Code != broker.CodeRoleNotGranted || r[0].Session != nil || r[0].Rule != "" {
		t.Errorf("roles %+v", r)
	}
	if r := e.Rules; len(r) != 2 || r[0].Matched || r[1].Matched || r[1].Place != "rules.yaml:7:5" || r[0].Effect != "deny" {
		t.Errorf("rules %+v", r)
	}
}

func TestExplainAGrant(t *testing.T) {
	for _, name := range []string{"", "deploy", "arn:aws:iam::111122223333:role/deploy"} {
		e := shop(t).Explain(ci(t, pushToMain), name, now)
		if len(e.Roles) != 1 || !e.Roles[0].Granted || e.Roles[0].Rule != "shop deploys from main" {
			t.Fatalf("asked for %q: %+v", name, e.Roles)
		}
		want := `{"sts_action":"AssumeRoleWithWebIdentity","name":"gha-77","source_identity":"4711",` +
			`"tags":{"environment":"prod","repository":"acme/shop"},"transitive":["repository"],"max_duration":"1h30m"}`
		if got := asJSON(t, e.Roles[0].Session); got != want {
			t.Errorf("session %s", got)
		}
	}
}

func TestExplainDenied(t *testing.T) {
	doc := strings.Replace(pushToMain, `"push"`, `"pull_request_target"`, 1)
	e := shop(t).Explain(ci(t, doc), "deploy", now)
	if r := e.Roles[0]; r.Granted || r.Rule != "no forks" || r.Code != broker.CodeNotAuthorized || !strings.Contains(r.Reason, "no forks") {
		t.Errorf("%+v", r)
	}
}

func TestExplainRequirement(t *testing.T) {
	id := &idp.Identity{Provider: "auth0", Subject: "auth0|1", Groups: []string{"aws-admins"}, AMR: []string{"pwd"}, AuthTime: now.Add(-2 * time.Hour)}
	e := shop(t).Explain(id, "admin", now)
	if c := condition(t, e, "admins", "require", "mfa")[0]; c.Met || c.Expected != "amr any of otp, hwk" || c.Actual != "amr [pwd]" {
		t.Errorf("mfa: %+v", c)
	}
	if c := condition(t, e, "admins", "require", "max_auth_age")[0]; c.Met || c.Expected != "signed in at most 15m ago" || c.Actual != "2h ago" {
		t.Errorf("max_auth_age: %+v", c)
	}
	if c := condition(t, e, "admins", "match", "groups")[0]; !c.Met || c.Expected != "any of aws-admins, root" || c.Actual != "[aws-admins]" {
		t.Errorf("groups: %+v", c)
	}
	if r := e.Roles[0]; r.Code != broker.CodeMFARequired || r.Rule != "admins" || e.Rules[0].Matched {
		t.Errorf("%+v", e)
	}
	id.AuthTime = time.Time{}
	if c := condition(t, shop(t).Explain(id, "", now), "admins", "require", "max_auth_age")[0]; c.Actual != "absent" {
		t.Errorf("without a time: %+v", c)
	}
}

func TestExplainErrors(t *testing.T) {
	id := ci(t, `{"a":1}`)
	e := compile(t, allow(when("claims.gone == 1"))).Explain(id, "", now)
	if c := condition(t, e, "allow", "when", "")[0]; c.Met || !strings.HasPrefix(c.Actual, "error: no such key: gone") || !strings.Contains(c.Actual, "claims.gone is absent") {
		t.Errorf("%+v", c)
	}
	e = compile(t, allow(named("give")), allow(deny, when("claims.gone == 1"))).Explain(id, "", now)
	if c := condition(t, e, "allow", "when", "")[0]; !c.Met || !strings.Contains(c.Actual, "an error denies") {
		t.Errorf("%+v", c)
	}
	if r := e.Roles[0]; r.Granted || r.Rule != "allow" {
		t.Errorf("%+v", r)
	}
}

// Nobody learns from an explanation what exists outside the rules of their own provider.
func TestExplainTellsNothingOfOthers(t *testing.T) {
	p := shop(t)
	id := ci(t, pullRequest)
	unknown := p.Explain(id, "no/such", now)
	for _, name := range []string{"admin", "read", "arn:aws:iam::111122223333:role/admin"} {
		e := p.Explain(id, name, now)
		got := strings.ReplaceAll(asJSON(t, e), asJSON(t, name), `"ROLE"`)
		want := strings.ReplaceAll(asJSON(t, unknown), `"no/such"`, `"ROLE"`)
		if got != want {
			t.Errorf("%s differs from a role that does not exist:\n%s\n%s", name, got, want)
		}
	}
	if doc := asJSON(t, p.Explain(id, "", now)); strings.Contains(doc, "admin") {
		t.Errorf("another provider's rules: %s", doc)
	}
	id.Provider = "unknown"
	if e := p.Explain(id, "", now); len(e.Rules) != 0 || len(e.Roles) != 0 {
		t.Errorf("an unknown provider: %+v", e)
	}
}

func TestExplainShowsLookAlikes(t *testing.T) {
	e := compile(t, allow(match("ref", "main"))).Explain(ci(t, `{"ref":"m\u0430in"}`), "", now)
	if c := condition(t, e, "allow", "match", "ref")[0]; c.Actual != `"m\u0430in"` {
		t.Errorf("%+v", c)
	}
	for doc, want := range map[string]string{
		`{}`: "absent", `{"ref":"absent"}`: `"absent"`, `{"ref":""}`: `""`, `{"ref":" main"}`: `" main"`,
		`{"ref":null}`: "null", `{"ref":1.5}`: "1.5", `{"ref":{"a":1}}`: `{"a":1}`, `{"ref":["a",1,true]}`: "[a, 1, true]",
		`{"ref":"\u001b[31m"}`: `"\x1b[31m"`,
	} {
		e := compile(t, allow(match("ref", "main"))).Explain(ci(t, doc), "", now)
		if c := condition(t, e, "allow", "match", "ref")[0]; c.Met || c.Actual != want {
			t.Errorf("%s: %+v", doc, c)
		}
	}
}

func TestExplanationIsBounded(t *testing.T) {
	var rules []policy.Rule
	for i := range 500 {
		rules = append(rules, allow(named(fmt.Sprint("rule ", i)), match("a", fmt.Sprint(i)), match("b", fmt.Sprint(i%2))))
	}
	p := compile(t, rules...)
	e := p.Explain(ci(t, `{"a":"444","b":"1","long":"`+strings.Repeat("x", 5000)+`"}`), "deploy", now)
	if len(e.Rules) != 100 {
		t.Fatalf("%d rules", len(e.Rules))
	}
	near := 0
	last := -1
	for _, r := range e.Rules {
		var n int
		if _, err := fmt.Sscanf(r.Rule, "rule %d", &n); err != nil || n <= last {
			t.Fatalf("rules are in file order: %q", r.Rule)
		}
		last = n
		for _, c := range r.Conditions {
			if c.Key != "" && c.Met {
				near++
				break
			}
		}
	}
	if near != 100 {
		t.Errorf("%d of the rules shown come close", near)
	}
	e = compile(t, allow(match("long", "y"), when(`claims.long == "y"`))).Explain(ci(t, `{"long":"`+strings.Repeat("ü", 5000)+`"}`), "", now)
	for _, c := range e.Rules[0].Conditions {
		if len(c.Actual) > 320 {
			t.Errorf("a value of %d bytes", len(c.Actual))
		}
	}
}

func TestWriteExplanation(t *testing.T) {
	person := &idp.Identity{
		Provider: "auth0", Subject: "auth0|1", Username: "alice\x1b[31m", Email: "alice@example.com", Groups: []string{"aws-admins"},
		AMR: []string{"pwd"}, AuthTime: now.Add(-time.Hour),
	}
	for name, e := range map[string]broker.Explanation{
		"grant":   shop(t).Explain(ci(t, pushToMain), "deploy", now),
		"refusal": shop(t).Explain(ci(t, pullRequest), "deploy", now),
		"mfa":     shop(t).Explain(person, "", now),
		"unknown": shop(t).Explain(person, "no/such", now),
		"nothing": shop(t).Explain(&idp.Identity{Provider: "plain", Subject: "s"}, "", now),
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := policy.WriteExplanation(&b, e); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "explanation-"+name+".txt")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}
