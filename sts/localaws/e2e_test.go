package localaws_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/idptest"
)

func (w *world) session(c *types.Credentials) *sts.Client {
	return w.client(credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
}

func (w *world) whoami(c *sts.Client) string {
	w.t.Helper()
	out, err := c.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil {
		w.t.Fatalf("GetCallerIdentity: %v", err)
	}
	return *out.Account + " " + *out.Arn + " " + *out.UserId
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestWebIdentityEndToEnd(t *testing.T) {
	w := newWorld(t)
	token := w.token(map[string]any{
		"https://aws.amazon.com/tags":            map[string]any{"principal_tags": map[string]any{"repo": []string{"shop"}}, "transitive_tag_keys": []string{"repo"}},
		"https://aws.amazon.com/source_identity": "alice",
		"https://aws.amazon.com/roles":           []string{deployRole},
	})
	out, err := w.client(nil).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(deployRole), RoleSessionName: aws.String("gha-1"), WebIdentityToken: &token, DurationSeconds: aws.Int32(7200),
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "arn", *out.AssumedRoleUser.Arn, "arn:aws:sts::"+prod+":assumed-role/Deploy/gha-1")
	equal(t, "provider", *out.Provider, "arn:aws:iam::"+prod+":oidc-provider/"+w.oidc.URL[len("http://"):])
	equal(t, "audience", *out.Audience, clientID)
	equal(t, "subject", *out.SubjectFromWebIdentityToken, "repo:acme/shop:ref:refs/heads/main")
	equal(t, "source identity", *out.SourceIdentity, "alice")
	equal(t, "expiration", out.Credentials.Expiration.Sub(w.clock.Now()), 2*time.Hour)
	equal(t, "caller", w.whoami(w.session(out.Credentials)), prod+" arn:aws:sts::"+prod+":assumed-role/Deploy/gha-1 "+*out.AssumedRoleUser.AssumedRoleId)
}

func TestSAMLEndToEnd(t *testing.T) {
	w := newWorld(t)
	assertion := w.response(func(s *idptest.Statement) {
		s.Attributes = map[string][]string{
			idptest.AttributePrefix + "PrincipalTag:team": {"core"},
			idptest.AttributePrefix + "TransitiveTagKeys": {"team"},
			idptest.AttributePrefix + "SourceIdentity":    {"alice"},
			idptest.AttributePrefix + "SessionDuration":   {"1800"},
			"urn:oid:2.5.4.3": {"Alice"},
			"http://schemas.xmlsoap.org/claims/CommonName": {"Alice"},
		}
	})
	out, err := w.client(nil).AssumeRoleWithSAML(context.Background(), &sts.AssumeRoleWithSAMLInput{
		RoleArn: aws.String(adminRole), PrincipalArn: aws.String(samlProvider), SAMLAssertion: &assertion,
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "arn", *out.AssumedRoleUser.Arn, "arn:aws:sts::"+prod+":assumed-role/Admin/alice")
	equal(t, "issuer", *out.Issuer, samlEntity)
	equal(t, "audience", *out.Audience, signinURL)
	equal(t, "subject", *out.Subject, "alice")
	equal(t, "subject type", *out.SubjectType, "persistent")
	equal(t, "source identity", *out.SourceIdentity, "alice")
	equal(t, "SessionDuration shortens", out.Credentials.Expiration.Sub(w.clock.Now()), 30*time.Minute)
	equal(t, "caller", w.whoami(w.session(out.Credentials)), prod+" arn:aws:sts::"+prod+":assumed-role/Admin/alice "+*out.AssumedRoleUser.AssumedRoleId)

	if _, err := w.client(nil).AssumeRoleWithSAML(context.Background(), &sts.AssumeRoleWithSAMLInput{
		RoleArn: aws.String(adminRole), PrincipalArn: aws.String(samlProvider), SAMLAssertion: &assertion,
	}); err != nil {
		t.Errorf("AWS does not detect replay, and so local AWS must not: %v", err)
	}
}

func TestAssumeRoleChain(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	hub, err := w.user().AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String(hubRole), RoleSessionName: aws.String("broker"), SourceIdentity: aws.String("alice"),
		Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("core")}, {Key: aws.String("ticket"), Value: aws.String("7")}}, TransitiveTagKeys: []string{"Team"},
	})
	if err != nil {
		t.Fatal(err)
	}
	chain := func(edit func(*sts.AssumeRoleInput)) (*sts.AssumeRoleOutput, error) {
		in := &sts.AssumeRoleInput{RoleArn: aws.String(readerRole), RoleSessionName: aws.String("alice"), ExternalId: aws.String("acme-7f3")}
		edit(in)
		return w.session(hub.Credentials).AssumeRole(ctx, in)
	}
	out, err := chain(func(*sts.AssumeRoleInput) {})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "source identity is inherited", *out.SourceIdentity, "alice")
	equal(t, "caller", w.whoami(w.session(out.Credentials)), dev+" arn:aws:sts::"+dev+":assumed-role/Reader/alice "+*out.AssumedRoleUser.AssumedRoleId)

	refused := map[string]struct {
		edit func(*sts.AssumeRoleInput)
		code string
	}{
		"more than an hour":       {func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError"},
		"another source identity": {func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("bob") }, "AccessDenied"},
		"an inherited tag again": {func(in *sts.AssumeRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("x")}}
		}, "InvalidParameterValue"},
		"an inherited key again":    {func(in *sts.AssumeRoleInput) { in.TransitiveTagKeys = []string{"TEAM"} }, "InvalidParameterValue"},
		"no external id":            {func(in *sts.AssumeRoleInput) { in.ExternalId = nil }, "AccessDenied"},
		"the external id of others": {func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("acme-7f4") }, "AccessDenied"},
	}
	for name, test := range refused {
		_, err := chain(test.edit)
		equal(t, name, codeOf(err), test.code)
	}
	_, err = chain(refused["more than an hour"].edit)
	equal(t, "the chaining message", messageOf(err), "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	if _, err := chain(func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("alice") }); err != nil {
		t.Errorf("the same source identity again: %v", err)
	}
}
