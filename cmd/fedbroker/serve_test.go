package main

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/aws"
)

func TestATokenBecomesCredentialsThatAWSTakes(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{}))
	a := n.credentials(w.token(), "prod/deploy")
	wantKeys(t, a)
	if got := w.caller(a); got != a.AssumedRoleARN || !strings.HasPrefix(got, "arn:aws:sts::111122223333:assumed-role/Deploy/") {
		t.Errorf("GetCallerIdentity says %q, the answer %q", got, a.AssumedRoleARN)
	}
	wantStatus(t, n.credentials(w.token(), "prod/nothing"), http.StatusForbidden, "role_not_granted")
	if n.stdout.String() != "" {
		t.Errorf("there is an audit file, and still something on standard output: %s", n.stdout)
	}
}

// caller is who AWS says the owner of the credentials is.
func (w *world) caller(a answer) string {
	w.t.Helper()
	assumer, err := aws.New(aws.Options{Endpoint: w.aws})
	if err != nil {
		w.t.Fatal(err)
	}
	arn, _, _, err := assumer.CallerIdentity(context.Background(), sts.Credentials{
		AccessKeyID: a.AccessKeyID, SecretAccessKey: secret.New(a.SecretAccessKey), SessionToken: secret.New(a.SessionToken),
	}, "eu-central-1")
	if err != nil {
		w.t.Fatal(err)
	}
	return arn
}

func TestAuditRecordsGoToStandardOutputWithoutAFile(t *testing.T) {
	w := newWorld(t)
	name := w.config("f", parts{})
	w.rewrite(name, "audit: {file: f.audit}\n", "")
	n := w.serve(name)
	a := n.credentials(w.token(), "prod/deploy")
	wantKeys(t, a)
	if out := n.stdout.String(); !strings.Contains(out, a.RequestID) || !strings.Contains(out, `"outcome":"ok"`) {
		t.Errorf("no audit record of the answer before it left:\n%s", out)
	}
}

func TestPassThroughShowsAWSTheUpstreamToken(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{}))
	a := n.credentials(w.token(), "prod/upstream")
	wantKeys(t, a)
	if got := w.caller(a); !strings.HasPrefix(got, "arn:aws:sts::111122223333:assumed-role/Upstream/") {
		t.Errorf("GetCallerIdentity says %q", got)
	}
	if !strings.Contains(w.read("f.audit"), `"sts_action":"AssumeRoleWithWebIdentity"`) {
		t.Error("the audit record does not name the action")
	}
}

func TestWhatAWSRefusesIsUpstreamDeniedAndRemembered(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{}))
	token := w.token()
	wantStatus(t, n.credentials(token, "prod/refuses"), http.StatusForbidden, "upstream_denied")
	before := w.calls()
	wantStatus(t, n.credentials(token, "prod/refuses"), http.StatusForbidden, "upstream_denied")
	if w.calls() != before {
		t.Error("the same refusal cost a second STS call")
	}
}

func TestASAMLResponseAtTheAPI(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{}))
	response := w.response(w.saml)
	a := n.direct(response, "prod/deploy")
	wantKeys(t, a)
	wantStatus(t, n.direct(response, "prod/deploy"), http.StatusUnauthorized, "replayed")

	stranger := idptest.NewSAMLIDP(time.Now)
	stranger.EntityID = "https://stranger.example.com"
	wantStatus(t, n.direct(w.response(stranger), "prod/deploy"), http.StatusUnauthorized, "untrusted_issuer")
	forged := idptest.NewSAMLIDP(time.Now)
	forged.Keys = []idptest.SAMLKey{idptest.RSAKey(3)}
	wantStatus(t, n.direct(w.response(forged), "prod/deploy"), http.StatusUnauthorized, "invalid_token")
	wantStatus(t, n.direct(base64.StdEncoding.EncodeToString([]byte("<x/>")), "prod/deploy"), http.StatusUnauthorized, "invalid_token")
}

func TestTwoDirectProvidersOfOneEntityAreNotToldApart(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{idps: ciIdP + corpIdP + strings.Replace(corpIdP, "id: corp", "id: corp2", 1)}))
	wantStatus(t, n.direct(w.response(w.saml), "prod/deploy"), http.StatusUnauthorized, "untrusted_issuer")
}

func TestADirectResponseIsRoutedByItsIssuer(t *testing.T) {
	w := newWorld(t)
	other := idptest.NewSAMLIDP(time.Now)
	other.EntityID = "https://other.example.com"
	w.file("other.xml", string(other.Metadata()))
	n := w.serve(w.config("f", parts{idps: ciIdP + `  - {id: other, saml: {metadata_file: other.xml, direct: true}}` + "\n" + corpIdP}))
	wantKeys(t, n.direct(w.response(w.saml), "prod/deploy"))
}

func TestOnlyDirectProvidersTakeResponsesAtTheAPI(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{idps: ciIdP + strings.Replace(corpIdP, "direct: true", "direct: false", 1)}))
	if a := n.direct(w.response(w.saml), "prod/deploy"); a.status != http.StatusUnauthorized {
		t.Errorf("want a refusal, got %d: %s", a.status, a.body)
	}
}

func TestPinnedKeysAreNeverFetched(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{idps: strings.Replace(ciIdP, "insecure_http: true", "jwks_file: jwks.json", 1) + corpIdP}))
	wantKeys(t, n.credentials(w.token(), "prod/deploy"))
	if n := w.issuer.Fetches(idptest.DiscoveryPath) + w.issuer.Fetches(idptest.JWKSPath); n != 0 {
		t.Errorf("%d fetches for pinned keys", n)
	}
	w.issuer.Rotate()
	wantStatus(t, n.credentials(w.token(), "prod/deploy"), http.StatusUnauthorized, "invalid_token")
	if n := w.issuer.Fetches(idptest.DiscoveryPath) + w.issuer.Fetches(idptest.JWKSPath); n != 0 {
		t.Errorf("%d fetches for a key that is not pinned", n)
	}
}

func TestEntriesOfOneIssuerShareItsKeys(t *testing.T) {
	w := newWorld(t)
	second := strings.NewReplacer("id: ci", "id: ci2", audience, "https://second.example.com").Replace(ciIdP)
	n := w.serve(w.config("f", parts{idps: ciIdP + second, rules: `  - {name: main, idp: ci, roles: [prod/deploy]}
  - {name: second, idp: ci2, roles: [prod/deploy]}
`}))
	wantKeys(t, n.credentials(w.token(), "prod/deploy"))
	wantKeys(t, n.credentials(w.issuer.Token(map[string]any{"sub": "job", "aud": "https://second.example.com"}), "prod/deploy"))
	// once by each: the broker for both entries
	if got := w.issuer.Fetches(idptest.JWKSPath); got != 1 {
		t.Errorf("the keys of one issuer were fetched %d times", got)
	}
}
