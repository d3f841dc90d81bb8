package broker

import (
	"time"

	"github.com/fedbroker/fedbroker/sts"
)

// Role is one AWS role as the configuration describes it, with every default filled in.
type Role struct {
	Name        string // alias, prod/deploy
	ARN         sts.RoleARN
	AccountName string
	Mode        sts.Mode
	Region      string
	// Duration is given when nobody asks for another; MaxDuration is the most that may be asked for.
	Duration, MaxDuration time.Duration
	// Policy and PolicyARNs narrow every session of the role.
	Policy     string
	PolicyARNs []string
	// PrincipalARN is the IAM SAML provider in the role's account (mode saml).
	PrincipalARN string
	ExternalID   string
	// Through is the hub role that AssumeRole is called from; nil means the broker's own principal.
	Through *Role
	// ConsoleDuration is sent to the federation endpoint as SessionDuration; 0 leaves it out.
	ConsoleDuration time.Duration
}

// Grant is one role that the rules give one identity, with the session that it would have.
type Grant struct {
	Role *Role
	// Rule is the rule that shapes the session; Place is where it stands in the configuration (opaque, printable).
	Rule  string
	Place any

	SessionName    string
	SourceIdentity string
	Tags           []sts.Tag // sorted by key
	TransitiveTags []string
	// MaxDuration is the rule's own bound; 0 when it sets none.
	MaxDuration time.Duration
	Policy      string
	PolicyARNs  []string
}

// Withheld is a role that some rule names for the identity and that it still does not get.
type Withheld struct {
	Role *Role
	Code Code
	// Detail is one sentence that the person themselves may read.
	Detail string
	// Require is what a fresh login must satisfy; set with CodeMFARequired.
	Require Require
}

// Require is the strength and freshness that a rule asks of the login.
type Require struct {
	MFA        bool
	MaxAuthAge time.Duration // 0: any
	ACR        []string      // any of; empty: any
}

// Zero reports whether nothing is required.
func (r Require) Zero() bool { return !r.MFA && r.MaxAuthAge == 0 && len(r.ACR) == 0 }

// Decision is what the rules say of one identity, roles in configuration order.
type Decision struct {
	Grants   []Grant
	Withheld []Withheld
}

// Explanation says, rule by rule, how a decision came about. Its JSON form is openapi.yaml's Explanation.
type Explanation struct {
	Identity ExplainedIdentity `json:"identity"`
	Rules    []ExplainedRule   `json:"rules"`
	Roles    []ExplainedRole   `json:"roles"`
}

// ExplainedIdentity is the part of an identity that rules see first.
type ExplainedIdentity struct {
	Provider string   `json:"idp"`
	Subject  string   `json:"subject"`
	Username string   `json:"username,omitempty"`
	Email    string   `json:"email,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

// ExplainedRule is one rule's verdict; Conditions holds every condition that was looked at, in order.
type ExplainedRule struct {
	Rule       string               `json:"rule"`
	Place      string               `json:"place,omitempty"`
	Effect     string               `json:"effect"` // allow, deny
	Roles      []string             `json:"roles"`
	Matched    bool                 `json:"matched"`
	Conditions []ExplainedCondition `json:"conditions"`
}

// ExplainedCondition is one condition with what it wanted and what it found.
type ExplainedCondition struct {
	// Kind is idp, match, when or require.
	Kind     string `json:"kind"`
	Key      string `json:"key,omitempty"`
	Expected string `json:"expected"`
	Actual   string `json:"actual"` // "absent" when there is no such claim
	Met      bool   `json:"met"`
}

// ExplainedRole is the outcome for one role and the session it would have.
type ExplainedRole struct {
	Role    string `json:"role"`
	ARN     string `json:"arn"`
	Granted bool   `json:"granted"`
	// Rule granted it, or took it away.
	Rule    string            `json:"rule,omitempty"`
	Code    Code              `json:"code,omitempty"` // why not, when not granted
	Reason  string            `json:"reason,omitempty"`
	Session *ExplainedSession `json:"session,omitempty"`
}

// ExplainedSession is what AWS would be asked for.
type ExplainedSession struct {
	Action         string            `json:"sts_action"`
	Name           string            `json:"name"`
	SourceIdentity string            `json:"source_identity,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	TransitiveTags []string          `json:"transitive,omitempty"`
	MaxDuration    string            `json:"max_duration"`
}
