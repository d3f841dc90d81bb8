package aws_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/aws"
)

const (
	role     = sts.RoleARN("arn:aws:iam::111122223333:role/team/Deploy")
	provider = "arn:aws:iam::111122223333:saml-provider/fedbroker"
	region   = "eu-central-1"
	canary   = "canary.eyJhbGciOiJFUzI1NiJ9.c2VjcmV0LXRva2VuLWJvZHk"
)

// fakeSTS speaks STS's XML. Handle answers everything when set; otherwise every known action succeeds.
type fakeSTS struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	handle http.HandlerFunc
}

type call struct {
	form   url.Values
	header http.Header
	host   string
}

func newFake(t testing.TB, handle http.HandlerFunc) *fakeSTS {
	t.Helper()
	f := &fakeSTS{handle: handle}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeSTS) serve(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.Path != "/" || r.URL.RawQuery != "" {
		http.Error(w, "want a POST of a form and no query", http.StatusTeapot)
		return
	}
	f.mu.Lock()
	f.calls = append(f.calls, call{r.PostForm, r.Header.Clone(), r.Host})
	f.mu.Unlock()
	if f.handle != nil {
		f.handle(w, r)
		return
	}
	succeed(w, r.PostForm)
}

func (f *fakeSTS) seen() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func succeed(w http.ResponseWriter, form url.Values) {
	w.Header().Set("X-Amzn-Requestid", "req-1")
	action := form.Get("Action")
	session := form.Get("RoleSessionName")
	if session == "" {
		session = "alice"
	}
	if action == "GetCallerIdentity" {
		_, _ = fmt.Fprint(w, envelope(action, `<Arn>arn:aws:sts::111122223333:assumed-role/Deploy/alice</Arn><UserId>AROAEXAMPLE:alice</UserId><Account>111122223333</Account>`))
		return
	}
	_, _ = fmt.Fprint(w, envelope(action, credentials+user("Deploy", session)+`<SourceIdentity>alice</SourceIdentity>`))
}

const credentials = `<Credentials><AccessKeyId>ASIAEXAMPLE0123456789</AccessKeyId><SecretAccessKey>made-secret</SecretAccessKey>` +
	`<SessionToken>made-session</SessionToken><Expiration>2026-11-25T13:00:00Z</Expiration></Credentials>`

func user(role, session string) string {
	return `<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:` + session + `</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/` +
		role + `/` + session + `</Arn></AssumedRoleUser>`
}

func envelope(action, result string) string {
	return `<` + action + `Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><` + action + `Result>` + result + `</` + action +
		`Result><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></` + action + `Response>`
}

func failure(code, message string, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>`, code)
		_ = xml.EscapeText(w, []byte(message))
		_, _ = fmt.Fprint(w, `</Message></Error><RequestId>req-2</RequestId></ErrorResponse>`)
	}
}

func newAssumer(t testing.TB, endpoint string, change ...func(*aws.Options)) *aws.Assumer {
	t.Helper()
	o := aws.Options{
		Endpoint: endpoint, Attempts: 1, Timeout: 5 * time.Second,
		Principal: aws.Principal{AccessKeyID: "AKIAEXAMPLEOWN", SecretAccessKey: secret.New("own-secret-canary-0123456789")},
	}
	for _, c := range change {
		c(&o)
	}
	a, err := aws.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func webIdentity() sts.Request {
	return sts.Request{
		Mode: sts.ModeWebIdentity, RoleARN: role, Region: region, SessionName: "gha-1", Duration: time.Hour,
		WebIdentityToken: secret.New(canary),
	}
}

func withSAML() sts.Request {
	return sts.Request{
		Mode: sts.ModeSAML, RoleARN: role, Region: region, SessionName: "alice", Duration: time.Hour,
		SAMLResponse: secret.New(canary), PrincipalARN: provider,
	}
}

func assumeRole() sts.Request {
	return sts.Request{Mode: sts.ModeAssumeRole, RoleARN: role, Region: region, SessionName: "alice", Duration: time.Hour}
}

func stsError(t *testing.T, err error) *sts.Error {
	t.Helper()
	var out *sts.Error
	if !errors.As(err, &out) {
		t.Fatalf("%v (%T) is not an sts.Error", err, err)
	}
	return out
}
