package console

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
)

// STS's own shapes keep markup out of names and tags; the page must not rely on that.
func TestHostileSessionIsEscaped(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>' {{.}}`
	now := time.Unix(1_800_000_000, 0)
	base, err := url.Parse("http://127.0.0.1:4566")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{Base: base, Clock: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	held := &session.Session{
		Account: iam.Account{ID: hostile, Name: hostile}, Role: hostile, RoleARN: hostile, RoleID: hostile, ARN: hostile, Name: hostile,
		Method: hostile, Provider: hostile, SourceIdentity: hostile, Tags: []iam.Tag{{Key: hostile, Value: hostile}}, Expires: now.Add(time.Hour),
	}
	if err := c.signed.Put("cookie", session.Ticket{Session: held, Expires: now.Add(time.Hour), Issuer: hostile}, now); err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodGet, "/console", nil)
	request.AddCookie(&http.Cookie{Name: cookieName, Value: "cookie"})
	recorder := httptest.NewRecorder()
	c.home(recorder, request)
	body := recorder.Body.String()
	if recorder.Code != http.StatusOK || !strings.Contains(body, "&lt;script&gt;") {
		t.Fatalf("%d %s", recorder.Code, body)
	}
	for _, bad := range []string{"<script", "<img"} {
		if strings.Contains(body, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}
