package iampolicy

import (
	"encoding/json"
	"testing"
)

const (
	account  = "111122223333"
	stranger = "444455556666"
	roleARN  = "arn:aws:iam::111122223333:role/team/deploy"
	github   = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
	corpSAML = "arn:aws:iam::111122223333:saml-provider/corp"

	webIdentity = "sts:AssumeRoleWithWebIdentity"
	assumeRole  = "sts:AssumeRole"
)

// keys is a request context in short: a string is a single value, a []string a list, and what is not there is absent.
type keys map[string]any

func (k keys) context() Context {
	var c Context
	for name, v := range k {
		switch v := v.(type) {
		case string:
			c.Set(name, v)
		case []string:
			c.SetMulti(name, v...)
		}
	}
	return c
}

func parse(t testing.TB, doc string, kind Kind) *Policy {
	t.Helper()
	p, err := Parse([]byte(doc), kind)
	if err != nil {
		t.Fatalf("Parse(%s): %v", doc, err)
	}
	return p
}

// source parses a document and names it after its kind.
func source(t testing.TB, doc string, kind Kind) Source {
	t.Helper()
	return Source{Name: kind.String(), Policy: parse(t, doc, kind)}
}

func alice() Principal {
	return Principal{Kind: User, ARN: "arn:aws:iam::111122223333:user/alice", UniqueID: "AIDAEXAMPLEALICE00001", AccountID: account}
}

func session() Principal {
	return Principal{
		Kind: RoleSession, ARN: "arn:aws:sts::111122223333:assumed-role/hub/ci", RoleARN: "arn:aws:iam::111122223333:role/team/hub",
		UniqueID: "AROAEXAMPLEHUB0000001", AccountID: account,
	}
}

func federatedUser() Principal {
	return Principal{Kind: FederatedUser, ARN: "arn:aws:sts::111122223333:federated-user/bob", AccountID: account}
}

func root() Principal {
	return Principal{Kind: AccountRoot, ARN: "arn:aws:iam::111122223333:root", AccountID: account}
}

// abroad moves a principal to another account.
func abroad(p Principal) Principal {
	p.AccountID = stranger
	return p
}

// quote writes text as a JSON string.
func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}
