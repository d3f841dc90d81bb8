package portal_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/portal"
)

var requestText = regexp.MustCompile(`fb[0-9a-f]{32}`)

// TestRefusalsOfRolesAreExplained to the person whose identity it is.
func TestRefusalsOfRolesAreExplained(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	role := func(name string) string { return b.post("/console", url.Values{"role": {name}}).Body.String() }
	page := role("prod/admin")
	for _, want := range []string{
		"staff, with a second factor", `<strong class="unmet">not met</strong>: require <span class="id">mfa</span>, wanted <span class="id">acr urn:mfa</span>`,
		`met: match <span class="id">groups</span>, wanted <span class="id">staff</span>, found <span class="id">[staff]</span>`, `You are <span class="id">alice</span>`,
		`href="mailto:help@acme.example"`, `href="/"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the refusal of prod/admin lacks %s:\n%s", want, page)
		}
	}
	for _, hidden := range []string{"rules.yaml", "staff read", "shop deploys", "guests"} {
		if strings.Contains(page, hidden) {
			t.Errorf("the refusal of prod/admin tells of %s", hidden)
		}
	}
	// A role that is others' and one that is not there read alike, but for the request.
	others, none := requestText.ReplaceAllString(role("prod/deploy"), ""), requestText.ReplaceAllString(role("prod/none"), "")
	if others != none || !strings.Contains(others, "Why?") || strings.Contains(others, "/api/v1/explain") {
		t.Errorf("others':\n%s\nnone:\n%s", others, none)
	}
	// What has another reason is not explained by rules, and strangers are told nothing.
	if page := role("prod/legacy"); strings.Contains(page, "Why?") {
		t.Errorf("a role that needs the provider's own proof: %s", page)
	}
	stranger := b.browser()
	for _, page := range []string{
		stranger.post("/console", url.Values{"role": {"prod/admin"}}).Body.String(), stranger.post("/favourites", keep("prod/admin", "yes")).Body.String(),
	} {
		if strings.Contains(page, "Why?") || strings.Contains(page, "staff") {
			t.Errorf("a stranger is told %s", page)
		}
	}
}

// TestNothingGrantedIsExplained on the page that would list one's roles.
func TestNothingGrantedIsExplained(t *testing.T) {
	b := newSite(t).browser()
	b.loginWithout()
	page := b.get("/").Body.String()
	if !strings.Contains(page, "guests read") || !strings.Contains(page, `found <span class="id">absent</span>`) || strings.Contains(page, "staff read") {
		t.Errorf("bob of other: %s", page)
	}
}

func TestContacts(t *testing.T) {
	for contact, href := range map[string]string{
		"help@acme.example": `href="mailto:help@acme.example"`, "https://help.acme.example/aws?a=1&b": `href="https://help.acme.example/aws?a=1&amp;b"`,
		"javascript:alert(1)": `href="mailto:javascript:alert%281%29"`, "http://evil.test": `href="mailto:http://evil.test"`,
	} {
		page := newSite(t, func(o *portal.Options) { o.Branding.Contact = contact }).browser().get("/login/none").Body.String()
		if !strings.Contains(page, href) {
			t.Errorf("%s: want %s in %s", contact, href, page)
		}
	}
	if page := newSite(t, func(o *portal.Options) { o.Branding.Contact = "" }).browser().get("/login/none").Body.String(); strings.Contains(page, "name the request") {
		t.Errorf("nobody can be asked: %s", page)
	}
}
