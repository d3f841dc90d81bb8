package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp/idptest"
)

const speakYAML = `
server: {listen: "127.0.0.1:0", public_url: "https://broker.test"}
idps:
  - {id: ci, workload: {issuer: "https://ci.test", audiences: [x]}}
  - {id: op, oidc: {issuer: "https://op.test", client_id: broker, client_secret: "env:SECRET"}}
  - {id: gh, oauth2: {preset: github, client_id: broker, client_secret: "env:SECRET"}}
  - {id: later, saml: {metadata_url: "https://idp.test/metadata"}}
  - {id: corp, saml: {metadata_file: %q}}
`

func TestAProviderSpeaksForItsIssuerOnly(t *testing.T) {
	o := options()
	corp := idptest.NewSAMLIDP(o.Clock)
	metadata := filepath.Join(t.TempDir(), "corp.xml")
	if err := os.WriteFile(metadata, corp.Metadata(), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := configs.Parse("test.yaml", fmt.Appendf(nil, speakYAML, metadata), func(name string) (string, bool) { return "s3cret", name == "SECRET" })
	if err != nil {
		t.Fatal(err)
	}
	sp, err := standInSPKey(o.Clock(), o.Rand)
	if err != nil {
		t.Fatal(err)
	}
	people, problems := buildProviders(f, makings{opts: o, clients: newClients(o.Version), sp: sp, life: t.Context()})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		id, issuer string
		want       bool
	}{
		{"ci", "https://ci.test", true},
		{"ci", "https://ci.test/", false},
		{"ci", "https://op.test", false},
		{"op", "https://op.test", true},
		{"op", "https://ci.test", false},
		{"gh", "https://github.com", true},
		{"later", "https://anybody.test", true}, // its metadata cannot be had yet
		{"corp", corp.EntityID, true},
		{"corp", corp.EntityID + "/", false},
		{"corp", "https://ci.test", false},
		{"gone", "https://ci.test", false},
		{"", "", false},
	} {
		if got := people.speak(c.id, c.issuer); got != c.want {
			t.Errorf("%s for %s: %t", c.id, c.issuer, got)
		}
	}
}
