package configs_test

import (
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/configs"
)

const twoCompanies = `server: {public_url: https://aws.example.com}
idps:
  - {id: ci, workload: {issuer: https://ci.example.com, audiences: [https://aws.example.com]}}
  - id: corp
    domains: [example.com, bücher.example]
    saml: {metadata_url: https://idp.example.com/metadata}
  - id: bought
    domains: [example.net, xn--strae-oqa.example]
    ldap: {url: ldaps://dc1.example.net, base_dn: "dc=example,dc=net", upn_suffix: example.net}
`

// TestDomains: each mail domain leads to one provider of people, however it is spelled.
func TestDomains(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"good":                       {"", "", ""},
		"none":                       {"[example.net, xn--strae-oqa.example]", "[]", ""},
		"upper case":                 {"[example.net", "[Example.NET", "f.yaml:8:15: idps[2].domains[0]: write it in lower case"},
		"at two providers":           {"[example.net", "[example.com", `f.yaml:8:15: idps[2].domains[0]: example.com already leads to idp "corp"`},
		"at two, spelled in two":     {"[example.net", "[xn--bcher-kva.example", `xn--bcher-kva.example already leads to idp "corp"`},
		"at two, in the other order": {"xn--strae-oqa.example]", "bücher.example]", `f.yaml:8:28: idps[2].domains[1]: xn--bcher-kva.example already leads to idp "corp"`},
		"twice":                      {"[example.net,", "[straße.example,", "idps[2].domains[1]: xn--strae-oqa.example is there twice"},
		"an address":                 {"[example.net", "[ana@example.net", `want a mail domain such as example.com, got "ana@example.net"`},
		"an @":                       {"[example.net", `["@example.net"`, "want a mail domain"},
		"a star":                     {"[example.net", `["*.example.net"`, "want a mail domain"},
		"a host":                     {"[example.net", "[mail", "want a mail domain"},
		"a URL":                      {"[example.net", "[https://example.net", "want a mail domain"},
		"a dot behind":               {"[example.net", "[example.net.", "want a mail domain"},
		"an IP address":              {"[example.net", "[192.0.2.1", "want a mail domain"},
		"nothing":                    {"[example.net", `[""`, "want a mail domain"},
		"not a list":                 {"[example.net, xn--strae-oqa.example]", "example.net", "idps[2].domains: want a list"},
		"machines":                   {"{id: ci,", "{id: ci, domains: [example.org],", "f.yaml:3:23: idps[0].domains: machines have no mail address"},
	} {
		doc := strings.Replace(twoCompanies, c.old, c.new, 1)
		_, err := configs.Parse("f.yaml", []byte(doc), env)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: want %q, got %v", name, c.want, err)
		}
	}
}
