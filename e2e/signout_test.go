package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestTheBackButtonShowsNothingAfterSigningOut: the roles are in no cache of the browser.
func TestTheBackButtonShowsNothingAfterSigningOut(t *testing.T) {
	c := startCompany(t)
	ctx := browser(t)
	c.open(t, ctx, "/login/corp")
	c.signIn(t, ctx, "alice")
	do(t, ctx, visible(".roles"), click(`form[action="/logout"] button`), chromedp.WaitNotPresent(chromedp.CSS(".roles")), chromedp.WaitReady(chromedp.CSS("main")))
	history := call(t, ctx, page.GetNavigationHistory, cdp.Empty{})
	back := 0
	for ; back < len(history.Entries) && history.Entries[back].URL != c.URL+"/"; back++ {
	}
	if back == len(history.Entries) {
		t.Fatalf("the portal is not in the history: %+v", history.Entries)
	}
	call(t, ctx, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[back].ID})
	do(t, ctx, visible("main.narrow"))
	if shown := text(t, ctx, "body"); strings.Contains(shown, "prod/admin") {
		t.Errorf("the back button shows roles:\n%s", shown)
	}
}
