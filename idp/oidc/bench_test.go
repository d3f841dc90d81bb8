package oidc_test

import (
	"testing"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/go-jose/go-jose/v4"
)

// BenchmarkVerify is one GitHub-sized token, keys at hand: the whole of this package's part of an exchange. The floor
// is one signature verification: 39 µs for RS256 and 106 µs for ES256 where performance.md was measured.
func BenchmarkVerify(b *testing.B) {
	keys := map[string]idptest.SigningKey{
		"RS256": {ID: "rsa", Alg: jose.RS256, Key: idptest.RSAKey(0).Signer},
		"ES256": {ID: "ec", Alg: jose.ES256, Key: idptest.ECKey(b)},
	}
	for name, key := range keys {
		b.Run(name, func(b *testing.B) {
			f := newFixture(b)
			f.issuer.SetKeys(key)
			token := secret.New(f.token(githubClaims()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRefuse is a stranger's token: no key is touched.
func BenchmarkRefuse(b *testing.B) {
	f := newFixture(b)
	token := secret.New(f.token(githubClaims(), map[string]any{"iss": "https://evil.example"}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Verify(b.Context(), token); err == nil {
			b.Fatal("accepted")
		}
	}
}

func githubClaims() map[string]any {
	return map[string]any{
		"ref": "refs/heads/main", "sha": "6dcb09b5b57875f334f61aebed695e2e4193db5e", "repository": "octo-org/shop",
		"repository_owner": "octo-org", "repository_owner_id": "9919", "run_id": "8145620345", "run_number": "42",
		"run_attempt": "1", "repository_visibility": "private", "repository_id": "1296269", "actor_id": "583231",
		"actor": "octocat", "workflow": "deploy", "head_ref": "", "base_ref": "", "event_name": "push",
		"ref_protected": "true", "ref_type": "branch", "runner_environment": "github-hosted",
		"workflow_ref":     "octo-org/shop/.github/workflows/deploy.yml@refs/heads/main",
		"job_workflow_ref": "octo-org/shop/.github/workflows/deploy.yml@refs/heads/main",
		"workflow_sha":     "6dcb09b5b57875f334f61aebed695e2e4193db5e", "job_workflow_sha": "6dcb09b5b57875f334f61aebed695e2e4193db5e",
	}
}

// BenchmarkLogin is one sign-in from Begin to the identity, the provider's side on loopback included.
func BenchmarkLogin(b *testing.B) {
	f := newLogin(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.finish(f.attempt(idp.LoginRequest{})); err != nil {
			b.Fatal(err)
		}
	}
}
