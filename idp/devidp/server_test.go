package devidp_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func TestNewRefusesOtherThanLoopback(t *testing.T) {
	for _, base := range []string{
		"", "http://127.0.0.1", "http://127.0.0.1:8444/", "http://127.0.0.1:8444/idp", "http://127.0.0.1:8444?x=1",
		"https://127.0.0.1:8444", "http://0.0.0.0:8444", "http://[::]:8444", "http://192.0.2.1:8444", "http://10.0.0.1:8444",
		"http://idp.example.com:8444", "http://localhost.example.com:8444", "http://user@127.0.0.1:8444", "http://127.0.0.1.nip.io:8444",
	} {
		if _, err := devidp.NewForTest(devidp.Options{BaseURL: base}); err == nil {
			t.Errorf("%q must be refused", base)
		}
	}
	for _, base := range []string{"http://127.0.0.1:8444", "http://localhost:8444", "http://[::1]:8444", "http://127.0.0.2:1"} {
		if _, err := devidp.NewForTest(devidp.Options{BaseURL: base}); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
}

func TestNewRefusesIncompleteParties(t *testing.T) {
	client := devidp.Client{ID: "a", Secret: secret.New("s"), RedirectURIs: []string{"http://localhost/cb"}}
	sp := devidp.ServiceProvider{EntityID: "sp", ACS: []string{"http://localhost/acs"}}
	repo := devidp.Repo{Owner: "o", OwnerID: 1, Name: "r", ID: 2}
	for name, o := range map[string]devidp.Options{
		"client twice":        {Clients: []devidp.Client{client, client}},
		"client no secret":    {Clients: []devidp.Client{{ID: "a", RedirectURIs: client.RedirectURIs}}},
		"client no redirect":  {Clients: []devidp.Client{{ID: "a", Secret: client.Secret}}},
		"client script":       {Clients: []devidp.Client{{ID: "a", Secret: client.Secret, RedirectURIs: []string{"javascript:alert(1)"}}}},
		"client fragment":     {Clients: []devidp.Client{{ID: "a", Secret: client.Secret, RedirectURIs: []string{"http://localhost/cb#f"}}}},
		"sp no ACS":           {ServiceProviders: []devidp.ServiceProvider{{EntityID: "sp"}}},
		"sp no id":            {ServiceProviders: []devidp.ServiceProvider{{ACS: sp.ACS}}},
		"sp script":           {ServiceProviders: []devidp.ServiceProvider{{EntityID: "sp", ACS: []string{"javascript:alert(1)"}}}},
		"person without name": {People: []devidp.Person{{Subject: "x"}}},
		"person twice":        {People: []devidp.Person{{Username: "a"}, {Username: "a"}}},
		"repo twice":          {Repos: []devidp.Repo{repo, repo}},
		"repo without id":     {Repos: []devidp.Repo{{Owner: "o", OwnerID: 1, Name: "r"}}},
	} {
		o.BaseURL = "http://127.0.0.1:1"
		if _, err := devidp.NewForTest(o); err == nil {
			t.Errorf("%s: must be refused", name)
		}
	}
}

func TestNewMakesNewKeysAndPasswords(t *testing.T) {
	o := devidp.Options{BaseURL: "http://127.0.0.1:1"}
	one, err := devidp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	two, err := devidp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(one.People()) != 3 {
		t.Fatalf("%d default people", len(one.People()))
	}
	readable := regexp.MustCompile(`^[a-z2-7]{4}(-[a-z2-7]{4}){3}$`)
	seen := map[string]bool{}
	for _, a := range append(one.People(), two.People()...) {
		password := a.Password.Reveal()
		if !readable.MatchString(password) || seen[password] {
			t.Errorf("password of %s is not new and readable", a.Username)
		}
		seen[password] = true
	}
	if one.Repos()[0].RequestToken.Equal(two.Repos()[0].RequestToken) {
		t.Error("request tokens must be new")
	}
}

func TestForeignHostIsRefused(t *testing.T) {
	s := start(t, nil)
	port := strings.TrimPrefix(s.BaseURL(), "http://127.0.0.1")
	for _, host := range []string{"evil.example" + port, "localhost" + port, "127.0.0.1", "127.0.0.1:1"} {
		for _, path := range []string{"/", "/login", "/saml/metadata", "/ci/jwks"} {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.BaseURL()+path, nil)
			r.Host = host
			if answer, _ := do(t, r); answer.StatusCode != http.StatusMisdirectedRequest {
				t.Errorf("Host %q on %s answered %d", host, path, answer.StatusCode)
			}
		}
	}
}

func TestEveryPageIsHardened(t *testing.T) {
	s := start(t, nil)
	for _, path := range []string{"/", "/login", "/nowhere", "/saml/sso", "/saml/metadata", "/oidc/authorize", "/ci/token", "/static/style.css"} {
		answer, body := get(t, s.BaseURL()+path)
		csp := answer.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(body, "<script>") || strings.Contains(body, " style=") {
			t.Errorf("%s: inline code", path)
		}
		if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, answer.Header)
		}
	}
}

func TestSignInAndOut(t *testing.T) {
	s := start(t, nil)
	b := devclient.New(devclient.Options{})
	page, err := b.SignIn(t.Context(), s.BaseURL()+"/login", person(t, s, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page.Body), "Signed in as <b>alice</b>") || !strings.Contains(string(page.Body), "aws-admins, developers") {
		t.Errorf("page after sign-in: %s", page.Body)
	}
	if !strings.Contains(string(page.Body), "Development identity provider") {
		t.Error("the page must say what it is")
	}
	if page := open(t, b, s.BaseURL()+"/login"); page.URL.Path != "/" {
		t.Errorf("signed in already, yet at %s", page.URL)
	}
	answer, _ := post(t, s.BaseURL()+"/logout", nil)
	if answer.StatusCode != http.StatusSeeOther {
		t.Errorf("logout answered %d", answer.StatusCode)
	}
}

func TestLogoutEndsTheSessionAtTheServer(t *testing.T) {
	s := start(t, nil)
	cookie := signInByHand(t, s, person(t, s, "bob"), "")
	if _, body := withCookie(t, http.MethodGet, s.BaseURL()+"/", cookie); !strings.Contains(body, "<b>bob</b>") {
		t.Fatal("not signed in")
	}
	withCookie(t, http.MethodPost, s.BaseURL()+"/logout", cookie)
	if _, body := withCookie(t, http.MethodGet, s.BaseURL()+"/", cookie); strings.Contains(body, "<b>bob</b>") {
		t.Error("the session outlived the logout")
	}
}

func TestSignInMakesANewSession(t *testing.T) {
	s := start(t, nil)
	planted := "planted-by-somebody-else"
	handle := signInByHand(t, s, person(t, s, "bob"), planted)
	if handle == planted || handle == "" {
		t.Error("a session handle must be new at sign-in")
	}
	if _, body := withCookie(t, http.MethodGet, s.BaseURL()+"/", planted); strings.Contains(body, "<b>bob</b>") {
		t.Error("the planted session works")
	}
	signInByHand(t, s, person(t, s, "carol"), handle)
	if _, body := withCookie(t, http.MethodGet, s.BaseURL()+"/", handle); strings.Contains(body, "<b>bob</b>") {
		t.Error("the session before outlived the next sign-in")
	}
}

func TestSessionsEnd(t *testing.T) {
	now := newClock()
	s := start(t, func(o *devidp.Options) { o.Clock = now.Now })
	cookie := signInByHand(t, s, person(t, s, "bob"), "")
	now.Advance(8 * time.Hour)
	if _, body := withCookie(t, http.MethodGet, s.BaseURL()+"/", cookie); strings.Contains(body, "<b>bob</b>") {
		t.Error("a session must end after eight hours")
	}
}

// signInByHand returns the session cookie's value; sent, when not empty, is the cookie that the browser had before.
func signInByHand(t *testing.T, s *devidp.Server, who devclient.Person, sent string) string {
	t.Helper()
	form := loginFields(t, s, who)
	r := postRequest(t, s.BaseURL()+"/login", form)
	if sent != "" {
		r.AddCookie(&http.Cookie{Name: devidp.SessionCookie, Value: sent})
	}
	answer, _ := do(t, r)
	for _, c := range answer.Cookies() {
		if c.Name == devidp.SessionCookie {
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("cookie %v", c)
			}
			return c.Value
		}
	}
	t.Fatalf("no session after sign-in: %d", answer.StatusCode)
	return ""
}

func loginFields(t *testing.T, s *devidp.Server, who devclient.Person) url.Values {
	t.Helper()
	page := open(t, devclient.New(devclient.Options{}), s.BaseURL()+"/login")
	return typed(t, page, who).Fields
}

func withCookie(t *testing.T, method, rawURL, handle string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, rawURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: devidp.SessionCookie, Value: handle})
	return do(t, r)
}
