package policy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/idp"
)

func match(key string, wanted ...string) func(*policy.Rule) {
	return func(r *policy.Rule) {
		if r.Match == nil {
			r.Match = map[string][]string{}
		}
		r.Match[key] = wanted
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, key, claims string
		wanted            []string
		met               bool
	}{
		{"equal text", "ref", `{"ref":"refs/heads/main"}`, []string{"refs/heads/main"}, true},
		{"other text", "ref", `{"ref":"refs/heads/dev"}`, []string{"refs/heads/main"}, false},
		{"absent", "ref", `{"x":1}`, []string{"refs/heads/main"}, false},
		{"absent and empty wanted", "ref", `{"x":1}`, []string{""}, false},
		{"empty text", "ref", `{"ref":""}`, []string{""}, true},
		{"second of the wanted", "ref", `{"ref":"b"}`, []string{"a", "b"}, true},
		{"claim names are case-sensitive", "Ref", `{"ref":"a"}`, []string{"a"}, false},
		{"integer", "id", `{"id":42}`, []string{"42"}, true},
		{"negative integer", "id", `{"id":-7}`, []string{"-7"}, true},
		{"largest int64", "id", `{"id":9223372036854775807}`, []string{"9223372036854775807"}, true},
		{"integer beyond int64 is a float", "id", `{"id":9223372036854775808}`, []string{"9223372036854775808"}, false},
		{"integer, other notation", "id", `{"id":42}`, []string{"042"}, false},
		{"text of an integer", "id", `{"id":"42"}`, []string{"42"}, true},
		{"float", "id", `{"id":42.5}`, []string{"42.5"}, false},
		{"integral float", "id", `{"id":42.0}`, []string{"42"}, false},
		{"exponent", "id", `{"id":1e3}`, []string{"1000"}, false},
		{"true", "ok", `{"ok":true}`, []string{"true"}, true},
		{"false is not true", "ok", `{"ok":false}`, []string{"true"}, false},
		{"False is not false", "ok", `{"ok":false}`, []string{"False"}, false},
		{"null", "ok", `{"ok":null}`, []string{"null"}, false},
		{"null and empty", "ok", `{"ok":null}`, []string{""}, false},
		{"object", "o", `{"o":{"a":"b"}}`, []string{`{"a":"b"}`}, false},
		{"array, second element", "g", `{"g":["a","b"]}`, []string{"b"}, true},
		{"array, none", "g", `{"g":["a","b"]}`, []string{"c"}, false},
		{"array, empty", "g", `{"g":[]}`, []string{""}, false},
		{"array of mixed", "g", `{"g":[null,1.5,{"a":1},7]}`, []string{"7"}, true},
		{"array in an array", "g", `{"g":[["a"]]}`, []string{"a"}, false},
		{"array is not its text", "g", `{"g":["a","b"]}`, []string{"[a b]", `["a","b"]`, "a,b"}, false},
		{"pointer", "/k/ns", `{"k":{"ns":"prod"}}`, []string{"prod"}, true},
		{"pointer, slash in a name", "/kubernetes.io~1x/ns", `{"kubernetes.io/x":{"ns":"prod"}}`, []string{"prod"}, true},
		{"pointer, tilde in a name", "/a~0b", `{"a~b":"c"}`, []string{"c"}, true},
		{"pointer, ~01 is ~1", "/a~01", `{"a~1":"c"}`, []string{"c"}, true},
		{"pointer, ~01 is not a slash", "/a~01", `{"a/":"c"}`, []string{"c"}, false},
		{"pointer into an array", "/g/1", `{"g":["a","b"]}`, []string{"b"}, true},
		{"pointer into an array, leading zero", "/g/01", `{"g":["a","b"]}`, []string{"b"}, false},
		{"pointer into an array, plus", "/g/+1", `{"g":["a","b"]}`, []string{"b"}, false},
		{"pointer into an array, beyond", "/g/2", `{"g":["a","b"]}`, []string{"b"}, false},
		{"pointer into an array, negative", "/g/-1", `{"g":["a","b"]}`, []string{"b"}, false},
		{"pointer into an array, the one after the last", "/g/-", `{"g":["a","b"]}`, []string{"b"}, false},
		{"pointer to an array", "/a/g", `{"a":{"g":["a","b"]}}`, []string{"b"}, true},
		{"pointer through a text", "/g/x", `{"g":"x"}`, []string{"x"}, false},
		{"pointer to the empty name", "/", `{"":"c"}`, []string{"c"}, true},
		{"no pointer without a leading slash", "a/b", `{"a":{"b":"c"}}`, []string{"c"}, false},
		{"a name with a slash inside", "a/b", `{"a/b":"c"}`, []string{"c"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := compile(t, allow(match(c.key, c.wanted...)))
			if got := len(granted(p, ci(t, c.claims))) == 1; got != c.met {
				t.Errorf("met is %v, want %v", got, c.met)
			}
		})
	}
}

func TestEveryPinMustBeMet(t *testing.T) {
	p := compile(t, allow(match("repository_id", "1"), match("ref", "main"), match("env", "prod")))
	wantGranted(t, p, ci(t, `{"repository_id":"1","ref":"main","env":"prod"}`), "deploy")
	for _, doc := range []string{
		`{"repository_id":"2","ref":"main","env":"prod"}`,
		`{"repository_id":"1","ref":"dev","env":"prod"}`,
		`{"repository_id":"1","ref":"main","env":"dev"}`,
		`{"ref":"main","env":"prod"}`,
	} {
		wantGranted(t, p, ci(t, doc))
	}
}

// The five normalised names are the broker's own, whatever the proof says.
func TestNormalisedNamesWin(t *testing.T) {
	raw := claims(t, `{"subject":"raw","username":"raw","email":"raw","groups":["raw"],"auth_time":1,"other":"raw","more":"raw"}`)
	full := &idp.Identity{
		Provider: "corp", Issuer: "i", Subject: "s", Username: "u", Email: "e", Groups: []string{"g1", "g2"},
		AuthTime: time.Unix(1700000000, 0), Claims: raw,
	}
	bare := &idp.Identity{Provider: "corp", Issuer: "i", Subject: "s", Claims: raw}
	for _, c := range []struct {
		id            *idp.Identity
		key, wanted   string
		met           bool
		whenFormOfKey string
	}{
		{full, "subject", "s", true, `claims.subject == "s"`},
		{full, "username", "u", true, `claims.username == "u"`},
		{full, "email", "e", true, `claims.email == "e"`},
		{full, "groups", "g2", true, `"g2" in claims.groups`},
		{full, "auth_time", "1700000000", true, `claims.auth_time == 1700000000`},
		{full, "/groups/1", "g2", true, `claims.groups[1] == "g2"`},
		{full, "username", "raw", false, `claims.username == "raw"`},
		{full, "groups", "raw", false, `"raw" in claims.groups`},
		{full, "more", "raw", true, `claims.more == "raw"`},
		{bare, "username", "raw", false, `claims.username == "raw"`},
		{bare, "email", "raw", false, `claims.email == "raw"`},
		{bare, "groups", "raw", false, `"raw" in claims.groups`},
		{bare, "auth_time", "1", false, `claims.auth_time == 1`},
		{bare, "/groups/0", "raw", false, `claims["groups"][0] == "raw"`},
		{bare, "email", "", false, `claims.email == ""`},
		{bare, "auth_time", "-62135596800", false, `claims.auth_time == -62135596800`},
		{bare, "email", "raw", false, `has(claims.email)`},
		{bare, "email", "raw", false, `claims.exists(k, k == "email")`},
	} {
		t.Run(fmt.Sprintf("%s is %s", c.whenFormOfKey, c.wanted), func(t *testing.T) {
			// The second rule makes the first be found by its other pin, so that both ways of comparing are seen.
			pinned := policy.Rule{Name: "r", IdP: "corp", Roles: []string{"read"}, Match: map[string][]string{c.key: {c.wanted}, "other": {"raw"}}}
			found := policy.Rule{Name: "s", IdP: "corp", Roles: []string{"admin"}, Match: map[string][]string{c.key: {c.wanted}}}
			if got := len(granted(compile(t, pinned, found), c.id)); got != map[bool]int{true: 2}[c.met] {
				t.Errorf("match: %d rules are met, want both or none: %v", got, c.met)
			}
			computed := policy.Rule{Name: "r", IdP: "corp", Roles: []string{"read"}, When: c.whenFormOfKey}
			if got := len(granted(compile(t, computed), c.id)) == 1; got != c.met {
				t.Errorf("when: met is %v, want %v", got, c.met)
			}
		})
	}
}

// Subjects that look like the pinned one are other subjects. GitHub's two forms are pinned as they are spelled.
func TestLookAlikeSubjects(t *testing.T) {
	const old = "repo:acme/shop:ref:refs/heads/main"
	const immutable = "repo:acme@9919/shop@1296269:ref:refs/heads/main"
	// The first rule is found by its subject, the second by its owner before subjects are compared.
	p := compile(t, allow(match("sub", old, immutable)), allow(named("two pins"), match("owner", "acme"), match("sub", old, immutable)))
	subject := func(sub string) *idp.Identity {
		return ci(t, asJSON(t, map[string]string{"sub": sub, "owner": "acme"}))
	}
	wantGranted(t, p, subject(old), "deploy")
	wantGranted(t, p, subject(immutable), "deploy")
	for _, sub := range []string{
		"repo:acme/shop:ref:refs/heads/main2",                 // suffix
		"xrepo:acme/shop:ref:refs/heads/main",                 // prefix
		"repo:acme/shop:ref:refs/heads/mai",                   // shorter
		"repo:acme/shop:ref:refs/heads/Main",                  // case of the branch
		"repo:Acme/shop:ref:refs/heads/main",                  // case of the owner
		"REPO:acme/shop:ref:refs/heads/main",                  // case of the kind
		"repo:acme/shop:ref:refs/heads/main ",                 // trailing blank
		" repo:acme/shop:ref:refs/heads/main",                 // leading blank
		"repo:acme/shop:ref:refs/heads/main\n",                // trailing line feed
		"repo:acme/shop:ref:refs/heads/main\x00",              // NUL
		"repo:acme/shop:ref:refs/heads/m\u0430in",             // Cyrillic a
		"repo:acme/sh\u043ep:ref:refs/heads/main",             // Cyrillic o
		"repo:acme/shop:ref:refs/heads/ma\u0131n",             // dotless i
		"repo:acme/\u017fhop:ref:refs/heads/main",             // long s, folds to s
		"repo:acme/shop:ref:refs/heads/main\u200b",            // zero width space
		"repo:acme\u2215shop:ref:refs/heads/main",             // division slash
		"repo\uff1aacme/shop:ref:refs/heads/main",             // full-width colon
		"repo:acme/shop:ref:refs/tags/main",                   // a tag
		"repo:acme/shop:ref:refs/heads/main:environment:prod", // more fields
		"repo:acme/shop:pull_request",                         // a pull request
		"repo:acme/shop%3Aref:refs/heads/main",                // an escaped delimiter
		"repo:acme-evil/shop:ref:refs/heads/main",             // another owner
		"repo:acme@9919/shop:ref:refs/heads/main",             // half immutable
		"repo:acme@99190/shop@1296269:ref:refs/heads/main",    // another owner's id
		"repo:acme@9919/shop@1296269@1:ref:refs/heads/main",   // more id
		"repo:acme@9919/shop@01296269:ref:refs/heads/main",    // leading zero
		"repo:acme/shop:ref:refs/heads/*",                     // a pattern
		"repo:acme/../acme/shop:ref:refs/heads/main",          // a path
		"repo:acme/shop:ref:refs/heads/ma\u0069\u0307n",       // combining dot
		"repo:acme/shop:ref:refs/heads/main\u202e",            // direction
	} {
		if got := granted(p, subject(sub)); len(got) != 0 {
			t.Errorf("%q was granted %v", sub, got)
		}
	}
}

func TestRulesOfAnotherProviderDoNotCount(t *testing.T) {
	p := compile(t, allow(match("sub", "x")))
	id := ci(t, `{"sub":"x"}`)
	for _, provider := range []string{"corp", "CI", "", "unknown"} {
		id.Provider = provider
		wantGranted(t, p, id)
	}
}
