package sts

import (
	"context"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Mode is the exchange mode: how a grant becomes credentials (design.md section 5).
type Mode string

// The exchange modes.
const (
	ModeWebIdentity Mode = "web-identity" // AssumeRoleWithWebIdentity with a JWT that the broker signs
	ModeSAML        Mode = "saml"         // AssumeRoleWithSAML with a Response that the broker signs
	ModePassThrough Mode = "pass-through" // the upstream JWT, untouched
	ModeAssumeRole  Mode = "assume-role"  // AssumeRole by the broker's own principal, or by Caller
)

// Action names the STS action that a mode calls.
func (m Mode) Action() string {
	switch m {
	case ModeSAML:
		return "AssumeRoleWithSAML"
	case ModeAssumeRole:
		return "AssumeRole"
	default:
		return "AssumeRoleWithWebIdentity"
	}
}

// Limits that AWS sets on every call (STS API reference).
const (
	MinDuration     = 15 * time.Minute
	MaxDuration     = 12 * time.Hour
	MaxChained      = time.Hour // a role assumed by a role session
	MaxTags         = 50
	MaxPolicyARNs   = 10
	MaxPolicyLength = 2048 // characters
)

// Tag is a session tag.
type Tag struct{ Key, Value string }

// Request is one call to STS. Which members are read depends on Mode: a web identity token and a SAML response
// carry session name, source identity and tags inside themselves where the protocol has room for them.
type Request struct {
	Mode    Mode
	RoleARN RoleARN
	// Region chooses the regional endpoint, eu-central-1 say.
	Region string

	SessionName    string
	SourceIdentity string
	Tags           []Tag
	TransitiveTags []string
	Duration       time.Duration // whole seconds
	Policy         string        // session policy, JSON
	PolicyARNs     []string

	WebIdentityToken secret.Text // web-identity, pass-through
	SAMLResponse     secret.Text // saml: base64 of the samlp:Response
	PrincipalARN     string      // saml: ARN of the IAM SAML provider
	ExternalID       string      // assume-role
	// Caller are the credentials of the hub role in assume-role; nil means the broker's own principal.
	Caller *Credentials
}

// Credentials are temporary credentials and what AWS said about the session they stand for.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey secret.Text
	SessionToken    secret.Text
	Expiration      time.Time
	AssumedRoleARN  string
	AssumedRoleID   string
	SourceIdentity  string
	// RequestID is AWS's id of the call that issued them.
	RequestID string
}

// Assumer calls STS. It fails with an [Error].
type Assumer interface {
	Assume(ctx context.Context, req Request) (Credentials, error)
}
