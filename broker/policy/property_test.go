package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/sts"
)

var propertyNow = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// world makes random rules and identities over few names and values, so that much of it meets.
type world struct{ *rand.Rand }

func (w world) pick(from ...string) string { return from[w.IntN(len(from))] }

func (w world) value() string { return w.pick("a", "b", "1", "true", "") }

func (w world) key() string {
	return w.pick("k1", "k2", "/o/p", "groups", "subject", "auth_time")
}

func (w world) rule(i int) Rule {
	r := Rule{Name: fmt.Sprint("rule ", i), IdP: w.pick("one", "two"), Match: map[string][]string{}}
	for range w.IntN(3) {
		r.Match[w.key()] = slices.Repeat([]string{w.value(), w.value()}, 1+w.IntN(2))
	}
	if w.IntN(3) == 0 {
		r.When = w.pick(`claims.k1 == "a"`, `claims.gone == 1`, `has(claims.k2)`, `claims.k2`, `"a" in claims.groups`)
	}
	r.Deny = w.IntN(5) == 0
	for range 1 + w.IntN(2) {
		r.Roles = append(r.Roles, w.pick("r0", "r1", "r2", "r3"))
	}
	switch {
	case r.Deny && w.IntN(4) == 0:
		r.Roles = []string{"*"}
	case !r.Deny && w.IntN(3) == 0:
		r.Require = broker.Require{MFA: w.IntN(2) == 0, MaxAuthAge: time.Duration(w.IntN(2)) * time.Hour}
	}
	if !r.Deny && w.IntN(3) == 0 {
		r.Session = Session{Name: w.pick("", `"n"`, "claims.k1", "claims.gone"), Tags: map[string]string{"t": w.pick("claims.k1", `"x"`)}}
	}
	return r
}

func (w world) identity() *idp.Identity {
	values := map[string]any{}
	for _, name := range []string{"k1", "k2"} {
		switch w.IntN(6) {
		case 0:
			values[name] = w.value()
		case 1:
			values[name] = int64(1)
		case 2:
			values[name] = w.IntN(2) == 0
		case 3:
			values[name] = []any{w.value(), int64(w.IntN(2)), nil, w.value()}
		case 4:
			values[name] = 1.0
		}
	}
	if w.IntN(2) == 0 {
		values["o"] = map[string]any{"p": w.value()}
	}
	id := &idp.Identity{Provider: w.pick("one", "two", "three"), Issuer: "i", Subject: w.pick("a", "b"), Claims: idp.NewClaims(values)}
	if w.IntN(2) == 0 {
		id.Groups = []string{w.value(), w.value()}
	}
	if w.IntN(2) == 0 {
		id.AMR = []string{"otp"}
	}
	if w.IntN(2) == 0 {
		id.AuthTime = propertyNow.Add(-time.Duration(w.IntN(120)) * time.Minute)
	}
	return id
}

func worldRoles() []*broker.Role {
	var out []*broker.Role
	for i := range 4 {
		out = append(out, &broker.Role{
			Name: fmt.Sprint("r", i), ARN: sts.RoleARN(fmt.Sprint("arn:aws:iam::111122223333:role/R", i)), Mode: sts.ModeWebIdentity,
		})
	}
	return out
}

func mustCompile(t testing.TB, rules []Rule) *Policy {
	t.Helper()
	mfa := MFA{AMR: []string{"otp"}}
	p, problems := Compile(Options{
		IdPs: []IdP{{ID: "one", Kind: KindOIDC, MFA: mfa}, {ID: "two", Kind: KindSAML, MFA: mfa}}, Roles: worldRoles(), Rules: rules,
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p
}

// naive decides one role by reading every rule in file order, straight from the words of design.md section 8: no index,
// no shared state.
func naive(p *Policy, id *idp.Identity, role string) (rule string, code broker.Code) {
	var unmet, denied, grants *Rule
	for i := range p.rules {
		r := &p.rules[i]
		src := r.src
		names := slices.Contains(src.Roles, role) || (src.Deny && slices.Contains(src.Roles, "*"))
		if src.IdP != id.Provider || !names {
			continue
		}
		v := newView(id)
		met := true
		for key, wanted := range src.Match {
			at, _ := parsePath(key)
			value, found := v.at(at)
			met = met && found && equalsAny(value, wanted)
		}
		failed := false
		if met && src.When != "" {
			holds, err := r.when.holds(v)
			met, failed = holds && err == nil, err != nil
		}
		switch {
		case src.Deny && (met || failed) && denied == nil:
			denied = src
		case src.Deny || !met:
		case satisfied(src.Require, &r.idp.IdP, id, propertyNow) && grants == nil:
			grants = src
		case unmet == nil:
			unmet = src
		}
	}
	switch {
	case grants == nil && unmet == nil:
		return "", ""
	case denied != nil:
		return denied.Name, broker.CodeNotAuthorized
	case grants == nil:
		return unmet.Name, broker.CodeMFARequired
	}
	for i := range p.rules {
		if p.rules[i].src == grants {
			if _, err := p.rules[i].session.render(newView(id)); err != nil {
				return grants.Name, broker.CodeNotAuthorized
			}
		}
	}
	return grants.Name, ""
}

func TestIndexAgreesWithReadingEveryRule(t *testing.T) {
	w := world{rand.New(rand.NewPCG(1, 2))}
	outcomes := map[broker.Code]int{}
	for range 100 {
		var rules []Rule
		for i := range 1 + w.IntN(25) {
			rules = append(rules, w.rule(i))
		}
		p := mustCompile(t, rules)
		for range 40 {
			id := w.identity()
			d := p.Decide(id, propertyNow)
			got := map[string]string{}
			for _, g := range d.Grants {
				got[g.Role.Name] = g.Rule + " "
			}
			for _, withheld := range d.Withheld {
				got[withheld.Role.Name] = string(withheld.Code)
			}
			explained := map[string]broker.ExplainedRole{}
			for _, r := range p.Explain(id, "", propertyNow).Roles {
				explained[r.Role] = r
			}
			for _, role := range worldRoles() {
				rule, code := naive(p, id, role.Name)
				want := ""
				switch {
				case code != "":
					want = string(code)
				case rule != "":
					want = rule + " "
				}
				outcomes[code]++
				if got[role.Name] != want {
					t.Fatalf("%s: decided %q, want %q; rules %+v; identity %+v", role.Name, got[role.Name], want, rules, id)
				}
				if e := explained[role.Name]; rule != "" && (e.Rule != rule || e.Code != code || e.Granted != (code == "")) {
					t.Fatalf("%s: explained %+v, decided %q %q", role.Name, e, rule, code)
				}
			}
		}
	}
	if len(outcomes) != 3 || outcomes[broker.CodeMFARequired] < 100 {
		t.Errorf("the random worlds do not show every outcome: %v", outcomes)
	}
}

// Whatever stands in a deny rule, and wherever, nobody has a role with it that they had not without it.
func TestAddingADenyRuleNeverGrants(t *testing.T) {
	w := world{rand.New(rand.NewPCG(3, 4))}
	for range 100 {
		var rules []Rule
		for i := range 1 + w.IntN(10) {
			rules = append(rules, w.rule(i))
		}
		extra := w.rule(99)
		for !extra.Deny {
			extra = w.rule(99)
		}
		before := mustCompile(t, rules)
		after := mustCompile(t, slices.Insert(slices.Clone(rules), w.IntN(len(rules)+1), extra))
		for range 20 {
			id := w.identity()
			had := before.Decide(id, propertyNow).Grants
			for _, g := range after.Decide(id, propertyNow).Grants {
				if !slices.ContainsFunc(had, func(h broker.Grant) bool { return h.Role.Name == g.Role.Name && h.Rule == g.Rule }) {
					t.Fatalf("%s by %s only with the deny rule %+v", g.Role.Name, g.Rule, extra)
				}
			}
		}
	}
}

// A rule at the end of the file changes nothing for roles that are granted without it.
func TestALaterRuleNeverReshapes(t *testing.T) {
	w := world{rand.New(rand.NewPCG(5, 6))}
	for range 100 {
		var rules []Rule
		for i := range 1 + w.IntN(10) {
			rules = append(rules, w.rule(i))
		}
		extra := w.rule(99)
		for extra.Deny {
			extra = w.rule(99)
		}
		before, after := mustCompile(t, rules), mustCompile(t, append(slices.Clone(rules), extra))
		for range 20 {
			id := w.identity()
			has := after.Decide(id, propertyNow).Grants
			for _, g := range before.Decide(id, propertyNow).Grants {
				if !slices.ContainsFunc(has, func(h broker.Grant) bool {
					return h.Role.Name == g.Role.Name && h.Rule == g.Rule && h.SessionName == g.SessionName
				}) {
					t.Fatalf("%s by %s was changed by a later rule %+v", g.Role.Name, g.Rule, extra)
				}
			}
		}
	}
}

// The candidates of an identity are few however many rules exist.
func TestCandidatesDoNotGrowWithRules(t *testing.T) {
	for _, n := range []int{10, 1000, 5000} {
		p, id := repositories(t, n)
		if got := p.idps["ci"].index.candidates(newView(id), nil); len(got) != 2 {
			t.Errorf("%d rules: %d candidates", n, len(got))
		}
	}
}

// A rule that several values lead to is looked at once.
func TestCandidatesComeOnceInFileOrder(t *testing.T) {
	p := mustCompile(t, []Rule{
		{Name: "0", IdP: "one", Match: map[string][]string{"groups": {"a", "b"}}, Roles: []string{"r0"}},
		{Name: "1", IdP: "one", Match: map[string][]string{"subject": {"s"}}, Roles: []string{"r0"}},
		{Name: "2", IdP: "one", Roles: []string{"r0"}},
		{Name: "3", IdP: "one", Match: map[string][]string{"groups": {"b", "a"}}, Roles: []string{"r0"}},
		{Name: "4", IdP: "one", Match: map[string][]string{"groups": {"c"}}, Roles: []string{"r0"}},
		{Name: "5", IdP: "two", Match: map[string][]string{"groups": {"a"}}, Roles: []string{"r0"}},
	})
	id := &idp.Identity{Provider: "one", Subject: "s", Groups: []string{"b", "a", "b"}}
	if got := p.idps["one"].index.candidates(newView(id), nil); !slices.Equal(got, []int32{0, 1, 2, 3}) {
		t.Errorf("candidates %v", got)
	}
}
