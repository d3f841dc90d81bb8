package ststest

import (
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/sts"
)

const deniedWebIdentity = "Not authorized to perform sts:AssumeRoleWithWebIdentity"

// withToken calls AssumeRoleWithWebIdentity for a role with a token and whatever is changed.
func (s *suite) withToken(t *testing.T, role, token string, change ...func(*stssdk.AssumeRoleWithWebIdentityInput)) (*stssdk.AssumeRoleWithWebIdentityOutput, error) {
	t.Helper()
	in := &stssdk.AssumeRoleWithWebIdentityInput{
		RoleArn: awssdk.String(string(s.role(role))), RoleSessionName: awssdk.String("alice"), WebIdentityToken: &token,
	}
	for _, c := range change {
		c(in)
	}
	return s.unsigned().AssumeRoleWithWebIdentity(t.Context(), in)
}

// webRefusal is a call that is refused: the proof or the call is changed in one point.
type webRefusal struct {
	name   string
	role   string
	proof  func(*broker.MintRequest)
	token  func(t *testing.T, s *suite, good string) string
	issuer func(t *testing.T, o *issuer.Options)
	call   func(*stssdk.AssumeRoleWithWebIdentityInput)

	code   string
	status int
	words  string
}

func (r webRefusal) run(t *testing.T, s *suite) {
	p := s.request(r.role)
	if r.proof != nil {
		r.proof(&p)
	}
	i := s.issuer
	if r.issuer != nil {
		i = s.newIssuer(t, func(o *issuer.Options) { r.issuer(t, o) })
	}
	token := s.token(t, i, p)
	if r.token != nil {
		token = r.token(t, s, token)
	}
	call := r.call
	if call == nil {
		call = func(*stssdk.AssumeRoleWithWebIdentityInput) {}
	}
	_, err := s.withToken(t, r.role, token, call)
	refused(t, err, r.code, r.status, r.words)
}

func webIdentityBehaviours() []behaviour {
	out := []behaviour{
		{"web identity: credentials", webSucceeds},
		{"web identity: one hour when no duration is asked for", webDefaultDuration},
		{"web identity: source identity is answered", webSourceIdentity},
		{"web identity: tags are taken", webTags},
		{"web identity: a token may be used twice", webTwice},
		{"web identity: a session outlives its token", webOutlives},
		{"web identity: a token just expired is still taken", webTolerance},
		{"web identity: a role may want to be named by the token", webBound},
		{"web identity: a condition on the subject", webSubject},
		{"web identity: a missing role is refused in the same words", webMissingRole},
	}
	for _, r := range webRefusals() {
		out = append(out, behaviour{"web identity refused: " + r.name, r.run})
	}
	return out
}

func webRefusals() []webRefusal {
	return append(webTokenRefusals(), webCallRefusals()...)
}

func webTokenRefusals() []webRefusal {
	const invalid = "InvalidIdentityToken"
	return []webRefusal{
		{name: "expired", role: roleWeb, proof: issuedAgo(20 * time.Minute), code: "ExpiredTokenException", status: 400},
		{name: "of the future", role: roleWeb, proof: issuedAgo(-20 * time.Minute), code: invalid, status: 400},
		{
			name: "another audience", role: roleWeb, code: invalid, status: 400, words: "Incorrect token audience",
			issuer: func(_ *testing.T, o *issuer.Options) { o.Audience = "sts.example.com" },
		},
		{
			name: "an unknown issuer", role: roleWeb, code: invalid, status: 400, words: "No OpenIDConnect provider found in your account for",
			issuer: func(_ *testing.T, o *issuer.Options) { o.URL += "/other" },
		},
		{
			name: "an issuer that differs by case", role: roleWeb, code: invalid, status: 400, words: "No OpenIDConnect provider found",
			issuer: func(_ *testing.T, o *issuer.Options) { o.URL = "https://" + strings.ToUpper(o.URL[len("https://"):]) },
		},
		{
			name: "another key", role: roleWeb, code: invalid, status: 400,
			issuer: func(t *testing.T, o *issuer.Options) { o.Keys = strangerKeys(t, issuer.PurposeJWT) },
		},
		{name: "a changed payload", role: roleWeb, token: otherPayload, code: invalid, status: 400},
		{name: "a changed signature", role: roleWeb, token: otherSignature, code: invalid, status: 400},
		{name: "alg none", role: roleWeb, token: algNone, code: invalid, status: 400},
		{name: "alg HS256 with the public key", role: roleWeb, token: algHS256, code: invalid, status: 400},
		{
			name: "not a JWT", role: roleWeb, code: invalid, status: 400,
			token: func(*testing.T, *suite, string) string { return "not.a.token" },
		},
		{
			name: "longer than 20000", role: roleWeb, code: "ValidationError", status: 400, words: "less than or equal to 20000",
			token: func(*testing.T, *suite, string) string { return strings.Repeat("a", 20_001) },
		},
		{
			name: "for another role", role: roleWeb, code: invalid, status: 400,
			words: "The target role ARN is not present in the roles claim of the identity token",
			proof: func(p *broker.MintRequest) { p.RoleARN += "-other" },
		},
		{
			name: "tags without sts:TagSession", role: roleWebPlain, code: "AccessDenied", status: 403, words: deniedWebIdentity,
			proof: func(p *broker.MintRequest) { p.Tags = []sts.Tag{{Key: "team", Value: "blue"}} },
		},
		{
			name: "source identity without sts:SetSourceIdentity", role: roleWebPlain, code: "AccessDenied", status: 403, words: deniedWebIdentity,
			proof: func(p *broker.MintRequest) { p.SourceIdentity = "alice" },
		},
		{
			name: "another subject", role: roleWebSubject, code: "AccessDenied", status: 403, words: deniedWebIdentity,
			proof: func(p *broker.MintRequest) { p.Subject = "ci:two" },
		},
		{name: "a role that trusts somebody else", role: roleUser, code: "AccessDenied", status: 403, words: deniedWebIdentity},
	}
}

func webCallRefusals() []webRefusal {
	type input = stssdk.AssumeRoleWithWebIdentityInput
	refusal := func(name, code, words string, call func(*input)) webRefusal {
		return webRefusal{name: name, role: roleWeb, call: call, code: code, status: 400, words: words}
	}
	const validation = "ValidationError"
	return []webRefusal{
		refusal("longer than the role allows", validation, "exceeds the MaxSessionDuration set for this role",
			func(in *input) { in.DurationSeconds = awssdk.Int32(7201) }),
		refusal("shorter than 15 minutes", validation, "greater than or equal to 900",
			func(in *input) { in.DurationSeconds = awssdk.Int32(899) }),
		refusal("longer than 12 hours", validation, "less than or equal to 43200",
			func(in *input) { in.DurationSeconds = awssdk.Int32(43201) }),
		refusal("a session name with a blank", validation, "failed to satisfy constraint",
			func(in *input) { in.RoleSessionName = awssdk.String("a b") }),
		refusal("a session name of one character", validation, "greater than or equal to 2",
			func(in *input) { in.RoleSessionName = awssdk.String("a") }),
		refusal("a session name of 65 characters", validation, "less than or equal to 64",
			func(in *input) { in.RoleSessionName = awssdk.String(strings.Repeat("a", 65)) }),
		refusal("a role that is no role", validation, "Request ARN is invalid",
			func(in *input) { in.RoleArn = awssdk.String("arn:aws:iam::111122223333:user/alice") }),
		refusal("a session policy that is no JSON", "MalformedPolicyDocument", "",
			func(in *input) { in.Policy = awssdk.String("{not json") }),
		refusal("a session policy of 2049 characters", validation, "less than or equal to 2048",
			func(in *input) { in.Policy = awssdk.String(strings.Repeat(" ", 2049)) }),
		{
			name: "a provider id", role: roleWeb, code: "AccessDenied", status: 403, words: "Unrecognized OAuth provider",
			call: func(in *input) { in.ProviderId = awssdk.String("token.example.com") },
		},
	}
}

func issuedAgo(ago time.Duration) func(*broker.MintRequest) {
	return func(p *broker.MintRequest) { p.Now = p.Now.Add(-ago) }
}

func (s *suite) mustToken(t *testing.T, role string, p broker.MintRequest, change ...func(*stssdk.AssumeRoleWithWebIdentityInput)) *stssdk.AssumeRoleWithWebIdentityOutput {
	t.Helper()
	out, err := s.withToken(t, role, s.token(t, s.issuer, p), change...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func webSucceeds(t *testing.T, s *suite) {
	out := s.mustToken(t, roleWeb, s.request(roleWeb), func(in *stssdk.AssumeRoleWithWebIdentityInput) {
		in.DurationSeconds = awssdk.Int32(7200)
	})
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleWeb, "alice", 2*time.Hour)
	host := strings.TrimPrefix(s.IssuerURL, "https://")
	if got, want := awssdk.ToString(out.Provider), "arn:aws:iam::"+s.AccountID+":oidc-provider/"+host; got != want {
		t.Errorf("provider %q, want %q", got, want)
	}
	if awssdk.ToString(out.Audience) != s.Audience || awssdk.ToString(out.SubjectFromWebIdentityToken) != oneSubject {
		t.Errorf("audience %q, subject %q", awssdk.ToString(out.Audience), awssdk.ToString(out.SubjectFromWebIdentityToken))
	}
	if out.SourceIdentity != nil {
		t.Errorf("source identity %q although none was set", *out.SourceIdentity)
	}
}

func webDefaultDuration(t *testing.T, s *suite) {
	out := s.mustToken(t, roleWeb, s.request(roleWeb))
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleWeb, "alice", time.Hour)
}

func webSourceIdentity(t *testing.T, s *suite) {
	p := s.request(roleWeb)
	p.SourceIdentity = "alice@example.com"
	if got := awssdk.ToString(s.mustToken(t, roleWeb, p).SourceIdentity); got != "alice@example.com" {
		t.Errorf("source identity %q", got)
	}
}

func webTags(t *testing.T, s *suite) {
	p := s.request(roleWeb)
	p.Tags = []sts.Tag{{Key: "repository", Value: "acme/shop"}, {Key: "team", Value: "blue"}}
	p.TransitiveTags = []string{"team"}
	s.mustToken(t, roleWeb, p)
}

func webTwice(t *testing.T, s *suite) {
	token := s.token(t, s.issuer, s.request(roleWeb))
	for range 2 {
		if _, err := s.withToken(t, roleWeb, token); err != nil {
			t.Fatal(err)
		}
	}
}

func webOutlives(t *testing.T, s *suite) {
	p := s.request(roleWeb)
	p.Now = p.Now.Add(-4 * time.Minute) // the token has a minute left
	out := s.mustToken(t, roleWeb, p)
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleWeb, "alice", time.Hour)
}

func webTolerance(t *testing.T, s *suite) {
	p := s.request(roleWeb)
	p.Now = p.Now.Add(-8 * time.Minute) // expired three minutes ago; AWS gives five
	s.mustToken(t, roleWeb, p)
}

func webBound(t *testing.T, s *suite) {
	s.mustToken(t, roleWebBound, s.request(roleWebBound))
}

func webSubject(t *testing.T, s *suite) {
	s.mustToken(t, roleWebSubject, s.request(roleWebSubject))
}

func webMissingRole(t *testing.T, s *suite) {
	_, err := s.withToken(t, "no-such-role", s.token(t, s.issuer, s.request("no-such-role")))
	refused(t, err, "AccessDenied", 403, deniedWebIdentity)
}
