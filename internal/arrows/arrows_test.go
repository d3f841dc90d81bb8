package arrows_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/fedbroker/fedbroker/"

// leaves may be imported by anybody.
var leaves = []string{"internal/delivery", "internal/secret", "internal/fetch", "internal/mailaddr", "internal/web"}

// allow says what a package may import of ours, directly or not; nothing else.
var allow = []struct {
	from    string
	subtree bool // also every package beneath it
	to      []string
	why     string
}{
	{"sts/localaws", true, []string{"sts/iampolicy", "sts/localaws"}, "an authority that shares the broker's verifiers would agree with the broker's bugs"},
	{"broker", false, []string{"idp", "sts"}, "the core knows vocabularies, not implementations"},
	{"idp", false, nil, "a vocabulary imports nothing of ours but the leaves"},
	{"sts", false, nil, "a vocabulary imports nothing of ours but the leaves"},
	{"sts/iampolicy", true, []string{"sts/iampolicy"}, "the policy language imports nothing of ours but the leaves"},
	{"internal/secret", false, nil, "a leaf"},
	{"internal/delivery", false, nil, "a leaf"},
	{"internal/fetch", false, nil, "a leaf"},
	{"internal/mailaddr", false, nil, "a leaf"},
	{"internal/web", false, nil, "a leaf"},
}

// forbid says which import only some may have, directly, or at all where deep; except lists who may. Test packages
// (their name ends in test) may have any but the deep ones.
var forbid = []struct {
	from, to string
	deep     bool
	except   []string
	why      string
}{
	{"sts/localaws", "github.com/aws/", true, nil, "local AWS must not be built on AWS's client"},
	{"sts/localaws", "github.com/crewjam/saml", true, nil, "local AWS verifies with other code than the broker"},
	{"sts/localaws", "github.com/coreos/go-oidc", true, nil, "local AWS verifies with other code than the broker"},
	{"sts/localaws", "github.com/go-jose", true, nil, "local AWS verifies with other code than the broker"},
	{"", module + "sts/localaws", false, []string{"cmd/fedbroker", "sts/localaws"}, "only an endpoint URL may connect the broker with local AWS"},
	{"", module + "configs", false, []string{"cmd/fedbroker"}, "only cmd wires things together"},
	{"", "github.com/aws/aws-sdk-go-v2/service/sts", false, []string{"sts/aws"}, "one door to STS"},
	{"broker/awsapi", "github.com/aws/", true, nil, "it is the server side"},
	{"", "testing", false, nil, "no production package carries test code"},
}

// mustExist are the rooms that the rules speak of: a rule about a package that is gone holds nothing.
var mustExist = []string{
	"broker", "broker/api", "broker/audit", "broker/issuer", "broker/oauth", "broker/policy", "broker/portal", "broker/session", "broker/store", "broker/store/storetest",
	"broker/telemetry", "cmd/fedbroker", "cmd/fedbroker/internal/agent", "cmd/fedbroker/internal/awsconfig", "cmd/fedbroker/internal/client", "cmd/fedbroker/internal/daemon", "cmd/fedbroker/internal/demo", "configs", "idp", "idp/devidp", "idp/idptest",
	"idp/ldap", "idp/oauth2", "idp/oidc", "idp/saml", "internal/delivery", "internal/fetch", "internal/mailaddr", "internal/secret", "internal/web", "sts", "sts/aws", "sts/console", "sts/iampolicy", "sts/localaws", "sts/ststest",
}

type pkg struct {
	name    string
	imports []string // direct
	deps    []string // direct and not
}

func list(t *testing.T) map[string]pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}|{{join .Imports " "}}|{{join .Deps " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pkgs := map[string]pkg{}
	for line := range strings.Lines(string(out)) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		name := strings.TrimPrefix(parts[0], module)
		pkgs[name] = pkg{name, strings.Fields(parts[1]), strings.Fields(parts[2])}
	}
	return pkgs
}

func beneath(name, root string) bool {
	return root == "" || name == root || strings.HasPrefix(name, root+"/")
}

func TestArrowsThatMustNeverExist(t *testing.T) {
	pkgs := list(t)
	for _, name := range mustExist {
		if _, ok := pkgs[name]; !ok {
			t.Errorf("package %s is missing: the rules about it hold nothing", name)
		}
	}
	for _, rule := range allow {
		for name, p := range pkgs {
			if name != rule.from && !(rule.subtree && beneath(name, rule.from)) {
				continue
			}
			for _, dep := range p.deps {
				ours, isOurs := strings.CutPrefix(dep, module)
				if isOurs && !slices.Contains(leaves, ours) && !slices.ContainsFunc(rule.to, func(r string) bool {
					return ours == r || rule.subtree && beneath(ours, r)
				}) {
					t.Errorf("%s imports %s: %s", name, ours, rule.why)
				}
			}
		}
	}
	for _, rule := range forbid {
		for name, p := range pkgs {
			if !beneath(name, rule.from) || slices.ContainsFunc(rule.except, func(e string) bool { return beneath(name, e) }) {
				continue
			}
			imports := p.imports
			switch {
			case strings.HasSuffix(name, "test"):
				continue
			case rule.deep:
				imports = p.deps
			}
			for _, dep := range imports {
				if dep == rule.to || strings.HasPrefix(dep, strings.TrimSuffix(rule.to, "/")+"/") {
					t.Errorf("%s imports %s: %s", name, dep, rule.why)
				}
			}
		}
	}
}

func TestProductionNeverImportsTestPackages(t *testing.T) {
	for name, p := range list(t) {
		if strings.HasSuffix(name, "test") || strings.HasPrefix(name, "interop") || strings.HasPrefix(name, "e2e") {
			continue
		}
		for _, dep := range p.imports {
			if strings.HasPrefix(dep, module) && strings.HasSuffix(dep, "test") {
				t.Errorf("%s imports %s: fakes must not reach production", name, dep)
			}
		}
	}
}
