package blackbox

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

// storm sends the same message twenty times at once, to both nodes in turn, and returns how many were accepted.
func storm(t *testing.T, name string, send func(node string) (answer, error)) (accepted int) {
	t.Helper()
	const many = 20
	answers := make([]answer, many)
	errs := make([]error, many)
	gate := make(chan struct{})
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			<-gate
			answers[i], errs[i] = send(w.nodeURLs[i%2])
		})
	}
	close(gate)
	group.Wait()
	for i, a := range answers {
		switch {
		case errs[i] != nil:
			t.Errorf("crash: %s: %v", name, errs[i])
		case a.status == http.StatusOK, a.status == http.StatusSeeOther:
			accepted++
		case a.status != http.StatusUnauthorized || a.code != "replayed" && a.code != "login_required":
			t.Errorf("%s: %d %s %s", name, a.status, a.code, a.body)
		}
	}
	return accepted
}

// Twenty equal messages at once over two nodes: exactly one is accepted, at whichever door.
func TestReplay(t *testing.T) {
	corp := &target{idp: "corp", entity: entityCorp}
	for range 5 {
		response := good(corp, attacker).form()
		asked, err := begin(w.nodeURLs[1], "corp")
		if err != nil {
			t.Fatal(err)
		}
		answered := good(&target{idp: "corp", entity: entityCorp, inResponseTo: asked.requestID}, attacker).form()
		unasked, token := good(corp, attacker).form(), workload("once", attackerSub).string()
		twin := ecdsaTwin(workload("once", attackerSub).by("ES256", "ec", keysOfIssuers().ec).string())
		for name, send := range map[string]func(node string) (answer, error){
			"SAML at the JSON API": func(node string) (answer, error) { return direct(node, response) },
			"SAML at the ACS":      func(node string) (answer, error) { return acs(node, "corp", unasked, pending{}) },
			"SAML, asked for":      func(node string) (answer, error) { return acs(node, "corp", answered, asked) },
			"JWT of once: true":    func(node string) (answer, error) { return bearer(node, token) },
			"JWT and its twin":     func(node string) (answer, error) { return bearer(node, twin(node == w.nodeURLs[0])) },
		} {
			if accepted := storm(t, name, send); accepted != 1 {
				t.Errorf("%s: %d of 20 were accepted, want 1", name, accepted)
			}
		}
		for name, again := range map[string]string{"the same": response, "lines": strings.Join(strings.SplitAfter(response, "A"), "\r\n")} {
			if a, err := acs(w.nodeURLs[1], "corp", again, pending{}); err != nil || a.code != "replayed" {
				t.Errorf("%s, at another door: %d %s, %v", name, a.status, a.code, err)
			}
		}
	}
}

// A used assertion stays used in another envelope: what counts is the assertion, not the message.
func TestReplayInAnotherEnvelope(t *testing.T) {
	first := good(&target{idp: "corp", entity: entityCorp}, attacker)
	assertion := first.assertion()
	if a, err := direct(w.nodeURLs[0], first.encoded(first.xml(assertion))); err != nil || a.status != http.StatusOK {
		t.Fatalf("the first: %d %s, %v", a.status, a.body, err)
	}
	for name, change := range map[string]func(*message){
		"new Response ID": func(m *message) { m.respID = randomID() },
		"signed envelope": func(m *message) { m.respID, m.signR = randomID(), &signature{key: corpKey()} },
		"encrypted":       func(m *message) { m.encrypt = &encryption{to: spCert(t)} },
		"new signature": func(m *message) {
			m.post = func(s string) string { return strings.Replace(s, assertion, resigned(first), 1) }
		},
	} {
		m := good(&target{idp: "corp", entity: entityCorp}, attacker)
		change(m)
		if a, err := direct(w.nodeURLs[1], m.encoded(m.xml(assertion))); err != nil || a.code != "replayed" {
			t.Errorf("%s: %d %s, %v", name, a.status, a.code, err)
		}
	}
}

// resigned is the same assertion under a signature by the provider's other key.
func resigned(m *message) string {
	m.signA = &signature{key: corpECKey()}
	return m.assertion()
}

// ecdsaTwin returns the token and, for false, the one with the other valid signature (s becomes n-s).
func ecdsaTwin(token string) func(first bool) string {
	head, sig := token[:strings.LastIndexByte(token, '.')], token[strings.LastIndexByte(token, '.')+1:]
	other := head + "." + negated(sig)
	return func(first bool) string {
		if first {
			return token
		}
		return other
	}
}
