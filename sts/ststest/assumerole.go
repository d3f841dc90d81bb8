package ststest

import (
	"strconv"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

type assumeInput = stssdk.AssumeRoleInput

// assume calls AssumeRole for a role of the set-up with whatever is changed.
func (s *suite) assume(t *testing.T, as *stssdk.Client, role string, change ...func(*assumeInput)) (*stssdk.AssumeRoleOutput, error) {
	t.Helper()
	in := &assumeInput{RoleArn: awssdk.String(string(s.role(role))), RoleSessionName: awssdk.String("alice")}
	for _, c := range change {
		c(in)
	}
	return as.AssumeRole(t.Context(), in)
}

func (s *suite) mustAssume(t *testing.T, as *stssdk.Client, role string, change ...func(*assumeInput)) *stssdk.AssumeRoleOutput {
	t.Helper()
	out, err := s.assume(t, as, role, change...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tag(key, value string) types.Tag {
	return types.Tag{Key: awssdk.String(key), Value: awssdk.String(value)}
}

func withTags(tags ...types.Tag) func(*assumeInput) {
	return func(in *assumeInput) { in.Tags = tags }
}

func withTransitive(keys ...string) func(*assumeInput) {
	return func(in *assumeInput) { in.TransitiveTagKeys = keys }
}

func withSource(identity string) func(*assumeInput) {
	return func(in *assumeInput) { in.SourceIdentity = &identity }
}

func withSeconds(n int32) func(*assumeInput) {
	return func(in *assumeInput) { in.DurationSeconds = &n }
}

func withExternalID(id string) func(*assumeInput) {
	return func(in *assumeInput) { in.ExternalId = &id }
}

// assumeRefusal is a call by the user that is refused.
type assumeRefusal struct {
	name   string
	role   string
	change func(*assumeInput)
	as     func(*suite) *stssdk.Client

	code   string
	status int
	words  string
}

func (r assumeRefusal) run(t *testing.T, s *suite) {
	as := s.asUser()
	if r.as != nil {
		as = r.as(s)
	}
	change := r.change
	if change == nil {
		change = func(*assumeInput) {}
	}
	_, err := s.assume(t, as, r.role, change)
	refused(t, err, r.code, r.status, r.words)
}

func assumeRoleBehaviours() []behaviour {
	out := []behaviour{
		{"AssumeRole: credentials", assumeSucceeds},
		{"AssumeRole: the right external id", func(t *testing.T, s *suite) {
			s.mustAssume(t, s.asUser(), roleExternal, withExternalID(externalID))
		}},
		{"AssumeRole: a condition on a request tag", func(t *testing.T, s *suite) {
			s.mustAssume(t, s.asUser(), roleTeam, withTags(tag("team", "blue")))
		}},
		{"AssumeRole: fifty tags", func(t *testing.T, s *suite) { s.mustAssume(t, s.asUser(), roleUser, withTags(someTags(50)...)) }},
		{"AssumeRole: an empty tag value", func(t *testing.T, s *suite) { s.mustAssume(t, s.asUser(), roleUser, withTags(tag("team", ""))) }},
	}
	for _, r := range append(assumeRefusals(), signerRefusals()...) {
		out = append(out, behaviour{"AssumeRole refused: " + r.name, r.run})
	}
	return out
}

func assumeSucceeds(t *testing.T, s *suite) {
	out := s.mustAssume(t, s.asUser(), roleUser, withSeconds(7200), withSource("alice"), withTags(tag("team", "blue")), withTransitive("team"))
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleUser, "alice", 2*time.Hour)
	if awssdk.ToString(out.SourceIdentity) != "alice" {
		t.Errorf("source identity %q", awssdk.ToString(out.SourceIdentity))
	}
	out = s.mustAssume(t, s.asUser(), roleUser)
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleUser, "alice", time.Hour)
	if out.SourceIdentity != nil {
		t.Errorf("source identity %q although none was set", *out.SourceIdentity)
	}
}

func someTags(n int) []types.Tag {
	var out []types.Tag
	for i := range n {
		out = append(out, tag("k"+strconv.Itoa(i), "v"))
	}
	return out
}

func assumeRefusals() []assumeRefusal {
	const denied, invalid, validation = "AccessDenied", "InvalidParameterValue", "ValidationError"
	const user = "is not authorized to perform: sts:AssumeRole on resource: "
	return []assumeRefusal{
		{name: "a missing role", role: "no-such-role", code: denied, status: 403, words: user},
		{name: "a role that trusts somebody else, in the same words", role: roleWeb, code: denied, status: 403, words: user},
		{name: "no external id", role: roleExternal, code: denied, status: 403, words: user},
		{name: "another external id", role: roleExternal, change: withExternalID("acme-7f4"), code: denied, status: 403, words: user},
		{name: "no tag where one is wanted", role: roleTeam, code: denied, status: 403},
		{name: "another tag value", role: roleTeam, change: withTags(tag("team", "red")), code: denied, status: 403},
		{
			name: "tag keys equal but for case", role: roleUser, change: withTags(tag("team", "blue"), tag("TEAM", "red")),
			code: invalid, status: 400, words: "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
		},
		{
			name: "a transitive key that is no tag", role: roleUser, change: withTransitive("team"),
			code: invalid, status: 400, words: "The specified transitive tag key must be included in the requested tags.",
		},
		{name: "fifty-one tags", role: roleUser, change: withTags(someTags(51)...), code: validation, status: 400},
		{name: "a tag value outside the alphabet", role: roleUser, change: withTags(tag("team", "<b>")), code: validation, status: 400},
		{name: "a tag key of 129 characters", role: roleUser, change: withTags(tag(strings.Repeat("k", 129), "v")), code: validation, status: 400},
		{name: "a tag value of 257 characters", role: roleUser, change: withTags(tag("k", strings.Repeat("v", 257))), code: validation, status: 400},
		{name: "a source identity with a blank", role: roleUser, change: withSource("a b"), code: validation, status: 400},
		{name: "an external id of one character", role: roleUser, change: withExternalID("x"), code: validation, status: 400, words: "greater than or equal to 2"},
		{name: "longer than the role allows", role: roleUser, change: withSeconds(7201), code: validation, status: 400, words: "exceeds the MaxSessionDuration set for this role"},
		{name: "shorter than 15 minutes", role: roleUser, change: withSeconds(899), code: validation, status: 400, words: "greater than or equal to 900"},
	}
}

func signerRefusals() []assumeRefusal {
	keys := func(id, secret, session string) *credentials.StaticCredentialsProvider {
		p := credentials.NewStaticCredentialsProvider(id, secret, session)
		return &p
	}
	return []assumeRefusal{
		{
			name: "not signed", role: roleUser, code: "MissingAuthenticationToken", status: 403,
			as: func(s *suite) *stssdk.Client { return s.unsigned() },
		},
		{
			name: "an unknown access key", role: roleUser, code: "InvalidClientTokenId", status: 403,
			as: func(s *suite) *stssdk.Client {
				return s.client(keys("AKIAUNKNOWN000000000", s.SecretAccessKey.Reveal(), ""))
			},
		},
		{
			name: "another secret", role: roleUser, code: "SignatureDoesNotMatch", status: 403,
			as: func(s *suite) *stssdk.Client { return s.client(keys(s.AccessKeyID, "another-secret", "")) },
		},
		{
			name: "a session token beside a long-term key", role: roleUser, code: "InvalidClientTokenId", status: 403,
			as: func(s *suite) *stssdk.Client {
				return s.client(keys(s.AccessKeyID, s.SecretAccessKey.Reveal(), "a-token"))
			},
		},
	}
}
