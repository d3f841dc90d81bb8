package configs_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/configs"
)

// env holds what the examples refer to.
func env(name string) (string, bool) {
	key := base64.StdEncoding.EncodeToString([]byte("an example key, 32 bytes long...")) // obviously not a secret
	v, ok := map[string]string{
		"FEDBROKER_REDIS_URL": "redis://127.0.0.1:6379/0", "FEDBROKER_SEALING_KEY": key, "SECRET": "s3cret",
		"KEYCLOAK_CLIENT_SECRET": "s3cret", "GOOGLE_CLIENT_SECRET": "s3cret", "GITHUB_CLIENT_SECRET": "s3cret", "FEDBROKER_LDAP_PASSWORD": "s3cret",
	}[name]
	return v, ok
}

const minimal = `
server: {public_url: https://aws.example.com}
idps:
  - {id: ci, workload: {issuer: https://ci.example.com, audiences: [https://aws.example.com]}}
  - {id: corp, saml: {metadata_url: https://idp.example.com/metadata}}
aws:
  accounts: [{id: "111122223333", name: prod, saml_provider: fedbroker}]
  roles:
    - {name: prod/deploy, arn: "arn:aws:iam::111122223333:role/Deploy"}
    - {name: prod/hub, arn: "arn:aws:iam::111122223333:role/Hub"}
rules:
  - {name: r, idp: ci, match: {sub: x}, roles: [prod/deploy]}
`

func TestExamplesLoadAndFitTheSchema(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, name := range files {
		if name == "local-aws.yaml" {
			continue // the embedded AWS has a format of its own; sts/localaws tests it
		}
		doc, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := configs.Parse(name, doc, env)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(f.Tests) < 2 || len(f.Rules) == 0 {
			t.Errorf("%s shows no rules or fewer than two mapping tests", name)
		}
		if err := compiled(t).Validate(asJSON(t, doc)); err != nil {
			t.Errorf("%s does not fit schema.json: %v", name, err)
		}
	}
}

// TestProblems holds every refusal with its place. Each case changes one thing of a good file.
func TestProblems(t *testing.T) {
	if _, err := configs.Parse("f.yaml", []byte(minimal), env); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key":          {"rules:", "rulez: []\nrules:", "f.yaml:11:1: rulez: unknown key; known here"},
		"a near miss":          {"saml_provider", "saml-provider", "did you mean saml_provider?"},
		"unknown, deep":        {"audiences:", "audience:", "did you mean audiences?"},
		"twice":                {"name: prod/deploy,", "name: prod/deploy, name: x,", "aws.roles[0].name: the key is there twice"},
		"required":             {"name: r, ", "", "rules[0].name is required"},
		"second document":      {"rules:", "---\nrules:", "a second document begins here"},
		"anchor":               {"{sub: x}", "&a {sub: x}", "anchors and aliases"},
		"not a mapping":        {"{public_url: https://aws.example.com}", "[]", "server: want a mapping, got a list"},
		"not a list":           {"roles: [prod/deploy]", "roles: prod/deploy", "rules[0].roles: want a list"},
		"number as text":       {`id: "111122223333"`, "id: 111122223333", "write it in quotes"},
		"broken YAML":          {"rules:", "rules: [", "f.yaml:"},
		"not served":           {"rules:", "admins: []\nrules:", "admins: this version does not serve this key yet"},
		"ldap":                 {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldaps://dc1, base_dn: dc=x, bind_dn: cn=x, bind_password: env:SECRET}", ""},
		"ldap, several":        {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: [ldaps://dc1, ldaps://dc2], base_dn: dc=x, upn_suffix: x}", ""},
		"ldap in the clear":    {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: [ldaps://dc1, ldap://dc2], base_dn: dc=x, upn_suffix: x}", "idps[1].ldap.url[1]: ldap:// would send passwords in the clear"},
		"ldap StartTLS":        {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldap://dc1, start_tls: true, base_dn: dc=x, upn_suffix: x}", ""},
		"ldaps StartTLS":       {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldaps://dc1, start_tls: true, base_dn: dc=x, upn_suffix: x}", "encrypted from the start"},
		"ldap on loopback":     {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldap://127.0.0.1, base_dn: dc=x, upn_suffix: x}", "insecure_http: true"},
		"ldap url":             {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldaps://dc1/dc=x, base_dn: dc=x, upn_suffix: x}", "want ldaps://host"},
		"ldap nobody binds":    {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldaps://dc1, base_dn: dc=x}", "say who looks people up"},
		"ldap both ways":       {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldaps://dc1, base_dn: dc=x, bind_dn: cn=x, bind_password: env:SECRET, upn_suffix: x}", "one of bind_dn and upn_suffix"},
		"ldap no password":     {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldaps://dc1, base_dn: dc=x, bind_dn: cn=x}", "bind_dn and bind_password go together"},
		"ldap no base":         {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldaps://dc1, upn_suffix: x}", "idps[1].ldap.base_dn is required"},
		"ldap skew":            {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, skew: 1m, ldap: {url: ldaps://dc1, base_dn: dc=x, bind_dn: cn=x, bind_password: env:SECRET}", "idps[1].skew: means nothing for a directory"},
		"ldap once":            {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, once: true, ldap: {url: ldaps://dc1, base_dn: dc=x, bind_dn: cn=x, bind_password: env:SECRET}", "idps[1].once: means nothing for a directory"},
		"ldap mfa":             {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, mfa: {amr: [pwd]}, ldap: {url: ldaps://dc1, base_dn: dc=x, bind_dn: cn=x, bind_password: env:SECRET}", "no second factor"},
		"ldap and saml":        {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: corp, ldap: {url: ldaps://dc1, base_dn: dc=x, bind_dn: cn=x, bind_password: env:SECRET}, saml: {metadata_url: https://idp.example.com/metadata}", "not two"},
		"empty match":          {"match: {sub: x}", "match: {sub: []}", "an empty list matches nothing"},
		"float in match":       {"match: {sub: x}", "match: {sub: 1.5}", "rules[0].match.sub: want text"},
		"null in match":        {"match: {sub: x}", "match: {sub: null}", "rules[0].match.sub: want text"},
		"octal in match":       {"match: {sub: x}", "match: {sub: 017}", "rules[0].match.sub: want text"},
		"duration":             {"roles: [prod/deploy]", "roles: [prod/deploy], max_duration: 90", "want a duration"},
		"zero duration":        {"id: ci,", "id: ci, skew: 0s,", "leave the key out for its default"},
		"a path's reference":   {"rules:", "audit: {file: env:X}\nrules:", "audit.file: write the file's name alone"},
		"password in a URL":    {"rules:", "store: {redis: {url: 'redis://u:pw@h/0'}}\nkeys: {sealing: {active: k1, ring: {k1: env:FEDBROKER_SEALING_KEY}}}\nrules:", "a password is not written here"},
		"short sessions":       {"rules:", "session: {absolute: 5m}\nrules:", "session.absolute: at least 15m"},
		"cache of nothing":     {"rules:", "cache: {min_remaining: 99h}\nrules:", "at most 1h"},
		"private issuer":       {"https://ci.example.com", "https://10.1.2.3/x", "private_network: true"},
		"loopback issuer":      {"https://ci.example.com", "https://127.0.0.1/x", "private_network: true"},
		"negative duration":    {"roles: [prod/deploy]", "roles: [prod/deploy], max_duration: -1h", "want a duration"},
		"literal secret":       {"rules:", "issuer: {signing_key: hunter2}\nrules:", "a secret is not written here"},
		"unset variable":       {"rules:", "issuer: {signing_key: env:NOPE}\nrules:", "the environment variable NOPE is not set"},
		"missing file":         {"rules:", "issuer: {signing_key: file:nope.pem}\nrules:", "nope.pem"},
		"public url with path": {"public_url: https://aws.example.com", "public_url: https://aws.example.com/x", "scheme and host only"},
		"public url, slash":    {"public_url: https://aws.example.com", "public_url: https://aws.example.com/", "without a slash"},
		"public url http":      {"public_url: https://aws.example.com", "public_url: http://aws.example.com", "plain http is for loopback"},
		"public url, port 443": {"public_url: https://aws.example.com", "public_url: https://aws.example.com:443", "leave the scheme's own port out"},
		"public url upper":     {"public_url: https://aws.example.com", "public_url: https://AWS.example.com", "lower case"},
		"listen":               {"server: {", "server: {listen: nowhere, ", "server.listen: want host:port"},
		"proxy":                {"server: {", "server: {trusted_proxies: [all], ", "want an address or a CIDR range"},
		"redis without seal":   {"rules:", "store: {redis: {url: redis://x}}\nrules:", "Redis needs keys.sealing"},
		"redis scheme":         {"rules:", "store: {redis: {url: http://x}}\nrules:", "want redis:// or rediss://"},
		"active key missing":   {"rules:", "keys: {sealing: {active: k2, ring: {k1: env:FEDBROKER_SEALING_KEY}}}\nrules:", `no key "k2" in the ring`},
		"short key":            {"rules:", "keys: {sealing: {active: k1, ring: {k1: env:SECRET}}}\nrules:", "want 32 bytes in base64"},
		"idle above absolute":  {"rules:", "session: {idle: 13h}\nrules:", "longer than session.absolute"},
		"accent":               {"rules:", "branding: {accent: red}\nrules:", "want a colour"},
		"contact":              {"rules:", "branding: {contact: somebody}\nrules:", "want a mail address"},
		"idp id":               {"id: ci,", "id: CI,", "1 to 32 of a-z"},
		"idp twice":            {"id: corp,", "id: ci,", `the id "ci" is there twice`},
		"an oidc login":        {"saml: {metadata_url: https://idp.example.com/metadata}", "oidc: {issuer: https://op.example.com, client_id: x}", ""},
		"oidc, no client":      {"saml: {metadata_url: https://idp.example.com/metadata}", "oidc: {issuer: https://op.example.com}", "idps[1].oidc.client_id is required"},
		"oidc, http":           {"saml: {metadata_url: https://idp.example.com/metadata}", "oidc: {issuer: http://op.example.com, client_id: x}", "idps[1].oidc.issuer: plain http is for loopback"},
		"oidc, scopes":         {"saml: {metadata_url: https://idp.example.com/metadata}", "oidc: {issuer: https://op.example.com, client_id: x, scopes: [openid email]}", "idps[1].oidc.scopes[0]: want one scope an item"},
		"oidc, everybody":      {"saml: {metadata_url: https://idp.example.com/metadata}", "oidc: {issuer: https://accounts.google.com, client_id: x}", "pin yourselves with tenant: {hd: …}"},
		"oidc, once":           {"saml: {metadata_url: https://idp.example.com/metadata}", "once: true, oidc: {issuer: https://op.example.com, client_id: x}", "idps[1].once: is for workload tokens"},
		"oidc, other parties":  {"saml: {metadata_url: https://idp.example.com/metadata}", "authorized_parties: [y], oidc: {issuer: https://op.example.com, client_id: x}", "idps[1].authorized_parties: is for workload tokens"},
		"oidc, old tokens":     {"saml: {metadata_url: https://idp.example.com/metadata}", "max_age: 2h, oidc: {issuer: https://op.example.com, client_id: x}", "idps[1].max_age: at most 1h"},
		"github":               {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {preset: github, client_id: x}", ""},
		"logout":               {"saml: {metadata_url: https://idp.example.com/metadata}", "saml: {metadata_url: https://idp.example.com/metadata}, logout: local", ""},
		"another logout":       {"saml: {metadata_url: https://idp.example.com/metadata}", "saml: {metadata_url: https://idp.example.com/metadata}, logout: no", `idps[1].logout: want provider or local, got "no"`},
		"logout of GitHub":     {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {preset: github, client_id: x}, logout: local", "idps[1].logout: is for saml and oidc"},
		"a preset of none":     {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {preset: gitlab, client_id: x}", "idps[1].oauth2.preset: want one of github"},
		"enterprise, no base":  {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {preset: github-enterprise, client_id: x}", "base_url go together"},
		"a base for all":       {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {preset: github, base_url: https://x.example, client_id: x}", "base_url go together"},
		"no preset":            {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {client_id: x, authorize_url: https://x.example/a, token_url: https://x.example/t, fields: {subject: /id}}", "without a preset userinfo_url is needed"},
		"no subject":           {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {client_id: x, authorize_url: https://x.example/a, token_url: https://x.example/t, userinfo_url: https://x.example/u}", "without a preset fields.subject is needed"},
		"data only":            {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {client_id: x, authorize_url: https://x.example/a, token_url: https://x.example/t, userinfo_url: https://x.example/u, fields: {subject: /id}}", ""},
		"no pointer":           {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {preset: x, client_id: x, fields: {email: email}}", "idps[1].oauth2.fields.email: want a JSON Pointer"},
		"no such field":        {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {preset: x, client_id: x, fields: {mail: /email}}", "idps[1].oauth2.fields.mail: want subject"},
		"oauth2, http":         {"saml: {metadata_url: https://idp.example.com/metadata}", "oauth2: {preset: x, client_id: x, token_url: http://x.example}", "idps[1].oauth2.token_url: plain http is for loopback"},
		"oauth2 and mfa":       {"saml: {metadata_url: https://idp.example.com/metadata}", "mfa: {amr: [otp]}, oauth2: {preset: x, client_id: x}", "idps[1].mfa: an OAuth 2.0 service says nothing"},
		"keys of saml":         {"id: corp,", "id: corp, jwks_file: x,", "idps[1].jwks_file: is for tokens"},
		"no kind":              {", workload: {issuer: https://ci.example.com, audiences: [https://aws.example.com]}", "", "say what it is"},
		"two kinds":            {"id: corp, saml:", "id: corp, workload: {issuer: https://x.example, audiences: [y]}, saml:", "not two"},
		"no audiences":         {"audiences: [https://aws.example.com]", "audiences: []", "at least one"},
		"shared issuer":        {"issuer: https://ci.example.com", "issuer: https://token.actions.githubusercontent.com", "tenant: {repository_owner_id: …}"},
		"http issuer":          {"issuer: https://ci.example.com", "issuer: http://ci.example.com", "plain http is for loopback"},
		"http loopback":        {"issuer: https://ci.example.com", "issuer: http://127.0.0.1:1/ci", "insecure_http: true"},
		"skew":                 {"id: ci,", "id: ci, skew: 6m,", "at most 5m"},
		"old assertions":       {"id: corp,", "id: corp, max_age: 61m,", "at most 1h for SAML"},
		"metadata twice":       {"metadata_url: https://idp.example.com/metadata", "metadata_url: https://idp.example.com/metadata, metadata_file: x", "exactly one of metadata_url"},
		"once on saml":         {"id: corp,", "id: corp, once: true,", "is for workload tokens"},
		"half an sp key":       {"metadata_url: https://idp.example.com/metadata", "metadata_url: https://idp.example.com/metadata, sp_key: env:SECRET", "sp_key and sp_certificate go together"},
		"shared audience":      {"id: corp, saml: {metadata_url: https://idp.example.com/metadata}", "id: c2, workload: {issuer: https://ci.example.com, audiences: [https://aws.example.com]}", `already means idp "ci"`},
		"role arn":             {"role/Deploy", "user/Deploy", "is not the ARN of an IAM role"},
		"role arn twice":       {"role/Hub", "role/Deploy", `this ARN is already "prod/deploy"`},
		"alias twice":          {"name: prod/hub", "name: prod/deploy", `the alias "prod/deploy" is there twice`},
		"mode":                 {"role/Deploy\"", "role/Deploy\", mode: magic", "want web-identity, saml"},
		"mode saml":            {", saml_provider: fedbroker", ", mode: saml", "needs saml_provider on account"},
		"saml key in memory":   {"role/Deploy\"", "role/Deploy\", mode: saml", "mode saml needs issuer.saml_key or store.redis"},
		"half the console":     {"aws:\n", "aws:\n  endpoints: {signin: 'https://x.example'}\n", "signin and console go together"},
		"endpoint with a path": {"aws:\n", "aws:\n  endpoints: {sts: 'https://x.example/sts'}\n", "scheme and host only"},
		"external id alone":    {"role/Deploy\"", "role/Deploy\", external_id: xyz", "need mode: assume-role"},
		"external id":          {"role/Deploy\"", "role/Deploy\", mode: assume-role, external_id: 'a b'", "aws.roles[0].external_id"},
		"no such hub":          {"role/Deploy\"", "role/Deploy\", mode: assume-role, through: x", `there is no role "x"`},
		"its own hub":          {"role/Deploy\"", "role/Deploy\", mode: assume-role, through: prod/deploy", "must be another role"},
		"long through a hub":   {"role/Deploy\"", "role/Deploy\", mode: assume-role, through: prod/hub, max_duration: 2h", "at most 1h"},
		"duration above max":   {"role/Deploy\"", "role/Deploy\", duration: 2h", "longer than max_duration"},
		"duration below AWS's": {"role/Deploy\"", "role/Deploy\", max_duration: 10m", "want 15m to 12h"},
		"policy":               {"role/Deploy\"", "role/Deploy\", policy: '{'", "is not JSON"},
		"policy arn":           {"role/Deploy\"", "role/Deploy\", policy_arns: [x]", "not the ARN of a managed policy"},
		"partition":            {"arn:aws:iam::111122223333:role/Hub", "arn:aws-cn:iam::111122223333:role/Hub", "partition aws-cn, but the region is us-east-1"},
		"region":               {"aws:\n", "aws:\n  region: Frankfurt\n", "want a region"},
		"account id":           {`id: "111122223333"`, `id: "1111"`, "want twelve digits"},
		"endpoint":             {"aws:\n", "aws:\n  endpoints: {sts: 'http://sts.example.com'}\n", "plain http is for loopback"},
		"pass-through abroad":  {"role/Deploy\"", "role/Deploy\", mode: pass-through", ""},
		"issuer query":         {"rules:", "issuer: {url: 'https://x.example/?y'}\nrules:", "without query or fragment"},
		"test of no idp":       {"rules:", "tests: [{name: t, idp: nope, claims: {}, expect: {roles: []}}]\nrules:", `there is no idp "nope"`},
	} {
		t.Run(name, func(t *testing.T) {
			doc := strings.Replace(minimal, c.old, c.new, 1)
			if doc == minimal {
				t.Fatal("the case changes nothing")
			}
			_, err := configs.Parse("f.yaml", []byte(doc), env)
			var problems configs.Problems
			switch {
			case c.want == "" && err == nil:
			case !errors.As(err, &problems) || !strings.Contains(err.Error(), c.want) || c.want == "":
				t.Errorf("want %q, got %v", c.want, err)
			case problems[0].Place.Line == 0 || problems[0].Place.Column == 0:
				t.Errorf("without a place: %v", problems[0])
			}
		})
	}
}

func TestPassThroughToAnotherEndpointMustBeMeant(t *testing.T) {
	doc := strings.Replace(minimal, "role/Deploy\"", "role/Deploy\", mode: pass-through", 1)
	doc = strings.Replace(doc, "aws:\n", "aws:\n  endpoints: {sts: 'https://sts.example.com'}\n", 1)
	if _, err := configs.Parse("f", []byte(doc), env); err == nil || !strings.Contains(err.Error(), "insecure_endpoint") {
		t.Errorf("got %v", err)
	}
	doc = strings.Replace(doc, "mode: pass-through", "mode: pass-through, insecure_endpoint: true", 1)
	if _, err := configs.Parse("f", []byte(doc), env); err != nil {
		t.Error(err)
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	doc := strings.NewReplacer("id: ci,", "id: CI,", "role/Deploy", "user/Deploy", "https://aws.example.com}", "http://aws.example.com}").Replace(minimal)
	_, err := configs.Parse("f.yaml", []byte(doc), env)
	var problems configs.Problems
	if !errors.As(err, &problems) || len(problems) < 3 {
		t.Fatalf("got %v", err)
	}
	for i := 1; i < len(problems); i++ {
		if problems[i].Place.Line < problems[i-1].Place.Line {
			t.Error("the problems are not in the file's order")
		}
	}
}

func TestOneMistakeHidesNoOther(t *testing.T) {
	doc := strings.NewReplacer("server: {", "server: {lisen: x, listen: nowhere, ", "roles: [prod/deploy]", "roles: [prod/deploy], max_duration: x", "rules:", "---\nrules:").Replace(minimal)
	f, err := configs.Parse("f.yaml", []byte(doc), env)
	if f == nil {
		t.Fatal("what could be decoded is not returned")
	}
	for _, want := range []string{"lisen: unknown key", "want host:port", "a second document"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is hidden: %v", want, err)
		}
	}
}

func TestProblemsJoinWithoutRepeating(t *testing.T) {
	at := func(line int, message string) configs.Problem {
		return configs.Problem{Place: configs.Place{File: "f", Line: line, Column: 1}, Message: message}
	}
	got := configs.Problems{at(3, "a")}.With(configs.Problems{at(3, "the same, later"), at(1, "b")})
	if want := "f:1:1: b\nf:3:1: a"; got.Error() != want {
		t.Errorf("got %s", got)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	f, err := configs.Parse("f", []byte(strings.Replace(minimal, "rules:", "branding: {logo: env:SECRET}\nrules:", 1)), env)
	if err != nil {
		t.Fatal(err)
	}
	if s := f.Branding.Logo; s.Text().Reveal() != "s3cret" || strings.Contains(strings.Join([]string{s.Text().String()}, ""), "s3cret") {
		t.Error("the secret is not resolved, or prints")
	}
}

func TestRelativePathsStartAtTheFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"f.yaml": strings.Replace(minimal, "rules:", "branding: {logo: file:logo.svg}\nrules:", 1), "logo.svg": "<svg/>\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := configs.Load(filepath.Join(dir, "f.yaml"), env)
	if err != nil || f.Branding.Logo.Text().Reveal() != "<svg/>" {
		t.Errorf("got %v, %v", f, err)
	}
}

func TestPlaceFallsBackToWhatIsAround(t *testing.T) {
	f, err := configs.Parse("f.yaml", []byte(minimal), env)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"rules[0].match.sub": "f.yaml:12:37", "rules[0].session.name": "f.yaml:12:5", "nothing": "f.yaml:2:1",
	} {
		if got := f.Place(path).String(); got != want {
			t.Errorf("%s stands at %s, want %s", path, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(minimal)
	f.Add("a: &a [*a]")
	f.Add("rules: [{match: {x: [1, true, null]}}]")
	f.Add("? [a]\n: b")
	f.Fuzz(func(t *testing.T, doc string) {
		file, err := configs.Parse("f.yaml", []byte(doc), env)
		if file == nil && err == nil {
			t.Error("neither a file nor an error")
		}
	})
}
