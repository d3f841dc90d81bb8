package policy_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/sts"
)

func session(s policy.Session) func(*policy.Rule) { return func(r *policy.Rule) { r.Session = s } }

// awsName is AWS's pattern for role session names and source identities, written by its documentation.
var awsName = regexp.MustCompile(`^[a-zA-Z0-9_+=,.@-]{2,64}$`)

var hashed = regexp.MustCompile(`-[0-9a-f]{8}$`)

func TestSessionValues(t *testing.T) {
	p := compile(t, allow(session(policy.Session{
		Name:           `"gha-" + string(claims.run_id)`,
		SourceIdentity: `claims.actor_id`,
		Tags:           map[string]string{"repository": "claims.repository", "environment": `"prod"`, "empty": `""`},
		Transitive:     []string{"repository"},
	})))
	g := p.Decide(ci(t, `{"run_id":77,"actor_id":"4711","repository":"acme/shop"}`), now).Grants[0]
	if g.SessionName != "gha-77" || g.SourceIdentity != "4711" {
		t.Errorf("name %q, source identity %q", g.SessionName, g.SourceIdentity)
	}
	want := []sts.Tag{{Key: "empty"}, {Key: "environment", Value: "prod"}, {Key: "repository", Value: "acme/shop"}}
	if asJSON(t, g.Tags) != asJSON(t, want) || len(g.TransitiveTags) != 1 || g.TransitiveTags[0] != "repository" {
		t.Errorf("tags %v, transitive %v", g.Tags, g.TransitiveTags)
	}
}

func TestSessionsOfDifferentRulesStayApart(t *testing.T) {
	tag := func(expr string) map[string]string { return map[string]string{"k": expr} }
	sessions := []policy.Session{
		{Name: `"n1"`, Tags: tag(`"a"`)},
		{Name: `"n1"`, Tags: tag(`"b"`)},
		{Name: `"n1"`, Tags: tag(`"a"`), Transitive: []string{"k"}},
		{Name: `"n1"`, Tags: tag(`"a"`), SourceIdentity: `"si"`},
		{Name: `"n1"`, Tags: tag(`"a"`)},
	}
	var rules []policy.Rule
	for i, s := range sessions {
		rules = append(rules, allow(named(fmt.Sprint(i)), match("n", fmt.Sprint(i)), session(s)))
	}
	p := compile(t, rules...)
	var got []string
	for i := range sessions {
		g := p.Decide(ci(t, fmt.Sprintf(`{"n":%d}`, i)), now).Grants[0]
		got = append(got, fmt.Sprint(g.SessionName, g.Tags, g.TransitiveTags, g.SourceIdentity))
	}
	want := []string{"n1[{k a}] []", "n1[{k b}] []", "n1[{k a}] [k]", "n1[{k a}] [] si", "n1[{k a}] []"}
	for i := range want {
		if strings.ReplaceAll(got[i], " ", "") != strings.ReplaceAll(want[i], " ", "") {
			t.Errorf("rule %d: %s, want %s", i, got[i], want[i])
		}
	}
}

// What AWS would refuse is refused, never altered, and a later rule does not step in without it.
func TestSessionValuesThatAWSRefusesWithholdTheRole(t *testing.T) {
	long := strings.Repeat("x", 257)
	tagged := policy.Session{Tags: map[string]string{"k": "claims.v"}}
	source := policy.Session{SourceIdentity: "claims.v"}
	named := policy.Session{Name: "claims.v"}
	for _, c := range []struct {
		name, value string
		session     policy.Session
		ok          bool
	}{
		{"tag", `"a b_c.d:e/f=g+h-i@j"`, tagged, true},
		{"tag, letters of any script", `"Müller 三"`, tagged, true},
		{"tag, longest", `"` + long[1:] + `"`, tagged, true},
		{"tag, longest in characters", `"` + strings.Repeat("ü", 256) + `"`, tagged, true},
		{"tag, too long", `"` + long + `"`, tagged, false},
		{"tag, comma", `"a,b"`, tagged, false},
		{"tag, star", `"*"`, tagged, false},
		{"tag, dollar", `"${aws:username}"`, tagged, false},
		{"tag, quote", `"a\"b"`, tagged, false},
		{"tag, line feed", `"a\nb"`, tagged, false},
		{"tag, NUL", `"a\u0000"`, tagged, false},
		{"tag, zero width joiner", `"a\u200d"`, tagged, false},
		{"tag, emoji", `"😀"`, tagged, false},
		{"tag, number", `5`, tagged, false},
		{"tag, null", `null`, tagged, false},
		{"tag, array", `["a"]`, tagged, false},
		{"source identity", `"alice@example.com"`, source, true},
		{"source identity, longest", `"` + long[:64] + `"`, source, true},
		{"source identity, too long", `"` + long[:65] + `"`, source, false},
		{"source identity, shortest", `"ab"`, source, true},
		{"source identity, too short", `"a"`, source, false},
		{"source identity, empty", `""`, source, false},
		{"source identity, blank", `"a b"`, source, false},
		{"source identity, slash", `"a/b"`, source, false},
		{"source identity, aws:", `"aws:admin"`, source, false},
		{"source identity, umlaut", `"müller"`, source, false},
		{"source identity, line feed", `"alice\n"`, source, false},
		{"source identity, number", `4711`, source, false},
		{"session name, anything", `"a b/c\nd"`, named, true},
		{"session name, number", `5`, named, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, allow(session(c.session)), allow(func(r *policy.Rule) { r.Name = "plain" }))
			d := p.Decide(ci(t, `{"v":`+c.value+`}`), now)
			if got := len(d.Grants) == 1; got != c.ok {
				t.Fatalf("granted is %v, want %v: %+v", got, c.ok, d)
			}
			if !c.ok && (len(d.Withheld) != 1 || d.Withheld[0].Code != broker.CodeNotAuthorized || !strings.Contains(d.Withheld[0].Detail, `"allow"`)) {
				t.Errorf("withheld %+v", d.Withheld)
			}
		})
		t.Run(c.name+", absent", func(t *testing.T) {
			p := compile(t, allow(session(c.session)), allow(func(r *policy.Rule) { r.Name = "plain" }))
			if d := p.Decide(ci(t, `{}`), now); len(d.Grants) != 0 || len(d.Withheld) != 1 {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestSessionName(t *testing.T) {
	id := &idp.Identity{Provider: "corp", Issuer: "i", Subject: "s"}
	for _, c := range []struct {
		text    string
		altered bool
	}{
		{"alice", false},
		{"alice@example.com", false},
		{"a_b=c,d.e@f-g+h", false},
		{"ab", false},
		{strings.Repeat("x", 64), false},
		{"gha-1234567", false},   // seven digits
		{"gha-1234567g", false},  // not hexadecimal
		{"gha-ABCDEF12", false},  // hashes are lower case
		{"12345678", false},      // no dash
		{"gha-123456789", false}, // nine digits
		{"a", true},              // too short
		{"", true},               //
		{strings.Repeat("x", 65), true},
		{"alice smith", true},
		{"alice/smith", true},
		{"müller", true},
		{"alice\n", true},
		{"bad\xff", true},
		{"alice-0123abcd", true}, // could be taken for an altered name
		{"-0123abcd", true},
	} {
		got := policy.SessionName(id, c.text)
		if !awsName.MatchString(got) {
			t.Errorf("%q became %q, which AWS refuses", c.text, got)
		}
		if c.altered != (got != c.text) || c.altered != hashed.MatchString(got) {
			t.Errorf("%q became %q", c.text, got)
		}
	}
}

// Names that sanitise to the same text stay apart, and so do people for whom a rule computes the same altered text.
func TestSessionNamesDoNotCollide(t *testing.T) {
	a := &idp.Identity{Provider: "corp", Issuer: "i", Subject: "s"}
	seen := map[string]string{}
	note := func(what, name string) {
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s are both %q", other, what, name)
		}
		seen[name] = what
	}
	for _, text := range []string{
		"bob smith", "bob-smith", "bob/smith", "bob  smith", "bob\tsmith", "bob.smith ", "bob", "b", "bøb", "b?b",
		strings.Repeat("x", 65), strings.Repeat("x", 66), strings.Repeat("x", 64), strings.Repeat("x", 55),
	} {
		note(fmt.Sprintf("%q", text), policy.SessionName(a, text))
	}
	note("the forged name", policy.SessionName(a, policy.SessionName(a, "bob smith")))
	for _, other := range []idp.Identity{
		{Provider: "auth0", Issuer: "i", Subject: "s"},
		{Provider: "corp", Issuer: "j", Subject: "s"},
		{Provider: "corp", Issuer: "i", Subject: "t"},
		{Provider: "corpi", Issuer: "", Subject: "s"}, // the same bytes without lengths
		{Provider: "corp", Issuer: "is", Subject: ""},
	} {
		note(fmt.Sprint(other), policy.SessionName(&other, "bob smith"))
	}
}

func TestDefaultSessionNameIsAPersonsOwn(t *testing.T) {
	rules := []policy.Rule{allow(named("c"), from("corp")), allow(named("a"), from("auth0"))}
	p := compile(t, rules...)
	name := func(id idp.Identity) string {
		g := p.Decide(&id, now).Grants[0]
		if g.SourceIdentity != "" || g.Tags != nil || !awsName.MatchString(g.SessionName) {
			t.Errorf("a session that no rule shapes: %+v", g)
		}
		return g.SessionName
	}
	alice := name(idp.Identity{Provider: "corp", Subject: "1", Username: "alice"})
	if !strings.HasPrefix(alice, "alice-") || !hashed.MatchString(alice) {
		t.Errorf("the name %q", alice)
	}
	if bySubject := name(idp.Identity{Provider: "corp", Subject: "S-1-5-21"}); !strings.HasPrefix(bySubject, "S-1-5-21-") {
		t.Errorf("the name %q", bySubject)
	}
	for _, other := range []idp.Identity{
		{Provider: "auth0", Subject: "1", Username: "alice"}, {Provider: "corp", Subject: "2", Username: "alice"},
	} {
		if name(other) == alice {
			t.Errorf("%+v has another person's session name", other)
		}
	}
}

func FuzzSessionName(f *testing.F) {
	f.Add("corp", "i", "s", "bob smith", "bob-smith")
	f.Add("", "", "", "", "-")
	f.Add("a", "b", "c", "x-0123abcd", strings.Repeat("y", 65))
	f.Add("a", "b", "c", "\xff", "\xfe")
	f.Fuzz(func(t *testing.T, provider, issuer, subject, one, two string) {
		id := &idp.Identity{Provider: provider, Issuer: issuer, Subject: subject}
		a, b := policy.SessionName(id, one), policy.SessionName(id, two)
		for text, name := range map[string]string{one: a, two: b} {
			if !awsName.MatchString(name) {
				t.Errorf("%q became %q, which AWS refuses", text, name)
			}
			if name != text && !hashed.MatchString(name) {
				t.Errorf("%q was altered to %q without a hash", text, name)
			}
		}
		if one != two && a == b {
			t.Errorf("%q and %q both became %q", one, two, a)
		}
		other := &idp.Identity{Provider: provider + "x", Issuer: issuer, Subject: subject}
		if c := policy.SessionName(other, one); a != one && c == a {
			t.Errorf("two identities have the altered name %q", a)
		}
	})
}
