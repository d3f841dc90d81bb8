package blackbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Nothing is issued while Redis is away, not even what needs no mark; both nodes come back by themselves, and what was
// used before an outage that lost everything stays used.
func TestRedisAway(t *testing.T) {
	corp := &target{idp: "corp", entity: entityCorp}
	used, usedToken := good(corp, attacker).form(), workload("once", attackerSub).string()
	unused, unusedToken := good(corp, attacker).form(), workload("once", attackerSub).string()
	accept(t, "before", func() (answer, error) { return direct(w.nodeURLs[0], used) })
	accept(t, "before", func() (answer, error) { return bearer(w.nodeURLs[0], usedToken) })

	w.redis.kill()
	fresh := good(corp, attacker).form()
	for i, node := range w.nodeURLs {
		for name, try := range map[string]attempt{
			"SAML at the JSON API": func() (answer, error) { return direct(node, fresh) },
			"SAML at the ACS":      func() (answer, error) { return acs(node, "corp", fresh, pending{}) },
			"JWT":                  func() (answer, error) { return bearer(node, workload("pinned", attackerSub).string()) },
			"JWT of once: true":    func() (answer, error) { return bearer(node, workload("once", attackerSub).string()) },
		} {
			if a, err := try(); err != nil || a.status != http.StatusServiceUnavailable || a.code != "store_unavailable" {
				t.Errorf("node %d, %s while redis is away: %d %s, %v", i, name, a.status, a.code, err)
			}
		}
		if code, err := status(node + "/readyz"); err != nil || code != http.StatusServiceUnavailable {
			t.Errorf("node %d: readyz answers %d, %v", i, code, err)
		}
		if code, err := status(node + "/healthz"); err != nil || code != http.StatusOK {
			t.Errorf("node %d: healthz answers %d, %v", i, code, err)
		}
	}

	if err := w.startRedis(); err != nil {
		t.Fatal(err)
	}
	for i := range w.nodes {
		if err := eventually("ready again", func() error { return w.nodes[i].answers(w.nodeURLs[i] + "/readyz") }); err != nil {
			t.Fatal(err)
		}
	}
	refusesTheOld(t, used, usedToken, unused, unusedToken)
	acceptsTheNew(t)
}

// After FLUSHALL nobody remembers what was used, so that everything from before is refused.
func TestRedisEmptied(t *testing.T) {
	corp := &target{idp: "corp", entity: entityCorp}
	used, usedToken := good(corp, attacker).form(), workload("once", attackerSub).string()
	unused, unusedToken := good(corp, attacker).form(), workload("once", attackerSub).string()
	accept(t, "before", func() (answer, error) { return direct(w.nodeURLs[0], used) })
	accept(t, "before", func() (answer, error) { return bearer(w.nodeURLs[0], usedToken) })
	if err := w.store.FlushAll(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	refusesTheOld(t, used, usedToken, unused, unusedToken)
	acceptsTheNew(t)
}

func accept(t *testing.T, when string, try attempt) {
	t.Helper()
	if a, err := try(); err != nil || a.status != http.StatusOK {
		t.Fatalf("%s: %d %s, %v", when, a.status, a.body, err)
	}
}

// refusesTheOld asks twice: a node that finds the store emptied refuses what is under way as store_unavailable, once.
func refusesTheOld(t *testing.T, used, usedToken, unused, unusedToken string) {
	t.Helper()
	for _, node := range w.nodeURLs {
		if a, err := direct(node, used); err != nil || a.code != "replayed" && a.code != "store_unavailable" {
			t.Errorf("bypass: at once after the outage: %d %s, %v", a.status, a.code, err)
		}
	}
	for i, node := range w.nodeURLs {
		for name, try := range map[string]attempt{
			"a used assertion":    func() (answer, error) { return direct(node, used) },
			"a used token":        func() (answer, error) { return bearer(node, usedToken) },
			"an unused assertion": func() (answer, error) { return direct(node, unused) },
			"an unused token":     func() (answer, error) { return bearer(node, unusedToken) },
			"a used one, ACS":     func() (answer, error) { return acs(node, "corp", used, pending{}) },
		} {
			if a, err := try(); err != nil || a.code != "replayed" {
				t.Errorf("bypass: %s from before, node %d: %d %s, %v", name, i, a.status, a.code, err)
			}
		}
	}
}

// acceptsTheNew waits until the second in which the store was emptied is over, and then wants everything as before.
func acceptsTheNew(t *testing.T) {
	t.Helper()
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // another program's clock
	for i, node := range w.nodeURLs {
		err := eventually("accepts again", func() error {
			a, err := direct(node, good(&target{idp: "corp", entity: entityCorp}, attacker).form())
			return errors.Join(err, hasRole("Attacker")(a))
		})
		if err != nil {
			t.Errorf("node %d: %v", i, err)
		}
		a, err := bearer(node, workload("once", attackerSub).string())
		if err := errors.Join(err, hasRole("CIAttacker")(a)); err != nil {
			t.Errorf("node %d: %v", i, fmt.Errorf("a new token: %w", err))
		}
	}
	if _, err := answerLogin("both signed", spCert(t)); err != nil {
		t.Errorf("a login after the outage: %v", err)
	}
}
