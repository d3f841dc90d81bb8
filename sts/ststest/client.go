package ststest

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
)

// client calls the endpoint once per call: a refusal must not be retried away.
func (s *suite) client(signer awssdk.CredentialsProvider) *stssdk.Client {
	return stssdk.New(stssdk.Options{
		Region: s.Region, BaseEndpoint: awssdk.String(s.Endpoint), Credentials: signer,
		HTTPClient: &http.Client{Timeout: 10 * time.Second}, Retryer: awssdk.NopRetryer{},
	})
}

func (s *suite) unsigned() *stssdk.Client { return s.client(awssdk.AnonymousCredentials{}) }

func (s *suite) asUser() *stssdk.Client {
	return s.client(credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey.Reveal(), ""))
}

func (s *suite) as(c *types.Credentials) *stssdk.Client {
	return s.client(credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
}

// refused checks the wire code, the HTTP status and a part of the message.
func refused(t *testing.T, err error, code string, status int, words ...string) {
	t.Helper()
	var api smithy.APIError
	var response *awshttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code || response.HTTPStatusCode() != status {
		t.Errorf("got %s %d, want %s %d (%s)", api.ErrorCode(), response.HTTPStatusCode(), code, status, api.ErrorMessage())
	}
	for _, w := range words {
		if !strings.Contains(api.ErrorMessage(), w) {
			t.Errorf("message %q, want %q in it", api.ErrorMessage(), w)
		}
	}
	if response.RequestID == "" {
		t.Error("the refusal has no request id")
	}
}

// issued checks what every set of credentials has, and for how long it lasts.
func (s *suite) issued(t *testing.T, c *types.Credentials, user *types.AssumedRoleUser, role, session string, life time.Duration) {
	t.Helper()
	if c == nil || user == nil {
		t.Fatal("no credentials, or no assumed role user")
	}
	if id := awssdk.ToString(c.AccessKeyId); !strings.HasPrefix(id, "ASIA") || len(id) < 16 {
		t.Errorf("access key id %q", id)
	}
	if awssdk.ToString(c.SecretAccessKey) == "" || awssdk.ToString(c.SessionToken) == "" {
		t.Error("incomplete credentials")
	}
	if got, want := awssdk.ToTime(c.Expiration), s.Now().Add(life); got.Sub(want).Abs() > time.Minute {
		t.Errorf("expires %v, want %v", got, want)
	}
	// The role's path is dropped (facts, sts section 3.1).
	if got, want := awssdk.ToString(user.Arn), "arn:aws:sts::"+s.AccountID+":assumed-role/"+role+"/"+session; got != want {
		t.Errorf("assumed role %s, want %s", got, want)
	}
	if id := awssdk.ToString(user.AssumedRoleId); !strings.HasPrefix(id, "AROA") || !strings.HasSuffix(id, ":"+session) {
		t.Errorf("assumed role id %q", id)
	}
}
