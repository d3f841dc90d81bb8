package localaws

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/strictyaml"
)

// Position is where in the seed file a value stood; zero for seeds made in Go.
type Position = strictyaml.Position

// Seed is the state that a [Server] starts with.
type Seed struct {
	Accounts []SeedAccount `yaml:"accounts"`
}

// SeedAccount is one AWS account.
type SeedAccount struct {
	Pos Position `yaml:"-"`
	ID  string   `yaml:"id"` // twelve digits
	// Name is the account's alias, shown in the console.
	Name string `yaml:"name"`
	// Partition is aws (the default), aws-cn or aws-us-gov.
	Partition     string             `yaml:"partition"`
	Users         []SeedUser         `yaml:"users"`
	Roles         []SeedRole         `yaml:"roles"`
	OIDCProviders []SeedOIDCProvider `yaml:"oidc_providers"`
	SAMLProviders []SeedSAMLProvider `yaml:"saml_providers"`
}

// SeedUser is an IAM user.
type SeedUser struct {
	Pos        Position          `yaml:"-"`
	Name       string            `yaml:"name"`
	Path       string            `yaml:"path"` // "/" when left out
	AccessKeys []SeedAccessKey   `yaml:"access_keys"`
	Policies   []SeedPolicy      `yaml:"policies"`
	Tags       map[string]string `yaml:"tags"`
}

// SeedAccessKey is a long-term key: literal, or made at start when Generate is set.
type SeedAccessKey struct {
	Pos      Position `yaml:"-"`
	ID       string   `yaml:"id"`
	Secret   string   `yaml:"secret"`
	Generate bool     `yaml:"generate"`
}

// String hides the secret.
func (k SeedAccessKey) String() string {
	return fmt.Sprintf("%s generate:%t [redacted]", k.ID, k.Generate)
}

// GoString hides the secret.
func (k SeedAccessKey) GoString() string { return k.String() }

// LogValue hides the secret from logs.
func (k SeedAccessKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// SeedPolicy is an inline policy. Document is JSON; in YAML it may be a mapping, or a string that holds JSON.
type SeedPolicy struct {
	Pos      Position        `yaml:"-"`
	Name     string          `yaml:"name"`
	Document json.RawMessage `yaml:"document"`
}

// SeedRole is an IAM role. TrustPolicy has the same forms as a policy's document.
type SeedRole struct {
	Pos         Position        `yaml:"-"`
	Name        string          `yaml:"name"`
	Path        string          `yaml:"path"` // "/" when left out
	TrustPolicy json.RawMessage `yaml:"trust_policy"`
	// MaxSessionDuration is in seconds, 3600 (the default) to 43200.
	MaxSessionDuration int               `yaml:"max_session_duration"`
	Policies           []SeedPolicy      `yaml:"policies"`
	Tags               map[string]string `yaml:"tags"`
}

// SeedOIDCProvider is an IAM OIDC provider.
type SeedOIDCProvider struct {
	Pos Position `yaml:"-"`
	// URL is the issuer exactly as tokens spell it: https, no port, no query (IAM's rules).
	URL       string   `yaml:"url"`
	ClientIDs []string `yaml:"client_ids"`
	// JWKS pins the issuer's keys; left out, they are fetched by discovery.
	JWKS json.RawMessage `yaml:"jwks"`
}

// SeedSAMLProvider is an IAM SAML provider.
type SeedSAMLProvider struct {
	Pos  Position `yaml:"-"`
	Name string   `yaml:"name"`
	// Metadata is the identity provider's metadata, as XML or as file:PATH.
	Metadata string `yaml:"metadata"`
}

// LoadSeed reads a seed from YAML. Unknown and duplicate keys are refused, and every problem is reported with line
// and column. Relative file: references start at the working directory.
func LoadSeed(data []byte) (Seed, error) { return loadSeed("", data) }

// LoadSeedFile reads a seed file; a problem is told as file:line:column. Relative file: references start at the file's own directory.
func LoadSeedFile(path string) (Seed, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Seed{}, fmt.Errorf("read seed: %w", err)
	}
	return loadSeed(path, data)
}

// loadSeed reads a seed; path is empty where there is no file, and then stands for the working directory.
func loadSeed(path string, data []byte) (Seed, error) {
	var seed Seed
	if err := strictyaml.Decode(path, data, &seed); err != nil {
		return Seed{}, err
	}
	dir := filepath.Dir(path) // "." for no path
	var problems strictyaml.Problems
	for i := range seed.Accounts {
		problems = append(problems, readMetadata(seed.Accounts[i].SAMLProviders, dir)...)
	}
	for _, p := range checkSeed(seed) {
		p.Pos.File = path
		problems = append(problems, p)
	}
	if len(problems) > 0 {
		return Seed{}, problems
	}
	return seed, nil
}

// readMetadata replaces file:PATH by the file's content.
func readMetadata(providers []SeedSAMLProvider, dir string) strictyaml.Problems {
	var problems strictyaml.Problems
	for i := range providers {
		p := &providers[i]
		path, ok := strings.CutPrefix(p.Metadata, "file:")
		if !ok {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			problems = append(problems, strictyaml.Problem{Pos: p.Pos, Text: fmt.Sprintf("SAML provider %s: %v", p.Name, err)})
			continue
		}
		p.Metadata = string(content)
	}
	return problems
}

// checkSeed builds the state once, throws it away and keeps what was wrong.
func checkSeed(seed Seed) strictyaml.Problems {
	_, err := buildState(seed, checkOptions())
	var problems strictyaml.Problems
	if err != nil && !errors.As(err, &problems) {
		problems = strictyaml.Problems{{Text: err.Error()}}
	}
	return problems
}
