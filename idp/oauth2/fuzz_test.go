package oauth2_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp/oauth2"
)

const firstPage = "https://api.example.com/user/teams?page=1"

func TestNextPage(t *testing.T) {
	for _, c := range []struct{ link, want string }{
		{`<https://api.example.com/user/teams?page=2>; rel="next", <https://api.example.com/user/teams?page=9>; rel="last"`, "https://api.example.com/user/teams?page=2"},
		{`<https://api.example.com/user/teams?page=1>; rel="prev", </t?page=3>; rel=next`, "https://api.example.com/t?page=3"},
		{`<?a=1,2>; title="a, b"; rel="next"`, "https://api.example.com/user/teams?a=1,2"},
		{`<?page=2>;REL="last NEXT"`, "https://api.example.com/user/teams?page=2"},
		{`<?page=2>; rel="last"`, ""},
		{`<?page=2>; rel="nextish"`, ""},
		{`<?page=2>; notrel="next"`, ""},
		{`<?page=2`, ""},
		{``, ""},
		{`<http://api.example.com/x>; rel="next"`, "refused"},
		{`<https://api.example.com:444/x>; rel="next"`, "refused"},
		{`<https://evil.example/x>; rel="next"`, "refused"},
		{`<//evil.example/x>; rel="next"`, "refused"},
		{`<https://u@api.example.com/x>; rel="next"`, "refused"},
		{`<https://%zz>; rel="next"`, "refused"},
	} {
		got, err := oauth2.NextPage(firstPage, c.link)
		if err != nil {
			got = "refused"
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.link, got, c.want)
		}
	}
}

// FuzzNextPage: the access token never goes to another origin.
func FuzzNextPage(f *testing.F) {
	f.Add(`<https://api.example.com/user/teams?page=2>; rel="next"`)
	f.Add(`<\\evil.example>; rel="next"`)
	f.Add(`<https:evil.example>; rel=next, <>; rel="next"`)
	f.Fuzz(func(t *testing.T, link string) {
		next, err := oauth2.NextPage(firstPage, link)
		if err != nil || next == "" {
			return
		}
		if u, err := url.Parse(next); err != nil || u.Scheme != "https" || u.Host != "api.example.com" || u.User != nil {
			t.Errorf("%q leads to %q", link, next)
		}
	})
}

// FuzzTake: no item makes a group of another shape than organisation/team.
func FuzzTake(f *testing.F) {
	f.Add(`{"slug":"platform","organization":{"login":"acme"}}`)
	f.Add(`{"slug":"a/b","organization":{"login":"acme"}}`)
	f.Add(`{"slug":7,"organization":{"login":["acme"]}}`)
	list := oauth2.List{What: "teams", Into: map[string][]string{"groups": {"/organization/login", "/slug"}}}
	f.Fuzz(func(t *testing.T, doc string) {
		claims, err := oauth2.Take(list, []byte(doc))
		if err != nil {
			if len(claims["groups"]) > 0 {
				t.Errorf("a group beside an error: %v", claims)
			}
			return
		}
		for _, g := range claims["groups"] {
			if org, team, _ := strings.Cut(g.(string), "/"); org == "" || team == "" || strings.Contains(team, "/") {
				t.Errorf("%q makes %q", doc, g)
			}
		}
	})
}
