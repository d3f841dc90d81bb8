package iam

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/samlassert"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/webidentity"
)

// Tag is a key and its one value.
type Tag struct{ Key, Value string }

// Account is one AWS account.
type Account struct {
	ID string // twelve digits
	// Name is the account's alias, shown in the console.
	Name string
	// Partition is aws, aws-cn or aws-us-gov.
	Partition string
}

// User is an IAM user.
type User struct {
	Account  Account
	Path     string // begins and ends with a slash
	Name     string
	ID       string // AIDA…
	Tags     []Tag
	Policies []iampolicy.Source // inline
}

// ARN returns the user's ARN with its path.
func (u *User) ARN() string {
	return fmt.Sprintf("arn:%s:iam::%s:user%s%s", u.Account.Partition, u.Account.ID, u.Path, u.Name)
}

// AccessKey is a long-term key of a user. Its secret prints as [redacted].
type AccessKey struct {
	ID     string // AKIA…
	Secret string
	User   *User
}

// LogValue hides the secret from logs.
func (k AccessKey) LogValue() slog.Value { return slog.StringValue(k.ID) }

// String hides the secret.
func (k AccessKey) String() string { return k.ID }

// GoString hides the secret.
func (k AccessKey) GoString() string { return k.ID }

// Role is an IAM role.
type Role struct {
	Account            Account
	Path               string
	Name               string
	ID                 string // AROA…
	Trust              iampolicy.Source
	MaxSessionDuration int // seconds
	Tags               []Tag
	Policies           []iampolicy.Source // inline
}

// ARN returns the role's ARN with its path.
func (r *Role) ARN() string {
	return fmt.Sprintf("arn:%s:iam::%s:role%s%s", r.Account.Partition, r.Account.ID, r.Path, r.Name)
}

// SessionARN names a session of the role; AWS leaves the path out.
func (r *Role) SessionARN(session string) string {
	return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", r.Account.Partition, r.Account.ID, r.Name, session)
}

// OIDCProvider is an IAM OpenID Connect provider.
type OIDCProvider struct {
	Account   Account
	URL       string // the issuer, with its scheme
	ClientIDs []string
	// Pinned are the issuer's keys; nil means discovery.
	Pinned *webidentity.KeySet
}

// Prefix is the issuer without its scheme, with which condition keys begin.
func (p *OIDCProvider) Prefix() string {
	_, rest, _ := strings.Cut(p.URL, "://")
	return rest
}

// ARN returns the provider's ARN.
func (p *OIDCProvider) ARN() string {
	return fmt.Sprintf("arn:%s:iam::%s:oidc-provider/%s", p.Account.Partition, p.Account.ID, p.Prefix())
}

// SAMLProvider is an IAM SAML provider.
type SAMLProvider struct {
	Account  Account
	Name     string
	Metadata samlassert.Metadata
}

// ARN returns the provider's ARN.
func (p *SAMLProvider) ARN() string {
	return fmt.Sprintf("arn:%s:iam::%s:saml-provider/%s", p.Account.Partition, p.Account.ID, p.Name)
}
