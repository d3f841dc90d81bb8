package blackbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// tally counts what fails the bar.
type tally struct {
	bypass, lax, interop, crash int
	sent                        int
	worst                       time.Duration
	worstName                   string
}

const (
	slow      = time.Second
	mostBytes = 64 << 20
)

// refusals are the codes that a hostile message may be answered with. 403 is not among them: it means that the message
// was believed and only the rules said no.
var refusals = map[string]int{
	"invalid_request": http.StatusBadRequest, "invalid_token": http.StatusUnauthorized, "untrusted_issuer": http.StatusUnauthorized,
	"replayed": http.StatusUnauthorized, "expired_token": http.StatusUnauthorized, "login_required": http.StatusUnauthorized,
}

// attempt sends one message through one door.
type attempt func() (answer, error)

// measured sends, and sends again where the answer took too long: the machine may have been busy.
func (c *tally) measured(t *testing.T, name string, try attempt) (answer, bool) {
	t.Helper()
	c.sent++
	a, err := try()
	for again := 0; err == nil && a.took > slow && again < 4; again++ {
		a, err = try()
	}
	if a.took > c.worst {
		c.worst, c.worstName = a.took, name
	}
	switch {
	case err != nil:
		c.crash++
		t.Errorf("crash: %s: %v", name, err)
	case a.status >= 500:
		c.crash++
		t.Errorf("crash: %s: %d %s", name, a.status, a.body)
	case a.took > slow:
		c.crash++
		t.Errorf("crash: %s: took %v, and no less before", name, a.took)
	default:
		return a, true
	}
	return a, false
}

// hostile wants a refusal. forged says that nobody may be believed at all; otherwise the message is its sender's own,
// who may not be believed in this form, and never as anybody else.
func (c *tally) hostile(t *testing.T, name string, forged bool, try attempt) {
	t.Helper()
	a, ok := c.measured(t, name, try)
	if !ok {
		return
	}
	// What HTTP itself refuses never reaches the broker: no document, but refused.
	atTheGate := a.code == "" && slices.Contains([]int{http.StatusBadRequest, http.StatusRequestHeaderFieldsTooLarge}, a.status)
	if want, known := refusals[a.code]; known && want == a.status || atTheGate {
		return
	}
	took := fmt.Sprintf("%s: %d %s %s", name, a.status, a.code, a.role)
	if forged || strings.Contains(a.role, "Victim") || strings.Contains(a.body, victim) {
		c.bypass++
		t.Errorf("bypass: %s", took)
		return
	}
	c.lax++
	t.Errorf("lax: %s", took)
}

// good wants acceptance, which check looks at.
func (c *tally) good(t *testing.T, name string, try attempt, check func(answer) error) {
	t.Helper()
	a, ok := c.measured(t, name, try)
	if !ok {
		return
	}
	if err := check(a); err != nil {
		c.interop++
		t.Errorf("interop: %s: %v", name, err)
	}
}

// hasRole is a check for credentials of a role.
func hasRole(role string) func(answer) error {
	return func(a answer) error {
		if a.status != http.StatusOK || a.role != role {
			return fmt.Errorf("got %d %s %s, want %s: %s", a.status, a.code, a.role, role, a.body)
		}
		return nil
	}
}

// watch holds the nodes to no restart, no panic in their logs and bounded memory while f runs.
func (c *tally) watch(t *testing.T, f func()) {
	t.Helper()
	var before [2]int64
	var pids [2]int
	for i, n := range w.nodes {
		if err := n.resetPeak(); err != nil {
			t.Fatal(err)
		}
		var err error
		if before[i], err = n.peak(); err != nil {
			t.Fatal(err)
		}
		pids[i] = n.cmd.Process.Pid
	}
	f()
	for i, n := range w.nodes {
		if !n.alive() || n.cmd.Process.Pid != pids[i] {
			c.crash++
			t.Errorf("crash: %s ended", n.name)
			continue
		}
		if strings.Contains(string(n.output()), "panic") {
			c.crash++
			t.Errorf("crash: %s has a panic in its log", n.name)
		}
		after, err := n.peak()
		if err != nil {
			t.Fatal(err)
		}
		if grown := after - before[i]; grown > mostBytes {
			c.crash++
			t.Errorf("crash: %s grew by %d MB", n.name, grown>>20)
		}
		t.Logf("%s: peak memory %d MB, %+d MB", n.name, after>>20, (after-before[i])>>20)
	}
}

func (c *tally) report(t *testing.T, what string) {
	t.Helper()
	t.Logf("%s: %d sent; bypass %d, lax %d, interop %d, crash %d; slowest %v (%s)", what, c.sent, c.bypass, c.lax, c.interop, c.crash, c.worst, c.worstName)
}
