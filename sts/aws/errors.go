package aws

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// kindOf sorts AWS's wire codes (facts, sts section 2). A code that is not listed is a refusal, unless it came with a
// status of 500 or more.
func kindOf(code string, status int) sts.Kind {
	switch code {
	case "AccessDenied", "AccessDeniedException", "InvalidIdentityToken", "IDPRejectedClaim":
		return sts.KindDenied
	case "ExpiredTokenException":
		return sts.KindExpired
	case "ValidationError", "MalformedPolicyDocument", "PackedPolicyTooLarge", "InvalidParameterValue",
		"InvalidParameterCombination", "MissingParameter", "MalformedInput":
		return sts.KindInvalid
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"RequestLimitExceeded", "TooManyRequestsException", "SlowDown":
		return sts.KindThrottled
	case "IDPCommunicationError", "InternalFailure", "InternalError", "ServiceUnavailable", "RequestTimeout":
		return sts.KindUnavailable
	case "RegionDisabledException", "OptInRequired", "InvalidAction", "IncompleteSignature", "MissingAuthenticationToken",
		// The broker's own principal, or its hub's credentials: nothing that whoever asked can mend.
		"InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "RequestExpired":
		return sts.KindConfig
	}
	switch {
	case status == http.StatusTooManyRequests:
		return sts.KindThrottled
	case status >= http.StatusInternalServerError:
		return sts.KindUnavailable
	}
	return sts.KindDenied
}

// translate makes an sts.Error of the SDK's. The SDK's error is dropped: it quotes the endpoint's answer, and an
// endpoint can quote our proof. Whether the caller gave up is kept, for errors.Is.
func translate(err error, hidden []secret.Text) error {
	out := &sts.Error{Kind: sts.KindUnavailable, Code: "NoAnswer", Err: gaveUp(err)}
	status := 0
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		status, out.RequestID = response.HTTPStatusCode(), clean(response.RequestID, hidden)
	}
	var api smithy.APIError
	var unreadable *smithy.DeserializationError
	var unsigned *credentialsError
	switch {
	case errors.As(err, &unsigned):
		out.Kind, out.Code, out.Message = sts.KindConfig, "NoCredentials", "the broker has no AWS credentials of its own to sign with"
	case errors.As(err, &unreadable):
		out.Code, out.Message = "InvalidAnswer", "the STS endpoint's answer cannot be read"
	case errors.As(err, &api):
		out.Code, out.Message = clean(api.ErrorCode(), hidden), clean(api.ErrorMessage(), hidden)
		out.Kind = kindOf(api.ErrorCode(), status)
	case out.Err != nil:
		out.Message = "the call to STS was given up: " + out.Err.Error()
	case status == 0:
		out.Message = "the STS endpoint cannot be reached: " + clean(rootCause(err), hidden)
	default:
		out.Kind, out.Message = kindOf("", status), "the STS endpoint answered "+http.StatusText(status)
	}
	return out
}

func gaveUp(err error) error {
	for _, sentinel := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, sentinel) {
			return sentinel
		}
	}
	return nil
}

// rootCause is the transport's own words without the SDK's layers around them.
func rootCause(err error) string {
	var transport *url.Error
	if errors.As(err, &transport) {
		return transport.Err.Error()
	}
	return "no connection"
}

// secrets lists what must not come back in an error.
func secrets(req sts.Request, own Principal) []secret.Text {
	out := []secret.Text{req.WebIdentityToken, req.SAMLResponse, own.SecretAccessKey, own.SessionToken}
	if req.Caller != nil {
		out = append(out, req.Caller.SecretAccessKey, req.Caller.SessionToken)
	}
	return out
}

const (
	maxMessage = 1024 // bytes
	// window is the shortest piece of a secret that is taken out of a message: too short to be of use to anybody,
	// too long to be there by chance.
	window = 12
	hole   = "[redacted]"
)

// clean makes an endpoint's text fit to be shown: bounded, one line, and without any piece of our secrets, spelled as
// they are or percent-encoded.
func clean(text string, hidden []secret.Text) string {
	if len(text) > maxMessage {
		text = text[:maxMessage]
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, text)
	for _, s := range hidden {
		if s.Empty() {
			continue
		}
		text = cut(text, s.Reveal())
		text = cut(text, url.QueryEscape(s.Reveal()))
	}
	return text
}

// cut replaces every stretch of text that occurs in value by a hole.
func cut(text, value string) string {
	n := min(window, len(value))
	if len(text) < n {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		end := i + n
		if end > len(text) || !strings.Contains(value, text[i:end]) {
			b.WriteByte(text[i])
			i++
			continue
		}
		for end < len(text) && strings.Contains(value, text[i:end+1]) {
			end++
		}
		b.WriteString(hole)
		i = end
	}
	return b.String()
}
