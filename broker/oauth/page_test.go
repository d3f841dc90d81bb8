package oauth_test

import (
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/portal"
)

var update = flag.Bool("update", false, "write the golden files anew")

// hostile is what a client might call itself, or a person be called.
const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{.}}`

// changing is what differs from run to run: a client's id, a session's id, a user code.
var changing = regexp.MustCompile(`fbi_[\w-]+|[0-9a-f]{64}|\b[B-Z]{4}-[B-Z]{4}\b`)

func golden(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	got := "Content-Security-Policy: " + w.Header().Get("Content-Security-Policy") + "\n\n" + changing.ReplaceAllString(w.Body.String(), "…")
	path := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (-update writes it anew):\n%s", path, got)
	}
}

func TestPages(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	d, far := s.headless(), s.headless().start(from("203.0.113.9"))
	golden(t, "authorize", p.get("/authorize?"+c.request("s1").Encode()))
	golden(t, "device", p.get("/device"))
	golden(t, "device-mistyped", p.typed("BCDF-GHJK"))
	golden(t, "device-confirm", p.typed(d.start().user))
	golden(t, "device-confirm-elsewhere", p.typed(far.user))
	golden(t, "device-allowed", p.press(p.typed(far.user), "approve"))
	golden(t, "device-denied", p.press(p.typed(d.start().user), "deny"))
}

func TestHostilePages(t *testing.T) {
	s := newSite(t, func(o *portal.Options) { o.Branding = portal.Branding{Name: hostile, Contact: hostile} })
	named := func(grants ...string) terminal {
		return s.register(map[string]any{"clientName": hostile, "clientType": "public", "redirectUris": []string{redirectBase}, "grantTypes": grants})
	}
	p := s.person(hostile)
	d := named(deviceGrant)
	request := named("authorization_code").request(`"><script>alert(1)</script>`)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"authorize-hostile":      p.get("/authorize?" + request.Encode()),
		"device-hostile":         p.get("/device?user_code=" + "%3Cscript%3E"),
		"device-confirm-hostile": p.typed(d.start().user),
		"device-allowed-hostile": p.press(p.typed(d.start().user), "approve"),
	} {
		if body := w.Body.String(); strings.Contains(body, "<script>") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s: %s", name, body)
		}
		if !strings.Contains(w.Body.String(), "&lt;script&gt;") {
			t.Errorf("%s does not show the name", name)
		}
	}
}
