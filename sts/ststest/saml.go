package ststest

import (
	"crypto/sha1"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/sts"
)

const deniedSAML = "Not authorized to perform sts:AssumeRoleWithSAML"

// withAssertion calls AssumeRoleWithSAML for a role with a response and whatever is changed.
func (s *suite) withAssertion(t *testing.T, role, response string, change ...func(*stssdk.AssumeRoleWithSAMLInput)) (*stssdk.AssumeRoleWithSAMLOutput, error) {
	t.Helper()
	in := &stssdk.AssumeRoleWithSAMLInput{
		RoleArn: awssdk.String(string(s.role(role))), PrincipalArn: awssdk.String(s.samlProvider()), SAMLAssertion: &response,
	}
	for _, c := range change {
		c(in)
	}
	return s.unsigned().AssumeRoleWithSAML(t.Context(), in)
}

// samlRefusal is a call that is refused: the proof or the call is changed in one point.
type samlRefusal struct {
	name     string
	role     string
	proof    func(*broker.MintRequest)
	response func(xml string) string // edits the signed document
	raw      string                  // sent instead of a response
	issuer   func(t *testing.T, o *issuer.Options)
	call     func(*stssdk.AssumeRoleWithSAMLInput)

	code   string
	status int
	words  string
}

func (r samlRefusal) run(t *testing.T, s *suite) {
	p := s.request(r.role)
	if r.proof != nil {
		r.proof(&p)
	}
	i := s.issuer
	if r.issuer != nil {
		i = s.newIssuer(t, func(o *issuer.Options) { r.issuer(t, o) })
	}
	text := s.response(t, i, p)
	if r.response != nil {
		text = edit(t, text, r.response)
	}
	if r.raw != "" {
		text = r.raw
	}
	call := r.call
	if call == nil {
		call = func(*stssdk.AssumeRoleWithSAMLInput) {}
	}
	_, err := s.withAssertion(t, r.role, text, call)
	refused(t, err, r.code, r.status, r.words)
}

func edit(t *testing.T, response string, change func(string) string) string {
	t.Helper()
	xml, err := base64.StdEncoding.DecodeString(response)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(xml))
	if changed == string(xml) {
		t.Fatal("the edit changed nothing")
	}
	return base64.StdEncoding.EncodeToString([]byte(changed))
}

func samlBehaviours() []behaviour {
	out := []behaviour{
		{"SAML: credentials and what the assertion said", samlSucceeds},
		{"SAML: one hour when no duration is asked for", samlDefaultDuration},
		{"SAML: source identity and tags", samlTags},
		{"SAML: SessionNotOnOrAfter ends the session", samlSessionEnd},
		{"SAML: the SessionDuration attribute shortens", samlShortens},
	}
	for _, r := range append(samlResponseRefusals(), samlCallRefusals()...) {
		out = append(out, behaviour{"SAML refused: " + r.name, r.run})
	}
	return out
}

func samlResponseRefusals() []samlRefusal {
	const invalid = "InvalidIdentityToken"
	return []samlRefusal{
		{name: "issued six minutes ago and past its conditions", role: roleSAML, proof: issuedAgo(6 * time.Minute), code: "ExpiredTokenException", status: 400},
		{name: "not base64", role: roleSAML, raw: "%%%%", code: invalid, status: 400},
		{name: "not XML", role: roleSAML, raw: "bm90IFhNTA==", code: invalid, status: 400},
		{name: "longer than 100000", role: roleSAML, raw: strings.Repeat("a", 100_004), code: "ValidationError", status: 400, words: "less than or equal to 100000"},
		{
			name: "a changed subject", role: roleSAML, code: invalid, status: 400,
			response: func(x string) string { return strings.Replace(x, ">"+oneSubject+"<", ">ci:two<", 1) },
		},
		{
			name: "a changed role", role: roleSAML, code: invalid, status: 400,
			response: func(x string) string { return strings.Replace(x, RolePath+roleSAML+",", RolePath+roleHub+",", 1) },
		},
		{name: "an unsigned assertion in a signed Response", role: roleSAML, code: invalid, status: 400, response: stripAssertionSignature},
		{name: "no signature at all", role: roleSAML, code: invalid, status: 400, response: stripSignatures},
		{
			name: "another key", role: roleSAML, code: invalid, status: 400,
			issuer: func(t *testing.T, o *issuer.Options) { o.SAML.Keys = strangerKeys(t, issuer.PurposeSAML) },
		},
		{
			name: "another entity id", role: roleSAML, code: invalid, status: 400, words: "Issuer not present in specified provider",
			issuer: func(_ *testing.T, o *issuer.Options) { o.SAML.EntityID = "https://idp.example.com/metadata" },
		},
		{
			name: "for another role", role: roleSAML, code: invalid, status: 400,
			words: "SAML Assertion doesn't contain the requested Role and Metadata in the attributes",
			proof: func(p *broker.MintRequest) { p.RoleARN += "-other" },
		},
		{
			name: "for another recipient", role: roleSAML, code: "AccessDenied", status: 403, words: deniedSAML,
			issuer: func(_ *testing.T, o *issuer.Options) { o.SAML.Recipient = "https://sp.example.com/acs" },
		},
		{
			name: "tags without sts:TagSession", role: roleSAMLPlain, code: "AccessDenied", status: 403, words: deniedSAML,
			proof: func(p *broker.MintRequest) { p.Tags = []sts.Tag{{Key: "team", Value: "blue"}} },
		},
		{
			name: "source identity without sts:SetSourceIdentity", role: roleSAMLPlain, code: "AccessDenied", status: 403, words: deniedSAML,
			proof: func(p *broker.MintRequest) { p.SourceIdentity = "alice" },
		},
		{name: "a missing role, in the same words", role: "no-such-role", code: "AccessDenied", status: 403, words: deniedSAML},
		{name: "a role that trusts somebody else", role: roleUser, code: "AccessDenied", status: 403, words: deniedSAML},
	}
}

func samlCallRefusals() []samlRefusal {
	type input = stssdk.AssumeRoleWithSAMLInput
	return []samlRefusal{
		{
			name: "a provider that does not exist", role: roleSAML, code: "InvalidIdentityToken", status: 400, words: "Specified provider doesn't exist",
			call:  func(in *input) { in.PrincipalArn = awssdk.String(*in.PrincipalArn + "-other") },
			proof: func(p *broker.MintRequest) { p.PrincipalARN += "-other" },
		},
		{
			name: "longer than the role allows", role: roleSAML, code: "ValidationError", status: 400, words: "exceeds the MaxSessionDuration set for this role",
			call: func(in *input) { in.DurationSeconds = awssdk.Int32(7201) },
		},
		{
			name: "a session policy that is no JSON", role: roleSAML, code: "MalformedPolicyDocument", status: 400,
			call: func(in *input) { in.Policy = awssdk.String("{not json") },
		},
	}
}

var signaturePattern = regexp.MustCompile(`(?s)<ds:Signature .*?</ds:Signature>`)

func stripAssertionSignature(xml string) string {
	start := strings.Index(xml, "<saml:Assertion")
	return xml[:start] + signaturePattern.ReplaceAllString(xml[start:], "")
}

func stripSignatures(xml string) string { return signaturePattern.ReplaceAllString(xml, "") }

func (s *suite) mustAssertion(t *testing.T, p broker.MintRequest, change ...func(*stssdk.AssumeRoleWithSAMLInput)) *stssdk.AssumeRoleWithSAMLOutput {
	t.Helper()
	out, err := s.withAssertion(t, roleSAML, s.response(t, s.issuer, p), change...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func samlSucceeds(t *testing.T, s *suite) {
	out := s.mustAssertion(t, s.request(roleSAML), func(in *stssdk.AssumeRoleWithSAMLInput) { in.DurationSeconds = awssdk.Int32(7200) })
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleSAML, "alice", 2*time.Hour)
	// The recipe of NameQualifier: facts, saml-aws section 5.
	sum := sha1.Sum([]byte(EntityID(s.IssuerURL) + s.AccountID + "/" + ProviderName))
	for what, pair := range map[string][2]string{
		"Issuer":        {awssdk.ToString(out.Issuer), EntityID(s.IssuerURL)},
		"Audience":      {awssdk.ToString(out.Audience), signInURL},
		"Subject":       {awssdk.ToString(out.Subject), oneSubject},
		"SubjectType":   {awssdk.ToString(out.SubjectType), "persistent"},
		"NameQualifier": {awssdk.ToString(out.NameQualifier), base64.StdEncoding.EncodeToString(sum[:])},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s %q, want %q", what, pair[0], pair[1])
		}
	}
}

func samlDefaultDuration(t *testing.T, s *suite) {
	out := s.mustAssertion(t, s.request(roleSAML))
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleSAML, "alice", time.Hour)
}

func samlTags(t *testing.T, s *suite) {
	p := s.request(roleSAML)
	p.SourceIdentity = "alice"
	p.Tags, p.TransitiveTags = []sts.Tag{{Key: "team", Value: "blue"}}, []string{"team"}
	if got := awssdk.ToString(s.mustAssertion(t, p).SourceIdentity); got != "alice" {
		t.Errorf("source identity %q", got)
	}
}

func samlSessionEnd(t *testing.T, s *suite) {
	p := s.request(roleSAML)
	p.Deadline = p.Now.Add(10 * time.Minute) // below the 900 s that a call may ask for
	out := s.mustAssertion(t, p)
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleSAML, "alice", 10*time.Minute)
}

func samlShortens(t *testing.T, s *suite) {
	p := s.request(roleSAML)
	p.Duration = 20 * time.Minute
	out := s.mustAssertion(t, p)
	s.issued(t, out.Credentials, out.AssumedRoleUser, roleSAML, "alice", 20*time.Minute)
}
