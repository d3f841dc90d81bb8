package interop_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	account  = "111122223333"
	other    = "444455556666"
	provider = "arn:aws:iam::" + account + ":saml-provider/ssp"
)

// world is the two servers of the command, beside the identity providers that a test started before.
type world struct {
	brokerURL, awsURL string
	user              awsCLI // an IAM user who may assume the CrossAccount role
}

// startWorld runs fedbroker local-aws and fedbroker serve. An identity provider that a test did not start is left out.
func startWorld(t *testing.T, ssp *simpleSAMLphp, issuer oidcProvider) world {
	t.Helper()
	dir := t.TempDir()
	brokerAddress, awsAddress := freeAddress(t), freeAddress(t)
	_, port, _ := strings.Cut(brokerAddress, ":")
	w := world{brokerURL: "http://localhost:" + port, awsURL: "http://" + awsAddress}

	writeFile(t, filepath.Join(dir, "aws.yaml"), []byte(w.seed(t, dir, ssp, issuer)))
	local := start(t, w.awsURL+"/healthz", nil, binary, "local-aws", "-c", filepath.Join(dir, "aws.yaml"), "--listen", awsAddress, "--insecure-providers")
	w.user = awsCLI{endpoint: w.awsURL, keys: printedKey(t, local.stdout.String())}

	writeFile(t, filepath.Join(dir, "broker.yaml"), []byte(w.config(brokerAddress, ssp, issuer)))
	start(t, w.brokerURL+"/readyz", []string{"PEOPLE_SECRET=secret-of-people"}, binary, "serve", "-c", filepath.Join(dir, "broker.yaml"))
	return w
}

// printedKey is the access key that local-aws prints at its start.
func printedKey(t *testing.T, said string) keys {
	t.Helper()
	m := regexp.MustCompile(`access key (\w+), secret (\S+)`).FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("no access key in %q", said)
	}
	return keys{AccessKeyID: m[1], SecretAccessKey: m[2]}
}

// seed is what local AWS holds. Brokered trusts the broker, Direct trusts oidc-provider itself, FromSAML trusts
// SimpleSAMLphp itself, CrossAccount trusts the user of the first account.
func (w world) seed(t *testing.T, dir string, ssp *simpleSAMLphp, issuer oidcProvider) string {
	t.Helper()
	seed := fmt.Sprintf(`accounts:
  - id: "%[1]s"
    name: interop
    users:
      - name: ops
        access_keys: [{generate: true}]
        policies:
          - {name: hop, document: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sts:AssumeRole", Resource: "arn:aws:iam::%[2]s:role/CrossAccount"}]}}
    oidc_providers:
      - {url: "%[3]s", client_ids: [sts.amazonaws.com]}
`, account, other, w.brokerURL)
	if issuer.issuer != "" {
		seed += fmt.Sprintf("      - {url: %q, client_ids: [\"https://sts.amazonaws.com\"]}\n", issuer.issuer)
	}
	if ssp != nil {
		writeFile(t, filepath.Join(dir, "ssp.xml"), []byte(mustGet(t, ssp.metadataURL)))
		seed += "    saml_providers: [{name: ssp, metadata: \"file:ssp.xml\"}]\n"
	}
	brokerHost, issuerHost := strings.TrimPrefix(w.brokerURL, "http://"), strings.TrimPrefix(issuer.issuer, "http://")
	seed += fmt.Sprintf(`    roles:
      - {name: Brokered, trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::%[1]s:oidc-provider/%[3]s"}, Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"], Condition: {StringEquals: {"%[3]s:aud": sts.amazonaws.com}}}]}}
`, account, other, brokerHost)
	if issuer.issuer != "" {
		seed += fmt.Sprintf(`      - {name: Direct, trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::%[1]s:oidc-provider/%[2]s"}, Action: "sts:AssumeRoleWithWebIdentity", Condition: {StringEquals: {"%[2]s:sub": job}}}]}}
`, account, issuerHost)
	}
	if ssp != nil {
		seed += fmt.Sprintf(`      - {name: FromSAML, trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "%[1]s"}, Action: "sts:AssumeRoleWithSAML", Condition: {StringEquals: {"saml:aud": "%[2]s/saml", "saml:sub": alice}}}]}}
`, provider, w.awsURL)
	}
	return seed + fmt.Sprintf(`  - id: "%[2]s"
    name: other
    roles:
      - {name: CrossAccount, trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::%[1]s:user/ops"}, Action: "sts:AssumeRole", Condition: {StringEquals: {"sts:ExternalId": acme-7f3}}}]}}
`, account, other)
}

// config is the broker's.
func (w world) config(listen string, ssp *simpleSAMLphp, issuer oidcProvider) string {
	config := fmt.Sprintf(`server: {listen: %q, public_url: %q}
aws:
  region: eu-central-1
  endpoints: {sts: %q, signin: %q, console: %q}
  accounts: [{id: "%s", name: interop}]
  roles: [{name: interop/brokered, arn: "arn:aws:iam::%s:role/Brokered"}]
idps:
`, listen, w.brokerURL, w.awsURL, w.awsURL, w.awsURL, account, account)
	rules := "rules:\n"
	if ssp != nil {
		config += fmt.Sprintf("  - {id: ssp, name: SimpleSAMLphp, insecure_http: true, saml: {metadata_url: %q, sign_requests: true, claims: {username: uid, email: mail, groups: groups}}}\n", ssp.metadataURL)
		rules += "  - {name: people, idp: ssp, match: {groups: aws-admins}, roles: [interop/brokered], session: {name: claims.username, source_identity: claims.username}}\n"
	}
	if issuer.issuer != "" {
		config += fmt.Sprintf("  - {id: job, name: oidc-provider, insecure_http: true, workload: {issuer: %q, audiences: [%q]}}\n", issuer.issuer, w.brokerURL)
		config += fmt.Sprintf("  - {id: people, name: People, insecure_http: true, oidc: {issuer: %q, client_id: people, client_secret: \"env:PEOPLE_SECRET\", scopes: [profile, groups], userinfo: true}}\n", issuer.issuer)
		rules += "  - {name: signed in, idp: people, match: {groups: aws-admins}, roles: [interop/brokered], session: {name: claims.username, source_identity: claims.username}}\n"
		rules += "  - {name: jobs, idp: job, match: {project: interop, ref: refs/heads/main}, roles: [interop/brokered], session: {name: claims.sub}}\n"
	}
	return config + rules
}

// exchange asks the broker's API for credentials with a token.
func (w world) exchange(t *testing.T, token string) (status int, got keys, code string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.brokerURL+"/api/v1/credentials", strings.NewReader(`{"role": "interop/brokered"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	status, body := mustSend(t, r)
	return status, readKeys(t, body), problemCode(t, body)
}

func readKeys(t *testing.T, body string) keys {
	t.Helper()
	var k keys
	if err := json.Unmarshal([]byte(body), &k); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return k
}

func problemCode(t *testing.T, body string) string {
	t.Helper()
	var problem struct{ Code string }
	if err := json.Unmarshal([]byte(body), &problem); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return problem.Code
}

// tampered changes one character in the middle of a text of base64 or hex.
func tampered(s string) string {
	middle := len(s) / 2
	replacement := "A"
	if s[middle] == 'A' {
		replacement = "B"
	}
	return s[:middle] + replacement + s[middle+1:]
}
