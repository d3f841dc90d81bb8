package policy_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/idp"
)

func named(name string) func(*policy.Rule) { return func(r *policy.Rule) { r.Name = name } }
func when(expr string) func(*policy.Rule)  { return func(r *policy.Rule) { r.When = expr } }
func deny(r *policy.Rule)                  { r.Deny = true }
func forRoles(names ...string) func(*policy.Rule) {
	return func(r *policy.Rule) { r.Roles = names }
}

func requiring(need broker.Require) func(*policy.Rule) {
	return func(r *policy.Rule) { r.Require = need }
}

func from(provider string) func(*policy.Rule) { return func(r *policy.Rule) { r.IdP = provider } }

func TestFirstMetRuleShapesTheSession(t *testing.T) {
	first := allow(named("first"), when(`claims.n == 1`), func(r *policy.Rule) { r.MaxDuration = time.Hour; r.Place = "line 1" })
	second := allow(named("second"), func(r *policy.Rule) { r.MaxDuration = 2 * time.Hour })
	p := compile(t, first, second)
	for doc, want := range map[string]string{`{"n":1}`: "first", `{"n":2}`: "second"} {
		g := p.Decide(ci(t, doc), now).Grants
		if len(g) != 1 || g[0].Rule != want {
			t.Errorf("%s: %+v, want the rule %s", doc, g, want)
		}
	}
	if g := p.Decide(ci(t, `{"n":1}`), now).Grants[0]; g.MaxDuration != time.Hour || g.Place != "line 1" {
		t.Errorf("the grant has %v and %v of another rule", g.MaxDuration, g.Place)
	}
}

func TestRolesComeInConfigurationOrder(t *testing.T) {
	p := compile(t, allow(named("a"), forRoles("admin", "read")), allow(named("b"), forRoles("deploy", "admin", "admin")))
	wantGranted(t, p, ci(t, `{}`), "deploy", "read", "admin")
}

func TestDeny(t *testing.T) {
	give := allow(forRoles("deploy", "read"))
	for _, c := range []struct {
		name  string
		rules []policy.Rule
		want  []string
	}{
		{"after", []policy.Rule{give, allow(named("d"), deny)}, []string{"read"}},
		{"before", []policy.Rule{allow(named("d"), deny), give}, []string{"read"}},
		{"all", []policy.Rule{give, allow(named("d"), deny, forRoles("*"))}, nil},
		{"pin not met", []policy.Rule{give, allow(named("d"), deny, match("x", "2"))}, []string{"deploy", "read"}},
		{"pin met", []policy.Rule{give, allow(named("d"), deny, match("x", "1"))}, []string{"read"}},
		{"when false", []policy.Rule{give, allow(named("d"), deny, when("claims.x == 2"))}, []string{"deploy", "read"}},
		{"when true", []policy.Rule{give, allow(named("d"), deny, when("claims.x == 1"))}, []string{"read"}},
		{"error denies", []policy.Rule{give, allow(named("d"), deny, when("claims.gone == 1"))}, []string{"read"}},
		{"not a boolean denies", []policy.Rule{give, allow(named("d"), deny, when("claims.x"))}, []string{"read"}},
		{"error with a pin that is not met", []policy.Rule{give, allow(named("d"), deny, match("x", "2"), when("claims.gone == 1"))}, []string{"deploy", "read"}},
		{"another provider's", []policy.Rule{give, allow(named("d"), deny, from("corp"))}, []string{"deploy", "read"}},
	} {
		t.Run(c.name, func(t *testing.T) { wantGranted(t, compile(t, c.rules...), ci(t, `{"x":1}`), c.want...) })
	}
}

func TestDeniedRoleIsWithheld(t *testing.T) {
	p := compile(t, allow(), allow(named("not today"), deny, forRoles("*")))
	w := p.Decide(ci(t, `{}`), now).Withheld
	if len(w) != 1 || w[0].Code != broker.CodeNotAuthorized || w[0].Role.Name != "deploy" || !strings.Contains(w[0].Detail, "not today") {
		t.Errorf("withheld %+v", w)
	}
}

func TestErrorsInWhenNeverGrant(t *testing.T) {
	for _, expr := range []string{
		`claims.gone == 1`, `claims.x`, `claims.x == "1" || claims.gone`, `claims.x / 0 == 1`, `claims.x.y == 1`,
		`claims.g[5] == "a"`, `claims.o.missing`, `!(claims.gone == 1)`, `!("a" in claims.gone)`, `claims.x + "a" == "1a"`,
	} {
		wantGranted(t, compile(t, allow(when(expr))), ci(t, `{"x":1,"g":["a"],"o":{}}`))
	}
}

func TestWhen(t *testing.T) {
	const doc = `{"s":"text","n":5,"b":true,"f":1.5,"z":null,"g":["a","b"],"o":{"p":{"q":"r"}},"ref":"refs/heads/release/1"}`
	for expr, want := range map[string]bool{
		`claims.s == "text"`:                       true,
		`claims.s != "text"`:                       false,
		`claims.n == 5 && claims.n < 6`:            true,
		`claims.b`:                                 true,
		`claims.f > 1.0`:                           true,
		`claims.z == null`:                         true,
		`"a" in claims.g`:                          true,
		`claims.g.exists(x, x == "b")`:             true,
		`claims.o.p.q == "r"`:                      true,
		`has(claims.s) && !has(claims.gone)`:       true,
		`"s" in claims && !("gone" in claims)`:     true,
		`claims["s"] == "text"`:                    true,
		`has(claims.gone) && claims.gone == 1`:     false,
		`like(claims.ref, "refs/heads/release/*")`: true,
		`like(claims.ref, "refs/heads/*")`:         false,
		`["refs/heads/main", "refs/heads/release/*"].exists(p, like(claims.ref, p))`: true,
		`claims.s.startsWith("te") && claims.s.upperAscii() == "TEXT"`:               true,
		`claims.ref.split("/")[2] == "release"`:                                      true,
		`join(claims.g, ":") == "a:b" && claims.g.join(":") == "a:b"`:                true,
		`size(claims) == 9`:                       true, // the eight and subject
		`claims.all(name, name != "")`:            true,
		`claims.subject == "a workload"`:          true,
		`claims == claims && type(claims) == map`: true,
		`claims == {"s": "text"}`:                 false,
		`claims[dyn(5)] == "text"`:                false, // an error: names are texts
		`like(claims.n, "5")`:                     false, // an error: not a text
	} {
		p := compile(t, allow(when(expr)))
		if got := len(granted(p, ci(t, doc))) == 1; got != want {
			t.Errorf("%s is %v, want %v", expr, got, want)
		}
	}
}

func TestJoinRefusesWhatCannotBeToldApart(t *testing.T) {
	for _, expr := range []string{
		`join(claims.evil, ":") == "a:b:c"`, `claims.evil.join(":") == "a:b:c"`, `claims.evil.join() == "a:bc"`,
		`join(claims.evil, "") == "a:bc"`, `join(claims.empty, "") == ""`, `join(claims.mixed, ":") != ""`, `join(claims.s, ":") != ""`,
	} {
		wantGranted(t, compile(t, allow(when(expr))), ci(t, `{"evil":["a:b","c"],"mixed":["a",1],"empty":[],"s":"a"}`))
	}
}

// An expression that passed the estimate for ordinary claims is stopped when somebody brings extraordinary ones.
func TestCostIsLimitedAtRunTime(t *testing.T) {
	expr := `claims.g.all(x, like(x, "*ab*ab*ab*ab*ab*c"))`
	big := `{"g":["` + strings.Repeat(strings.Repeat("ab", 400)+`c","`, 200) + `ababababababc"]}`
	id := ci(t, big)
	wantGranted(t, compile(t, allow(when(expr))), id)
	p := compile(t, allow(named("give")), allow(named("take"), deny, when(`!`+expr)))
	wantGranted(t, p, id)
	wantGranted(t, compile(t, allow(when(expr))), ci(t, `{"g":["ababababababc"]}`), "deploy")
}

func TestRequire(t *testing.T) {
	fresh := now.Add(-10 * time.Minute)
	mfa := broker.Require{MFA: true}
	young := broker.Require{MaxAuthAge: 15 * time.Minute}
	for _, c := range []struct {
		name     string
		provider string
		need     broker.Require
		id       idp.Identity
		met      bool
	}{
		{"amr counts", "auth0", mfa, idp.Identity{AMR: []string{"pwd", "otp"}}, true},
		{"amr does not count", "auth0", mfa, idp.Identity{AMR: []string{"pwd"}}, false},
		{"amr case", "auth0", mfa, idp.Identity{AMR: []string{"OTP"}}, false},
		{"no amr", "auth0", mfa, idp.Identity{}, false},
		{"acr counts", "corp", mfa, idp.Identity{ACR: "urn:mfa"}, true},
		{"acr does not count", "corp", mfa, idp.Identity{ACR: "urn:password"}, false},
		{"what another provider calls mfa", "corp", mfa, idp.Identity{AMR: []string{"otp"}}, false},
		{"young", "auth0", young, idp.Identity{AuthTime: fresh}, true},
		{"just young enough", "auth0", young, idp.Identity{AuthTime: now.Add(-15 * time.Minute)}, true},
		{"just too old", "auth0", young, idp.Identity{AuthTime: now.Add(-15*time.Minute - time.Nanosecond)}, false},
		{"age unknown", "auth0", young, idp.Identity{}, false},
		{"slightly in the future", "auth0", young, idp.Identity{AuthTime: now.Add(time.Minute)}, true},
		{"too far in the future", "auth0", young, idp.Identity{AuthTime: now.Add(time.Minute + time.Nanosecond)}, false},
		{"far in the future", "auth0", young, idp.Identity{AuthTime: now.Add(time.Hour * 24 * 3650)}, false},
		{"class", "auth0", broker.Require{ACR: []string{"gold", "silver"}}, idp.Identity{ACR: "silver"}, true},
		{"other class", "auth0", broker.Require{ACR: []string{"gold"}}, idp.Identity{ACR: "bronze"}, false},
		{"no class", "auth0", broker.Require{ACR: []string{"gold"}}, idp.Identity{}, false},
		{"all of them", "auth0", broker.Require{MFA: true, MaxAuthAge: time.Hour, ACR: []string{"gold"}}, idp.Identity{AMR: []string{"hwk"}, AuthTime: fresh, ACR: "gold"}, true},
		{"all but one", "auth0", broker.Require{MFA: true, MaxAuthAge: time.Hour, ACR: []string{"gold"}}, idp.Identity{AMR: []string{"hwk"}, AuthTime: fresh, ACR: "lead"}, false},
		{"a directory knows the time", "ad", young, idp.Identity{AuthTime: fresh}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := c.id
			id.Provider, id.Subject = c.provider, "s"
			d := compile(t, allow(from(c.provider), requiring(c.need))).Decide(&id, now)
			if met := len(d.Grants) == 1; met != c.met {
				t.Fatalf("met is %v, want %v", met, c.met)
			}
			if !c.met && (len(d.Withheld) != 1 || d.Withheld[0].Code != broker.CodeMFARequired || asJSON(t, d.Withheld[0].Require) != asJSON(t, c.need)) {
				t.Errorf("withheld %+v", d.Withheld)
			}
		})
	}
}

func TestMFARequiredOnlyWhenNothingElseGrants(t *testing.T) {
	strong := allow(named("strong"), from("auth0"), requiring(broker.Require{MFA: true}))
	stronger := allow(named("stronger"), from("auth0"), requiring(broker.Require{MFA: true, MaxAuthAge: time.Hour}))
	weak := allow(named("weak"), from("auth0"))
	id := &idp.Identity{Provider: "auth0", Subject: "s"}

	d := compile(t, strong, weak).Decide(id, now)
	if len(d.Grants) != 1 || d.Grants[0].Rule != "weak" || len(d.Withheld) != 0 {
		t.Errorf("with another rule that grants: %+v", d)
	}
	d = compile(t, strong, stronger).Decide(id, now)
	if len(d.Grants) != 0 || len(d.Withheld) != 1 || d.Withheld[0].Require.MaxAuthAge != 0 {
		t.Errorf("the first rule's requirement is asked for: %+v", d)
	}
	d = compile(t, strong, allow(named("no"), from("auth0"), deny)).Decide(id, now)
	if len(d.Withheld) != 1 || d.Withheld[0].Code != broker.CodeNotAuthorized {
		t.Errorf("a fresh login does not help against deny: %+v", d)
	}
	d = compile(t, allow(named("other"), from("auth0"), requiring(broker.Require{MFA: true}), match("x", "1"))).Decide(id, now)
	if len(d.Withheld) != 0 {
		t.Errorf("a rule whose pins are not met asks for nothing: %+v", d)
	}
}

func TestDecideIsSafeForManyGoroutines(t *testing.T) {
	p := compile(t,
		allow(named("a"), when(`"x" in claims.g && claims.g.exists(v, like(v, "x*"))`), func(r *policy.Rule) {
			r.Session = policy.Session{Name: `"n-" + claims.s`, Tags: map[string]string{"k": "claims.s"}}
		}),
		allow(named("d"), deny, match("bad", "true")))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got := granted(p, ci(t, `{"g":["x"],"s":"v"}`)); len(got) != 1 {
					t.Errorf("granted %v", got)
				}
				if e := p.Explain(ci(t, `{"g":["x"],"s":"v"}`), "deploy", now); !e.Roles[0].Granted {
					t.Errorf("explained %+v", e.Roles)
				}
			}
		})
	}
	wg.Wait()
}

func TestOnlyWhatIsUnmetIsAskedFor(t *testing.T) {
	need := broker.Require{MFA: true, MaxAuthAge: 15 * time.Minute, ACR: []string{"gold"}}
	p := compile(t, policy.Rule{Name: "admins", IdP: "auth0", Roles: []string{"admin"}, Require: need})
	const factor, age, class = "a second factor", "a login younger than 15m", "a login of another class"
	for want, id := range map[string]idp.Identity{
		factor + " and " + age + " and " + class: {},
		factor:                                   {AuthTime: now, ACR: "gold"},
		age:                                      {AMR: []string{"otp"}, AuthTime: now.Add(-time.Hour), ACR: "gold"},
		class:                                    {AMR: []string{"otp"}, AuthTime: now, ACR: "lead"},
		age + " and " + class:                    {AMR: []string{"otp"}},
	} {
		id.Provider = "auth0"
		d := p.Decide(&id, now)
		if len(d.Withheld) != 1 || d.Withheld[0].Detail != "This role needs "+want+"." {
			t.Errorf("want %s, got %+v", want, d)
			continue
		}
		if got := d.Withheld[0].Require; !got.MFA || got.MaxAuthAge != need.MaxAuthAge || len(got.ACR) != 1 {
			t.Errorf("a new login must satisfy the whole of it, not %+v", got)
		}
		if e := p.Explain(&id, "admin", now); e.Roles[0].Reason != d.Withheld[0].Detail {
			t.Errorf("explained as %q", e.Roles[0].Reason)
		}
	}
}
