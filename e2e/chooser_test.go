package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestAMailAddressFindsItsProvider: the field leads to the provider of the domain and back to where the person wanted to
// go, with and without scripts; the browser remembers the provider, and goes there only when told to.
func TestAMailAddressFindsItsProvider(t *testing.T) {
	c := startCompany(t)
	for name, scripts := range map[string]bool{"with scripts": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			ctx := browser(t)
			call(t, ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
			c.open(t, ctx, "/login?return=%2Fsessions")
			field := chromedp.CSS("input[name=email]")
			do(t, ctx, chromedp.SendKeys(field, "olga@none.example\r"), visible("[role=alert]"))
			if scripts {
				look(t, ctx, "chooser-unknown")
			}
			do(t, ctx, chromedp.Clear(field), chromedp.SendKeys(field, "olga@bücher.example\r"), visible(".session-row"))
			if where := location(t, ctx); where != c.URL+"/sessions" {
				t.Errorf("signed in at %s", where)
			}
			do(t, ctx, click(`form[action="/logout"] button`), visible(".narrow"))
			c.open(t, ctx, "/")
			do(t, ctx, visible(".last"))
			if first := text(t, ctx, ".last"); first != "Continue with Auth0" || !strings.HasPrefix(location(t, ctx), c.URL+"/login") {
				t.Errorf("after signing out: %q at %s", first, location(t, ctx))
			}
			if scripts {
				look(t, ctx, "chooser-again")
			}
			do(t, ctx, visible(".last:focus"), chromedp.KeyEvent("\r"), visible(".roles"))
		})
	}
}
