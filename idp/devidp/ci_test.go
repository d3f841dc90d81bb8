package devidp_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/fedbroker/fedbroker/idp/devidp"
)

// ciToken asks the way GitHub's toolkit does: it appends to the request URL.
func ciToken(t testing.TB, access devidp.CIAccess, token, extra string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, access.RequestURL+extra, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "bearer "+token)
	answer, body := do(t, r)
	var got struct{ Value string }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return answer.StatusCode, got.Value
}

func verifyCI(t *testing.T, s *devidp.Server, now *clock, audience, raw string) map[string]any {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), s.CIIssuer())
	if err != nil {
		t.Fatal(err)
	}
	token, err := provider.Verifier(&oidc.Config{ClientID: audience, Now: now.Now}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestCITokensLookLikeGitHubs(t *testing.T) {
	now := newClock()
	s := start(t, func(o *devidp.Options) { o.Clock = now.Now })
	for name, tc := range map[string]struct {
		repo  int
		extra string
		aud   string
		want  map[string]any
	}{
		"push on main": {0, "&audience=https%3A%2F%2Faws.example.com", "https://aws.example.com", map[string]any{
			"sub": "repo:octo-org/shop:ref:refs/heads/main", "ref": "refs/heads/main", "event_name": "push", "ref_type": "branch",
			"repository": "octo-org/shop", "repository_id": "1296269", "repository_owner": "octo-org", "repository_owner_id": "9919",
			"actor": "octocat", "actor_id": "583231", "workflow": "deploy", "runner_environment": "github-hosted",
			"job_workflow_ref": "octo-org/shop/.github/workflows/deploy.yml@refs/heads/main",
		}},
		"no audience": {0, "", "https://github.com/octo-org", map[string]any{"sub": "repo:octo-org/shop:ref:refs/heads/main"}},
		"pull request": {0, "&audience=a&event=pull_request", "a", map[string]any{
			"sub": "repo:octo-org/shop:pull_request", "ref": "refs/pull/7/merge", "event_name": "pull_request", "head_ref": "feature", "base_ref": "main",
		}},
		"environment": {0, "&audience=a&event=pull_request&environment=prod%3Aeu", "a", map[string]any{
			"sub": "repo:octo-org/shop:environment:prod%3Aeu", "environment": "prod:eu",
		}},
		"tag":        {0, "&audience=a&ref=refs/tags/v1", "a", map[string]any{"sub": "repo:octo-org/shop:ref:refs/tags/v1", "ref_type": "tag"}},
		"dispatched": {0, "&audience=a&event=workflow_dispatch&actor=mona", "a", map[string]any{"event_name": "workflow_dispatch", "actor": "mona"}},
		"immutable":  {1, "&audience=a", "a", map[string]any{"sub": "repo:octo-org@9919/billing@901445512:ref:refs/heads/main"}},
	} {
		t.Run(name, func(t *testing.T) {
			access := s.Repos()[tc.repo]
			status, raw := ciToken(t, access, access.RequestToken.Reveal(), tc.extra)
			if status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			claims := verifyCI(t, s, now, tc.aud, raw)
			for claim, want := range tc.want {
				if claims[claim] != want {
					t.Errorf("%s is %v, want %v", claim, claims[claim], want)
				}
			}
			life := claims["exp"].(float64) - claims["iat"].(float64)
			if life != 300 || claims["nbf"] != claims["iat"] || claims["jti"] == "" || claims["run_id"] == "" {
				t.Errorf("times or ids: %v", claims)
			}
			if _, ok := claims["environment"]; ok != (tc.want["environment"] != nil) {
				t.Error("environment must be absent without one")
			}
		})
	}
}

func TestCITokenRequestsAreHeldToTheirRepository(t *testing.T) {
	s := start(t, nil)
	shop, billing := s.Repos()[0], s.Repos()[1]
	good := shop.RequestToken.Reveal()
	bad := shop
	bad.RequestURL = s.BaseURL() + "/ci/token?repo=octo-org%2Funknown"
	for name, tc := range map[string]struct {
		access devidp.CIAccess
		token  string
		extra  string
		status int
	}{
		"good":             {shop, good, "&audience=a", http.StatusOK},
		"no token":         {shop, "", "", http.StatusUnauthorized},
		"wrong token":      {shop, good + "x", "", http.StatusUnauthorized},
		"half a token":     {shop, good[:10], "", http.StatusUnauthorized},
		"another's token":  {shop, billing.RequestToken.Reveal(), "", http.StatusUnauthorized},
		"unknown repo":     {bad, good, "", http.StatusUnauthorized},
		"repo twice":       {shop, good, "&repo=octo-org%2Fbilling", http.StatusBadRequest},
		"audience twice":   {shop, good, "&audience=a&audience=b", http.StatusBadRequest},
		"unknown event":    {shop, good, "&event=schedule2", http.StatusBadRequest},
		"ref not a ref":    {shop, good, "&ref=main", http.StatusBadRequest},
		"long audience":    {shop, good, "&audience=" + strings.Repeat("a", 300), http.StatusBadRequest},
		"long environment": {shop, good, "&environment=" + strings.Repeat("a", 300), http.StatusBadRequest},
	} {
		status, value := ciToken(t, tc.access, tc.token, tc.extra)
		if status != tc.status || (value != "") != (status == http.StatusOK) {
			t.Errorf("%s: %d, token %v", name, status, value != "")
		}
	}
	if answer, _ := post(t, shop.RequestURL, url.Values{}); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("POST without a token: %d", answer.StatusCode)
	}
}

func TestSubjectsCannotBeForgedByNames(t *testing.T) {
	now := newClock()
	s := start(t, func(o *devidp.Options) { o.Clock = now.Now })
	access := s.Repos()[0]
	_, raw := ciToken(t, access, access.RequestToken.Reveal(), "&audience=a&event=push&ref="+url.QueryEscape("refs/heads/x:environment:prod"))
	if sub := verifyCI(t, s, now, "a", raw)["sub"]; sub != "repo:octo-org/shop:ref:refs/heads/x%3Aenvironment%3Aprod" {
		t.Errorf("sub %v", sub)
	}
}

func TestKeysDoNotCross(t *testing.T) {
	now := newClock()
	s := start(t, func(o *devidp.Options) { o.Clock = now.Now })
	access := s.Repos()[0]
	_, raw := ciToken(t, access, access.RequestToken.Reveal(), "&audience=a")
	oidcKeys := oidc.NewRemoteKeySet(t.Context(), s.BaseURL()+"/oidc/jwks")
	if _, err := oidcKeys.VerifySignature(t.Context(), raw); err == nil {
		t.Error("a CI token verifies with the OIDC keys")
	}
	now.Advance(6 * time.Minute)
	provider, err := oidc.NewProvider(t.Context(), s.CIIssuer())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Verifier(&oidc.Config{ClientID: "a", Now: now.Now}).Verify(t.Context(), raw); err == nil {
		t.Error("a CI token must be over after five minutes")
	}
}
