package console

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

const (
	maxAnswer = 64 << 10 // bytes
	maxToken  = 16 << 10
)

// SignIn exchanges the credentials for a sign-in token and builds the login URL around it.
func (f *Federation) SignIn(ctx context.Context, r Request) (SignIn, error) {
	destination, err := f.Destination(r.Partition, r.Region, r.Page)
	if err != nil {
		return SignIn{}, err
	}
	if err := checkRequest(r); err != nil {
		return SignIn{}, err
	}
	endpoint := f.endpoint(r.Partition, r.Region)
	asked := f.clock()
	token, err := f.token(ctx, endpoint, r)
	if err != nil {
		return SignIn{}, err
	}
	query := url.Values{"Action": {"login"}, "Destination": {destination}, "SigninToken": {token.Reveal()}}
	if r.Issuer != "" {
		query.Set("Issuer", r.Issuer)
	}
	return SignIn{URL: secret.New(endpoint + "?" + query.Encode()), Expires: earlier(asked.Add(URLLife), r.Credentials.Expiration)}, nil
}

func checkRequest(r Request) error {
	c := r.Credentials
	switch {
	case c.AccessKeyID == "" || c.SecretAccessKey.Empty() || c.SessionToken.Empty():
		return misconfigured("a console session needs temporary credentials")
	case r.SessionDuration == 0:
		return nil
	case r.SessionDuration%time.Second != 0 || r.SessionDuration < sts.MinDuration || r.SessionDuration > sts.MaxDuration:
		return refused(fmt.Sprintf("a console session lasts whole seconds between %v and %v", sts.MinDuration, sts.MaxDuration))
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (f *Federation) endpoint(p sts.Partition, region string) string {
	if f.signIn != "" {
		return f.signIn + "/federation"
	}
	h, _ := partitionHosts(p) // checked by Destination
	return "https://" + dotted(region) + h.signIn + "/federation"
}

// token asks with the session's length where that may help, and once more without when AWS refuses it: which sessions
// may carry one is only partly documented (facts, console section 2).
func (f *Federation) token(ctx context.Context, endpoint string, r Request) (secret.Text, error) {
	session, err := json.Marshal(map[string]string{
		"sessionId": r.Credentials.AccessKeyID, "sessionKey": r.Credentials.SecretAccessKey.Reveal(),
		"sessionToken": r.Credentials.SessionToken.Reveal(),
	})
	if err != nil {
		return secret.Text{}, misconfigured("the credentials cannot be written as JSON")
	}
	form := url.Values{"Action": {"getSigninToken"}, "Session": {string(session)}}
	if r.SessionDuration > 0 && !r.Chained {
		form.Set("SessionDuration", strconv.Itoa(int(r.SessionDuration/time.Second)))
	}
	status, body, err := f.post(ctx, endpoint, form)
	if err == nil && status == http.StatusBadRequest && form.Has("SessionDuration") {
		form.Del("SessionDuration")
		status, body, err = f.post(ctx, endpoint, form)
	}
	if err != nil {
		return secret.Text{}, err
	}
	return readToken(status, body)
}

func (f *Federation) post(ctx context.Context, endpoint string, form url.Values) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, misconfigured("the federation endpoint is not a URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := f.http.Do(req)
	if err != nil {
		return 0, nil, unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }() // nothing is written; closing has nothing to say
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, unreachable(err)
	case len(body) > maxAnswer:
		return 0, nil, answered(sts.KindUnavailable, "the AWS sign-in endpoint's answer is too long")
	}
	return resp.StatusCode, body, nil
}

func readToken(status int, body []byte) (secret.Text, error) {
	switch {
	case status == http.StatusOK:
	case status == http.StatusTooManyRequests:
		return secret.Text{}, answered(sts.KindThrottled, "the AWS sign-in endpoint asks for fewer requests")
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError:
		return secret.Text{}, answered(sts.KindDenied,
			fmt.Sprintf("the AWS sign-in endpoint refused the session with status %d", status))
	default:
		return secret.Text{}, answered(sts.KindUnavailable,
			fmt.Sprintf("the AWS sign-in endpoint answered with status %d; try again", status))
	}
	var answer struct {
		Token string `json:"SigninToken"`
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&answer); err != nil || answer.Token == "" || len(answer.Token) > maxToken {
		return secret.Text{}, answered(sts.KindUnavailable, "the AWS sign-in endpoint answered without a sign-in token")
	}
	return secret.New(answer.Token), nil
}

// unreachable keeps whether the caller gave up, and what the network or TLS said. An error about the answer itself is
// dropped: it quotes the answer, and an endpoint can quote our credentials.
func unreachable(err error) error {
	out := &sts.Error{Kind: sts.KindUnavailable, Message: "the AWS sign-in endpoint cannot be reached; try again"}
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		out.Err = context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		out.Err = context.DeadlineExceeded
	case errors.As(err, &network):
		out.Err = network
	case errors.As(err, &certificate):
		out.Err = certificate
	}
	return out
}

// answered makes a refusal in our words: the endpoint has no codes, and most of what is refused here it never hears of.
func answered(kind sts.Kind, message string) error { return &sts.Error{Kind: kind, Message: message} }

func refused(message string) error { return answered(sts.KindInvalid, message) }

func misconfigured(message string) error { return answered(sts.KindConfig, message) }
