package localaws

import (
	"strconv"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
)

// caller is an authenticated principal: an IAM user, or a session of a role.
type caller struct {
	account iam.Account
	user    *iam.User
	session *session.Session
	role    *iam.Role // of session
}

func (c *caller) arn() string {
	if c.user != nil {
		return c.user.ARN()
	}
	return c.session.ARN
}

func (c *caller) userID() string {
	if c.user != nil {
		return c.user.ID
	}
	return c.session.ID()
}

func (c *caller) principal() iampolicy.Principal {
	if c.user != nil {
		return iampolicy.Principal{Kind: iampolicy.User, ARN: c.arn(), UniqueID: c.user.ID, AccountID: c.account.ID}
	}
	return iampolicy.Principal{
		Kind: iampolicy.RoleSession, ARN: c.arn(), RoleARN: c.role.ARN(), UniqueID: c.role.ID, AccountID: c.account.ID,
	}
}

// identityPolicies are the caller's own.
func (c *caller) identityPolicies() []iampolicy.Source {
	if c.user != nil {
		return c.user.Policies
	}
	return c.role.Policies
}

func (c *caller) sessionPolicies() []iampolicy.Source {
	if c.session == nil {
		return nil
	}
	return c.session.Policies
}

// tags are the principal's: a session tag hides the role's tag of the same key.
func (c *caller) tags() []iam.Tag {
	if c.user != nil {
		return c.user.Tags
	}
	return overlay(c.role.Tags, c.session.Tags)
}

// transitive are the tags that go on to the next role.
func (c *caller) transitive() []iam.Tag {
	if c.session == nil {
		return nil
	}
	var out []iam.Tag
	for _, tag := range c.session.Tags {
		if containsFold(c.session.TransitiveKeys, tag.Key) {
			out = append(out, tag)
		}
	}
	return out
}

// overlay puts tags over others; keys compare ignoring case.
func overlay(under, over []iam.Tag) []iam.Tag {
	var out []iam.Tag
	for _, tag := range under {
		if !hasTag(over, tag.Key) {
			out = append(out, tag)
		}
	}
	return append(out, over...)
}

func hasTag(tags []iam.Tag, key string) bool {
	for _, tag := range tags {
		if iam.FoldTagKey(tag.Key) == iam.FoldTagKey(key) {
			return true
		}
	}
	return false
}

func containsFold(keys []string, key string) bool {
	for _, k := range keys {
		if iam.FoldTagKey(k) == iam.FoldTagKey(key) {
			return true
		}
	}
	return false
}

// baseContext is what every request knows (policy fact sheet, section 5).
func (c *call) baseContext() iampolicy.Context {
	var x iampolicy.Context
	x.Set("aws:CurrentTime", c.now.UTC().Format(time.RFC3339))
	x.Set("aws:EpochTime", strconv.FormatInt(c.now.Unix(), 10))
	x.Set("aws:RequestedRegion", c.region)
	x.Set("aws:SecureTransport", strconv.FormatBool(c.client.secure))
	x.Set("aws:ViaAWSService", "false")
	x.Set("aws:PrincipalIsAWSService", "false")
	setIf(&x, "aws:SourceIp", c.client.ip)
	setIf(&x, "aws:UserAgent", c.client.userAgent)
	setIf(&x, "aws:referer", c.client.referer)
	return x
}

func setIf(x *iampolicy.Context, key, value string) {
	if value != "" {
		x.Set(key, value)
	}
}

// callerContext adds what is known of the one who signed.
func (c *call) callerContext() iampolicy.Context {
	x := c.baseContext()
	who := c.caller
	x.Set("aws:PrincipalAccount", who.account.ID)
	x.Set("aws:userid", who.userID())
	for _, tag := range who.tags() {
		x.Set("aws:PrincipalTag/"+tag.Key, tag.Value)
	}
	if who.user != nil {
		x.Set("aws:PrincipalType", "User")
		x.Set("aws:PrincipalArn", who.user.ARN())
		x.Set("aws:username", who.user.Name)
		return x
	}
	x.Set("aws:PrincipalType", "AssumedRole")
	x.Set("aws:PrincipalArn", who.role.ARN())
	x.Set("aws:MultiFactorAuthPresent", "false")
	x.Set("aws:TokenIssueTime", who.session.IssuedAt.UTC().Format(time.RFC3339))
	setIf(&x, "aws:SourceIdentity", who.session.SourceIdentity)
	setIf(&x, "aws:FederatedProvider", who.session.Provider)
	for _, key := range who.session.ProviderKeys {
		setKey(&x, key)
	}
	return x
}

func setKey(x *iampolicy.Context, key session.ProviderKey) {
	switch {
	case key.Multi:
		x.SetMulti(key.Name, key.Values...)
	case len(key.Values) == 1:
		x.Set(key.Name, key.Values[0])
	}
}

// describe words a refusal's trace for the log: the elements that did not match.
func describe(d iampolicy.Decision) string {
	var failed []string
	for _, statement := range d.Trace {
		for _, element := range statement.Elements {
			if !element.Matched {
				failed = append(failed, strings.TrimSpace(statement.Source+" "+element.Element+" "+element.Operator+" "+element.Key))
			}
		}
	}
	return strings.Join(failed, "; ")
}
