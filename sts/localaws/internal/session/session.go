package session

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"time"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
)

// Method is the call that issued a session.
type Method string

// The calls that issue role sessions.
const (
	ByAssumeRole  Method = "AssumeRole"
	BySAML        Method = "AssumeRoleWithSAML"
	ByWebIdentity Method = "AssumeRoleWithWebIdentity"
)

// Session is one role session.
type Session struct {
	AccessKeyID string // ASIA…
	Secret      string

	RoleARN string // the role, found again by it at every use
	RoleID  string
	ARN     string // arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME
	Account iam.Account
	Role    string // name without path
	Name    string
	Method  Method
	// Chained says that a role session assumed this one, which caps it at one hour and keeps it from setting the
	// length of a console session.
	Chained bool

	IssuedAt time.Time
	Expires  time.Time

	// Tags are the session tags, inherited ones included; TransitiveKeys are those that go on to the next role.
	Tags           []iam.Tag
	TransitiveKeys []string
	SourceIdentity string
	// Provider is the ARN of the IAM provider behind a federated session.
	Provider string
	// ProviderKeys are the provider's condition keys that outlive the call that assumed the role.
	ProviderKeys []ProviderKey
	Policies     []iampolicy.Source // session policies
}

// ProviderKey is one condition key and its values.
type ProviderKey struct {
	Name   string
	Values []string
	Multi  bool
}

// ID is what AWS calls the assumed role id and the user id of the session.
func (s *Session) ID() string { return s.RoleID + ":" + s.Name }

// SecretIs compares the secret access key in constant time.
func (s *Session) SecretIs(secret string) bool {
	want, got := sha256.Sum256([]byte(s.Secret)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// LogValue hides the secret from logs.
func (s *Session) LogValue() slog.Value { return slog.StringValue(s.AccessKeyID) }

// String hides the secret.
func (s *Session) String() string { return s.AccessKeyID }

// GoString hides the secret.
func (s *Session) GoString() string { return s.AccessKeyID }
