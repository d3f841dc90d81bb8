package oauth2_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oauth2"
	"github.com/fedbroker/fedbroker/internal/fetch"
	"github.com/fedbroker/fedbroker/internal/secret"
)

const (
	callbackURL = "https://aws.example.com/oidc/gh/callback"
	handle      = "handle-of-22-characters"
)

func now() time.Time { return time.Unix(1790000000, 0) }

func loopback(t testing.TB, o fetch.Options) *http.Client {
	t.Helper()
	o.AllowLoopbackHTTP = true
	c, err := fetch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c.HTTPClient()
}

type fixture struct {
	*oauth2.Login
	t  testing.TB
	gh *idptest.GitHub
}

func newFixture(t testing.TB, change ...func(*oauth2.Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, gh: idptest.NewGitHub(t, "broker", "s3cret-canary", callbackURL)}
	service, err := oauth2.Preset("github-enterprise", f.gh.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := oauth2.Options{
		ID: "gh", Service: service, ClientID: "broker", ClientSecret: secret.New("s3cret-canary"), RedirectURL: callbackURL,
		HTTP: loopback(t, fetch.Options{}), AllowHTTP: true, Clock: now,
	}
	for _, c := range change {
		c(&o)
	}
	if f.Login, err = oauth2.New(o); err != nil {
		t.Fatal(err)
	}
	return f
}

type attempt struct {
	state idp.State
	back  url.Values
}

func (f *fixture) attempt() attempt {
	f.t.Helper()
	redirect, state, err := f.Begin(f.t.Context(), idp.LoginRequest{Handle: handle})
	if err != nil {
		f.t.Fatal(err)
	}
	return attempt{state, f.gh.SignIn(redirect.URL)}
}

func (f *fixture) finish(a attempt) (idp.Identity, error) {
	return f.Finish(f.t.Context(), a.state, idp.Callback{Form: a.back})
}

func (f *fixture) signsIn(t *testing.T) idp.Identity {
	t.Helper()
	id, err := f.finish(f.attempt())
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return id
}

func (f *fixture) turnsAway(t *testing.T, kind idp.Kind, reason string) {
	t.Helper()
	id, err := f.finish(f.attempt())
	wantRefusal(t, kind, reason, id, err)
}

func wantRefusal(t *testing.T, kind idp.Kind, reason string, id idp.Identity, err error) {
	t.Helper()
	var refusal *idp.Error
	switch {
	case !errors.As(err, &refusal):
		t.Errorf("got %v, want an idp.Error", err)
	case refusal.Kind != kind || !strings.Contains(refusal.Reason, reason):
		t.Errorf("got kind %d (%v), want %d with %q", refusal.Kind, err, kind, reason)
	case strings.Contains(err.Error(), "canary"):
		t.Errorf("the error says too much: %v", err)
	}
	if !reflect.DeepEqual(id, idp.Identity{}) {
		t.Errorf("an identity beside the error: %+v", id)
	}
}

func TestSignIn(t *testing.T) {
	f := newFixture(t)
	f.gh.SetList(idptest.GitHubEmails, idptest.Email("other@example.com", false, true), idptest.Email("octocat@example.com", true, true))
	f.gh.SetList(idptest.GitHubOrgs, idptest.Organization("acme", 9919, "active"), idptest.Organization("evil", 666, "pending"))
	f.gh.SetList(idptest.GitHubTeams, idptest.Team("acme", "platform", 7), idptest.Team("acme", "dev-ops", 8))
	id := f.signsIn(t)
	if id.Provider != "gh" || id.Issuer != f.gh.URL || id.Subject != "583231" || id.Username != "octocat" || id.Email != "octocat@example.com" {
		t.Errorf("got %+v", id)
	}
	if !slices.Equal(id.Groups, []string{"acme", "acme/dev-ops", "acme/platform"}) {
		t.Errorf("groups %q", id.Groups)
	}
	for name, want := range map[string]any{"organization_ids": []any{"9919"}, "team_ids": []any{"7", "8"}, "login": "octocat"} {
		if got, _ := id.Claims.Get(name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	p := id.Proof
	if p.Kind != idp.ProofCode || !p.Once || len(p.Hash) != 64 || !p.IssuedAt.Equal(now()) || !p.Expires.Equal(now().Add(10*time.Minute)) {
		t.Errorf("proof %+v", p)
	}
	if !id.AuthTime.IsZero() || id.AMR != nil || id.ACR != "" {
		t.Errorf("GitHub says nothing of how somebody signed in: %+v", id)
	}
}

func TestTheSubjectIsTheIDWhateverTheName(t *testing.T) {
	f := newFixture(t)
	f.gh.SetUser(map[string]any{"login": "renamed", "sub": "1", "subject": "1", "groups": []string{"acme"}, "organization_ids": []string{"9919"}, "email_verified": true})
	id := f.signsIn(t)
	if id.Subject != "583231" || len(id.Groups) != 0 {
		t.Errorf("got %+v", id)
	}
	if ids, _ := id.Claims.Get("organization_ids"); !reflect.DeepEqual(ids, []any{}) {
		t.Errorf("what a list fills came from user-info: %v", ids)
	}
}

func TestOnlyThePrimaryVerifiedAddress(t *testing.T) {
	for name, items := range map[string][]any{
		"none":         nil,
		"not verified": {idptest.Email("a@example.com", true, false)},
		"not primary":  {idptest.Email("a@example.com", false, true)},
		"odd":          {map[string]any{"email": "a@example.com", "primary": "true", "verified": 1}},
	} {
		f := newFixture(t)
		f.gh.SetList(idptest.GitHubEmails, items...)
		if id := f.signsIn(t); id.Email != "" {
			t.Errorf("%s: got %q", name, id.Email)
		}
	}
}

func teams(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = idptest.Team("acme", fmt.Sprintf("t%04d", i), i+1)
	}
	return out
}

func TestPagesAreFollowed(t *testing.T) {
	f := newFixture(t)
	f.gh.SetList(idptest.GitHubTeams, teams(250)...)
	if id := f.signsIn(t); len(id.Groups) != 250 {
		t.Errorf("%d groups", len(id.Groups))
	}
	if n := len(f.gh.Requests()); n != 6 {
		t.Errorf("%d requests: %q", n, f.gh.Requests())
	}
}

// TestUnknownGroupsAreNotNoGroups: what cannot be read whole fails the sign-in.
func TestUnknownGroupsAreNotNoGroups(t *testing.T) {
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			_, _ = w.Write([]byte("canary"))
		}
	}
	body := func(doc string, links ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, l := range links {
				w.Header().Add("Link", l)
			}
			_, _ = w.Write([]byte(doc))
		}
	}
	for name, tc := range map[string]struct {
		path   string
		answer http.HandlerFunc
		kind   idp.Kind
		reason string
	}{
		"no scope, 403":     {idptest.GitHubOrgs, status(403), idp.KindDenied, "scope read:org"},
		"no scope, 404":     {idptest.GitHubTeams, status(404), idp.KindDenied, "scope read:org"},
		"mail, no scope":    {idptest.GitHubEmails, status(404), idp.KindDenied, "scope user:email"},
		"token refused":     {"", status(401), idp.KindDenied, "does not tell the person"},
		"limit, 429":        {idptest.GitHubTeams, status(429), idp.KindUnavailable, "rate limit"},
		"limit, 403":        {idptest.GitHubTeams, status(403, "X-RateLimit-Remaining", "0"), idp.KindUnavailable, "rate limit"},
		"second limit":      {"", status(403, "Retry-After", "60"), idp.KindUnavailable, "rate limit"},
		"down":              {idptest.GitHubTeams, status(502), idp.KindUnavailable, "cannot be reached"},
		"another success":   {idptest.GitHubTeams, status(204), idp.KindUnavailable, "cannot be reached"},
		"elsewhere":         {idptest.GitHubTeams, status(302, "Location", "https://evil.example/"), idp.KindUnavailable, "cannot be reached"},
		"no list":           {idptest.GitHubTeams, body(`{}`), idp.KindInvalid, "no list of teams"},
		"no items":          {idptest.GitHubTeams, body(`[1]`), idp.KindInvalid, "strict JSON object"},
		"a name twice":      {idptest.GitHubTeams, body(`[{"slug":"a","slug":"b","id":1,"organization":{"login":"o"}}]`), idp.KindInvalid, "strict JSON object"},
		"no organisation":   {idptest.GitHubTeams, body(`[{"slug":"a","id":1}]`), idp.KindInvalid, "malformed"},
		"slash in the name": {idptest.GitHubOrgs, body(`[{"state":"active","organization":{"login":"acme/admins","id":1}}]`), idp.KindInvalid, "malformed"},
		"slash in the slug": {idptest.GitHubTeams, body(`[{"slug":"a/b","id":1,"organization":{"login":"o"}}]`), idp.KindInvalid, "malformed"},
		"empty slug":        {idptest.GitHubTeams, body(`[{"slug":"","id":1,"organization":{"login":"o"}}]`), idp.KindInvalid, "malformed"},
		"next elsewhere":    {idptest.GitHubTeams, body(`[]`, `<https://evil.example/x>; rel="next"`), idp.KindInvalid, "another host"},
		"next, no scheme":   {idptest.GitHubTeams, body(`[]`, `<//evil.example/x>; rel=next`), idp.KindInvalid, "another host"},
		"next, second link": {idptest.GitHubTeams, body(`[]`, `</a,b>; rel="prev last"`, `<https://evil.example/a,b>; title="x"; rel="last next"`), idp.KindInvalid, "another host"},
		"next, other port":  {idptest.GitHubTeams, body(`[]`, `<http://127.0.0.1:1/x>; REL="NEXT"`), idp.KindInvalid, "another host"},
		"round and round":   {idptest.GitHubTeams, body(`[]`, `</api/v3/user/teams>; rel="next"`), idp.KindInvalid, "too many teams"},
		"too many items":    {idptest.GitHubTeams, body("[" + strings.Repeat("{},", 2000) + "{}]"), idp.KindInvalid, "too many teams"},
		"user no object":    {"", body(`[]`), idp.KindInvalid, "strict JSON object"},
		"user twice":        {"", body(`{"id":1,"id":2}`), idp.KindInvalid, "strict JSON object"},
		"nobody":            {"", body(`{"login":"octocat"}`), idp.KindInvalid, "names nobody"},
		"null":              {"", body(`{"id":null}`), idp.KindInvalid, "names nobody"},
		"zero":              {"", body(`{"id":0}`), idp.KindInvalid, "names nobody"},
		"a fraction":        {"", body(`{"id":1.5}`), idp.KindInvalid, "names nobody"},
		"too large to tell": {"", body(`{"id":9223372036854775808}`), idp.KindInvalid, "names nobody"},
		"a list":            {"", body(`{"id":[583231]}`), idp.KindInvalid, "names nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.gh.Break(tc.path, tc.answer)
			f.turnsAway(t, tc.kind, tc.reason)
		})
	}
}

func TestMissingScope(t *testing.T) {
	f := newFixture(t)
	f.gh.Grant("user:email")
	f.turnsAway(t, idp.KindDenied, "the application needs the scope read:org")
}

func TestPagesEnd(t *testing.T) {
	f := newFixture(t)
	f.gh.Break(idptest.GitHubTeams, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `</api/v3/user/teams>; rel="next"`)
		_, _ = w.Write([]byte("[]"))
	})
	f.turnsAway(t, idp.KindInvalid, "too many teams")
	if n := len(f.gh.Requests()); n != 23 { // the person, mail, organisations, 20 pages
		t.Errorf("%d requests", n)
	}
}

// TestTheCodeIsNoYoungerThanItsSignIn: after a start on an empty store the pipeline refuses what began before.
func TestTheCodeIsNoYoungerThanItsSignIn(t *testing.T) {
	begun := now()
	f := newFixture(t, func(o *oauth2.Options) { o.Clock = func() time.Time { return begun } })
	a := f.attempt()
	begun = begun.Add(9 * time.Minute)
	id, err := f.finish(a)
	if err != nil || !id.Proof.IssuedAt.Equal(now()) || !id.Proof.Expires.Equal(now().Add(19*time.Minute)) {
		t.Errorf("proof %+v, %v", id.Proof, err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	f := newFixture(t, func(o *oauth2.Options) { o.HTTP = loopback(t, fetch.Options{MaxBytes: 2000}) })
	f.gh.SetUser(map[string]any{"bio": strings.Repeat("x", 3000)})
	f.turnsAway(t, idp.KindUnavailable, "cannot be reached")
}

func TestAnswersOfTheBrowser(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*attempt)
		kind   idp.Kind
		reason string
	}{
		"another state":     {func(a *attempt) { a.back.Set("state", "another") }, idp.KindInvalid, "another sign-in"},
		"no state":          {func(a *attempt) { a.back.Del("state"); a.state = idp.State{} }, idp.KindInvalid, "another sign-in"},
		"another code":      {func(a *attempt) { a.back.Set("code", "x") }, idp.KindInvalid, "does not accept the sign-in code"},
		"another verifier":  {func(a *attempt) { a.state["code_verifier"] = "x" }, idp.KindInvalid, "does not accept the sign-in code"},
		"no verifier":       {func(a *attempt) { delete(a.state, "code_verifier") }, idp.KindInvalid, "no code verifier"},
		"not begun":         {func(a *attempt) { delete(a.state, "begun") }, idp.KindInvalid, "malformed"},
		"denied":            {func(a *attempt) { a.back = url.Values{"state": {handle}, "error": {"access_denied"}} }, idp.KindDenied, "refused the sign-in"},
		"suspended":         {func(a *attempt) { a.back = url.Values{"state": {handle}, "error": {"application_suspended"}} }, idp.KindDenied, "registration"},
		"denied to another": {func(a *attempt) { a.back = url.Values{"state": {"another"}, "error": {"access_denied"}} }, idp.KindInvalid, "another sign-in"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			a := f.attempt()
			tc.change(&a)
			id, err := f.finish(a)
			wantRefusal(t, tc.kind, tc.reason, id, err)
		})
	}
	t.Run("unsolicited", func(t *testing.T) {
		f := newFixture(t)
		a := f.attempt()
		id, err := f.Finish(t.Context(), a.state, idp.Callback{Form: a.back, Unsolicited: true})
		wantRefusal(t, idp.KindInvalid, "did not begin in this browser", id, err)
	})
	t.Run("a code twice", func(t *testing.T) {
		f := newFixture(t)
		a := f.attempt()
		if _, err := f.finish(a); err != nil {
			t.Fatal(err)
		}
		id, err := f.finish(a)
		wantRefusal(t, idp.KindInvalid, "does not accept the sign-in code", id, err)
	})
	t.Run("a wrong secret", func(t *testing.T) {
		f := newFixture(t, func(o *oauth2.Options) { o.ClientSecret = secret.New("canary") })
		f.turnsAway(t, idp.KindUnavailable, "client id or secret")
	})
}

func TestNoStrongerSignIn(t *testing.T) {
	f := newFixture(t)
	for _, want := range []idp.LoginRequest{{Force: true}, {MaxAge: time.Minute}, {ACR: []string{"a"}}} {
		_, _, err := f.Begin(t.Context(), want)
		wantRefusal(t, idp.KindDenied, "fresh or a stronger", idp.Identity{}, err)
	}
}

func TestPresets(t *testing.T) {
	for _, tc := range []struct{ name, base, issuer, userinfo string }{
		{"github", "", "https://github.com", "https://api.github.com/user"},
		{"github-enterprise", "https://git.example.com/", "https://git.example.com", "https://git.example.com/api/v3/user"},
		{"github-enterprise", "https://acme.ghe.com", "https://acme.ghe.com", "https://api.acme.ghe.com/user"},
		{"facebook", "", "https://www.facebook.com", "https://graph.facebook.com/me?fields=id,name"},
		{"x", "", "https://x.com", "https://api.x.com/2/users/me"},
	} {
		s, err := oauth2.Preset(tc.name, tc.base)
		if err != nil || s.Issuer != tc.issuer || s.UserinfoURL != tc.userinfo {
			t.Errorf("%s: %+v, %v", tc.name, s, err)
		}
		if _, err := oauth2.New(oauth2.Options{ID: "a", Service: s, ClientID: "c", RedirectURL: callbackURL, HTTP: http.DefaultClient}); err != nil {
			t.Error(err)
		}
	}
	for _, tc := range [][2]string{{"gitlab", ""}, {"github", "https://x.example"}, {"github-enterprise", ""}, {"github-enterprise", "https://x.example/y"}, {"github-enterprise", "x"}, {"github-enterprise", "https://u@x.example"}} {
		if s, err := oauth2.Preset(tc[0], tc[1]); err == nil {
			t.Errorf("%q: %+v", tc, s)
		}
	}
}

// TestServicesAsData: what is neither GitHub nor a preset needs no code.
func TestServicesAsData(t *testing.T) {
	f := newFixture(t, func(o *oauth2.Options) {
		o.Service.Lists = nil
		o.Service.Fields = oauth2.Fields{Subject: "/data/id", Username: "/data/user/0", Email: "/mail", Groups: "/data/teams"}
	})
	f.gh.SetUser(map[string]any{"data": map[string]any{"id": "u-7", "user": []string{"ana"}, "teams": []string{"b", "a", "a"}}, "mail": "ana@example.com"})
	id := f.signsIn(t)
	if id.Subject != "u-7" || id.Username != "ana" || id.Email != "ana@example.com" || !slices.Equal(id.Groups, []string{"a", "b"}) {
		t.Errorf("got %+v", id)
	}
	f.gh.SetUser(map[string]any{"data": map[string]any{"id": "u-7", "teams": []any{map[string]any{}}}})
	f.turnsAway(t, idp.KindInvalid, "groups of user-info")
}

func TestOptions(t *testing.T) {
	service, err := oauth2.Preset("github", "")
	if err != nil {
		t.Fatal(err)
	}
	good := oauth2.Options{ID: "a", Service: service, ClientID: "c", RedirectURL: callbackURL, HTTP: http.DefaultClient}
	for name, change := range map[string]func(*oauth2.Options){
		"no id":       func(o *oauth2.Options) { o.ID = "" },
		"no client":   func(o *oauth2.Options) { o.ClientID = "" },
		"no fetcher":  func(o *oauth2.Options) { o.HTTP = nil },
		"redirect":    func(o *oauth2.Options) { o.RedirectURL = "/callback" },
		"empty scope": func(o *oauth2.Options) { o.Scopes = []string{""} },
		"http":        func(o *oauth2.Options) { o.Service.TokenURL = "http://127.0.0.1/token" },
		"http list":   func(o *oauth2.Options) { o.Service.Lists = []oauth2.List{{URL: "http://127.0.0.1/x"}} },
		"script":      func(o *oauth2.Options) { o.Service.AuthorizeURL = "javascript:alert(1)" },
		"nobody":      func(o *oauth2.Options) { o.Service.Fields.Subject = "" },
		"no pointer":  func(o *oauth2.Options) { o.Service.Fields.Email = "email" },
		"no issuer":   func(o *oauth2.Options) { o.Service.Issuer = "" },
	} {
		o := good
		change(&o)
		if _, err := oauth2.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
