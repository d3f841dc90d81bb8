package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/sts"
)

// policyARNPattern is the ARN of a managed policy, AWS's own or an account's (IAM API reference, policyNameType).
var policyARNPattern = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::(aws|[0-9]{12}):policy/([!-~]{1,510}/)?[\w+=,.@-]{1,128}$`)

// session compiles a rule's session. Nil means that the rule says nothing of it.
func (c *compiler) session(src *Rule) *session {
	given := &src.Session
	if given.empty() {
		return nil
	}
	s := &session{transitive: given.Transitive}
	s.name = c.sessionText(src, "session.name", given.Name, nil)
	s.source = c.sessionText(src, "session.source_identity", given.SourceIdentity, checkSourceIdentity)
	for _, key := range slices.Sorted(maps.Keys(given.Tags)) {
		field := "session.tags." + key
		if err := checkTagKey(key); err != nil {
			c.problem(src, field, "session tag %q: %v", key, err)
		}
		if given.Tags[key] == "" {
			c.problem(src, field, "session tag %q: an expression is missing; '\"\"' is the empty text", key)
			continue
		}
		s.tags = append(s.tags, tag{key, c.sessionText(src, field, given.Tags[key], checkTagValue)})
	}
	c.checkTagSet(src)
	return c.shared(given, s)
}

// shared returns the first session that was compiled from the same texts: many rules differ in their pins only.
func (c *compiler) shared(given *Session, s *session) *session {
	key := fmt.Sprintf("%q", *given) // quoted, maps in order: equal only for equal sessions
	if known, ok := c.sessions[key]; ok {
		return known
	}
	c.sessions[key] = s
	return s
}

// sessionText compiles the expression of a session value. One that reads no claim is computed now, so that a value that
// AWS refuses is found before anybody needs it.
func (c *compiler) sessionText(src *Rule, field, text string, check func(string) error) *expression {
	if text == "" {
		return nil
	}
	expr, err := c.expressions.text(text)
	if err == nil && expr.constant {
		var value string
		if value, err = expr.value(nil); err == nil && check != nil {
			err = check(value)
		}
	}
	if err != nil {
		c.problem(src, field, "%s: %v", field, err)
	}
	return expr
}

func (c *compiler) checkTagSet(src *Rule) {
	tags := src.Session.Tags
	if len(tags) > sts.MaxTags {
		c.problem(src, "session", "%d session tags, AWS takes at most %d", len(tags), sts.MaxTags)
	}
	if first, second, found := foldedTwins(slices.Collect(maps.Keys(tags))); found {
		c.problem(src, "session.tags."+second, "session tags %q and %q are the same to AWS, which ignores their case", first, second)
	}
	seen := map[string]bool{}
	for _, key := range src.Session.Transitive {
		field := "session.transitive." + key
		if _, ok := tags[key]; !ok {
			c.problem(src, field, "transitive %q is not among the session tags", key)
		}
		if seen[key] {
			c.problem(src, field, "transitive %q is listed twice", key)
		}
		seen[key] = true
	}
}

// checkDeny refuses what would look as if it mattered on a rule that gives nothing. A requirement there would be worse:
// "deny, require mfa" reads as "deny those without" and would do the opposite.
func (c *compiler) checkDeny(src *Rule) {
	if !src.Require.Zero() {
		c.problem(src, "require", "a deny rule has no require; write the condition in when")
	}
	if !src.Session.empty() {
		c.problem(src, "session", "a deny rule has no session")
	}
	if src.MaxDuration != 0 {
		c.problem(src, "max_duration", "a deny rule has no max_duration")
	}
	if src.Policy != "" || len(src.PolicyARNs) > 0 {
		c.problem(src, "policy", "a deny rule has no session policy")
	}
}

func (c *compiler) checkAllow(src *Rule, r *rule) {
	c.checkRequire(src, r.idp)
	c.checkDuration(src)
	c.checkPolicies(src)
	for _, n := range r.roles {
		c.checkRole(src, c.policy.roles[n], r.idp)
	}
}

// checkRequire refuses what the provider can never say: such a rule would only ever ask for another login.
func (c *compiler) checkRequire(src *Rule, from *provider) {
	need := src.Require
	if need.MaxAuthAge < 0 {
		c.problem(src, "require", "max_auth_age is negative")
	}
	if slices.Contains(need.ACR, "") {
		c.problem(src, "require", "acr lists an empty class")
	}
	if need.Zero() || from == nil {
		return
	}
	says := capabilities(from.Kind)
	if need.MFA && !says.mfa {
		c.problem(src, "require", "mfa: the provider %q (%s) does not say how somebody signed in", from.ID, from.Kind)
	} else if need.MFA && len(from.MFA.AMR)+len(from.MFA.ACR) == 0 {
		c.problem(src, "require", "mfa: the provider %q needs mfa: {amr, acr} to say what counts as a second factor", from.ID)
	}
	if need.MaxAuthAge > 0 && !says.authTime {
		c.problem(src, "require", "max_auth_age: the provider %q (%s) does not say when somebody signed in", from.ID, from.Kind)
	}
	if len(need.ACR) > 0 && !says.acr {
		c.problem(src, "require", "acr: the provider %q (%s) does not say in which class somebody signed in", from.ID, from.Kind)
	}
}

func (c *compiler) checkDuration(src *Rule) {
	if d := src.MaxDuration; d != 0 && (d < sts.MinDuration || d > sts.MaxDuration) {
		c.problem(src, "max_duration", "max_duration is %s, AWS allows %s to %s", shortDuration(d), shortDuration(sts.MinDuration), shortDuration(sts.MaxDuration))
	}
}

func (c *compiler) checkPolicies(src *Rule) {
	if src.Policy != "" {
		if err := checkSessionPolicy(src.Policy); err != nil {
			c.problem(src, "policy", "policy: %v", err)
		}
	}
	if n := len(src.PolicyARNs); n > sts.MaxPolicyARNs {
		c.problem(src, "policy_arns", "%d policy_arns, AWS takes at most %d", n, sts.MaxPolicyARNs)
	}
	for _, arn := range src.PolicyARNs {
		if !policyARNPattern.MatchString(arn) {
			c.problem(src, "policy_arns", "%q is not the ARN of a managed policy", arn)
		}
	}
}

// checkSessionPolicy looks at what can be known without IAM's grammar: AWS refuses the rest by MalformedPolicyDocument.
func checkSessionPolicy(doc string) error {
	if n := utf8.RuneCountInString(doc); n > sts.MaxPolicyLength {
		return fmt.Errorf("has %d characters, AWS takes at most %d", n, sts.MaxPolicyLength)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(doc), &members); err != nil {
		return fmt.Errorf("is not a JSON object: %w", err)
	}
	if _, ok := members["Statement"]; !ok {
		return fmt.Errorf("has no Statement")
	}
	return nil
}

// checkRole refuses what a rule cannot do for one of its roles.
func (c *compiler) checkRole(src *Rule, role *broker.Role, from *provider) {
	ruleNarrows := src.Policy != "" || len(src.PolicyARNs) > 0
	if ruleNarrows && (role.Policy != "" || len(role.PolicyARNs) > 0) {
		c.problem(src, "policy", "the role %q has a session policy of its own; AWS unites them, so that the rule would widen it", role.Name)
	}
	if role.Mode != sts.ModePassThrough {
		return
	}
	if src.Session.SourceIdentity != "" || len(src.Session.Tags) > 0 || len(src.Session.Transitive) > 0 {
		c.problem(src, "session", "the role %q is pass-through: the provider's own proof carries source identity and tags, a rule cannot", role.Name)
	}
	if src.Session.Name != "" && from != nil && from.Kind != KindWorkload {
		c.problem(src, "session.name", "the role %q is pass-through: only a workload's token leaves the session name to a rule", role.Name)
	}
}
