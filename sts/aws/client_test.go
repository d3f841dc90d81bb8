package aws_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/aws"
)

// dial records where a call would go and lets none of it leave the machine.
type dial struct {
	mu   sync.Mutex
	urls []string
}

func (d *dial) RoundTrip(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.urls = append(d.urls, r.URL.String())
	return nil, errors.New("no network in tests")
}

// Only Options decide where a proof goes.
func TestTheEnvironmentDoesNotChooseTheEndpoint(t *testing.T) {
	trap := newFake(t, nil)
	t.Setenv("AWS_ENDPOINT_URL", trap.URL)
	t.Setenv("AWS_ENDPOINT_URL_STS", trap.URL)
	t.Setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
	t.Setenv("AWS_USE_FIPS_ENDPOINT", "true")
	t.Setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
	t.Setenv("AWS_REGION", "us-west-2")
	shared := filepath.Join(t.TempDir(), "config")
	content := "[default]\nendpoint_url = " + trap.URL + "\nservices = s\nregion = us-west-2\n[services s]\nsts =\n  endpoint_url = " + trap.URL + "\n"
	if err := os.WriteFile(shared, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", shared)

	for name, c := range map[string]struct {
		role   sts.RoleARN
		region string
		want   string
	}{
		"aws":      {role, region, "https://sts.eu-central-1.amazonaws.com/"},
		"us":       {role, "us-east-1", "https://sts.us-east-1.amazonaws.com/"},
		"China":    {"arn:aws-cn:iam::111122223333:role/Deploy", "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/"},
		"GovCloud": {"arn:aws-us-gov:iam::111122223333:role/Deploy", "us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/"},
	} {
		d := new(dial)
		a := newAssumer(t, "", func(o *aws.Options) { o.Transport = d })
		for _, req := range []sts.Request{webIdentity(), withSAML(), assumeRole()} {
			req.RoleARN, req.Region = c.role, c.region
			if _, err := a.Assume(t.Context(), req); err == nil {
				t.Fatal("answered")
			}
		}
		for _, got := range d.urls {
			if got != c.want {
				t.Errorf("%s: went to %s, want %s", name, got, c.want)
			}
		}
		if len(d.urls) != 3 {
			t.Errorf("%s: %d calls", name, len(d.urls))
		}
	}
	if len(trap.seen()) != 0 {
		t.Error("a proof went where the environment said")
	}
	fake := newFake(t, nil)
	if _, err := newAssumer(t, fake.URL).Assume(t.Context(), webIdentity()); err != nil || len(fake.seen()) != 1 {
		t.Errorf("the configured endpoint was not called: %v", err)
	}
}

// Unsigned calls touch no credential chain; AssumeRole without credentials says so in plain words.
func TestTheDefaultChainIsAskedOnlyToSign(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", missing)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", missing)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(name, "")
	}
	fake := newFake(t, nil)
	chain := func(o *aws.Options) { o.Principal = aws.Principal{} }
	a := newAssumer(t, fake.URL, chain)
	for _, req := range []sts.Request{webIdentity(), withSAML()} {
		if _, err := a.Assume(t.Context(), req); err != nil {
			t.Error(err)
		}
	}
	_, err := a.Assume(t.Context(), assumeRole())
	if e := stsError(t, err); e.Kind != sts.KindConfig || e.Code != "NoCredentials" || len(fake.seen()) != 2 {
		t.Errorf("%+v after %d calls", e, len(fake.seen()))
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAFROMENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret-from-env")
	if _, err := newAssumer(t, fake.URL, chain).Assume(t.Context(), assumeRole()); err != nil {
		t.Fatal(err)
	}
	if auth := fake.seen()[2].header.Get("Authorization"); !strings.Contains(auth, "AKIAFROMENV") {
		t.Errorf("signed as %q", auth)
	}
}

func TestOptions(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"":                             true,
		"https://sts.example.com":      true,
		"https://sts.example.com:8443": true,
		"http://127.0.0.1:4566":        true,
		"http://[::1]:4566":            true,
		"http://localhost:4566":        true,
		"http://aws.localhost:4566":    true,

		"http://sts.example.com":           false,
		"http://10.0.0.1:4566":             false,
		"http://127.0.0.1.example.com":     false,
		"http://localhost.example.com":     false,
		"https://":                         false,
		"sts.example.com":                  false,
		"ftp://127.0.0.1":                  false,
		"https://u:p@sts.example.com":      false,
		"https://sts.example.com/?x":       false,
		"https://sts.example.com/#x":       false,
		"http://0.0.0.0:4566":              false,
		"http://169.254.169.254/latest":    false,
		"https://sts.example.com:port/abc": false,
	} {
		if _, err := aws.New(aws.Options{Endpoint: endpoint}); (err == nil) != ok {
			t.Errorf("endpoint %q: %v", endpoint, err)
		}
	}
	for name, o := range map[string]aws.Options{
		"six attempts":      {Attempts: 6},
		"negative attempts": {Attempts: -1},
		"negative timeout":  {Timeout: -1},
		"key without id":    {Principal: aws.Principal{SecretAccessKey: secret.New("x")}},
		"id without key":    {Principal: aws.Principal{AccessKeyID: "AKIA"}},
		"only a token":      {Principal: aws.Principal{SessionToken: secret.New("x")}},
	} {
		if _, err := aws.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestConcurrentCallsShareConnections(t *testing.T) {
	fake := newFake(t, nil)
	a := newAssumer(t, fake.URL)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if _, err := a.Assume(t.Context(), webIdentity()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(fake.seen()); n != 40 {
		t.Errorf("%d calls", n)
	}
}
