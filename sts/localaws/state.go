package localaws

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/samlassert"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/strictyaml"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/webidentity"
)

// checkOptions are for a state that only checks a seed: loopback issuers pass here, [New] decides about them.
func checkOptions() iam.Options {
	return iam.Options{Minter: iam.Minter{Rand: rand.Reader}, InsecureProviders: true}
}

// builder makes a state from a seed and collects what is wrong with it.
type builder struct {
	state    *iam.State
	problems strictyaml.Problems
}

// buildState fails with all problems of the seed.
func buildState(seed Seed, options iam.Options) (*iam.State, error) {
	b := &builder{state: iam.NewState(options)}
	for _, account := range seed.Accounts {
		b.account(account)
	}
	for _, account := range seed.Accounts {
		for _, role := range account.Roles {
			b.principals(role)
		}
	}
	if len(seed.Accounts) == 0 {
		b.add(Position{}, "", fmt.Errorf("no accounts"))
	}
	if len(b.problems) > 0 {
		return nil, b.problems
	}
	return b.state, nil
}

func (b *builder) add(pos Position, what string, err error) {
	if err == nil {
		return
	}
	text := err.Error()
	if what != "" {
		text = what + ": " + text
	}
	b.problems = append(b.problems, strictyaml.Problem{Pos: pos, Text: text})
}

func (b *builder) account(seed SeedAccount) {
	account, err := b.state.CreateAccount(iam.Account{ID: seed.ID, Name: seed.Name, Partition: seed.Partition})
	if err != nil {
		b.add(seed.Pos, "", err)
		return
	}
	for _, user := range seed.Users {
		b.user(account, user)
	}
	for _, role := range seed.Roles {
		b.role(account, role)
	}
	for _, provider := range seed.OIDCProviders {
		b.add(provider.Pos, "OIDC provider "+provider.URL, putOIDCProvider(b.state, account.ID, provider))
	}
	for _, provider := range seed.SAMLProviders {
		b.add(provider.Pos, "SAML provider "+provider.Name, putSAMLProvider(b.state, account.ID, provider.Name, []byte(provider.Metadata)))
	}
}

func (b *builder) user(account iam.Account, seed SeedUser) {
	what := "user " + seed.Name
	user, err := b.state.CreateUser(iam.User{
		Account: account, Path: seed.Path, Name: seed.Name, Tags: tagList(seed.Tags), Policies: b.policies(what, seed.Policies),
	})
	if err != nil {
		b.add(seed.Pos, what, err)
		return
	}
	for _, key := range seed.AccessKeys {
		if key.Generate == (key.ID != "" || key.Secret != "") {
			b.add(key.Pos, what, fmt.Errorf("an access key has either generate: true, or id and secret"))
			continue
		}
		_, err := b.state.CreateAccessKey(user, key.ID, key.Secret)
		b.add(key.Pos, what, err)
	}
}

func (b *builder) role(account iam.Account, seed SeedRole) {
	what := "role " + seed.Name
	trust, err := iam.ParsePolicy("trust policy", seed.TrustPolicy, iampolicy.Trust)
	if err != nil {
		b.add(seed.Pos, what+": trust policy", err)
		return
	}
	_, err = b.state.CreateRole(iam.Role{
		Account: account, Path: seed.Path, Name: seed.Name, Trust: trust, MaxSessionDuration: seed.MaxSessionDuration,
		Tags: tagList(seed.Tags), Policies: b.policies(what, seed.Policies),
	})
	b.add(seed.Pos, what, err)
}

func (b *builder) policies(what string, seeds []SeedPolicy) []iampolicy.Source {
	var out []iampolicy.Source
	for _, seed := range seeds {
		source, err := iam.ParsePolicy(seed.Name, seed.Document, iampolicy.Identity)
		b.add(seed.Pos, what+": policy "+seed.Name, err)
		out = append(out, source)
	}
	return out
}

func tagList(tags map[string]string) []iam.Tag {
	var out []iam.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, iam.Tag{Key: key, Value: tags[key]})
	}
	return out
}

func putOIDCProvider(state *iam.State, accountID string, seed SeedOIDCProvider) error {
	var pinned *webidentity.KeySet
	if len(seed.JWKS) > 0 {
		var err error
		if pinned, err = webidentity.ParseKeySet(seed.JWKS); err != nil {
			return fmt.Errorf("jwks: %w", err)
		}
	}
	_, err := state.PutOIDCProvider(iam.OIDCProvider{
		Account: iam.Account{ID: accountID}, URL: seed.URL, ClientIDs: seed.ClientIDs, Pinned: pinned,
	})
	return err
}

func putSAMLProvider(state *iam.State, accountID, name string, document []byte) error {
	metadata, err := samlassert.ParseMetadata(document)
	if err != nil {
		return err
	}
	_, err = state.PutSAMLProvider(iam.SAMLProvider{Account: iam.Account{ID: accountID}, Name: name, Metadata: metadata})
	return err
}
