package localaws_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/fedbroker/fedbroker/sts/localaws"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/idptest"
)

func (w *world) plain() *sts.Client {
	return w.client(credentials.NewStaticCredentialsProvider(plainKey, userSecret, ""))
}

func TestAssumeRoleRefusals(t *testing.T) {
	brokerARN := "arn:aws:iam::" + prod + ":user/svc/broker"
	for name, test := range map[string]struct {
		edit          func(*sts.AssumeRoleInput)
		code, message string
	}{
		"missing role":              {func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(hubRole + "x") }, "AccessDenied", "User: " + brokerARN + " is not authorized to perform: sts:AssumeRole on resource: " + hubRole + "x"},
		"role that does not trust":  {func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(adminRole) }, "AccessDenied", "User: " + brokerARN + " is not authorized to perform: sts:AssumeRole on resource: " + adminRole},
		"not a role":                {func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(brokerARN) }, "ValidationError", "Request ARN is invalid"},
		"short session name":        {func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("a") }, "ValidationError", "1 validation error detected: Value 'a' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		"bad external id":           {func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("a b") }, "ValidationError", `1 validation error detected: Value 'a b' at 'externalId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@:\/-]*`},
		"bad source identity":       {func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("a b") }, "ValidationError", `1 validation error detected: Value 'a b' at 'sourceIdentity' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		"tag key with a bad letter": {func(in *sts.AssumeRoleInput) { in.Tags = tags("a{", "b") }, "ValidationError", `1 validation error detected: Value 'a{' at 'tags.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+`},
		"duplicate tags":            {func(in *sts.AssumeRoleInput) { in.Tags = append(tags("a", "b"), tags("A", "b")...) }, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		"transitive without tag":    {func(in *sts.AssumeRoleInput) { in.TransitiveTagKeys = []string{"a"} }, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."},
		"more than the maximum":     {func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		"MFA without a device": {func(in *sts.AssumeRoleInput) {
			in.SerialNumber, in.TokenCode = aws.String("arn:aws:iam::1:mfa/x"), aws.String("123456")
		}, "AccessDenied", "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."},
		"session policy of 2049": {func(in *sts.AssumeRoleInput) { in.Policy = aws.String(longPolicy()) }, "PackedPolicyTooLarge", "Packed size of session policies and session tags consumes 101% of allotted space."},
		"contexts": {func(in *sts.AssumeRoleInput) {
			in.ProvidedContexts = []types.ProvidedContext{{ProviderArn: aws.String("arn:aws:iam::aws:contextProvider/IdentityCenter"), ContextAssertion: aws.String("xxxx")}}
		}, "AccessDenied", "User: " + brokerARN + " is not authorized to perform: sts:SetContext on resource: " + hubRole},
		"reserved source identity":   {func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("aws:x") }, "ValidationError", "…"},
		"cross-account, no external": {func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(readerRole) }, "AccessDenied", "User: " + brokerARN + " is not authorized to perform: sts:AssumeRole on resource: " + readerRole},
		"cross-account, wrong region": {func(in *sts.AssumeRoleInput) {
			in.RoleArn = aws.String(strings.Replace(readerRole, "aws", "aws-cn", 1))
		}, "AccessDenied", "…"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := &sts.AssumeRoleInput{RoleArn: aws.String(hubRole), RoleSessionName: aws.String("broker")}
			test.edit(in)
			_, err := w.user().AssumeRole(context.Background(), in)
			if codeOf(err) != test.code || !matches(messageOf(err), test.message) {
				t.Errorf("got %s %q, want %s %q", codeOf(err), messageOf(err), test.code, test.message)
			}
		})
	}
}

func tags(key, value string) []types.Tag {
	return []types.Tag{{Key: aws.String(key), Value: aws.String(value)}}
}

func longPolicy() string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"` + strings.Repeat("a", 1970) + `"}}`
}

// In the caller's own account a statement that names the account leaves it to the caller's policies; across
// accounts both must allow.
func TestCrossAccountNeedsBothSides(t *testing.T) {
	w := newWorld(t)
	reader := func(c *sts.Client) error {
		_, err := c.AssumeRole(context.Background(), &sts.AssumeRoleInput{RoleArn: aws.String(readerRole), RoleSessionName: aws.String("xx"), ExternalId: aws.String("acme-7f3")})
		return err
	}
	if err := reader(w.user()); err != nil {
		t.Errorf("both sides allow: %v", err)
	}
	equal(t, "a user without policies", codeOf(reader(w.plain())), "AccessDenied")
}

// A session policy narrows the role: without sts:AssumeRole in it the next hop is refused.
func TestSessionPolicyNarrows(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	for policy, want := range map[string]string{
		onePolicy: "AccessDenied",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}`: "",
	} {
		hub, err := w.user().AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(hubRole), RoleSessionName: aws.String("broker"), Policy: aws.String(policy)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.session(hub.Credentials).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(readerRole), RoleSessionName: aws.String("xx"), ExternalId: aws.String("acme-7f3")})
		equal(t, policy, codeOf(err), want)
	}
}

// In a chain the calling role must itself be allowed to hand a source identity on.
func TestChainNeedsSetSourceIdentity(t *testing.T) {
	w := newWorld(t, func(o *localaws.Options) {
		hub := &o.Seed.Accounts[0].Roles[2]
		hub.Policies[0].Document = json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}`)
		o.Seed.Accounts[0].Roles = append(o.Seed.Accounts[0].Roles, localaws.SeedRole{
			Name: "Near", TrustPolicy: json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + hubRole + `"},"Action":["sts:AssumeRole","sts:SetSourceIdentity"]}}`),
		})
	})
	ctx := context.Background()
	for identity, want := range map[string]string{"": "", "alice": "AccessDenied"} {
		in := &sts.AssumeRoleInput{RoleArn: aws.String(hubRole), RoleSessionName: aws.String("broker")}
		if identity != "" {
			in.SourceIdentity = aws.String(identity)
		}
		hub, err := w.user().AssumeRole(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.session(hub.Credentials).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + prod + ":role/Near"), RoleSessionName: aws.String("xx")})
		equal(t, "source identity "+identity, codeOf(err), want)
	}
}

// Inherited transitive tags stand in for the new role's own before its trust policy is looked at, and are the
// principal tags of the session after it.
func TestTransitiveTagsReplaceResourceTags(t *testing.T) {
	w := newWorld(t, func(o *localaws.Options) {
		o.Seed.Accounts[1].Roles[0].TrustPolicy = json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + hubRole + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:ResourceTag/env":"prod","aws:PrincipalTag/env":"prod"}}}}`)
	})
	ctx := context.Background()
	for transitive, want := range map[bool]string{true: "", false: "AccessDenied"} {
		in := &sts.AssumeRoleInput{RoleArn: aws.String(hubRole), RoleSessionName: aws.String("broker"), Tags: tags("env", "prod")}
		if transitive {
			in.TransitiveTagKeys = []string{"env"}
		}
		hub, err := w.user().AssumeRole(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.session(hub.Credentials).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(readerRole), RoleSessionName: aws.String("xx")})
		equal(t, "transitive", codeOf(err), want)
	}
}

func TestSessionCredentials(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	hub, err := w.user().AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(hubRole), RoleSessionName: aws.String("broker"), DurationSeconds: aws.Int32(900)})
	if err != nil {
		t.Fatal(err)
	}
	other, err := w.user().AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(hubRole), RoleSessionName: aws.String("broker")})
	if err != nil {
		t.Fatal(err)
	}
	c := hub.Credentials
	for name, test := range map[string]struct{ id, secret, token, want string }{
		"good":                     {*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken, ""},
		"no token":                 {*c.AccessKeyId, *c.SecretAccessKey, "", "InvalidClientTokenId"},
		"another session's token":  {*c.AccessKeyId, *c.SecretAccessKey, *other.Credentials.SessionToken, "InvalidClientTokenId"},
		"a tampered token":         {*c.AccessKeyId, *c.SecretAccessKey, (*c.SessionToken)[:127] + "x", "InvalidClientTokenId"},
		"a shortened token":        {*c.AccessKeyId, *c.SecretAccessKey, (*c.SessionToken)[:127], "InvalidClientTokenId"},
		"a wrong secret":           {*c.AccessKeyId, *other.Credentials.SecretAccessKey, *c.SessionToken, "SignatureDoesNotMatch"},
		"a long-term key, a token": {userKey, userSecret, *c.SessionToken, "InvalidClientTokenId"},
		"an unknown key":           {"AKIAAAAAAAAAAAAAAAAA", userSecret, "", "InvalidClientTokenId"},
	} {
		_, err := w.client(credentials.NewStaticCredentialsProvider(test.id, test.secret, test.token)).GetCallerIdentity(ctx, nil)
		equal(t, name, codeOf(err), test.want)
	}
	// SDKs sign with the real time, so the server's clock may move by less than the window of five minutes only:
	// the session ends a second after it would.
	w.clock.Add(4 * time.Minute)
	short, err := w.client(nil).AssumeRoleWithSAML(ctx, w.endingIn(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Add(29 * time.Second)
	w.whoami(w.session(short.Credentials))
	w.clock.Add(time.Second)
	_, err = w.session(short.Credentials).GetCallerIdentity(ctx, nil)
	equal(t, "expired", codeOf(err)+": "+messageOf(err), "ExpiredToken: The security token included in the request is expired")
}

func TestGetAccessKeyInfo(t *testing.T) {
	w := newWorld(t, func(o *localaws.Options) {
		o.Seed.Accounts[0].Users[0].Policies = []localaws.SeedPolicy{{Name: "info", Document: json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:GetAccessKeyInfo","Resource":"*"}}`)}}
	})
	generated := ""
	for _, key := range w.AccessKeys() {
		if key.AccessKeyID != userKey && key.UserName == "broker" {
			generated = key.AccessKeyID
		}
	}
	for id, want := range map[string]string{userKey: prod, generated: prod, "ASIAQNZGKIQY56JQ7WML": "029608264753"} {
		out, err := w.user().GetAccessKeyInfo(context.Background(), &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String(id)})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, id, *out.Account, want)
	}
	_, err := w.user().GetAccessKeyInfo(context.Background(), &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String("AKIA1111111111111111")})
	equal(t, "no base32", codeOf(err), "ValidationError")
	_, err = w.plain().GetAccessKeyInfo(context.Background(), &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String(userKey)})
	equal(t, "without permission", codeOf(err)+": "+messageOf(err), "AccessDenied: User: arn:aws:iam::"+prod+":user/plain is not authorized to perform: sts:GetAccessKeyInfo because no identity-based policy allows the sts:GetAccessKeyInfo action")
}

// The roles of IAM Identity Center cannot be assumed with SAML by hand.
func TestReservedRoleRefusesSAML(t *testing.T) {
	w := newWorld(t, func(o *localaws.Options) {
		admin := o.Seed.Accounts[0].Roles[1]
		admin.Name = "AWSReservedSSO_Admin"
		o.Seed.Accounts[0].Roles = append(o.Seed.Accounts[0].Roles, admin)
	})
	role := strings.Replace(adminRole, "Admin", "AWSReservedSSO_Admin", 1)
	got := w.post(w.withSAML(map[string]string{"RoleArn": role, "SAMLAssertion": w.response(func(s *idptest.Statement) { s.Roles = []string{idptest.Pair(role, samlProvider)} })}))
	equal(t, "answer", got.Code+" "+got.Message, "AccessDenied "+deniedSAML)
}
