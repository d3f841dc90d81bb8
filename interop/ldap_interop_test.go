package interop_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// startDirectoryWorld is startWorld for a directory.
func startDirectoryWorld(t *testing.T, s *slapd) world {
	t.Helper()
	dir := t.TempDir()
	brokerAddress, awsAddress := freeAddress(t), freeAddress(t)
	_, port, _ := strings.Cut(brokerAddress, ":")
	w := world{brokerURL: "http://localhost:" + port, awsURL: "http://" + awsAddress}
	writeFile(t, filepath.Join(dir, "aws.yaml"), []byte(w.seed(t, dir, nil, oidcProvider{})))
	local := start(t, w.awsURL+"/healthz", nil, binary, "local-aws", "-c", filepath.Join(dir, "aws.yaml"), "--listen", awsAddress, "--insecure-providers")
	w.user = awsCLI{endpoint: w.awsURL, keys: printedKey(t, local.stdout.String())}

	writeFile(t, filepath.Join(dir, "svc.txt"), []byte("secret-of-svc"))
	config := fmt.Sprintf(`server: {listen: %q, public_url: %q}
audit: {file: %q}
aws:
  region: eu-central-1
  endpoints: {sts: %q, signin: %q, console: %q}
  accounts: [{id: "%s", name: interop}]
  roles: [{name: interop/brokered, arn: "arn:aws:iam::%s:role/Brokered"}]
idps:
`, brokerAddress, w.brokerURL, filepath.Join(dir, "audit.jsonl"), w.awsURL, w.awsURL, w.awsURL, account, account)
	for id, reach := range map[string]string{"ldaps": "url: \"" + s.ldaps + "\"", "starttls": "url: \"" + s.ldap + "\", start_tls: true"} {
		config += fmt.Sprintf("  - {id: %s, name: OpenLDAP, private_network: true, ldap: {%s, ca: \"file:%s\", base_dn: %q, group_base_dn: \"ou=groups,%s\", bind_dn: \"cn=svc,%s\", bind_password: \"file:svc.txt\", attributes: [departmentNumber]}}\n",
			id, reach, s.ca, slapdBase, slapdBase, slapdBase)
	}
	config += "rules:\n"
	for _, id := range []string{"ldaps", "starttls"} {
		config += fmt.Sprintf("  - {name: admins by %s, idp: %s, match: {groups: aws-admins}, roles: [interop/brokered], session: {name: claims.username, source_identity: claims.username, tags: {department: \"claims.departmentNumber[0]\"}}}\n", id, id)
	}
	writeFile(t, filepath.Join(dir, "broker.yaml"), []byte(config))
	start(t, w.brokerURL+"/readyz", nil, binary, "serve", "-c", filepath.Join(dir, "broker.yaml"))
	return w
}

func TestOpenLDAPSignsPeopleIn(t *testing.T) {
	t.Parallel()
	w := startDirectoryWorld(t, startSlapd(t, ldifOf()))
	for _, id := range []string{"ldaps", "starttls"} {
		t.Run(id, func(t *testing.T) {
			b := devclient.New(devclient.Options{})
			page, err := b.SignIn(t.Context(), w.brokerURL+"/login/"+id, alice())
			if err != nil {
				t.Fatal(err)
			}
			if page.Status != http.StatusOK || page.URL.Path != "/" || !strings.Contains(string(page.Body), "interop/brokered") {
				t.Fatalf("after the form: %d at %s\n%s", page.Status, page.URL, page.Body)
			}
			answer, err := b.Fetch(t.Context(), page, http.MethodPost, "/api/v1/credentials", `{"role": "interop/brokered"}`)
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("credentials: %v, %d %s", err, answer.Status, answer.Body)
			}
			if arn := w.user.as(readKeys(t, string(answer.Body))).whoAmI(t); arn != "arn:aws:sts::"+account+":assumed-role/Brokered/alice" {
				t.Errorf("the keys are %s", arn)
			}
		})
	}
}

// TestOpenLDAPRefuses: by the same page, whatever the reason. bob is let in and has nothing.
func TestOpenLDAPRefuses(t *testing.T) {
	t.Parallel()
	w := startDirectoryWorld(t, startSlapd(t, ldifOf()))
	for name, password := range map[string]string{
		"alice": "wrong", "nobody": "secret-of-nobody", "reset": "secret-of-reset", "locked": "secret-of-locked", "*": "secret-of-alice", "alice)(uid=*": "secret-of-alice",
	} {
		b := devclient.New(devclient.Options{})
		page, err := b.Open(t.Context(), w.brokerURL+"/login/ldaps")
		if err != nil {
			t.Fatal(err)
		}
		form, err := page.Form("password")
		if err != nil {
			t.Fatal(err)
		}
		form.Fields.Set("username", name)
		form.Fields.Set("password", password)
		if page, err = b.Submit(t.Context(), form); err != nil {
			t.Fatal(err)
		}
		if page.Status != http.StatusUnauthorized || !strings.Contains(string(page.Body), "may not sign in now") {
			t.Errorf("%s: %d\n%s", name, page.Status, page.Body)
		}
		if roles, err := b.Fetch(t.Context(), page, http.MethodGet, "/api/v1/roles", ""); err != nil || roles.Status != http.StatusUnauthorized {
			t.Errorf("%s: roles %v, %d", name, err, roles.Status)
		}
	}
	bob := devclient.Person{Username: "bob", Password: secret.New("secret-of-bob")}
	page, err := devclient.New(devclient.Options{}).SignIn(t.Context(), w.brokerURL+"/login/ldaps", bob)
	if err != nil || !strings.Contains(string(page.Body), "No role is granted to you") {
		t.Errorf("bob: %v\n%s", err, page.Body)
	}
}
