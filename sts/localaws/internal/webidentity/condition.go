package webidentity

import (
	"regexp"
	"strings"
)

// Key is a condition key of the provider and its values.
type Key struct {
	Name   string
	Values []string
	Multi  bool
	// Persists says that later calls of the session and chained roles see it (OIDC fact sheet, section A.5).
	Persists bool
}

// ConditionKeys returns the keys that AWS makes of the claims: the generic ones, and those that it publishes for
// this issuer. Other claims are not exposed, so that a policy that works here works there.
func (c *Claims) ConditionKeys(prefix string) []Key {
	keys := []Key{
		{Name: prefix + ":aud", Values: []string{c.Audience}, Persists: true},
		{Name: prefix + ":sub", Values: []string{c.Subject}, Persists: true},
	}
	if len(c.OriginalAudience) > 0 {
		keys = append(keys, Key{Name: prefix + ":oaud", Values: c.OriginalAudience, Multi: len(c.OriginalAudience) > 1})
	}
	if methods, ok := stringList(c.all["amr"]); ok {
		keys = append(keys, Key{Name: prefix + ":amr", Values: methods, Multi: true, Persists: true})
	}
	for _, claim := range append(published(prefix), "email") {
		if text, ok := scalar(c.all[claim]); ok {
			keys = append(keys, Key{Name: prefix + ":" + claim, Values: []string{text}})
		}
	}
	return keys
}

var (
	githubPrefix = regexp.MustCompile(`^(token\.actions\.githubusercontent\.com(/.+)?|token\.actions\.[a-z0-9-]+\.ghe\.com|github\.com/enterprises/.+)$`)
	buildkite    = regexp.MustCompile(`^agent\.(buildkite\.com|[a-z0-9-]+\.buildkite\.(dev|site))$`)
	oraclePrefix = regexp.MustCompile(`^idcs-[a-z0-9-]+\.identity\.oraclecloud\.com$`)
)

// circleCIPrefix is followed by the organization.
const circleCIPrefix = "oidc.circleci.com/org/"

// published lists the claims that AWS documents as condition keys of an issuer (OIDC fact sheet, section A.5).
func published(prefix string) []string {
	switch {
	case githubPrefix.MatchString(prefix):
		return []string{
			"actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref", "ref", "repository",
			"repository_id", "repository_owner_id", "workflow",
		}
	case prefix == "gitlab.com":
		return []string{
			"namespace_id", "pipeline_source", "project_id", "ref_protected", "runner_environment",
			"user_access_level", "user_email", "user_id", "user_login",
		}
	case buildkite.MatchString(prefix):
		return []string{
			"build_branch", "cluster_id", "cluster_name", "organization_id", "organization_slug", "pipeline_id", "pipeline_slug",
		}
	case strings.HasPrefix(prefix, circleCIPrefix):
		return []string{"oidc.circleci.com/project-id"}
	case oraclePrefix.MatchString(prefix):
		return []string{"rpst_id"}
	default:
		return nil
	}
}
