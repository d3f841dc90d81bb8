package aws

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	smithy "github.com/aws/smithy-go/middleware"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// Assume makes one call to STS in req.Region. In pass-through, a SAMLResponse selects AssumeRoleWithSAML and a
// WebIdentityToken AssumeRoleWithWebIdentity.
func (a *Assumer) Assume(ctx context.Context, req sts.Request) (sts.Credentials, error) {
	if err := a.check(req); err != nil {
		return sts.Credentials{}, err
	}
	client := a.client(req.Region)
	var got answer
	var err error
	switch {
	case req.Mode == sts.ModeAssumeRole:
		got, err = a.assumeRole(ctx, client, req)
	case !req.SAMLResponse.Empty():
		got, err = assumeWithSAML(ctx, client, req)
	default:
		got, err = assumeWithWebIdentity(ctx, client, req)
	}
	hidden := secrets(req, a.opts.Principal)
	if err != nil {
		return sts.Credentials{}, translate(err, hidden)
	}
	return got.read(req, hidden)
}

func (a *Assumer) assumeRole(ctx context.Context, c *stssdk.Client, req sts.Request) (answer, error) {
	in := &stssdk.AssumeRoleInput{
		RoleArn: awssdk.String(string(req.RoleARN)), RoleSessionName: awssdk.String(req.SessionName),
		DurationSeconds: seconds(req.Duration), Policy: optional(req.Policy), PolicyArns: policyARNs(req.PolicyARNs),
		ExternalId: optional(req.ExternalID), SourceIdentity: optional(req.SourceIdentity),
		TransitiveTagKeys: req.TransitiveTags,
	}
	for _, t := range req.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: awssdk.String(t.Key), Value: awssdk.String(t.Value)})
	}
	signer := a.own
	if req.Caller != nil {
		signer = static(*req.Caller)
	}
	out, err := c.AssumeRole(ctx, in, func(o *stssdk.Options) { o.Credentials = signer })
	if err != nil {
		return answer{}, err
	}
	return answer{out.Credentials, out.AssumedRoleUser, out.SourceIdentity, out.ResultMetadata}, nil
}

func assumeWithWebIdentity(ctx context.Context, c *stssdk.Client, req sts.Request) (answer, error) {
	out, err := c.AssumeRoleWithWebIdentity(ctx, &stssdk.AssumeRoleWithWebIdentityInput{
		RoleArn: awssdk.String(string(req.RoleARN)), RoleSessionName: awssdk.String(req.SessionName),
		WebIdentityToken: awssdk.String(req.WebIdentityToken.Reveal()),
		DurationSeconds:  seconds(req.Duration), Policy: optional(req.Policy), PolicyArns: policyARNs(req.PolicyARNs),
	})
	if err != nil {
		return answer{}, err
	}
	return answer{out.Credentials, out.AssumedRoleUser, out.SourceIdentity, out.ResultMetadata}, nil
}

func assumeWithSAML(ctx context.Context, c *stssdk.Client, req sts.Request) (answer, error) {
	out, err := c.AssumeRoleWithSAML(ctx, &stssdk.AssumeRoleWithSAMLInput{
		RoleArn: awssdk.String(string(req.RoleARN)), PrincipalArn: awssdk.String(req.PrincipalARN),
		SAMLAssertion:   awssdk.String(req.SAMLResponse.Reveal()),
		DurationSeconds: seconds(req.Duration), Policy: optional(req.Policy), PolicyArns: policyARNs(req.PolicyARNs),
	})
	if err != nil {
		return answer{}, err
	}
	return answer{out.Credentials, out.AssumedRoleUser, out.SourceIdentity, out.ResultMetadata}, nil
}

// answer is what the three operations have in common.
type answer struct {
	credentials    *types.Credentials
	user           *types.AssumedRoleUser
	sourceIdentity *string
	metadata       smithy.Metadata
}

// What AWS's identifiers look like (facts, sts section 3). They end in logs and audit records, so an endpoint may not
// put anything else there.
var (
	keyIDPattern  = regexp.MustCompile(`^\w{16,128}$`)
	namePattern   = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	roleIDPattern = regexp.MustCompile(`^[\w+=,.@:-]{2,193}$`)
)

// read refuses an answer that is incomplete, malformed, or for another role or session than the one asked for.
func (a answer) read(req sts.Request, hidden []secret.Text) (sts.Credentials, error) {
	requestID, _ := middleware.GetRequestIDMetadata(a.metadata)
	requestID = clean(requestID, hidden)
	if problem := a.problem(req); problem != "" {
		return sts.Credentials{}, &sts.Error{
			Kind: sts.KindUnavailable, Code: "InvalidAnswer", RequestID: requestID,
			Message: "the STS endpoint answered " + problem,
		}
	}
	c := a.credentials
	return sts.Credentials{
		AccessKeyID:     *c.AccessKeyId,
		SecretAccessKey: secret.New(*c.SecretAccessKey),
		SessionToken:    secret.New(*c.SessionToken),
		Expiration:      c.Expiration.UTC(),
		AssumedRoleARN:  *a.user.Arn,
		AssumedRoleID:   awssdk.ToString(a.user.AssumedRoleId),
		SourceIdentity:  awssdk.ToString(a.sourceIdentity),
		RequestID:       requestID,
	}, nil
}

func (a answer) problem(req sts.Request) string {
	c := a.credentials
	if c == nil || a.user == nil || c.Expiration == nil || c.Expiration.IsZero() ||
		awssdk.ToString(c.SecretAccessKey) == "" || awssdk.ToString(c.SessionToken) == "" {
		return "without complete credentials"
	}
	session, ok := strings.CutPrefix(awssdk.ToString(a.user.Arn), req.RoleARN.AssumedRoleARN(""))
	switch {
	case !ok:
		return "for another role than the one asked for"
	case !namePattern.MatchString(session) || (req.SAMLResponse.Empty() && session != req.SessionName):
		return "for another session than the one asked for" // a SAML Response names its session itself
	case !keyIDPattern.MatchString(awssdk.ToString(c.AccessKeyId)):
		return "with a malformed access key id"
	case !roleIDPattern.MatchString(awssdk.ToString(a.user.AssumedRoleId)):
		return "with a malformed role id"
	case a.sourceIdentity != nil && *a.sourceIdentity != "" && !namePattern.MatchString(*a.sourceIdentity):
		return "with a malformed source identity"
	}
	return ""
}

// CallerIdentity asks STS who a set of temporary credentials is (GetCallerIdentity; it needs no permission). An empty
// access key id asks about the broker's own principal.
func (a *Assumer) CallerIdentity(ctx context.Context, creds sts.Credentials, region string) (arn, account, userID string, err error) {
	if partition(region) == "" {
		return "", "", "", misconfigured(fmt.Sprintf("%q is not a region whose partition is known", region))
	}
	signer := a.own
	if creds.AccessKeyID != "" {
		signer = static(creds)
	}
	out, err := a.client(region).GetCallerIdentity(ctx, &stssdk.GetCallerIdentityInput{},
		func(o *stssdk.Options) { o.Credentials = signer })
	hidden := secrets(sts.Request{Caller: &creds}, a.opts.Principal)
	if err != nil {
		return "", "", "", translate(err, hidden)
	}
	told := func(s *string) string { return clean(awssdk.ToString(s), hidden) }
	return told(out.Arn), told(out.Account), told(out.UserId), nil
}

func static(c sts.Credentials) awssdk.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal())
}

func seconds(d time.Duration) *int32 { return awssdk.Int32(int32(d / time.Second)) }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func policyARNs(arns []string) []types.PolicyDescriptorType {
	var out []types.PolicyDescriptorType
	for _, arn := range arns {
		out = append(out, types.PolicyDescriptorType{Arn: awssdk.String(arn)})
	}
	return out
}
