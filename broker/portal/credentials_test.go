package portal_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
)

// texts are what a page of keys offers to copy, and what covers it.
func texts(t *testing.T, w *httptest.ResponseRecorder) (open, masked []string) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, m := range regexp.MustCompile(`(?s)<pre class="(text|masked)" tabindex="0">(.*?)</pre>`).FindAllStringSubmatch(w.Body.String(), -1) {
		text := html.UnescapeString(m[2])
		if m[1] == "text" {
			open = append(open, text)
		} else {
			masked = append(masked, text)
		}
	}
	return open, masked
}

func TestCredentials(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	w := b.post("/credentials", url.Values{"role": {"prod/reader"}, "duration": {"30m"}, "destination": {"s3"}, "region": {"eu-west-1"}})
	golden(t, "credentials", w)
	open, masked := texts(t, w)
	if len(open) != 6 || len(masked) != 4 {
		t.Fatalf("%d texts, %d masks", len(open), len(masked))
	}
	for i, text := range open[:4] {
		if strings.Count(text, doortest.SecretKey) != 1 || strings.Count(text, doortest.SessionToken) != 1 {
			t.Errorf("text %d:\n%s", i, text)
		}
		covered := strings.NewReplacer(doortest.SecretKey, strings.Repeat("•", 16), doortest.SessionToken, strings.Repeat("•", 16)).Replace(text)
		if masked[i] != covered {
			t.Errorf("mask %d:\n%s", i, masked[i])
		}
	}
	if want := "[profile prod/reader]\ncredential_process = fedbroker credentials prod/reader --format process --broker " + doortest.PublicURL + "\n"; open[4] != want {
		t.Errorf("profile:\n%s", open[4])
	}
	if want := "fedbroker exec prod/reader --broker " + doortest.PublicURL + " -- aws sts get-caller-identity\n"; open[5] != want {
		t.Errorf("exec:\n%s", open[5])
	}
	for _, call := range b.STS.Calls() {
		if call.Duration != 30*time.Minute {
			t.Errorf("asked for %v", call.Duration)
		}
	}
	e := b.Audit.Last()
	if e.Door != "portal" || e.Action != "credentials" || e.Role != "prod/reader" || e.Subject != "alice" || e.Outcome != "ok" || e.AccessKeyID != "ASIA0000000000000001" {
		t.Errorf("record %+v", e)
	}
}

// TestKeysAreNotKept: the page says so by itself, whatever stands around it, and holds its secrets nowhere but in its
// own text. It has no form: with no-referrer that would not be taken for our own page's.
func TestKeysAreNotKept(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	b.site = &site{World: b.World, t: t, handler: b.bare}
	w := b.post("/credentials", url.Values{"role": {"prod/reader"}})
	h := w.Header()
	if h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || len(h.Values("Set-Cookie")) > 0 || h.Get("Location") != "" {
		t.Errorf("headers %v", h)
	}
	for name := range h {
		if strings.Contains(h.Get(name), "canary") {
			t.Errorf("%s: %s", name, h.Get(name))
		}
	}
	page := w.Body.String()
	if strings.Contains(page, "<form") {
		t.Errorf("a form: %s", page)
	}
	outside := regexp.MustCompile(`(?s)<details class="reveal">.*?</details>`).ReplaceAllString(page, "")
	if strings.Contains(outside, doortest.SecretKey) || strings.Contains(outside, doortest.SessionToken) {
		t.Errorf("a secret is shown before anybody asks for it: %s", outside)
	}
}

func TestCredentialsAreRefused(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	for name, headers := range forged {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, b.forge("/credentials", url.Values{"role": {"prod/reader"}}, headers), 400, "invalid_request")
		})
	}
	if w := b.get("/credentials?role=prod/reader"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	for _, c := range []struct {
		form   url.Values
		status int
		code   string
	}{
		{url.Values{"role": {"prod/deploy"}}, 403, "role_not_granted"},
		{url.Values{"role": {"prod/none"}}, 403, "role_not_granted"},
		{url.Values{"role": {"prod/admin"}}, 403, "mfa_required"},
		{url.Values{"role": {"prod/legacy"}}, 401, "login_required"},
		{url.Values{}, 400, "ambiguous_role"},
		{url.Values{"role": {"dev/analyst", "prod/reader"}}, 400, "invalid_request"},
		{url.Values{"role": {"prod/reader"}, "duration": {"12h"}}, 400, "invalid_request"},
		{url.Values{"role": {"prod/reader"}, "duration": {"soon"}}, 400, "invalid_request"},
		{url.Values{"role": {strings.Repeat("x", 20<<10)}}, 400, "invalid_request"},
	} {
		wantRefusal(t, b.post("/credentials", c.form), c.status, c.code)
	}
	wantRefusal(t, b.post("/credentials?role=prod/reader", url.Values{}), 400, "ambiguous_role")
	wantRefusal(t, b.browser().post("/credentials", url.Values{"role": {"prod/reader"}}), 401, "login_required")
	if len(b.STS.Calls()) > 0 {
		t.Error("STS was called for a refusal")
	}
	b.Store.Break(0)
	wantRefusal(t, b.post("/credentials", url.Values{"role": {"prod/reader"}}), 503, "store_unavailable")
	b.Store.Mend()
	b.Audit.Break()
	wantRefusal(t, b.post("/credentials", url.Values{"role": {"prod/reader"}}), 503, "store_unavailable")
}
