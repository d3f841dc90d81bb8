package localaws

import (
	"regexp"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

const (
	stsVersion   = "2011-06-15"
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
)

func stsService() service {
	return service{name: "sts", namespace: stsNamespace, operations: map[string]operation{
		"AssumeRole":                {run: (*Server).assumeRole},
		"AssumeRoleWithSAML":        {run: (*Server).assumeRoleWithSAML, unsigned: true},
		"AssumeRoleWithWebIdentity": {run: (*Server).assumeRoleWithWebIdentity, unsigned: true},
		"GetAccessKeyInfo":          {run: (*Server).getAccessKeyInfo},
		"GetCallerIdentity":         {run: (*Server).getCallerIdentity},
	}}
}

// Shapes of parameters (STS API reference; sts fact sheet, section 3).
var (
	arnShape         = wire.Shape{Min: 20, Max: 2048, Pattern: regexp.MustCompile(`^[\t\n\r\x20-\x7E\x{85}\x{A0}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]+$`), PatternText: `[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`}
	namePattern      = regexp.MustCompile(`^[\w+=,.@-]*$`)
	sessionNameShape = wire.Shape{Min: 2, Max: 64, Pattern: namePattern, PatternText: `[\w+=,.@-]*`}
	externalIDShape  = wire.Shape{Min: 2, Max: 1224, Pattern: regexp.MustCompile(`^[\w+=,.@:\/-]*$`), PatternText: `[\w+=,.@:\/-]*`}
	serialShape      = wire.Shape{Min: 9, Max: 256, Pattern: regexp.MustCompile(`^[\w+=/:,.@-]*$`), PatternText: `[\w+=/:,.@-]*`}
	codeShape        = wire.Shape{Min: 6, Max: 6, Pattern: regexp.MustCompile(`^[\d]*$`), PatternText: `[\d]*`, Sensitive: true}
	tagKeyShape      = wire.Shape{Min: 1, Max: 128, Pattern: regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`), PatternText: `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`, Required: true}
	tagValueShape    = wire.Shape{Max: 256, Pattern: regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`), PatternText: `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`}
	policyPattern    = regexp.MustCompile(`^[\t\n\r\x20-\x{FF}]+$`)
	policyShape      = wire.Shape{Min: 1, Max: 2048, Pattern: policyPattern, PatternText: `[\u0009\u000A\u000D\u0020-\u00FF]+`}
	anyPolicyShape   = wire.Shape{Min: 1, Pattern: policyPattern, PatternText: `[\u0009\u000A\u000D\u0020-\u00FF]+`}
	jwtShape         = wire.Shape{Min: 4, Max: 20000, Required: true, Sensitive: true}
	assertionShape   = wire.Shape{Min: 4, Max: 100000, Required: true, Sensitive: true}
	providerIDShape  = wire.Shape{Min: 4, Max: 2048}
	keyIDShape       = wire.Shape{Min: 16, Max: 128, Pattern: regexp.MustCompile(`^[\w]*$`), PatternText: `[\w]*`, Required: true}
	roleARNPattern   = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::([0-9]{12}):role(/|/[!-~]{1,510}/)[\w+=,.@-]{1,64}$`)
)

func required(shape wire.Shape) wire.Shape {
	shape.Required = true
	return shape
}

// Limits of durations, in seconds, and of lists.
const (
	minDuration     = 900
	maxDuration     = 43200
	defaultDuration = 3600
	maxChained      = 3600
	maxSessionTags  = 50
	maxPolicyARNs   = 10
	maxContexts     = 5
)

// assumption is a role about to be assumed, whatever the proof.
type assumption struct {
	method session.Method
	role   *iam.Role // nil when there is no such role: refused like one that does not trust the caller
	// roleARN is as asked for.
	roleARN string

	name           string
	sourceIdentity string
	tags           []iam.Tag // of this request
	transitive     []string
	inherited      []iam.Tag // transitive tags of the calling session

	duration  int // seconds
	asked     bool
	notAfter  time.Time // zero: no bound but the duration
	chained   bool
	policy    string
	policies  []string // ARNs
	sources   []iampolicy.Source
	packed    int // percent
	provider  string
	providers []session.ProviderKey
}

// commonShapes reads and checks what the three calls share: the role, the duration, session policies.
func (s *Server) commonShapes(c *call, check *wire.Checker, a *assumption, policy wire.Shape) error {
	a.roleARN, _ = c.query.Get("RoleArn")
	check.String("roleArn", a.roleARN, required(arnShape))
	var err error
	if a.duration, a.asked, err = c.query.Int("DurationSeconds"); err != nil {
		return err
	}
	if a.asked {
		check.Int("durationSeconds", a.duration, minDuration, maxDuration)
	} else {
		a.duration = defaultDuration
	}
	a.policy, _ = c.query.Get("Policy")
	check.String("policy", a.policy, policy)
	arns, err := c.query.Structs("PolicyArns")
	if err != nil {
		return err
	}
	check.Length("policyArns", len(arns), maxPolicyARNs)
	for _, item := range arns {
		check.String("policyArns.member.arn", item["arn"], required(arnShape))
		a.policies = append(a.policies, item["arn"])
	}
	return nil
}

// findRole parses the ARN and looks the role up; a role that does not exist is refused with the trust policy.
func (s *Server) findRole(a *assumption) error {
	if !roleARNPattern.MatchString(a.roleARN) {
		return wire.ValidationError("Request ARN is invalid")
	}
	a.role, _ = s.state.Role(a.roleARN)
	return nil
}

// accountOf returns the account in an ARN that was checked.
func accountOf(arn string) string { return strings.SplitN(arn, ":", 6)[4] }

// requestContext adds what the assumption itself says to what is known of the caller.
func (a *assumption) requestContext(x *iampolicy.Context) {
	x.Set("sts:RoleSessionName", a.name)
	setIf(x, "sts:SourceIdentity", a.sourceIdentity)
	if len(a.tags) > 0 {
		keys := make([]string, len(a.tags))
		for i, tag := range a.tags {
			keys[i] = tag.Key
			x.Set("aws:RequestTag/"+tag.Key, tag.Value)
		}
		x.SetMulti("aws:TagKeys", keys...)
	}
	if len(a.transitive) > 0 {
		x.SetMulti("sts:TransitiveTagKeys", a.transitive...)
	}
	if a.role == nil {
		return
	}
	x.Set("aws:ResourceAccount", a.role.Account.ID)
	// Inherited transitive tags stand in for the new role's own before its trust policy is looked at.
	for _, tag := range overlay(a.role.Tags, replacing(a.role.Tags, a.inherited)) {
		x.Set("aws:ResourceTag/"+tag.Key, tag.Value)
		x.Set("iam:ResourceTag/"+tag.Key, tag.Value)
	}
}

// replacing returns those of tags whose keys the role has.
func replacing(role, tags []iam.Tag) []iam.Tag {
	var out []iam.Tag
	for _, tag := range tags {
		if hasTag(role, tag.Key) {
			out = append(out, tag)
		}
	}
	return out
}

// trusts asks the trust policy for the action and for what comes with it: tags need sts:TagSession, a source
// identity sts:SetSourceIdentity. It returns the action that was refused.
func (a *assumption) trusts(in iampolicy.TrustInput) (refused string, d iampolicy.Decision) {
	action := "sts:" + string(a.method)
	if a.role == nil {
		return action, iampolicy.Decision{}
	}
	in.RoleARN, in.TrustPolicy = a.role.ARN(), a.role.Trust
	actions := []string{action}
	if len(a.tags) > 0 || len(a.transitive) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if a.sourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	for _, action := range actions {
		in.Action = action
		if d = iampolicy.EvaluateTrust(in); !d.Allowed {
			return action, d
		}
	}
	return "", d
}

// checkTags refuses session tags that contradict each other or the calling session (sts fact sheet, section 8).
func (a *assumption) checkTags() error {
	for i, tag := range a.tags {
		if hasTag(a.tags[:i], tag.Key) {
			return wire.InvalidParameterValue("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if strings.HasPrefix(iam.FoldTagKey(tag.Key), "aws:") {
			return wire.InvalidParameterValue("Tag keys must not begin with the reserved prefix 'aws:'.")
		}
	}
	for _, key := range a.transitive {
		if hasTag(a.inherited, key) {
			return wire.InvalidParameterValue("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		if !hasTag(a.tags, key) {
			return wire.InvalidParameterValue("The specified transitive tag key must be included in the requested tags.")
		}
	}
	for _, tag := range a.tags {
		if hasTag(a.inherited, tag.Key) {
			return wire.InvalidParameterValue("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
	}
	return nil
}

// checkDuration holds an asked duration to the role's maximum and the chaining limit; a default is cut to them.
func (a *assumption) checkDuration() error {
	if a.chained && a.duration > maxChained {
		return wire.ValidationError("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	if a.duration > a.role.MaxSessionDuration {
		return wire.ValidationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return nil
}
