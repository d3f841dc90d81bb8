package e2e_test

import (
	"context"
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
	decide(t, there, "approve")
	term.ends(t, "as alice")

	c.open(t, here, "/login/corp?return=%2Fsessions")
	c.signIn(t, here, "alice")
	do(t, here, visible(".session-row"))
	if shown := sessionNames(t, here); len(shown) != 3 || shown[0] != "Chrome on Linux" || !strings.HasPrefix(shown[1], "Command line: fedbroker") || shown[2] != "Chrome on Linux" {
		t.Errorf("the sessions: %q", shown)
	}
	if shown := text(t, here, "main"); strings.Count(shown, "127.0.0.1") != 3 {
		t.Errorf("where they came from:\n%s", shown)
	}
	look(t, here, "sessions")
	do(t, here, click(`form:has(input[name=others]) button`), chromedp.WaitNotPresent(chromedp.CSS(`input[name=others]`)), visible(".session-row"))
	if shown := sessionNames(t, here); len(shown) != 1 || shown[0] != "Chrome on Linux" {
		t.Errorf("after ending all others: %q", shown)
	}
	c.open(t, there, "/")
	if where := location(t, there); !strings.HasPrefix(where, c.URL+"/login") {
		t.Errorf("the other browser is at %s", where)
	}
}

// sessionNames are the headings of the rows, the latest login first.
func sessionNames(t *testing.T, ctx context.Context) []string {
	t.Helper()
	names, err := chromedp.Run(ctx, within(chromedp.Evaluate[[]string](`[...document.querySelectorAll(".session-row .role")].map(e => e.textContent)`)))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
