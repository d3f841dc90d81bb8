package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// terminal is "fedbroker login" that waits for its person.
type terminal struct {
	said output
	done chan error
}

// login starts the command; with home it is a machine of its own.
func (c *company) login(t *testing.T, home string, args ...string) *terminal {
	t.Helper()
	term := &terminal{done: make(chan error, 1)}
	cmd := exec.Command(binary, append([]string{"login", "--broker", c.URL}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "FEDBROKER_KEYRING=off"}
	cmd.Stdout, cmd.Stderr = &term.said, &term.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { term.done <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return term
}

// says waits until the terminal shows something, and returns its first group.
func (term *terminal) says(t *testing.T, pattern string) string {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if m := wanted.FindStringSubmatch(term.said.String()); m != nil {
			return m[1]
		}
		if time.Now().After(deadline) {
			t.Fatalf("the terminal does not say %q:\n%s", pattern, term.said.String())
		}
	}
}

// ends waits for the command's own end.
func (term *terminal) ends(t *testing.T, says string) {
	t.Helper()
	select {
	case <-term.done:
	case <-time.After(patience):
	}
	if !strings.Contains(term.said.String(), says) {
		t.Fatalf("the terminal does not say %q:\n%s", says, term.said.String())
	}
}

// TestADeviceIsApproved: the code is typed, mistyped first, and the page says what it is for.
func TestADeviceIsApproved(t *testing.T) {
	c := startCompany(t)
	ctx := browser(t)
	term := c.login(t, t.TempDir(), "--device")
	code := term.says(t, `(?m)^    (\S+)$`)

	c.open(t, ctx, "/device")
	do(t, ctx, click(`.choices a[href="/login/corp?return=%2Fdevice"]`))
	c.signIn(t, ctx, "alice")
	do(t, ctx, visible("input[name=code]"))
	look(t, ctx, "device")
	c.typeCode(t, ctx, "BCDF-GHJK")
	do(t, ctx, visible("[role=alert]"))
	look(t, ctx, "device-mistyped")
	c.typeCode(t, ctx, strings.ToLower(code))
	do(t, ctx, visible("button[value=approve]"))
	if shown := text(t, ctx, "main"); !strings.Contains(shown, "fedbroker") || !strings.Contains(shown, "127.0.0.1") || !strings.Contains(shown, code) {
		t.Errorf("the page does not show client, address and code:\n%s", shown)
	}
	look(t, ctx, "device-confirm")
	decide(t, ctx, "approve")
	if shown := text(t, ctx, "h1"); shown != "You may close this page" {
		t.Errorf("after allowing it: %s", shown)
	}
	look(t, ctx, "device-done")
	term.ends(t, "as alice")
}

// decide presses a button of a page that asks, and waits until the page after it is there.
func decide(t *testing.T, ctx context.Context, decision string) {
	t.Helper()
	button := "button[value=" + decision + "]"
	do(t, ctx, click(button), chromedp.WaitNotPresent(chromedp.CSS(button)), visible("h1"))
}

func (c *company) typeCode(t *testing.T, ctx context.Context, code string) {
	t.Helper()
	do(t, ctx, chromedp.SetValue(chromedp.CSS("input[name=code]"), code), click("main form button"), chromedp.WaitReady(chromedp.CSS("body")))
}

// TestACommandLineIsApprovedAndRefused goes through the consent page.
func TestACommandLineIsApprovedAndRefused(t *testing.T) {
	c := startCompany(t)
	ctx := browser(t)
	for _, said := range []struct{ decision, ends string }{{"deny", "refused"}, {"approve", "as alice"}} {
		term := c.login(t, t.TempDir(), "--no-browser")
		do(t, ctx, chromedp.Navigate(term.says(t, `(?m)^(http://\S+)$`)))
		if said.decision == "deny" { // the first of the two signs in
			do(t, ctx, click(`.choices a[href^="/login/corp"]`))
			c.signIn(t, ctx, "alice")
		}
		do(t, ctx, visible("button[value=approve]"))
		if said.decision == "deny" {
			look(t, ctx, "consent")
		}
		decide(t, ctx, said.decision)
		term.ends(t, said.ends)
		if said.decision == "approve" {
			look(t, ctx, "command-line-done")
		}
	}
}
