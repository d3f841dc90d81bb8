package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// js evaluates an expression in the page, and waits for it where it is a promise.
func js[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	got, err := chromedp.Run(ctx, within(chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise)))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return got
}

func until(expression string) chromedp.Action[chromedp.Void] {
	return chromedp.Poll[chromedp.Void](expression)
}

const commandLine = `button[aria-label="Command line as prod/admin"]`

// shownText is what is shown of a panel of keys: what is covered is not in it.
const shownText = `document.querySelector(".keys").innerText`

// TestKeysUnfoldInTheRow: masked until they are shown, copied either way, gone when they are closed.
func TestKeysUnfoldInTheRow(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	signIn(t, ctx, d, "alice")
	do(t, ctx, visible(".roles"), click(commandLine), visible(".role-row .keys"))
	if where := location(t, ctx); where != d.Broker+"/" {
		t.Errorf("at %s", where)
	}
	if focused := js[string](t, ctx, `document.activeElement.className`); focused != "keys" {
		t.Errorf("the focus is on %q", focused)
	}
	if shown := js[string](t, ctx, shownText); !strings.Contains(shown, "••••") || !strings.Contains(shown, "min left") || strings.Contains(shown, "AWS_SESSION_TOKEN='M") {
		t.Errorf("shown:\n%s", shown)
	}
	look(t, ctx, "keys-masked")

	js[int](t, ctx, `(navigator.clipboard.writeText = async (text) => { window.copied = text; }, 0)`)
	do(t, ctx, click(".keys .copy"), until(`document.querySelector("[role=status].unseen").textContent === "Copied"`))
	copied := js[string](t, ctx, `window.copied`)
	if lines := strings.Split(copied, "\n"); len(lines) != 5 || strings.Contains(copied, "•") || !strings.HasPrefix(lines[0], "export AWS_ACCESS_KEY_ID='ASIA") {
		t.Errorf("copied %d lines", len(lines))
	}
	if shown := js[string](t, ctx, shownText); !strings.Contains(shown, "••••") {
		t.Error("copying showed the keys")
	}

	do(t, ctx, click(".keys .reveal summary"), visible(".keys .text"))
	if shown := js[string](t, ctx, shownText); strings.Contains(shown, "•") || !strings.Contains(shown, strings.TrimSpace(copied)) {
		t.Error("the keys are not what is shown, or not what was copied")
	}
	look(t, ctx, "keys")

	do(t, ctx, chromedp.KeyEvent("\x1b"), chromedp.WaitNotPresent(chromedp.CSS(".keys")))
	if left := js[bool](t, ctx, `document.documentElement.outerHTML.includes("AWS_SESSION_TOKEN")`); left {
		t.Error("the keys are still in the page")
	}
	if focused := js[string](t, ctx, `document.activeElement.getAttribute("aria-label")`); focused != "Command line as prod/admin" {
		t.Errorf("the focus is on %q", focused)
	}
	do(t, ctx, click(commandLine), visible(".role-row .keys"), click(".keys .close"), chromedp.WaitNotPresent(chromedp.CSS(".keys")))
}

// TestKeysDoNotComeBack: a page that was left has no keys in it, whether the browser kept it or loads it anew.
func TestKeysDoNotComeBack(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	signIn(t, ctx, d, "alice")
	do(
		t, ctx, visible(".roles"), click(commandLine), visible(".role-row .keys"),
		chromedp.Navigate(d.Broker+"/login?choose=1"), visible(".choices"), chromedp.NavigateBack(), visible(".roles"),
	)
	if kept := js[bool](t, ctx, `document.documentElement.outerHTML.includes("AWS_SESSION_TOKEN")`); kept {
		t.Error("the browser kept the keys")
	}
	// A browser that keeps pages has told this one that it is left.
	do(t, ctx, click(commandLine), visible(".role-row .keys"))
	js[bool](t, ctx, `dispatchEvent(new Event("pagehide"))`)
	if kept := js[bool](t, ctx, `document.documentElement.outerHTML.includes("AWS_SESSION_TOKEN")`); kept {
		t.Error("the page kept the keys")
	}
}

// TestKeysThatEndedAreGone: the page takes them away by itself.
func TestKeysThatEndedAreGone(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	signIn(t, ctx, d, "alice")
	do(t, ctx, visible(".roles"), click(commandLine), visible(".role-row .keys"))
	js[int](t, ctx, `(() => { const now = Date.now; Date.now = () => now() + 2 * 3600 * 1000; return 0; })()`)
	do(t, ctx, visible(".keys .over"))
	if left := js[bool](t, ctx, `document.documentElement.outerHTML.includes("AWS_SESSION_TOKEN")`); left {
		t.Error("the keys are still in the page")
	}
	do(t, ctx, click(".keys .close"), chromedp.WaitNotPresent(chromedp.CSS(".keys")))
}

// TestARefusedRowIsAPage: what is not credentials is shown as it is without JavaScript.
func TestARefusedRowIsAPage(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	signIn(t, ctx, d, "alice")
	do(t, ctx, visible(".roles"))
	js[int](t, ctx, `(document.querySelector("input[name=role]").value = "prod/deploy", 0)`)
	do(t, ctx, click(commandLine), visible("main.narrow"))
	if shown := text(t, ctx, "main"); !strings.Contains(shown, "role_not_granted") {
		t.Errorf("refused with:\n%s", shown)
	}
}

// TestALinkToARole: it survives the sign-in, its button has the focus and opens what the link says.
func TestALinkToARole(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	do(
		t, ctx, chromedp.Navigate(d.Broker+"/?role=prod/reader&service=s3"), click(`.choices a[href^="/login/dev?"]`), visible("input[name=password]"),
		chromedp.SendKeys(chromedp.CSS("input[name=username]"), "alice"), chromedp.SendKeys(chromedp.CSS("input[name=password]"), d.passwords["alice"]),
		chromedp.KeyEvent("\r"), visible(".role-row"),
	)
	if where := location(t, ctx); where != d.Broker+"/?role=prod/reader&service=s3" {
		t.Errorf("signed in at %s", where)
	}
	if rows := js[int](t, ctx, `document.querySelectorAll(".role-row").length`); rows != 1 {
		t.Errorf("%d rows", rows)
	}
	if focused := js[string](t, ctx, `document.activeElement.getAttribute("aria-label")`); focused != "Open the console as prod/reader" {
		t.Errorf("the focus is on %q", focused)
	}
	do(t, ctx, click(".role-row summary"), visible(".role-link"))
	look(t, ctx, "link")
	js[int](t, ctx, `(document.querySelector("input[name=destination]").value = "", 0)`)
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("input[name=destination]"), "arn:aws:s3:::a&b"))
	if link, want := text(t, ctx, ".role-link a"), d.Broker+"/?role=prod/reader&destination=arn%3Aaws%3As3%3A%3A%3Aa%26b"; link != want {
		t.Errorf("the link says %s", link)
	}
	js[int](t, ctx, `(document.querySelector('form[action="/console"]').removeAttribute("target"), 0)`)
	do(t, ctx, click(`button[aria-label="Open the console as prod/reader"]`))
	arrive(t, ctx, d.AWS+"/console/go/view?arn=arn%3Aaws%3As3%3A%3A%3Aa%26b")
}

// arrive waits until the browser, after redirects of its own, is at an address.
func arrive(t *testing.T, ctx context.Context, address string) {
	t.Helper()
	for deadline := time.Now().Add(patience); location(t, ctx) != address; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("at %s, want %s", location(t, ctx), address)
		}
	}
}

func TestKeysWithoutJavaScript(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	scripts := func(on bool) {
		call(t, ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	}
	signIn(t, ctx, d, "alice")
	do(t, ctx, visible(".roles"))
	scripts(false)
	do(t, ctx, chromedp.Navigate(d.Broker+"/"), click(commandLine), visible("main > .keys"))
	if shown := text(t, ctx, "main"); !strings.Contains(shown, "••••") || strings.Contains(shown, "Copy") {
		t.Errorf("shown:\n%s", shown)
	}
	do(t, ctx, click(".keys .reveal summary"), visible(".keys .text"))
	if shown := text(t, ctx, "main"); strings.Contains(shown, "•") || !strings.Contains(shown, "AWS_SESSION_TOKEN=") {
		t.Errorf("shown:\n%s", shown)
	}
	scripts(true) // axe is one
	look(t, ctx, "keys-page")
}
