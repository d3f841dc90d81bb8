package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/audit"
	"github.com/fedbroker/fedbroker/idp/idptest"
)

const (
	inForce    = `"msg":"the new configuration is in force"`
	notInForce = `"msg":"the new configuration is not in force; the old one stays"`
)

func TestABadFileLeavesTheOldOneInForce(t *testing.T) {
	w := newWorld(t)
	name := w.config("f", parts{idps: strings.Replace(ciIdP, "insecure_http: true", "jwks_file: jwks.json", 1) + corpIdP})
	good := w.read("f.yaml")
	n := w.serve(name)
	for problem, spoil := range map[string]func(){
		`f.yaml:1:1: nonsense: unknown key`: func() { w.file("f.yaml", "nonsense: true\n"+good) },
		`there is no role \"prod/nothing\"`: func() { w.rewrite(name, "roles: [prod/deploy]}", "roles: [prod/nothing]}") },
		`idps[0].jwks_file: open `:          func() { w.remove("jwks.json") },
		`idps[0]: idp ci: key set: `:        func() { w.file("jwks.json", "{}") },
		`idps[1].saml.metadata_file: open `: func() { w.remove("idp.xml") },
		`idps[1]: saml provider `:           func() { w.file("idp.xml", "<x/>") },
		`no such file or directory`:         func() { w.remove("f.yaml") },
	} {
		spoil()
		w.hup(n, notInForce)
		if !strings.Contains(n.stderr.String(), problem) {
			t.Errorf("the log does not say %q:\n%s", problem, n.stderr)
		}
		wantKeys(t, n.credentials(w.token(), "prod/deploy"))
		wantKeys(t, n.direct(w.response(w.saml), "prod/deploy"))
		w.file("f.yaml", good)
		w.file("jwks.json", string(w.issuer.JWKS()))
		w.file("idp.xml", string(w.saml.Metadata()))
	}
	w.hup(n, inForce)
}

func (w *world) remove(name string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
		w.t.Fatal(err)
	}
}

func TestARemovedProviderIsTrustedNoMore(t *testing.T) {
	w := newWorld(t)
	name := w.config("f", parts{})
	n := w.serve(name)
	wantKeys(t, n.credentials(w.token(), "prod/deploy"))
	w.config("f", parts{idps: corpIdP, rules: "  - {name: people, idp: corp, roles: [prod/deploy]}\n"})
	n.stderr.await(t, inForce) // a changed file is noticed without SIGHUP
	wantStatus(t, n.credentials(w.token(), "prod/deploy"), http.StatusUnauthorized, "untrusted_issuer")
	w.config("f", parts{idps: ciIdP, rules: "  - {name: main, idp: ci, roles: [prod/deploy]}\n"})
	w.hup(n, inForce)
	wantKeys(t, n.credentials(w.token(), "prod/deploy"))
	wantStatus(t, n.direct(w.response(w.saml), "prod/deploy"), http.StatusUnauthorized, "untrusted_issuer")
}

func TestAReloadOutlivesTheOutageOfAnIssuer(t *testing.T) {
	w := newWorld(t)
	name := w.config("f", parts{})
	n := w.serve(name)
	wantKeys(t, n.credentials(w.token(), "prod/deploy"))
	w.issuer.Fail(http.StatusInternalServerError)
	w.rewrite(name, "name: people", "name: persons")
	w.hup(n, inForce)
	wantKeys(t, n.credentials(w.issuer.Token(map[string]any{"sub": "other", "aud": audience, "ref": "main"}), "prod/deploy"))
	if got := w.issuer.Fetches(idptest.JWKSPath); got != 1 {
		t.Errorf("%d fetches of keys that were there", got)
	}

	// A provider that did change is made anew, and must not use keys of the old one.
	w.rewrite(name, "id: ci, insecure_http: true,", "id: ci, insecure_http: true, skew: 2m,")
	w.hup(n, inForce)
	wantStatus(t, n.credentials(w.token(), "prod/deploy"), http.StatusServiceUnavailable, "upstream_unavailable")
}

func TestWhatNeedsARestartIsNamed(t *testing.T) {
	w := newWorld(t)
	name := w.config("f", parts{})
	n := w.serve(name)
	w.rewrite(name, "name: people", "name: persons")
	w.hup(n, inForce)
	if strings.Contains(n.stderr.String(), "need a restart") {
		t.Errorf("a rule is said to need a restart:\n%s", n.stderr)
	}
	w.rewrite(name, "audit: {file: f.audit}", "audit: {file: other.audit}\nissuer: {audience: other}")
	for range 2 { // it is still so after the second reload
		w.hup(n, inForce)
	}
	if got := strings.Count(n.stderr.String(), `"msg":"these changes need a restart","keys":["audit"]`); got != 2 {
		t.Errorf("%d warnings, want 2:\n%s", got, n.stderr)
	}
}

func TestSIGHUPOpensTheAuditLogAnew(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{}))
	wantKeys(t, n.credentials(w.token(), "prod/deploy"))
	if err := os.Rename(filepath.Join(w.dir, "f.audit"), filepath.Join(w.dir, "f.audit.1")); err != nil {
		t.Fatal(err)
	}
	w.hup(n, inForce)
	a := n.credentials(w.token(), "prod/deploy")
	wantKeys(t, a)
	if strings.Contains(w.read("f.audit.1"), a.RequestID) || !strings.Contains(w.read("f.audit"), a.RequestID) {
		t.Error("the record of an answer after SIGHUP is not in the new file")
	}
	n.stop()
	report, err := audit.Verify(strings.NewReader(w.read("f.audit.1") + w.read("f.audit")))
	if err != nil || report.Records < 2 {
		t.Errorf("the two files are not one chain: %d records, %v", report.Records, err)
	}
}
