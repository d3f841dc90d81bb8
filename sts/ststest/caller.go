package ststest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// callerBehaviours are about GetCallerIdentity, signatures and the protocol itself.
func callerBehaviours() []behaviour {
	return []behaviour{
		{"identity: a user", callerUser},
		{"identity: a role session", callerSession},
		{"identity refused: not signed", func(t *testing.T, s *suite) {
			_, err := s.unsigned().GetCallerIdentity(t.Context(), &stssdk.GetCallerIdentityInput{})
			refused(t, err, "MissingAuthenticationToken", 403)
		}},
		{"identity refused: a session key without its token", callerWithoutToken},
		{"identity refused: another session's token", callerForeignToken},
		{"identity refused: a stale signature", func(t *testing.T, s *suite) {
			s.signedAt(t, -20*time.Minute, "SignatureDoesNotMatch", "Signature expired")
		}},
		{"identity refused: a signature of the future", func(t *testing.T, s *suite) {
			s.signedAt(t, 20*time.Minute, "SignatureDoesNotMatch", "not yet current")
		}},
		{"protocol refused: an unknown action", func(t *testing.T, s *suite) {
			s.post(t, url.Values{"Action": {"NoSuchAction"}, "Version": {"2011-06-15"}}, 400, "InvalidAction")
		}},
		{"protocol refused: an unknown version", func(t *testing.T, s *suite) {
			s.post(t, url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2000-01-01"}}, 400, "InvalidAction")
		}},
	}
}

// expiryBehaviours move the endpoint's clock and come last.
func expiryBehaviours() []behaviour {
	return []behaviour{{"identity refused: a session that is over", callerExpired}}
}

func identity(t *testing.T, c *stssdk.Client) *stssdk.GetCallerIdentityOutput {
	t.Helper()
	out, err := c.GetCallerIdentity(t.Context(), &stssdk.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func callerUser(t *testing.T, s *suite) {
	out := identity(t, s.asUser())
	if got, want := awssdk.ToString(out.Arn), "arn:aws:iam::"+s.AccountID+":user/"+UserName; got != want {
		t.Errorf("ARN %s, want %s", got, want)
	}
	if awssdk.ToString(out.Account) != s.AccountID || !strings.HasPrefix(awssdk.ToString(out.UserId), "AIDA") {
		t.Errorf("account %s, user id %s", awssdk.ToString(out.Account), awssdk.ToString(out.UserId))
	}
}

func callerSession(t *testing.T, s *suite) {
	session := s.mustAssume(t, s.asUser(), roleUser)
	out := identity(t, s.as(session.Credentials))
	if awssdk.ToString(out.Arn) != awssdk.ToString(session.AssumedRoleUser.Arn) ||
		awssdk.ToString(out.UserId) != awssdk.ToString(session.AssumedRoleUser.AssumedRoleId) || awssdk.ToString(out.Account) != s.AccountID {
		t.Errorf("identity %s %s %s", awssdk.ToString(out.Arn), awssdk.ToString(out.UserId), awssdk.ToString(out.Account))
	}
}

func callerWithoutToken(t *testing.T, s *suite) {
	c := s.mustAssume(t, s.asUser(), roleUser).Credentials
	bare := s.client(credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, ""))
	_, err := bare.GetCallerIdentity(t.Context(), &stssdk.GetCallerIdentityInput{})
	refused(t, err, "InvalidClientTokenId", 403)
}

func callerForeignToken(t *testing.T, s *suite) {
	mine, theirs := s.mustAssume(t, s.asUser(), roleUser).Credentials, s.mustAssume(t, s.asUser(), roleUser).Credentials
	mixed := *mine
	mixed.SessionToken = theirs.SessionToken
	_, err := s.as(&mixed).GetCallerIdentity(t.Context(), &stssdk.GetCallerIdentityInput{})
	refused(t, err, "InvalidClientTokenId", 403)
}

func callerExpired(t *testing.T, s *suite) {
	c := s.mustAssume(t, s.asUser(), roleUser, withSeconds(900)).Credentials
	s.Advance(15*time.Minute + time.Second)
	s.raw(t, s.Now(), c, 403, "ExpiredToken", "")
}

// signedAt signs with a clock that is wrong by skew; the SDK itself would notice and correct it.
func (s *suite) signedAt(t *testing.T, skew time.Duration, code, words string) {
	t.Helper()
	user := &types.Credentials{AccessKeyId: awssdk.String(s.AccessKeyID), SecretAccessKey: awssdk.String(s.SecretAccessKey.Reveal())}
	s.raw(t, s.Now().Add(skew), user, 403, code, words)
}

// raw sends GetCallerIdentity signed at a time of the caller's choice.
func (s *suite) raw(t *testing.T, at time.Time, c *types.Credentials, status int, code, words string) {
	t.Helper()
	body := url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}.Encode()
	req := s.form(t, body)
	sum := sha256.Sum256([]byte(body))
	err := v4.NewSigner().SignHTTP(t.Context(), awssdk.Credentials{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: awssdk.ToString(c.SessionToken),
	}, req, hex.EncodeToString(sum[:]), "sts", s.Region, at)
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, req, status, code, words)
}

func (s *suite) post(t *testing.T, form url.Values, status int, code string) {
	t.Helper()
	s.send(t, s.form(t, form.Encode()), status, code, "")
}

func (s *suite) form(t *testing.T, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, s.Endpoint+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return req
}

func (s *suite) send(t *testing.T, req *http.Request, status int, code, words string) {
	t.Helper()
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		Error   struct{ Type, Code, Message string }
	}
	if err := xml.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if resp.StatusCode != status || answer.Error.Code != code || answer.Error.Type != "Sender" || !strings.Contains(answer.Error.Message, words) {
		t.Errorf("got %d %+v, want %d %s %q", resp.StatusCode, answer.Error, status, code, words)
	}
}
