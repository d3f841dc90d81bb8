package e2e_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

func signIn(t *testing.T, ctx context.Context, d *demo, name string) {
	signInBy(t, ctx, d, "dev", name)
}

// signInBy chooses one of the demo's two ways in.
func signInBy(t *testing.T, ctx context.Context, d *demo, idp, name string) {
	t.Helper()
	do(t, ctx,
		chromedp.Navigate(d.Broker+"/"),
		click(`.choices a[href="/login/`+idp+`"]`),
		visible("input[name=password]"),
		chromedp.SendKeys(chromedp.CSS("input[name=username]"), name),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), d.passwords[name]+"\r"),
	)
}

func TestAPersonSignsInAndOpensTheConsole(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	signIn(t, ctx, d, "alice")
	do(t, ctx, visible(".roles"))
	if where := location(t, ctx); where != d.Broker+"/" {
		t.Errorf("signed in at %s", where)
	}
	roles := text(t, ctx, "main")
	for _, want := range []string{"prod/admin", "prod/reader", "dev/analyst", "111122223333"} {
		if !strings.Contains(roles, want) {
			t.Errorf("the portal does not list %s:\n%s", want, roles)
		}
	}
	if strings.Contains(roles, "prod/deploy") {
		t.Error("the portal lists a role that is not granted")
	}
	cookieFlags(t, ctx, d)
	look(t, ctx, "portal")
	openConsole(t, ctx, d)
	signOut(t, ctx, d)
}

// cookieFlags looks at the cookies as the browser keeps them: of the session, and of the provider that was chosen.
func cookieFlags(t *testing.T, ctx context.Context, d *demo) {
	t.Helper()
	cookies := call(t, ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{d.Broker + "/"}}).Cookies
	if len(cookies) != 2 {
		t.Fatalf("want the cookies of the session and of the choice, got %d", len(cookies))
	}
	for _, c := range cookies {
		if !c.HTTPOnly || !c.Secure || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-fbdemo-") {
			t.Errorf("cookie %s: HttpOnly %t, Secure %t, SameSite %s", c.Name, c.HTTPOnly, c.Secure, c.SameSite)
		}
	}
}

func openConsole(t *testing.T, ctx context.Context, d *demo) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](
		// the form opens a tab of its own; this test looks at it in the same one
		`document.querySelectorAll('form[action="/console"]').forEach(f => f.removeAttribute('target')), 0`)); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, click(`button[aria-label="Open the console as prod/admin"]`))
	for deadline := time.Now().Add(patience); !strings.HasPrefix(location(t, ctx), d.AWS+"/console"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the console did not open; at %s", location(t, ctx))
		}
	}
	do(t, ctx, visible("main"))
	shown := text(t, ctx, "body")
	for _, want := range []string{"Admin", "111122223333", "alice"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the console does not show %s:\n%s", want, shown)
		}
	}
	look(t, ctx, "console")
}

func signOut(t *testing.T, ctx context.Context, d *demo) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(d.Broker+"/"), click(`form[action="/logout"] button`), visible(".narrow"))
	if shown := text(t, ctx, "main"); !strings.Contains(shown, "signed out") {
		t.Errorf("after signing out: %s", shown)
	}
	look(t, ctx, "goodbye")
	if cookies := call(t, ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{d.Broker + "/"}}).Cookies; len(cookies) != 1 || cookies[0].Name != "__Host-fbdemo-idp" {
		t.Errorf("cookies that survived the sign-out: %+v", cookies)
	}
}

func TestAPersonSignsInByOpenIDConnect(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	signInBy(t, ctx, d, "dev-oidc", "bob")
	do(t, ctx, visible(".roles"))
	if where := location(t, ctx); where != d.Broker+"/" {
		t.Errorf("signed in at %s", where)
	}
	if roles := text(t, ctx, "main"); !strings.Contains(roles, "dev/analyst") || strings.Contains(roles, "prod/admin") {
		t.Errorf("bob's roles:\n%s", roles)
	}
	for _, c := range call(t, ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{d.Broker + "/"}}).Cookies {
		if !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || !strings.HasPrefix(c.Name, "__Host-fbdemo-") {
			t.Errorf("cookie %s: secure %v, HttpOnly %v, SameSite %s", c.Name, c.Secure, c.HTTPOnly, c.SameSite)
		}
	}
}

func TestWithoutJavaScript(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	call(t, ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	signIn(t, ctx, d, "bob")
	do(t, ctx, chromedp.WaitReady(chromedp.CSS("input[name=SAMLResponse]")), click("form button"), visible(".roles"))
	if roles := text(t, ctx, "main"); !strings.Contains(roles, "dev/analyst") || strings.Contains(roles, "prod/admin") {
		t.Errorf("bob's roles:\n%s", roles)
	}
}
