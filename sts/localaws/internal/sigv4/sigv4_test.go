package sigv4_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/sigv4"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	body   = "Action=GetCallerIdentity&Version=2011-06-15"
)

var signedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// signed is a POST signed by AWS's own signer.
func signed(t testing.TB, edit func(*http.Request)) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4566/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if edit != nil {
		edit(r)
	}
	credentials := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: "token+/="}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, hashOf(body), "sts", "eu-central-1", signedAt); err != nil {
		t.Fatal(err)
	}
	return r
}

func presigned(t testing.TB, expires string) *http.Request {
	t.Helper()
	if expires != "" {
		expires = "&X-Amz-Expires=" + expires
	}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:4566/?"+body+expires+"&a=b%20c&a=%C3%A9&empty=", nil)
	credentials := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: "token+/="}
	uri, _, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, r, hashOf(""), "sts", "us-east-1", signedAt)
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, uri, nil)
}

func verify(r *http.Request, now time.Time) error {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	parsed, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	return parsed.Verify(r, sent, "sts", secret, now)
}

func code(err error) string {
	var e *wire.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestAWSSignerIsAccepted(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"header":             signed(t, nil),
		"odd headers":        signed(t, func(r *http.Request) { r.Header["X-Amz-Odd"] = []string{"  a   b  ", "c"} }),
		"a path":             signed(t, func(r *http.Request) { r.URL.Path = "/a b/é~" }),
		"a query":            signed(t, func(r *http.Request) { r.URL.RawQuery = "b=2&a=1&a=%20&z" }),
		"presigned":          presigned(t, "900"),
		"presigned, 60 s":    presigned(t, "60"),
		"presigned, no life": presigned(t, ""),
	} {
		if err := verify(r, signedAt.Add(30*time.Second)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	parsed, err := sigv4.Parse(signed(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if parsed.AccessKeyID != keyID || parsed.SessionToken != "token+/=" || parsed.Region != "eu-central-1" {
		t.Errorf("parsed %+v", parsed)
	}
}

// The vector get-vanilla of AWS's Signature Version 4 test suite, whose service is called "service".
func TestKnownVector(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://example.amazonaws.com/", nil)
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "+
		"SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
	parsed, err := sigv4.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.Verify(r, nil, "service", secret, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}

func TestClock(t *testing.T) {
	for name, test := range map[string]struct {
		request *http.Request
		after   time.Duration
		want    string
	}{
		"five minutes late":              {signed(t, nil), 5 * time.Minute, ""},
		"later":                          {signed(t, nil), 5*time.Minute + time.Second, "SignatureDoesNotMatch"},
		"five minutes early":             {signed(t, nil), -5 * time.Minute, ""},
		"earlier":                        {signed(t, nil), -5*time.Minute - time.Second, "SignatureDoesNotMatch"},
		"presigned, 15 minutes":          {presigned(t, "3600"), 15 * time.Minute, ""},
		"presigned, beyond 15 minutes":   {presigned(t, "3600"), 15*time.Minute + time.Second, "SignatureDoesNotMatch"},
		"presigned, no life, 15 minutes": {presigned(t, ""), 15 * time.Minute, ""},
		"presigned, no life, later":      {presigned(t, ""), 15*time.Minute + time.Second, "SignatureDoesNotMatch"},
		"presigned, beyond its own":      {presigned(t, "60"), 61 * time.Second, "SignatureDoesNotMatch"},
		"presigned in the future":        {presigned(t, "60"), -6 * time.Minute, "SignatureDoesNotMatch"},
	} {
		if got := code(verify(test.request, signedAt.Add(test.after))); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestExpiredMessage(t *testing.T) {
	err := verify(signed(t, nil), signedAt.Add(10*time.Minute))
	const want = "SignatureDoesNotMatch: Signature expired: 20260102T030405Z is now earlier than 20260102T030905Z (20260102T031405Z - 5 min.)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Everything that is signed, changed after signing; and everything that AWS wants signed, left out.
func TestHostile(t *testing.T) {
	replace := func(from, to string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
		}
	}
	query := func(edit func(url.Values)) func(*http.Request) {
		return func(r *http.Request) {
			values := r.URL.Query()
			edit(values)
			r.URL.RawQuery = values.Encode()
		}
	}
	const mismatch, incomplete = "SignatureDoesNotMatch", "IncompleteSignature"
	inHeader := map[string]struct {
		edit func(*http.Request)
		want string
	}{
		"another body":               {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body + "&a=b")) }, mismatch},
		"another host":               {func(r *http.Request) { r.Host = "evil.example.com" }, mismatch},
		"another method":             {func(r *http.Request) { r.Method = http.MethodPut }, mismatch},
		"another path":               {func(r *http.Request) { r.URL.Path = "/x" }, mismatch},
		"another query":              {func(r *http.Request) { r.URL.RawQuery = "a=b" }, mismatch},
		"another content type":       {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, mismatch},
		"another token":              {func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "other") }, mismatch},
		"another date":               {func(r *http.Request) { r.Header.Set("X-Amz-Date", "20260102T030406Z") }, mismatch},
		"another key id":             {replace(keyID, keyID+"2"), ""}, // the key is the caller's to look up
		"another region":             {replace("eu-central-1", "eu-west-1"), mismatch},
		"a region that is none":      {replace("eu-central-1", "Europe"), mismatch},
		"another service":            {replace("/sts/", "/iam/"), mismatch},
		"another scope date":         {replace("/20260102/", "/20260101/"), mismatch},
		"a flipped signature":        {func(r *http.Request) { flip(r) }, mismatch},
		"an upper-case signature":    {func(r *http.Request) { upper(r) }, incomplete},
		"a short signature":          {replace("Signature=", "Signature=zz"), incomplete},
		"no signature":               {func(r *http.Request) { cut(r, ", Signature=") }, incomplete},
		"no signed headers":          {replace("SignedHeaders=", "Headers="), incomplete},
		"host unsigned":              {replace(";host;", ";"), mismatch},
		"date unsigned":              {replace(";x-amz-date", ""), mismatch},
		"token unsigned":             {replace(";x-amz-security-token", ""), mismatch},
		"an unsigned X-Amz header":   {func(r *http.Request) { r.Header.Set("X-Amz-Target", "x") }, mismatch},
		"a signed header gone":       {func(r *http.Request) { r.Header.Del("Content-Type") }, mismatch},
		"unsorted headers":           {replace("content-type;host", "host;content-type"), incomplete},
		"a header named twice":       {replace("content-type;", "content-type;content-type;"), incomplete},
		"another algorithm":          {replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), incomplete},
		"SigV4a":                     {replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), incomplete},
		"four parts of a credential": {replace("/aws4_request", ""), incomplete},
		"another terminator":         {replace("aws4_request", "aws5_request"), incomplete},
		"two Authorization headers":  {func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, incomplete},
		"header and query":           {func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=x" }, incomplete},
		"a part twice":               {replace("Signature=", "Signature=00, Signature="), incomplete},
		"a second date":              {func(r *http.Request) { r.Header.Add("X-Amz-Date", "20260102T030405Z") }, incomplete},
		"a date that is none":        {func(r *http.Request) { r.Header.Set("X-Amz-Date", "yesterday") }, incomplete},
		"a content hash that lies":   {func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", hashOf("x")) }, mismatch},
		"no credentials at all":      {func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationToken"},
		"basic credentials":          {func(r *http.Request) { r.SetBasicAuth("a", "b") }, incomplete},
	}
	for name, test := range inHeader {
		r := signed(t, nil)
		test.edit(r)
		if got := code(verify(r, signedAt)); got != test.want {
			t.Errorf("header, %s: %q, want %q", name, got, test.want)
		}
	}
	inQuery := map[string]struct {
		edit func(*http.Request)
		want string
	}{
		"another parameter":     {query(func(v url.Values) { v.Set("Action", "AssumeRole") }), mismatch},
		"an added parameter":    {query(func(v url.Values) { v.Set("x", "y") }), mismatch},
		"a longer life":         {query(func(v url.Values) { v.Set("X-Amz-Expires", "901") }), mismatch},
		"no life":               {query(func(v url.Values) { v.Del("X-Amz-Expires") }), mismatch},
		"a life of zero":        {query(func(v url.Values) { v.Set("X-Amz-Expires", "0") }), incomplete},
		"a life of eight days":  {query(func(v url.Values) { v.Set("X-Amz-Expires", "691200") }), incomplete},
		"another token":         {query(func(v url.Values) { v.Set("X-Amz-Security-Token", "x") }), mismatch},
		"no token":              {query(func(v url.Values) { v.Del("X-Amz-Security-Token") }), mismatch},
		"a signature twice":     {query(func(v url.Values) { v.Add("X-Amz-Signature", "x") }), incomplete},
		"an unsigned header":    {func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, mismatch},
		"a body":                {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) }, mismatch},
		"another host":          {func(r *http.Request) { r.Host = "evil.example.com" }, mismatch},
		"parameters reordered":  {func(r *http.Request) { r.URL.RawQuery = r.URL.Query().Encode() }, ""},
		"a bad escape":          {func(r *http.Request) { r.URL.RawQuery += "&%zz" }, incomplete},
		"another algorithm":     {query(func(v url.Values) { v.Set("X-Amz-Algorithm", "none") }), incomplete},
		"a header of authority": {func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") }, incomplete},
	}
	for name, test := range inQuery {
		r := presigned(t, "900")
		test.edit(r)
		if got := code(verify(r, signedAt)); got != test.want {
			t.Errorf("query, %s: %q, want %q", name, got, test.want)
		}
	}
}

func flip(r *http.Request) {
	h := r.Header.Get("Authorization")
	last := h[len(h)-1]
	other := byte('0')
	if last == '0' {
		other = '1'
	}
	r.Header.Set("Authorization", h[:len(h)-1]+string(other))
}

func upper(r *http.Request) {
	h := r.Header.Get("Authorization")
	r.Header.Set("Authorization", h[:len(h)-64]+strings.ToUpper(h[len(h)-64:len(h)-1])+"A")
}

func cut(r *http.Request, from string) {
	before, _, _ := strings.Cut(r.Header.Get("Authorization"), from)
	r.Header.Set("Authorization", before)
}

func FuzzAuthorizationHeader(f *testing.F) {
	f.Add(signed(f, nil).Header.Get("Authorization"), "")
	f.Add("", presigned(f, "900").URL.RawQuery)
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=", "X-Amz-Date=1")
	f.Fuzz(func(t *testing.T, header, query string) {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:4566/", nil)
		r.Header.Set("X-Amz-Date", "20260102T030405Z")
		r.URL.RawQuery = query
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		parsed, err := sigv4.Parse(r)
		if err != nil {
			if code(err) == "" {
				t.Errorf("not an AWS error: %v", err)
			}
			return
		}
		if err := parsed.Verify(r, nil, "sts", "another secret", signedAt); err == nil {
			t.Error("verified with a secret that nobody signed with")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	b.ReportAllocs()
	r := signed(b, nil)
	for b.Loop() {
		parsed, err := sigv4.Parse(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := parsed.Verify(r, []byte(body), "sts", secret, signedAt); err != nil {
			b.Fatal(err)
		}
	}
}
