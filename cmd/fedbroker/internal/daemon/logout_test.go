package daemon

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp/idptest"
)

const logoutYAML = `
server: {listen: "127.0.0.1:0", public_url: "https://broker.test"}
idps:
  - {id: op, insecure_http: true, oidc: {issuer: %q, client_id: broker, client_secret: "env:SECRET"}%s}
aws:
  accounts: [{id: "111122223333", name: prod}]
  roles: [{name: prod/reader, arn: "arn:aws:iam::111122223333:role/Reader"}]
rules: [{name: all, idp: op, match: {sub: u1001}, roles: [prod/reader]}]
`

// TestSigningOutFollowsTheConfiguration: by default people leave the provider, too; with logout: local they do not. What
// the provider ends is over in either case.
func TestSigningOutFollowsTheConfiguration(t *testing.T) {
	for setting, leaves := range map[string]bool{"": true, ", logout: provider": true, ", logout: local": false} {
		op := idptest.NewOpenID(t, "broker", "s3cret", "https://broker.test/oidc/op/callback")
		op.SetDiscovery(op.Metadata(map[string]any{"end_session_endpoint": op.URL + "/end"}))
		o := options()
		o.Getenv = func(name string) (string, bool) { return "s3cret", name == "SECRET" }
		f, err := configs.Parse("test.yaml", fmt.Appendf(nil, logoutYAML, op.URL, setting), o.Getenv)
		if err != nil {
			t.Fatal(err)
		}
		d, err := New(t.Context(), f, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		signIn := func() []*http.Cookie {
			begun := visit(d, "/login/op", nil)
			return visit(d, "/oidc/op/callback?"+op.SignIn(begun.Header.Get("Location")).Encode(), begun.Cookies()).Cookies()
		}
		session := signIn()
		if body := post(t, d, "/logout", nil, session); strings.Contains(body, op.URL+"/end") != leaves || !strings.Contains(body, "signed out") {
			t.Errorf("%q: %s", setting, body)
		}
		session = signIn()
		if home := visit(d, "/", session); home.StatusCode != http.StatusOK {
			t.Fatalf("not signed in: %s", home.Status)
		}
		token := url.Values{"logout_token": {op.LogoutToken(map[string]any{"aud": "broker", "sub": "u1001"})}}
		if body := post(t, d, "/oidc/op/backchannel-logout", token, nil); body != "" {
			t.Errorf("%q: %s", setting, body)
		}
		if home := visit(d, "/", session); home.StatusCode != http.StatusSeeOther {
			t.Errorf("%q: the provider ended the session, and it lives: %s", setting, home.Status)
		}
	}
}

func post(t *testing.T, d *Daemon, target string, form url.Values, cookies []*http.Cookie) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://broker.test")
	for _, c := range cookies {
		if c.MaxAge >= 0 {
			r.AddCookie(c)
		}
	}
	w := httptest.NewRecorder()
	d.route(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
