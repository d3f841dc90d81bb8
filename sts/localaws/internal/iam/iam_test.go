package iam_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
)

func newState(t *testing.T) (*iam.State, iam.Account) {
	t.Helper()
	s := iam.NewState(iam.Options{Minter: iam.Minter{Rand: rand.Reader}})
	account, err := s.CreateAccount(iam.Account{ID: "111122223333", Name: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	return s, account
}

func trust(t *testing.T) iampolicy.Source {
	t.Helper()
	source, err := iam.ParsePolicy("trust", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}`), iampolicy.Trust)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestMintedIDs(t *testing.T) {
	m := iam.Minter{Rand: rand.Reader}
	user, err := m.UniqueID(iam.PrefixUser)
	if err != nil || !regexp.MustCompile(`^AIDA[A-Z2-7]{17}$`).MatchString(user) {
		t.Errorf("user id %q %v", user, err)
	}
	for _, account := range []string{"000000000001", "111122223333", "999999999999"} {
		key, err := m.AccessKeyID(iam.PrefixAccessKey, account)
		if err != nil || !regexp.MustCompile(`^AKIA[Q-Z2-7][A-Z2-7]{15}$`).MatchString(key) {
			t.Errorf("key id %q %v", key, err)
		}
		if decoded, ok := iam.DecodeAccount(key); !ok || decoded != account {
			t.Errorf("%s decodes to %s", key, decoded)
		}
	}
	secret, err := m.SecretKey()
	if err != nil || len(secret) != 40 {
		t.Errorf("secret of %d characters, %v", len(secret), err)
	}
	uuid, err := m.UUID()
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(uuid) {
		t.Errorf("uuid %q %v", uuid, err)
	}
	dry := iam.Minter{Rand: bytes.NewReader(nil)}
	if _, err := dry.Token(); err == nil {
		t.Error("a token without randomness")
	}
}

// A role is found by its exact ARN: partition, path and case included.
func TestRoleIsFoundExactly(t *testing.T) {
	s, account := newState(t)
	if _, err := s.CreateRole(iam.Role{Account: account, Name: "Deploy", Path: "/ci/", Trust: trust(t)}); err != nil {
		t.Fatal(err)
	}
	for arn, want := range map[string]bool{
		"arn:aws:iam::111122223333:role/ci/Deploy":    true,
		"arn:aws:iam::111122223333:role/ci/deploy":    false,
		"arn:aws:iam::111122223333:role/Deploy":       false,
		"arn:aws-cn:iam::111122223333:role/ci/Deploy": false,
		"arn:aws:iam::111122223334:role/ci/Deploy":    false,
		"arn:aws:iam::111122223333:user/ci/Deploy":    false,
		"Deploy": false,
		"":       false,
	} {
		if _, ok := s.Role(arn); ok != want {
			t.Errorf("%q: %v", arn, ok)
		}
	}
}

func TestWritesRefused(t *testing.T) {
	s, account := newState(t)
	role := func(edit func(*iam.Role)) error {
		r := iam.Role{Account: account, Name: "r", Trust: trust(t)}
		edit(&r)
		_, err := s.CreateRole(r)
		return err
	}
	if _, err := s.CreateUser(iam.User{Account: account, Name: "Alice"}); err != nil {
		t.Fatal(err)
	}
	tags := func(tags ...iam.Tag) error { return iam.CheckTags(tags) }
	_, twice := s.CreateAccount(iam.Account{ID: account.ID})
	_, user := s.CreateUser(iam.User{Account: account, Name: "alice"})
	_, nowhere := s.CreateUser(iam.User{Account: iam.Account{ID: "999999999999"}, Name: "bob"})
	_, alias := s.CreateAccount(iam.Account{ID: "222222222222", Name: "333333333333"})
	_, hyphens := s.CreateAccount(iam.Account{ID: "222222222222", Name: "a--b"})
	_, saml := s.PutSAMLProvider(iam.SAMLProvider{Account: account, Name: "a/b"})
	_, long := s.PutOIDCProvider(iam.OIDCProvider{Account: account, URL: "https://" + strings.Repeat("a", 250)})
	_, clients := s.PutOIDCProvider(iam.OIDCProvider{Account: account, URL: "https://a.example.com", ClientIDs: make([]string, 101)})
	_, insecure := s.PutOIDCProvider(iam.OIDCProvider{Account: account, URL: "http://localhost:1"})
	for name, err := range map[string]error{
		"an account twice": twice, "a user twice, another case": user, "an account that is not there": nowhere, "an alias of digits": alias,
		"two hyphens": hyphens, "a slash in a SAML name": saml, "a long URL": long, "101 clients": clients, "a loopback issuer": insecure,
		"a role without trust": role(func(r *iam.Role) { r.Trust = iampolicy.Source{} }),
		"13 hours":             role(func(r *iam.Role) { r.MaxSessionDuration = 13 * 3600 }),
		"a long name":          role(func(r *iam.Role) { r.Name = strings.Repeat("a", 65) }),
		"a relative path":      role(func(r *iam.Role) { r.Path = "ci" }),
		"51 tags":              tags(make([]iam.Tag, 51)...),
		"an empty key":         tags(iam.Tag{Key: ""}),
		"a long key":           tags(iam.Tag{Key: strings.Repeat("a", 129)}),
		"a long value":         tags(iam.Tag{Key: "a", Value: strings.Repeat("a", 257)}),
		"a brace":              tags(iam.Tag{Key: "a", Value: "{"}),
		"AWS: reserved":        tags(iam.Tag{Key: "AWS:a"}),
		"equal but for case":   tags(iam.Tag{Key: "a"}, iam.Tag{Key: "A"}),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestPartitionInARNs(t *testing.T) {
	s, _ := newState(t)
	china, err := s.CreateAccount(iam.Account{ID: "444455556666", Partition: "aws-cn"})
	if err != nil {
		t.Fatal(err)
	}
	role, err := s.CreateRole(iam.Role{Account: china, Name: "r", Trust: trust(t)})
	if err != nil {
		t.Fatal(err)
	}
	provider := iam.OIDCProvider{Account: china, URL: "https://a.example.com/b"}
	got := fmt.Sprint(role.ARN(), " ", role.SessionARN("s"), " ", provider.ARN())
	const want = "arn:aws-cn:iam::444455556666:role/r arn:aws-cn:sts::444455556666:assumed-role/r/s arn:aws-cn:iam::444455556666:oidc-provider/a.example.com/b"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAccessKeyHidesItsSecret(t *testing.T) {
	key := iam.AccessKey{ID: "AKIA", Secret: "hush"}
	printed := fmt.Sprintf("%v %+v %#v %s", key, key, key, key) + slog.AnyValue(key).Resolve().String()
	if strings.Contains(printed, "hush") {
		t.Error(printed)
	}
}
