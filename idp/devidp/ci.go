package devidp

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// ciTokenLife is what GitHub gives a workflow token.
const ciTokenLife = 5 * time.Minute

// What a run looks like where the request does not say.
const (
	ciWorkflow  = "deploy"
	ciFile      = ".github/workflows/deploy.yml"
	ciActor     = "octocat"
	ciActorID   = "583231"
	ciMain      = "refs/heads/main"
	ciPullRef   = "refs/pull/7/merge"
	ciPullHead  = "feature"
	ciCommitSHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
)

func (s *Server) addRepos(repos []Repo) error {
	seen := map[string]bool{}
	for _, repo := range repos {
		if err := repo.check(); err != nil {
			return err
		}
		if seen[repo.FullName()] {
			return fmt.Errorf("repository %q occurs twice", repo.FullName())
		}
		seen[repo.FullName()] = true
		token, err := newHandle(s.rand)
		if err != nil {
			return err
		}
		s.repos = append(s.repos, CIAccess{
			Repo: repo, RequestToken: secret.New(token),
			RequestURL: s.url("/ci/token") + "?" + url.Values{"repo": {repo.FullName()}}.Encode(),
		})
	}
	return nil
}

// ciRun is one workflow run as the request describes it.
type ciRun struct {
	repo                                    Repo
	audience, event, ref, environment, user string
}

// ciToken speaks the protocol behind ACTIONS_ID_TOKEN_REQUEST_URL: a bearer token that belongs to one repository buys
// a signed statement about a run of it. Beside GitHub's audience, the query shapes the run: event (push,
// pull_request, workflow_dispatch), ref, environment, actor.
func (s *Server) ciToken(w http.ResponseWriter, r *http.Request) error {
	q, err := onceQuery(r, "repo", "audience", "event", "ref", "environment", "actor", "api-version")
	if err != nil {
		return oauthRefusal(http.StatusBadRequest, "invalid_request", "a parameter occurs more than once, or the query is broken")
	}
	repo, ok := s.repoOf(r, q["repo"])
	if !ok {
		return oauthRefusal(http.StatusUnauthorized, "invalid_token", "the request token is not that of this repository")
	}
	run, err := newCIRun(repo, q)
	if err != nil {
		return err
	}
	claims, err := s.ciClaims(run)
	if err != nil {
		return err
	}
	token, err := s.ciJWT.sign(claims)
	if err != nil {
		return err
	}
	s.log.Info("CI token issued", "sub", claims["sub"], "aud", run.audience)
	return writeJSON(w, http.StatusOK, map[string]string{"value": token})
}

func (s *Server) repoOf(r *http.Request, name string) (Repo, bool) {
	token, _ := bearer(r)
	for _, access := range s.repos {
		if access.Repo.FullName() == name && access.RequestToken.Equal(secret.New(token)) {
			return access.Repo, true
		}
	}
	return Repo{}, false
}

func newCIRun(repo Repo, q map[string]string) (ciRun, error) {
	for name, value := range q {
		if len(value) > maxField {
			return ciRun{}, oauthRefusal(http.StatusBadRequest, "invalid_request", name+" is too long")
		}
	}
	run := ciRun{
		repo: repo, environment: q["environment"], event: fallback(q["event"], "push"), user: fallback(q["actor"], ciActor),
		audience: fallback(q["audience"], "https://github.com/"+repo.Owner),
	}
	switch run.event {
	case "push", "workflow_dispatch":
		run.ref = fallback(q["ref"], ciMain)
	case "pull_request":
		run.ref = fallback(q["ref"], ciPullRef)
	default:
		return ciRun{}, oauthRefusal(http.StatusBadRequest, "invalid_request", "event is push, pull_request or workflow_dispatch")
	}
	if !strings.HasPrefix(run.ref, "refs/") {
		return ciRun{}, oauthRefusal(http.StatusBadRequest, "invalid_request", "ref starts with refs/")
	}
	return run, nil
}

func fallback(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// subject is GitHub's sub: an environment comes before a pull request, that before the ref; a colon inside a value is
// escaped.
func (run ciRun) subject() string {
	owner, name := run.repo.Owner, run.repo.Name
	if run.repo.ImmutableSub {
		owner += "@" + strconv.FormatInt(run.repo.OwnerID, 10)
		name += "@" + strconv.FormatInt(run.repo.ID, 10)
	}
	escape := func(s string) string { return strings.ReplaceAll(s, ":", "%3A") }
	prefix := "repo:" + escape(owner) + "/" + escape(name)
	switch {
	case run.environment != "":
		return prefix + ":environment:" + escape(run.environment)
	case run.event == "pull_request":
		return prefix + ":pull_request"
	}
	return prefix + ":ref:" + escape(run.ref)
}

// ciClaims are those of GitHub's token. Ids are strings there, and so they are here.
func (s *Server) ciClaims(run ciRun) (map[string]any, error) {
	jti, err := newHandle(s.rand)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	workflowRef := run.repo.FullName() + "/" + ciFile + "@" + run.ref
	claims := map[string]any{
		"iss": s.CIIssuer(), "aud": run.audience, "sub": run.subject(), "jti": jti,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(ciTokenLife).Unix(),
		"repository": run.repo.FullName(), "repository_id": strconv.FormatInt(run.repo.ID, 10),
		"repository_owner": run.repo.Owner, "repository_owner_id": strconv.FormatInt(run.repo.OwnerID, 10),
		"repository_visibility": "private",
		"ref":                   run.ref, "ref_type": refType(run.ref), "ref_protected": strconv.FormatBool(run.ref == ciMain), "sha": ciCommitSHA,
		"event_name": run.event, "actor": run.user, "actor_id": ciActorID, "head_ref": "", "base_ref": "",
		"run_id": strconv.FormatInt(now.UnixMilli(), 10), "run_number": "1", "run_attempt": "1", "runner_environment": "github-hosted",
		"workflow": ciWorkflow, "workflow_ref": workflowRef, "workflow_sha": ciCommitSHA,
		"job_workflow_ref": workflowRef, "job_workflow_sha": ciCommitSHA,
	}
	if run.environment != "" {
		claims["environment"] = run.environment
	}
	if run.event == "pull_request" {
		claims["head_ref"], claims["base_ref"] = ciPullHead, "main"
	}
	return claims, nil
}

func refType(ref string) string {
	if strings.HasPrefix(ref, "refs/tags/") {
		return "tag"
	}
	return "branch"
}

func (s *Server) ciDiscovery(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                s.CIIssuer(),
		"jwks_uri":                              s.url("/ci/jwks"),
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public", "pairwise"},
		"id_token_signing_alg_values_supported": []string{string(s.ciJWT.alg)},
		"scopes_supported":                      []string{"openid"},
	})
}
