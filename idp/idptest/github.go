package idptest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// GitHub speaks as a GitHub Enterprise Server does: OAuth 2.0 with answers in forms, and the parts of the REST API that
// tell who somebody is, in pages. Whoever comes is signed in at once.
type GitHub struct {
	// URL is the server; its API is beneath URL + "/api/v3".
	URL string
	// ClientID, ClientSecret and RedirectURI are the registration.
	ClientID, ClientSecret, RedirectURI string

	t  testing.TB
	mu sync.Mutex
	// guarded
	user     map[string]any
	lists    map[string][]any
	scopes   []string // granted instead of those that were asked for
	granted  []string
	pageSize int
	broken   map[string]http.HandlerFunc
	codes    map[string]url.Values
	requests []string // API requests
	seen     []url.Values
}

// Lists of a [GitHub], beneath /user.
const (
	GitHubEmails = "/emails"
	GitHubOrgs   = "/memberships/orgs"
	GitHubTeams  = "/teams"
)

// NewGitHub starts a server with one application and one person, octocat, who is in no organisation.
func NewGitHub(t testing.TB, clientID, clientSecret, redirectURI string) *GitHub {
	t.Helper()
	g := &GitHub{
		t: t, ClientID: clientID, ClientSecret: clientSecret, RedirectURI: redirectURI, pageSize: 100,
		user:  map[string]any{"login": "octocat", "id": 583231, "name": "The Octocat", "email": "public@example.com", "type": "User"},
		lists: map[string][]any{}, broken: map[string]http.HandlerFunc{}, codes: map[string]url.Values{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/oauth/authorize", g.authorize)
	mux.HandleFunc("POST /login/oauth/access_token", g.accessToken)
	mux.HandleFunc("GET /api/v3/user", g.api("", func(http.ResponseWriter, *http.Request) any { return g.user }))
	for path, scope := range map[string]string{GitHubEmails: "user:email", GitHubOrgs: "read:org", GitHubTeams: "read:org"} {
		mux.HandleFunc("GET /api/v3/user"+path, g.api(scope, g.pageOf(path)))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

// Email is an item of [GitHubEmails].
func Email(address string, primary, verified bool) any {
	return map[string]any{"email": address, "primary": primary, "verified": verified, "visibility": nil}
}

// Organization is an item of [GitHubOrgs].
func Organization(login string, id int, state string) any {
	return map[string]any{"state": state, "role": "member", "organization": map[string]any{"login": login, "id": id}}
}

// Team is an item of [GitHubTeams].
func Team(org, slug string, id int) any {
	return map[string]any{"id": id, "name": strings.ToUpper(slug), "slug": slug, "parent": nil, "organization": map[string]any{"login": org, "id": id + 1}}
}

// SetUser changes members of the person; [Absent] leaves one out.
func (g *GitHub) SetUser(changes map[string]any) {
	g.set(func() {
		for name, v := range changes {
			if g.user[name] = v; v == (Absent{}) {
				delete(g.user, name)
			}
		}
	})
}

// SetList replaces a list.
func (g *GitHub) SetList(path string, items ...any) { g.set(func() { g.lists[path] = items }) }

// SetPageSize makes pages smaller than what is asked for.
func (g *GitHub) SetPageSize(n int) { g.set(func() { g.pageSize = n }) }

// Grant gives these scopes, whatever is asked for.
func (g *GitHub) Grant(scopes ...string) { g.set(func() { g.scopes = scopes }) }

// Break answers an API path beneath /user by hand; nil mends it.
func (g *GitHub) Break(path string, h http.HandlerFunc) {
	g.set(func() { g.broken["/api/v3/user"+path] = h })
}

func (g *GitHub) set(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
}

// Requests are the API requests so far, path and query.
func (g *GitHub) Requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.requests)
}

// SignIn plays a browser that opens the authorization URL and returns the parameters that it is sent back with.
func (g *GitHub) SignIn(authorizeURL string) url.Values { return signIn(g.t, authorizeURL) }

func (g *GitHub) authorize(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := r.URL.Query()
	if why := badAuthorize(q, g.ClientID, g.RedirectURI); why != "" {
		http.Error(w, why, http.StatusBadRequest)
		return
	}
	g.seen = append(g.seen, q)
	code := fmt.Sprintf("code-canary-%d", len(g.seen))
	g.codes[code] = q
	redirectBack(w, r, g.RedirectURI, url.Values{"code": {code}, "state": {q.Get("state")}}, nil)
}

// accessToken answers 200 in every case, as GitHub does, and in a form.
func (g *GitHub) accessToken(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	answer := url.Values{}
	request, known := g.codes[r.PostFormValue("code")]
	delete(g.codes, r.PostFormValue("code"))
	switch {
	case r.PostFormValue("client_id") != g.ClientID || r.PostFormValue("client_secret") != g.ClientSecret:
		answer.Set("error", "incorrect_client_credentials")
	case !known || r.PostFormValue("redirect_uri") != g.RedirectURI || !challengeFits(request, r.PostFormValue("code_verifier")):
		answer.Set("error", "bad_verification_code")
		answer.Set("error_description", "The code passed is incorrect or expired, says the canary.")
	default:
		if g.granted = strings.Fields(request.Get("scope")); g.scopes != nil {
			g.granted = g.scopes
		}
		answer = url.Values{"access_token": {AccessToken}, "token_type": {"bearer"}, "scope": {strings.Join(g.granted, ",")}}
	}
	_, _ = w.Write([]byte(answer.Encode()))
}

// api checks token and scope before the answer.
func (g *GitHub) api(scope string, answer func(http.ResponseWriter, *http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.requests = append(g.requests, r.URL.RequestURI())
		w.Header().Set("X-OAuth-Scopes", strings.Join(g.granted, ", "))
		w.Header().Set("X-Accepted-OAuth-Scopes", scope)
		w.Header().Set("X-RateLimit-Remaining", "4999")
		switch h := g.broken[r.URL.Path]; {
		case h != nil:
			h(w, r)
		case r.Header.Get("Authorization") != "Bearer "+AccessToken:
			writeJSON(g.t, w, http.StatusUnauthorized, map[string]any{"message": "Bad credentials"})
		case scope != "" && !slices.Contains(g.granted, scope):
			writeJSON(g.t, w, http.StatusForbidden, map[string]any{"message": "You need at least " + scope + " scope"})
		default:
			writeJSON(g.t, w, http.StatusOK, answer(w, r))
		}
	}
}

// pageOf cuts a page of a list, with Link to its neighbours.
func (g *GitHub) pageOf(path string) func(http.ResponseWriter, *http.Request) any {
	return func(w http.ResponseWriter, r *http.Request) any {
		q := r.URL.Query()
		size, _ := strconv.Atoi(q.Get("per_page"))
		size = min(max(size, 30), g.pageSize)
		number, _ := strconv.Atoi(q.Get("page"))
		number = max(number, 1)
		items := g.lists[path]
		from, to := min((number-1)*size, len(items)), min(number*size, len(items))
		link := func(page int, rel string) string {
			q.Set("page", strconv.Itoa(page))
			return fmt.Sprintf(`<%s%s?%s>; rel=%q`, g.URL, r.URL.Path, q.Encode(), rel)
		}
		var links []string
		if number > 1 {
			links = append(links, link(number-1, "prev"), link(1, "first"))
		}
		if to < len(items) {
			links = append(links, link(number+1, "next"), link((len(items)+size-1)/size, "last"))
		}
		if len(links) > 0 {
			w.Header().Set("Link", strings.Join(links, ", "))
		}
		return append([]any{}, items[from:to]...)
	}
}
