package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestOnesOwnSessions: two browsers and a command line; one of them ends the others.
func TestOnesOwnSessions(t *testing.T) {
	c := startCompany(t)
	here, there := browser(t), browser(t)
	term := c.login(t, t.TempDir(), "--no-browser")
	page := term.says(t, `(?m)^(http://\S+)$`)
	do(t, there, chromedp.Navigate(page), click(`.choices a[href^="/login/corp"]`))
	c.signIn(t, there, "alice")
	do(t, there, click("button[value=approve]"))
	term.ends(t, "as alice")

	c.open(t, here, "/login/corp?return=%2Fsessions")
	c.signIn(t, here, "alice")
	do(t, here, visible(".session-row"))
	if shown := text(t, here, "main"); strings.Count(shown, "Chrome on Linux") != 2 || !strings.Contains(shown, "Command line: fedbroker") || !strings.Contains(shown, "127.0.0.1") {
		t.Errorf("the sessions:\n%s", shown)
	}
	look(t, here, "sessions")
	do(t, here, click(`form:has(input[name=others]) button`), chromedp.WaitNotPresent(chromedp.CSS(`input[name=others]`)), visible(".session-row"))
	if shown := text(t, here, "main"); strings.Count(shown, "Chrome on Linux") != 1 || strings.Contains(shown, "Command line") {
		t.Errorf("after ending all others:\n%s", shown)
	}
	c.open(t, there, "/")
	if where := location(t, there); !strings.HasPrefix(where, c.URL+"/login") {
		t.Errorf("the other browser is at %s", where)
	}
}
