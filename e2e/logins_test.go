package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestEveryKindOfLogin signs in by SAML, OpenID Connect, OAuth 2.0 and a directory, from the chooser.
func TestEveryKindOfLogin(t *testing.T) {
	c := startCompany(t)
	for id, roles := range map[string][]string{
		"corp": {"prod/admin", "dev/developer"}, "auth0": {"dev/developer"}, "gh": {"dev/developer"}, "ad": {"dev/developer"},
	} {
		t.Run(id, func(t *testing.T) {
			ctx := browser(t)
			c.open(t, ctx, "/login?choose=1")
			do(t, ctx, click(`.choices a[href="/login/`+id+`"]`))
			switch id {
			case "corp":
				c.signIn(t, ctx, "alice")
			case "ad":
				do(t, ctx,
					visible("input[name=password]"),
					chromedp.SendKeys(chromedp.CSS("input[name=username]"), "dora"),
					chromedp.SendKeys(chromedp.CSS("input[name=password]"), directoryPassword+"\r"),
				)
			}
			do(t, ctx, visible(".roles"))
			shown := text(t, ctx, "main")
			for _, role := range roles {
				if !strings.Contains(shown, role) {
					t.Errorf("%s is not there:\n%s", role, shown)
				}
			}
			if len(roles) == 1 && strings.Contains(shown, "prod/admin") {
				t.Errorf("prod/admin is there:\n%s", shown)
			}
		})
	}
}

// TestTheWayInLooksRight looks at every page before somebody is signed in.
func TestTheWayInLooksRight(t *testing.T) {
	c := startCompany(t)
	ctx := browser(t)
	c.open(t, ctx, "/login?choose=1")
	look(t, ctx, "chooser")

	do(t, ctx, click(`.choices a[href="/login/corp"]`), visible("input[name=password]"))
	look(t, ctx, "idp-login")

	c.open(t, ctx, "/login/ad")
	look(t, ctx, "password")
	do(t, ctx,
		chromedp.SendKeys(chromedp.CSS("input[name=username]"), "dora"),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), "wrong\r"),
		visible("[role=alert]"),
	)
	if again, err := chromedp.Run(ctx, chromedp.Value(chromedp.CSS("input[name=password]"))); err != nil || again != "" {
		t.Errorf("the password is still there: %q, %v", again, err)
	}
	look(t, ctx, "password-refused")

	c.open(t, ctx, "/login/nobody")
	if shown := text(t, ctx, "main"); !strings.Contains(shown, "untrusted_issuer") || !strings.Contains(shown, "cloud-team@example.com") {
		t.Errorf("the refusal does not say what and whom to ask: %s", shown)
	}
	look(t, ctx, "refusal")
}
