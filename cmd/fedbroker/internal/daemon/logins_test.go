package daemon

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oauth2"
)

const loginsYAML = `
server: {listen: "127.0.0.1:0", public_url: "https://broker.test"}
idps:
  - {id: gh, insecure_http: true, oauth2: {preset: github-enterprise, base_url: %q, client_id: broker, client_secret: "env:SECRET"}}
  - {id: op, insecure_http: true, oidc: {issuer: %q, client_id: broker, client_secret: "env:SECRET", userinfo: true}}
aws:
  accounts: [{id: "111122223333", name: prod}]
  roles:
    - {name: prod/reader, arn: "arn:aws:iam::111122223333:role/Reader"}
    - {name: prod/writer, arn: "arn:aws:iam::111122223333:role/Writer"}
rules:
  - {name: team, idp: gh, match: {groups: acme/platform}, roles: [prod/reader]}
  - {name: group, idp: op, match: {groups: writers}, roles: [prod/writer]}
`

// TestPeopleSignIn from the configuration to the roles, by both kinds of login.
func TestPeopleSignIn(t *testing.T) {
	gh := idptest.NewGitHub(t, "broker", "s3cret", "https://broker.test/oidc/gh/callback")
	gh.SetList(idptest.GitHubTeams, idptest.Team("acme", "platform", 7))
	op := idptest.NewOpenID(t, "broker", "s3cret", "https://broker.test/oidc/op/callback")
	op.SetUserinfo(map[string]any{"sub": "u1001", "groups": []string{"writers"}})
	o := options()
	o.Getenv = func(name string) (string, bool) { return "s3cret", name == "SECRET" }
	f, err := configs.Parse("test.yaml", fmt.Appendf(nil, loginsYAML, gh.URL, op.URL), o.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	for id, want := range map[string]string{"gh": "prod/reader", "op": "prod/writer"} {
		begun := visit(d, "/login/"+id, nil)
		back := gh.SignIn(begun.Header.Get("Location")) // either plays the browser
		landed := visit(d, "/oidc/"+id+"/callback?"+back.Encode(), begun.Cookies())
		if landed.StatusCode != http.StatusSeeOther || landed.Header.Get("Location") != "/" {
			t.Errorf("%s: %s to %q", id, landed.Status, landed.Header.Get("Location"))
			continue
		}
		var roles strings.Builder
		if err := visit(d, "/api/v1/roles", landed.Cookies()).Write(&roles); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(roles.String(), want) || strings.Count(roles.String(), `"name":`) != 1 {
			t.Errorf("%s: want %s alone: %s", id, want, roles.String())
		}
	}
}

func visit(d *Daemon, target string, cookies []*http.Cookie) *http.Response {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for _, c := range cookies {
		if c.MaxAge >= 0 {
			r.AddCookie(c)
		}
	}
	w := httptest.NewRecorder()
	d.route(w, r)
	return w.Result()
}

func TestServiceOf(t *testing.T) {
	got, err := serviceOf(&configs.OAuth2{
		Preset: "github", UserinfoURL: "https://proxy.example/user", Fields: map[string]string{"username": "/name", "email": "/mail"},
	})
	want, _ := oauth2.Preset("github", "")
	want.UserinfoURL, want.Fields.Username, want.Fields.Email = "https://proxy.example/user", "/name", "/mail"
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = serviceOf(&configs.OAuth2{
		AuthorizeURL: "https://sso.example/a?b", TokenURL: "https://sso.example/t", UserinfoURL: "https://api.example/me", Fields: map[string]string{"subject": "/id", "groups": "/g"},
	})
	if err != nil || got.Issuer != "https://sso.example" || got.TokenURL != "https://sso.example/t" || got.Fields != (oauth2.Fields{Subject: "/id", Groups: "/g"}) || got.Lists != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := serviceOf(&configs.OAuth2{Preset: "none"}); err == nil {
		t.Error("a preset that does not exist")
	}
}

// TestMappingTestsOfTheExamples runs the tests in each example for a login.
func TestMappingTestsOfTheExamples(t *testing.T) {
	for _, name := range []string{"keycloak.yaml", "google.yaml", "github-login.yaml"} {
		f, err := configs.Load(filepath.Join("../../../../configs", name), func(string) (string, bool) { return "s3cret", true })
		if err != nil {
			t.Fatal(err)
		}
		checked, err := Check(f, options())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, r := range checked.RunTests(time.Now()) {
			if len(r.Differences) > 0 {
				t.Errorf("%s: %s: %q", name, r.Name, r.Differences)
			}
		}
	}
}

// TestRulesThatAnOAuth2ServiceCannotMeetAreRefused: it says nothing of how somebody signed in.
func TestRulesThatAnOAuth2ServiceCannotMeetAreRefused(t *testing.T) {
	text := strings.Replace(fmt.Sprintf(loginsYAML, "http://127.0.0.1:1", "http://127.0.0.1:2"), "match: {groups: acme/platform}", "match: {groups: acme/platform}, require: {max_auth_age: 15m}", 1)
	f, err := configs.Parse("test.yaml", []byte(text), func(string) (string, bool) { return "s3cret", true })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(f, options()); err == nil || !strings.Contains(err.Error(), "does not say when somebody signed in") {
		t.Errorf("got %v", err)
	}
	callback := (&provider{config: configs.IdP{ID: "a b"}, publicURL: "https://x.example"}).callback()
	if u, err := url.Parse(callback); err != nil || u.Path != "/oidc/a b/callback" {
		t.Errorf("callback %q", callback)
	}
}
