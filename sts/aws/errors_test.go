package aws_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/aws"
)

func TestErrorsKeepAWSsWordsAndGetAKind(t *testing.T) {
	for _, c := range []struct {
		code   string
		status int
		kind   sts.Kind
	}{
		{"AccessDenied", 403, sts.KindDenied},
		{"InvalidIdentityToken", 400, sts.KindDenied},
		{"IDPRejectedClaim", 403, sts.KindDenied},
		{"SomethingNew", 400, sts.KindDenied},
		{"ExpiredTokenException", 400, sts.KindExpired},
		{"ValidationError", 400, sts.KindInvalid},
		{"MalformedPolicyDocument", 400, sts.KindInvalid},
		{"PackedPolicyTooLarge", 400, sts.KindInvalid},
		{"InvalidParameterValue", 400, sts.KindInvalid},
		{"Throttling", 400, sts.KindThrottled},
		{"ThrottlingException", 400, sts.KindThrottled},
		{"RequestLimitExceeded", 503, sts.KindThrottled},
		{"SomethingNew", 429, sts.KindThrottled},
		{"IDPCommunicationError", 400, sts.KindUnavailable},
		{"InternalFailure", 500, sts.KindUnavailable},
		{"ServiceUnavailable", 503, sts.KindUnavailable},
		{"SomethingNew", 502, sts.KindUnavailable},
		{"RegionDisabledException", 403, sts.KindConfig},
		{"InvalidClientTokenId", 403, sts.KindConfig},
		{"SignatureDoesNotMatch", 403, sts.KindConfig},
		{"ExpiredToken", 403, sts.KindConfig},
		{"OptInRequired", 403, sts.KindConfig},
	} {
		t.Run(fmt.Sprintf("%s_%d", c.code, c.status), func(t *testing.T) {
			fake := newFake(t, failure(c.code, "what AWS says of "+string(role), c.status))
			for _, req := range []sts.Request{webIdentity(), withSAML(), assumeRole()} {
				_, err := newAssumer(t, fake.URL).Assume(t.Context(), req)
				e := stsError(t, err)
				if e.Kind != c.kind || e.Code != c.code || e.Message != "what AWS says of "+string(role) || e.RequestID != "req-2" {
					t.Errorf("%s: %+v, want kind %d", req.Mode, e, c.kind)
				}
			}
		})
	}
}

func TestAnswersThatAreNotSTSs(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   sts.Kind
	}{
		"a page":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello</html>")) }, sts.KindUnavailable},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, sts.KindUnavailable},
		"a page with 503": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>busy</html>", http.StatusServiceUnavailable)
		}, sts.KindUnavailable},
		"half an answer":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<AssumeRoleResponse><Assu")) }, sts.KindUnavailable},
		"a cut connection":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, sts.KindUnavailable},
		"an endless answer": {endless, sts.KindUnavailable},
	} {
		_, err := newAssumer(t, newFake(t, c.answer).URL).Assume(t.Context(), webIdentity())
		if e := stsError(t, err); e.Kind != c.kind || e.Message == "" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// endless is eight megabytes of an otherwise well-formed refusal.
func endless(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte("<ErrorResponse><Error><Code>AccessDenied</Code><Message>"))
	for range 8 << 10 {
		if _, err := w.Write([]byte(strings.Repeat("x", 1<<10))); err != nil {
			return
		}
	}
	_, _ = w.Write([]byte("</Message></Error></ErrorResponse>"))
}

// A hostile endpoint sends our secrets back in every way it has; none may come out.
func TestNoSecretComesBackInAnError(t *testing.T) {
	echo := func(make func(token string) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			token := r.PostForm.Get("WebIdentityToken") + r.PostForm.Get("SAMLAssertion") + r.Header.Get("X-Amz-Security-Token")
			failure("AccessDenied", make(token), 403)(w, r)
		}
	}
	for name, handle := range map[string]http.HandlerFunc{
		"message":           echo(func(s string) string { return "denied: " + s }),
		"half a message":    echo(func(s string) string { return "denied: " + s[len(s)/2:] }),
		"percent-encoded":   echo(func(s string) string { return "denied: " + url.QueryEscape(s) }),
		"behind a long one": echo(func(s string) string { return strings.Repeat("x", 1000) + s }),
		"code": func(w http.ResponseWriter, r *http.Request) {
			failure(r.PostForm.Get("WebIdentityToken")+r.PostForm.Get("SAMLAssertion")+r.Header.Get("X-Amz-Security-Token"), "denied", 403)(w, r)
		},
		"request id": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Amzn-Requestid", r.PostForm.Get("WebIdentityToken")+r.PostForm.Get("SAMLAssertion")+r.Header.Get("X-Amz-Security-Token"))
			w.WriteHeader(403)
			_, _ = w.Write([]byte("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"))
		},
		"unreadable XML": func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "<%s><", r.PostForm.Encode())
		},
		"not HTTP": func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", r.PostForm.Encode())
				_ = conn.Close()
			}
		},
	} {
		caller := assumeRole()
		caller.Caller = &sts.Credentials{AccessKeyID: "ASIAHUB", SecretAccessKey: secret.New("hub-secret-0123456789"), SessionToken: secret.New(canary)}
		for _, req := range []sts.Request{webIdentity(), withSAML(), caller} {
			_, err := newAssumer(t, newFake(t, handle).URL).Assume(t.Context(), req)
			if err == nil {
				t.Fatalf("%s: no error", name)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
					for i := 0; i+16 <= len(canary); i++ {
						if strings.Contains(text, canary[i:i+16]) {
							t.Fatalf("%s, %s: the secret comes back: %s", name, req.Mode, text)
						}
					}
				}
			}
		}
	}
}

func TestMessagesAreOneBoundedLine(t *testing.T) {
	fake := newFake(t, failure("AccessDenied", "a\r\nlevel=ERROR forged\u2028x"+strings.Repeat("y", 5000), 403))
	_, err := newAssumer(t, fake.URL).Assume(t.Context(), webIdentity())
	e := stsError(t, err)
	if len(e.Message) > 1024 || strings.ContainsAny(e.Message, "\r\n\u2028") {
		t.Errorf("%d bytes: %q", len(e.Message), e.Message)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var stolen atomic.Bool
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Store(true) }))
	defer thief.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		fake := newFake(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, status) })
		if _, err := newAssumer(t, fake.URL).Assume(t.Context(), webIdentity()); err == nil || stolen.Load() {
			t.Errorf("%d: followed", status)
		}
	}
}

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		code   string
		status int
		calls  int
	}{
		{"ServiceUnavailable", 503, 3},
		{"InternalFailure", 500, 3},
		{"IDPCommunicationError", 400, 3}, // the service's model declares it retryable
		{"Throttling", 400, 1},
		{"AccessDenied", 403, 1},
		{"InvalidIdentityToken", 400, 1},
	} {
		fake := newFake(t, failure(c.code, "m", c.status))
		_, err := newAssumer(t, fake.URL, func(o *aws.Options) { o.Attempts = 3 }).Assume(t.Context(), webIdentity())
		if err == nil || len(fake.seen()) != c.calls {
			t.Errorf("%s: %d calls, want %d", c.code, len(fake.seen()), c.calls)
		}
	}
	var first atomic.Bool
	fake := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if first.CompareAndSwap(false, true) {
			panic(http.ErrAbortHandler)
		}
		succeed(w, r.PostForm)
	})
	if _, err := newAssumer(t, fake.URL, func(o *aws.Options) { o.Attempts = 2 }).Assume(t.Context(), webIdentity()); err != nil {
		t.Errorf("a broken connection is tried once more: %v", err)
	}
}

func TestGivingUpIsKept(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	hung := make(chan struct{})
	fake := newFake(t, func(http.ResponseWriter, *http.Request) {
		cancel()
		<-hung
	})
	t.Cleanup(func() { close(hung) })
	_, err := newAssumer(t, fake.URL).Assume(ctx, webIdentity())
	if e := stsError(t, err); e.Kind != sts.KindUnavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("%+v", e)
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	endpoint := "http://" + l.Addr().String()
	_ = l.Close()
	_, err = newAssumer(t, endpoint).Assume(t.Context(), webIdentity())
	if e := stsError(t, err); e.Kind != sts.KindUnavailable || !strings.Contains(e.Message, "refused") {
		t.Errorf("%+v", e)
	}
}

func FuzzMessage(f *testing.F) {
	f.Add(base64.StdEncoding.EncodeToString([]byte(canary)))
	f.Add("plain")
	f.Add("\xff\x00\n" + canary)
	f.Fuzz(func(t *testing.T, message string) {
		got := aws.Clean(message, secret.New(canary))
		if len(got) > 8*1024 || strings.ContainsAny(got, "\n\r\x00") {
			t.Errorf("%q", got)
		}
		for i := 0; i+16 <= len(canary); i++ {
			if strings.Contains(got, canary[i:i+16]) {
				t.Errorf("a piece of the secret is left: %q", got)
			}
		}
	})
}

func TestBothSpellingsOfASecretAreTakenOut(t *testing.T) {
	value := "PHNhbWw+/a+b/c==+PHNhbWw+/d+e/f=="
	for _, spelled := range []string{value, url.QueryEscape(value)} {
		if got := aws.Clean("denied: "+spelled+".", secret.New(value)); got != "denied: [redacted]." {
			t.Errorf("%q became %q", spelled, got)
		}
	}
	if got := aws.Clean("denied", secret.Text{}); got != "denied" {
		t.Errorf("without a secret %q", got)
	}
}
