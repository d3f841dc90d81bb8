package portal_test

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
)

var (
	rowID    = regexp.MustCompile(`<li class="role-row"[^>]* id="role:([^"]*)"`)
	withheld = regexp.MustCompile(`<li class="role-row"[^>]*data-account=[^>]*>\s*<span class="role">([^<]*)`)
	count    = regexp.MustCompile(`role="status">([^<]*)<`)
)

// shown lists the roles under their accounts on a page, and then those that are held back.
func shown(page string) []string {
	var out []string
	for _, rows := range [][][]string{rowID.FindAllStringSubmatch(page, -1), withheld.FindAllStringSubmatch(page, -1)} {
		for _, m := range rows {
			out = append(out, html.UnescapeString(m[1]))
		}
	}
	return out
}

func TestSearch(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	for q, want := range map[string]struct{ roles, count string }{
		"":                                      {"prod/legacy prod/reader dev/analyst prod/admin", "3 roles in 2 accounts"},
		"  ":                                    {"prod/legacy prod/reader dev/analyst prod/admin", "3 roles in 2 accounts"},
		"prod/reader":                           {"prod/reader", "1 of 3 roles"},
		"READ":                                  {"prod/reader", "1 of 3 roles"},
		"prod":                                  {"prod/legacy prod/reader prod/admin", "2 of 3 roles"},
		"4444":                                  {"dev/analyst", "1 of 3 roles"},
		"444455556666 analyst":                  {"dev/analyst", "1 of 3 roles"},
		"analyst 111122223333":                  {"", "No role matches"},
		"arn:aws:iam::444455556666:role/Analys": {"dev/analyst", "1 of 3 roles"},
		"admin":                                 {"prod/admin", "No role matches"},
		"prod reader nothing":                   {"", "No role matches"},
		hostile:                                 {"", "No role matches"},
		"deploy":                                {"", "No role matches"}, // somebody else's
		".*":                                    {"", "No role matches"},
	} {
		page := b.get("/?q=" + url.QueryEscape(q)).Body.String()
		if got := strings.Join(shown(page), " "); got != want.roles {
			t.Errorf("%q finds %q, want %q", q, got, want.roles)
		}
		if m := count.FindStringSubmatch(page); m == nil || m[1] != want.count {
			t.Errorf("%q counts %q, want %q", q, m, want.count)
		}
		if strings.TrimSpace(q) != "" && !strings.Contains(page, `value="`+html.EscapeString(q)+`"`) {
			t.Errorf("%q is not in the field", q)
		}
	}
	wantRefusal(t, b.get("/?q="+strings.Repeat("x", 257)), 400, "invalid_request")
	// Where nothing is granted there is nothing to search.
	nobody := newSite(t).browser()
	nobody.loginWithout()
	if page := nobody.get("/?q=prod").Body.String(); strings.Contains(page, `role="search"`) || !strings.Contains(page, "No role is granted to you") {
		t.Errorf("a person without roles sees %s", page)
	}
}

// loginWithout signs in bob of other, who is in no group.
func (b *browser) loginWithout() {
	b.t.Helper()
	a := b.beginOther()
	answer := doortest.Answer("other", "bob", a.request)
	answer.Attributes = answer.Attributes[:1]
	wantRedirect(b.t, b.deliver("other", b.Other.Respond(b.t, answer), a.relay), "/")
}

// TestLargeEstates: pages stay readable, and quick, with thousands of roles.
func TestLargeEstates(t *testing.T) {
	of := func(accounts, each int) *browser {
		b := siteOf(t, doortest.New(t, estate(accounts, each)...)).browser()
		b.login("alice")
		return b
	}
	for _, c := range []struct {
		accounts, each int
		target         string
		roles          int
		folded, lean   bool
	}{
		{accounts: 97, each: 1, target: "/", roles: 100},
		{accounts: 98, each: 1, target: "/", roles: 101, folded: true},
		{accounts: 0, each: 0, target: "/", roles: 3},
		{accounts: 49, each: 10, target: "/", roles: 493, folded: true},
		{accounts: 50, each: 10, target: "/", roles: 503, folded: true, lean: true},
		{accounts: 50, each: 10, target: "/?q=job-3", roles: 50},
		{accounts: 50, each: 10, target: "/?q=team-007", roles: 10},
	} {
		page := of(c.accounts, c.each).get(c.target).Body.String()
		if got := len(rowID.FindAllString(page, -1)); got != c.roles {
			t.Errorf("%+v: %d rows", c, got)
		}
		if got := strings.Contains(page, `<details><summary><h2>`); got != c.folded {
			t.Errorf("%+v: folded %t", c, got)
		}
		if got := strings.Contains(page, `<a href="/?role=`) && !strings.Contains(page, "Granted by"); got != c.lean {
			t.Errorf("%+v: lean %t", c, got)
		}
	}
	// One account alone is not folded, however many its roles.
	if page := of(1, 150).get("/?q=team-000").Body.String(); strings.Contains(page, `<details><summary><h2>`) {
		t.Error("a single account is folded")
	}
	// What is near is whole even there.
	b := of(50, 10)
	b.post("/favourites", url.Values{"role": {"team-007/job-3"}, "keep": {"yes"}})
	if page := b.get("/").Body.String(); strings.Count(page, "Granted by") != 1 || !slices.Contains(shelfOn(page, "favourites"), "team-007/job-3") {
		t.Error("a favourite has no details")
	}
}
