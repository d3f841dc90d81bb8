package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "fedbroker")
	build := exec.Command("go", "build", "-o", binary, "../cmd/fedbroker")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	return m.Run()
}

// demo is a running "fedbroker demo".
type demo struct {
	Broker, AWS, IdP string
	passwords        map[string]string
}

func startDemo(t *testing.T) *demo {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready.json")
	cmd := exec.Command(binary, "demo", "--ready-file", ready)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Errorf("Ctrl-C did not end the demo cleanly: %v", err)
		}
	})
	d := &demo{passwords: map[string]string{}}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) >= 3 && (fields[0] == "alice" || fields[0] == "bob" || fields[0] == "carol") {
			d.passwords[fields[0]] = fields[1]
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
	}
	b, err := os.ReadFile(ready)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, d); err != nil {
		t.Fatal(err)
	}
	if d.passwords["alice"] == "" {
		t.Fatal("the demo printed no password for alice")
	}
	return d
}

// browser starts Chromium with a profile of its own.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing; make e2e installs it")
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1100, 900))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	do(t, ctx, chromedp.Navigate("about:blank")) // starts it; a time limit on this context would end it
	return ctx
}

// page is how long one step may take.
const page = 30 * time.Second

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	for i, step := range steps {
		err := chromedp.Do(ctx, within(step))
		if err == nil {
			continue
		}
		where, _ := chromedp.Run(ctx, chromedp.Location())
		body, _ := chromedp.Run(ctx, within(chromedp.OuterHTML(chromedp.CSS("body"))))
		t.Fatalf("step %d: %v\nat %s:\n%s", i+1, err, where, body)
	}
}

func text(t *testing.T, ctx context.Context, selector string) string {
	t.Helper()
	got, err := chromedp.Run(ctx, within(chromedp.Text(chromedp.CSS(selector))))
	if err != nil {
		t.Fatalf("text of %s: %v", selector, err)
	}
	return got
}

func location(t *testing.T, ctx context.Context) string {
	t.Helper()
	got, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func within[T any](a chromedp.Action[T]) chromedp.Action[T] {
	return func(ctx context.Context, tab *chromedp.Target) (T, error) {
		ctx, cancel := context.WithTimeout(ctx, page)
		defer cancel()
		return a(ctx, tab)
	}
}

func visible(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(chromedp.CSS(selector))
}

func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

// call sends one protocol command.
func call[P, R any](t *testing.T, ctx context.Context, cmd cdp.Command[P, R], params P) R {
	t.Helper()
	r, err := chromedp.Call(ctx, cmd, params)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// shots takes the page as it is, light and dark, wide and narrow.
func shots(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if err := os.MkdirAll("screenshots", 0o755); err != nil {
		t.Fatal(err)
	}
	size := func(width int64) {
		call(t, ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500})
	}
	for _, scheme := range []string{"light", "dark"} {
		call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		for width, label := range map[int64]string{1100: "wide", 390: "phone"} {
			size(width)
			png, err := chromedp.Run(ctx, within(chromedp.FullScreenshot(100)))
			if err != nil {
				t.Fatalf("screenshot of %s: %v", name, err)
			}
			if err := os.WriteFile(filepath.Join("screenshots", fmt.Sprintf("%s-%s-%s.png", name, scheme, label)), png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	size(1100)
}

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
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), d.passwords[name]),
	)
	shots(t, ctx, "idp-login")
	do(t, ctx, chromedp.KeyEvent("\r"))
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
	shots(t, ctx, "portal")
	openConsole(t, ctx, d)
	signOut(t, ctx, d)
}

// cookieFlags looks at the session cookie as the browser keeps it.
func cookieFlags(t *testing.T, ctx context.Context, d *demo) {
	t.Helper()
	cookies := call(t, ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{d.Broker + "/"}}).Cookies
	if len(cookies) != 1 {
		t.Fatalf("want the session cookie alone, got %d cookies", len(cookies))
	}
	c := cookies[0]
	if !c.HTTPOnly || !c.Secure || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-") {
		t.Errorf("cookie %s: HttpOnly %t, Secure %t, SameSite %s", c.Name, c.HTTPOnly, c.Secure, c.SameSite)
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
	for deadline := time.Now().Add(page); !strings.HasPrefix(location(t, ctx), d.AWS+"/console"); time.Sleep(50 * time.Millisecond) {
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
	shots(t, ctx, "console")
}

func signOut(t *testing.T, ctx context.Context, d *demo) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(d.Broker+"/"), click(`form[action="/logout"] button`), visible(".narrow"))
	if shown := text(t, ctx, "main"); !strings.Contains(shown, "signed out") {
		t.Errorf("after signing out: %s", shown)
	}
	shots(t, ctx, "goodbye")
	if cookies := call(t, ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{d.Broker + "/"}}).Cookies; len(cookies) != 0 {
		t.Errorf("%d cookies survived the sign-out", len(cookies))
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
		if !c.Secure || !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || !strings.HasPrefix(c.Name, "__Host-fbdemo-session") {
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

func TestRefusalAndChooserPages(t *testing.T) {
	d := startDemo(t)
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate(d.Broker+"/login/nobody"), visible(".narrow"))
	if shown := text(t, ctx, "main"); !strings.Contains(shown, "untrusted_issuer") {
		t.Errorf("the refusal does not name its code: %s", shown)
	}
	shots(t, ctx, "refusal")
	do(t, ctx, chromedp.Navigate(d.Broker+"/login?choose=1"), visible(".choices"))
	shots(t, ctx, "chooser")
}
