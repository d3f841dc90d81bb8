package localaws_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/sts/localaws"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/idptest"
)

// example is the commented example that the project ships.
const example = "../../configs/local-aws.yaml"

func TestExampleSeed(t *testing.T) {
	seed, err := localaws.LoadSeedFile(example)
	if err != nil {
		t.Fatal(err)
	}
	s, err := localaws.New(localaws.Options{Seed: seed, URL: "http://127.0.0.1:4566", AllowInsecureProviders: true})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "accounts", len(s.Accounts()), 2)
	equal(t, "keys", len(s.AccessKeys()), 2)
}

const goodSeed = `
accounts:
  - id: "111122223333"
    name: acme
    users:
      - name: broker
        access_keys: [{generate: true}]
    roles:
      - name: Deploy
        trust_policy:
          Version: 2012-10-17
          Statement:
            - Effect: Allow
              Principal: {AWS: arn:aws:iam::111122223333:user/broker}
              Action: sts:AssumeRole
`

func TestLoadSeed(t *testing.T) {
	if _, err := localaws.LoadSeed([]byte(goodSeed)); err != nil {
		t.Fatal(err)
	}
	asJSON := strings.Replace(goodSeed, goodSeed[strings.Index(goodSeed, "trust_policy:"):],
		`trust_policy: '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}'`, 1)
	if _, err := localaws.LoadSeed([]byte(asJSON)); err != nil {
		t.Errorf("a trust policy as JSON: %v", err)
	}
}

func TestSeedHidesSecrets(t *testing.T) {
	seed := localaws.Seed{Accounts: []localaws.SeedAccount{{Users: []localaws.SeedUser{{AccessKeys: []localaws.SeedAccessKey{{ID: "AKIA", Secret: "hush"}}}}}}}
	if printed := fmt.Sprintf("%v %+v %#v", seed, seed, seed); strings.Contains(printed, "hush") || !strings.Contains(printed, "AKIA") {
		t.Error(printed)
	}
}

func TestLoadSeedProblems(t *testing.T) {
	const trustAt = "line 9, column 9: role Deploy: trust policy: "
	for name, test := range map[string]struct{ from, to, want string }{
		"no accounts":             {goodSeed, "accounts: []", "no accounts"},
		"an unknown key":          {"name: acme", "nam: acme", `line 4, column 5: unknown key "nam"`},
		"a short account":         {`"111122223333"`, `"11112222333"`, `line 3, column 5: InvalidInput: account id "11112222333" is not twelve digits`},
		"an unquoted account":     {`"111122223333"`, `111122223333`, "line 3, column 9: id must be a string: put it in quotes"},
		"a bad alias":             {"name: acme", "name: Acme_", `line 3, column 5: InvalidInput: account name "Acme_" is not an account alias`},
		"a partition":             {"name: acme", "partition: mars", `line 3, column 5: InvalidInput: partition "mars" is none of`},
		"a bad user name":         {"name: broker", "name: bro ker", `line 6, column 9: user bro ker: InvalidInput: user name "bro ker" is not 1 to 64`},
		"a bad path":              {"name: broker", "name: broker\n        path: svc", `line 6, column 9: user broker: InvalidInput: user broker: path "svc" does not begin`},
		"half a key":              {"{generate: true}", "{id: AKIAIOSFODNN7EXAMPLE}", "line 7, column 23: user broker: InvalidInput: the secret of access key"},
		"a key both ways":         {"{generate: true}", "{generate: true, id: AKIAIOSFODNN7EXAMPLE}", "line 7, column 23: user broker: an access key has either"},
		"three keys":              {"[{generate: true}]", "[{generate: true}, {generate: true}, {generate: true}]", "line 7, column 59: user broker: LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2"},
		"a temporary key":         {"{generate: true}", "{id: ASIAIOSFODNN7EXAMPLE, secret: wJalrXUtnFEMI}", "line 7, column 23: user broker: InvalidInput: access key id"},
		"a broken trust policy":   {"Effect: Allow", "Effect: Perhaps", trustAt + "MalformedPolicyDocument: "},
		"trust in everybody":      {"{AWS: arn:aws:iam::111122223333:user/broker}", `"*"`, trustAt + "MalformedPolicyDocument: "},
		"trust with a resource":   {"Effect: Allow", "Effect: Allow\n              Resource: '*'", trustAt + "MalformedPolicyDocument: "},
		"trust in a missing user": {"user/broker}", "user/nobody}", trustAt + `MalformedPolicyDocument: Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/nobody"`},
		"trust in a missing role": {"user/broker}", "role/nobody}", trustAt + `MalformedPolicyDocument: Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/nobody"`},
		"no trust policy":         {goodSeed[strings.Index(goodSeed, "        trust_policy"):], "", "line 9, column 9: role Deploy: trust policy: MalformedPolicyDocument: "},
		"a short maximum":         {"name: Deploy", "name: Deploy\n        max_session_duration: 3599", "line 9, column 9: role Deploy: InvalidInput: role Deploy: max_session_duration 3599 is not 3600 to 43200 seconds"},
		"a reserved tag":          {"name: Deploy", "name: Deploy\n        tags: {'aws:x': y}", `line 9, column 9: role Deploy: InvalidInput: tag key "aws:x" begins with aws:`},
		"tags equal but for case": {"name: Deploy", "name: Deploy\n        tags: {a: x, A: y}", `line 9, column 9: role Deploy: InvalidInput: tag key "a" is there twice`},
		"a broken inline policy":  {"name: Deploy", "name: Deploy\n        policies: [{name: p, document: {}}]", "line 10, column 20: role Deploy: policy p: MalformedPolicyDocument: "},
		"a nameless policy":       {"name: Deploy", "name: Deploy\n        policies: [{document: {}}]", `line 10, column 20: role Deploy: policy : InvalidInput: policy name ""`},
		"a role twice":            {"- name: Deploy", "- name: deploy\n        trust_policy: {Version: 2012-10-17, Statement: {Effect: Allow, Principal: {AWS: '111122223333'}, Action: sts:AssumeRole}}\n      - name: Deploy", "line 11, column 9: role Deploy: EntityAlreadyExists: role Deploy exists already"},
		"http":                    {"name: acme", "oidc_providers: [{url: 'http://idp.example.com'}]", "line 4, column 22: OIDC provider http://idp.example.com: InvalidInput: provider URL"},
		"a port":                  {"name: acme", "oidc_providers: [{url: 'https://idp.example.com:8443'}]", "line 4, column 22: OIDC provider https://idp.example.com:8443: InvalidInput: provider URL"},
		"a query":                 {"name: acme", "oidc_providers: [{url: 'https://idp.example.com?x'}]", "line 4, column 22: OIDC provider"},
		"an empty client id":      {"name: acme", "oidc_providers: [{url: 'https://idp.example.com', client_ids: ['']}]", "line 4, column 22: OIDC provider"},
		"keys that are none":      {"name: acme", "oidc_providers: [{url: 'https://idp.example.com', jwks: {keys: []}}]", "line 4, column 22: OIDC provider https://idp.example.com: jwks: no usable key"},
		"metadata that is none":   {"name: acme", "saml_providers: [{name: corp, metadata: '<x/>'}]", "line 4, column 22: SAML provider corp: metadata is no EntityDescriptor"},
		"a missing file":          {"name: acme", "saml_providers: [{name: corp, metadata: 'file:/nowhere'}]", "line 4, column 22: SAML provider corp: open /nowhere"},
	} {
		if !strings.Contains(goodSeed, test.from) {
			t.Fatalf("%s: nothing to replace", name)
		}
		_, err := localaws.LoadSeed([]byte(strings.Replace(goodSeed, test.from, test.to, 1)))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", name, err, test.want)
		}
	}
}

func TestLoadSeedReportsEverything(t *testing.T) {
	text := strings.NewReplacer("{generate: true}", "{}", "Effect: Allow", "Effect: No").Replace(goodSeed)
	_, err := localaws.LoadSeed([]byte(text))
	if err == nil || len(strings.Split(err.Error(), "\n")) != 2 {
		t.Errorf("got %v", err)
	}
}

// Trust in a shared issuer without a pin is refused, as IAM refuses it.
func TestSharedIssuerNeedsAPin(t *testing.T) {
	trust := `trust_policy: '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity"}}'`
	text := goodSeed[:strings.Index(goodSeed, "trust_policy:")] + trust
	if _, err := localaws.LoadSeed([]byte(text)); err == nil || !strings.Contains(err.Error(), "MalformedPolicyDocument") {
		t.Errorf("got %v", err)
	}
}

func TestMetadataFileIsRelativeToTheSeed(t *testing.T) {
	dir := t.TempDir()
	metadata := idptest.NewSAML(t, samlEntity, false).Metadata()
	for name, content := range map[string]string{
		"idp.xml":   metadata,
		"seed.yaml": strings.Replace(goodSeed, "name: acme", "saml_providers: [{name: corp, metadata: 'file:idp.xml'}]", 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seed, err := localaws.LoadSeedFile(filepath.Join(dir, "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "metadata", seed.Accounts[0].SAMLProviders[0].Metadata, metadata)
}

func TestProblemsOfAFileNameFileLineAndColumn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aws.yaml")
	write := func(from, to string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(strings.Replace(goodSeed, from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ from, to, want string }{
		{"name: acme", "nam: acme", path + `:4:5: unknown key "nam"`},
		{"Effect: Allow", "Effect: Perhaps", path + ":9:9: role Deploy: trust policy: "},
		{goodSeed, "accounts: []", path + ": no accounts"},
	} {
		write(c.from, c.to)
		if _, err := localaws.LoadSeedFile(path); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	for _, url := range []string{"http://localhost:8080", "http://127.0.0.1", "https://localhost:8443"} {
		write("name: acme", "oidc_providers: [{url: '"+url+"'}]")
		seed, err := localaws.LoadSeedFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = localaws.New(localaws.Options{Seed: seed, URL: "http://127.0.0.1:4566"})
		if err == nil || !strings.Contains(err.Error(), "--insecure-providers") || !strings.Contains(err.Error(), "\n"+path+":4:22: OIDC provider "+url) {
			t.Errorf("%s: %v", url, err)
		}
	}
}
