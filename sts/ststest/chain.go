package ststest

import (
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"
)

// chainBehaviours are about a role that is assumed by the session of another.
func chainBehaviours() []behaviour {
	return []behaviour{
		{"chain: one hour at most", chainHour},
		{"chain: a role that does not trust the hub", func(t *testing.T, s *suite) {
			_, err := s.assume(t, s.hub(t), roleUser)
			refused(t, err, "AccessDenied", 403, "is not authorized to perform: sts:AssumeRole on resource: ")
		}},
		{"chain: a source identity stays", chainSource},
		{"chain: a transitive tag stays and is not overwritten", chainTransitive},
		{"chain: other tags do not stay", func(t *testing.T, s *suite) {
			s.mustAssume(t, s.hub(t, withTags(tag("team", "blue"))), roleSpoke, withTags(tag("team", "red")))
		}},
	}
}

// hub is a client with a session of the hub role.
func (s *suite) hub(t *testing.T, change ...func(*assumeInput)) *stssdk.Client {
	t.Helper()
	return s.as(s.mustAssume(t, s.asUser(), roleHub, change...).Credentials)
}

func chainHour(t *testing.T, s *suite) {
	hub := s.hub(t)
	out := s.mustAssume(t, hub, roleSpoke, withSeconds(3600))
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleSpoke, "alice", time.Hour)
	_, err := s.assume(t, hub, roleSpoke, withSeconds(3601))
	refused(t, err, "ValidationError", 400, "exceeds the 1 hour session limit for roles assumed by role chaining")
}

func chainSource(t *testing.T, s *suite) {
	hub := s.hub(t, withSource("alice"))
	for _, change := range []func(*assumeInput){func(*assumeInput) {}, withSource("alice")} {
		if got := awssdk.ToString(s.mustAssume(t, hub, roleSpoke, change).SourceIdentity); got != "alice" {
			t.Errorf("source identity %q, want the first session's", got)
		}
	}
	if _, err := s.assume(t, hub, roleSpoke, withSource("bob")); err == nil {
		t.Error("the source identity was replaced")
	}
}

func chainTransitive(t *testing.T, s *suite) {
	hub := s.hub(t, withTags(tag("team", "blue")), withTransitive("team"))
	s.mustAssume(t, hub, roleSpoke)
	_, err := s.assume(t, hub, roleSpoke, withTags(tag("Team", "red")))
	refused(t, err, "InvalidParameterValue", 400, "conflicts with a transitive tag key from the calling session")
}
