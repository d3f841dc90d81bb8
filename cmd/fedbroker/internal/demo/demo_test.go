package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/demo"
)

func runOnce(t *testing.T, o demo.Options) string {
	t.Helper()
	var out, errs bytes.Buffer
	o.Once, o.Version, o.Stdout, o.Stderr = true, "test", &out, &errs
	if err := demo.Run(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	if errs.Len() > 0 {
		t.Errorf("on standard error: %s", &errs)
	}
	return out.String()
}

type exchange struct {
	Asked    map[string]any `json:"asked"`
	Answered struct {
		AccessKeyID                   string `json:"AccessKeyId"`
		SecretAccessKey, SessionToken string
		RoleARN                       string `json:"RoleArn"`
		AssumedRoleARN                string `json:"AssumedRoleArn"`
		SourceIdentity                string
		Version                       int
		Expiration, RequestID         string
	} `json:"answered"`
	STSAction      string `json:"sts_action"`
	AssumedRoleARN string `json:"assumed_role_arn"`
	Console        *struct{ SignInURL, Expiration string }
	ConsoleStatus  int `json:"console_status"`
}

type result struct {
	CI           exchange `json:"ci"`
	SAML         exchange `json:"saml"`
	CrossAccount exchange `json:"cross_account"`
	Refusal      struct {
		Asked       map[string]any `json:"asked"`
		Answered    map[string]any `json:"answered"`
		Code        string         `json:"code"`
		Explanation struct {
			Rules []struct {
				Rule       string
				Conditions []struct {
					Kind, Key, Expected, Actual string
					Met                         bool
				}
			}
		} `json:"explanation"`
	} `json:"refusal"`
}

func TestJSON(t *testing.T) {
	text := runOnce(t, demo.Options{JSON: true})
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		t.Fatalf("not one JSON object: %v\n%s", err, text)
	}
	if len(members) != 4 {
		t.Errorf("want ci, saml, cross_account and refusal, got %d members", len(members))
	}
	var r result
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		got               exchange
		role, arn, action string
	}{
		"ci":            {r.CI, "prod/deploy", `^arn:aws:sts::111122223333:assumed-role/Deploy/gha-\d+$`, "AssumeRoleWithWebIdentity"},
		"saml":          {r.SAML, "prod/admin", `^arn:aws:sts::111122223333:assumed-role/Admin/alice`, "AssumeRoleWithSAML"},
		"cross_account": {r.CrossAccount, "dev/analyst", `^arn:aws:sts::444455556666:assumed-role/Analyst/alice`, "AssumeRole"},
	} {
		x := want.got
		if x.Asked["role"] != want.role || x.Asked["as"] == "" || x.Asked["proof"] == "" {
			t.Errorf("%s: asked %v", name, x.Asked)
		}
		if x.STSAction != want.action {
			t.Errorf("%s: sts_action %q", name, x.STSAction)
		}
		if !regexp.MustCompile(want.arn).MatchString(x.AssumedRoleARN) || x.AssumedRoleARN != x.Answered.AssumedRoleARN {
			t.Errorf("%s: assumed_role_arn %q, answered %q", name, x.AssumedRoleARN, x.Answered.AssumedRoleARN)
		}
		a := x.Answered
		if !strings.HasPrefix(a.AccessKeyID, "ASIA") || a.Version != 1 || a.Expiration == "" || a.RequestID == "" || a.SourceIdentity == "" || !strings.HasPrefix(a.RoleARN, "arn:aws:iam::") {
			t.Errorf("%s: answered %+v", name, a)
		}
		if len(a.SecretAccessKey) > 8 || len(a.SessionToken) > 8 || !strings.HasSuffix(a.SecretAccessKey, "…") {
			t.Errorf("%s: secrets are not shortened", name)
		}
	}
	c := r.SAML.Console
	if c == nil || !strings.Contains(c.SignInURL, "Action=login") || c.Expiration == "" || r.SAML.ConsoleStatus != http.StatusOK {
		t.Fatalf("console: %+v, status %d", c, r.SAML.ConsoleStatus)
	}
	if m := regexp.MustCompile(`SigninToken=([^&]*)`).FindStringSubmatch(c.SignInURL); m == nil || len(m[1]) > 20 {
		t.Error("the sign-in token is not shortened")
	}
	checkRefusal(t, r)
}

func checkRefusal(t *testing.T, r result) {
	t.Helper()
	if r.Refusal.Code != "role_not_granted" || r.Refusal.Answered["code"] != r.Refusal.Code || r.Refusal.Answered["status"] != 403.0 || r.Refusal.Asked["role"] != "prod/deploy" {
		t.Errorf("refusal: %+v", r.Refusal)
	}
	for _, rule := range r.Refusal.Explanation.Rules {
		for _, c := range rule.Conditions {
			if !c.Met && strings.Contains(c.Actual, "pull_request") && strings.Contains(c.Expected, "pull_request") {
				return
			}
		}
	}
	t.Errorf("the explanation does not say that the event is a pull request: %+v", r.Refusal.Explanation)
}

func TestReveal(t *testing.T) {
	var r result
	if err := json.Unmarshal([]byte(runOnce(t, demo.Options{JSON: true, Reveal: true})), &r); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]exchange{"ci": r.CI, "saml": r.SAML, "cross_account": r.CrossAccount} {
		if len(x.Answered.SecretAccessKey) != 40 || len(x.Answered.SessionToken) < 40 {
			t.Errorf("%s: secrets are not whole", name)
		}
	}
	if m := regexp.MustCompile(`SigninToken=([^&]*)`).FindStringSubmatch(r.SAML.Console.SignInURL); m == nil || len(m[1]) < 40 {
		t.Error("the sign-in token is not whole")
	}
}

func TestStory(t *testing.T) {
	text := runOnce(t, demo.Options{})
	want := regexp.MustCompile(`(?s)^fedbroker demo: everything below just happened, over HTTP, on this machine\.
.*broker +http://localhost:\d+
.*identity provider +http://127\.0\.0\.1:\d+ .*
.*local AWS +http://127\.0\.0\.1:\d+ .*
1  A CI job on main asks for prod/deploy
.*   AWS call  AssumeRoleWithWebIdentity
   keys      ASIA\w+, secret .{4}…, until \d\d:\d\d:\d\d
.*   proof     GetCallerIdentity, signed: arn:aws:sts::111122223333:assumed-role/Deploy/gha-\d+
   by hand   TOKEN=.*
2  A person signs in by SAML and asks for prod/admin
.*   AWS call  AssumeRoleWithSAML
.*   proof     GetCallerIdentity, signed: arn:aws:sts::111122223333:assumed-role/Admin/alice\S*
   console   http://127\.0\.0\.1:\d+/federation\?Action=login\S+
.*
3  The same person hops into the other account, dev/analyst, through the hub role
.*   AWS call  AssumeRole
.*   proof     GetCallerIdentity, signed: arn:aws:sts::444455556666:assumed-role/Analyst/alice\S*
.*
4  A pull request asks for prod/deploy
.*   answer    403 role_not_granted: .*
   because   rule "the shop deploys from main" wants .*
   by hand   TOKEN=`)
	if !want.MatchString(text) {
		t.Errorf("the story is another:\n%s", text)
	}
	if strings.Contains(text, "Ctrl-C") {
		t.Error("a demo that ends at once says how to end it")
	}
}

// stream can be read while it is written.
type stream struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func TestItStaysUpUntilCtrlC(t *testing.T) {
	for _, port := range []string{"8480", "8481", "8482"} { // taken ports, whether by us or by another program
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			defer l.Close()
		}
	}
	ready := filepath.Join(t.TempDir(), "ready.json")
	if err := os.WriteFile(ready, []byte(`{"broker": "of an earlier run"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	story, told := io.Pipe()
	errs := &stream{}
	ended := make(chan error, 1)
	go func() {
		ended <- demo.Run(ctx, demo.Options{ReadyFile: ready, Version: "test", Stdout: told, Stderr: errs})
		told.Close()
	}()
	var text strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(text.String(), "Ctrl-C ends the demo.") {
		n, err := story.Read(buffer)
		text.Write(buffer[:n])
		if err != nil {
			t.Fatalf("%v, %v\n%s", err, <-ended, text.String())
		}
	}
	for _, name := range []string{"alice", "bob", "carol"} {
		if !regexp.MustCompile(`(?m)^   ` + name + ` +\S{12,} +\S`).MatchString(text.String()) {
			t.Errorf("no password of %s on the screen", name)
		}
	}
	urls := readReady(t, ready)
	checkHosts(t, urls)
	idle, err := net.Dial("tcp", strings.TrimPrefix(urls["aws"], "http://")) // browsers open connections ahead
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	interrupt()
	if err := <-ended; err != nil {
		t.Errorf("Ctrl-C is an error: %v", err)
	}
	for name, url := range urls {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			t.Errorf("%s still answers", name)
		}
	}
}

func readReady(t *testing.T, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var urls map[string]string
	if err := json.Unmarshal(b, &urls); err != nil || len(urls) != 3 {
		t.Fatalf("%s: %v", b, err)
	}
	for name, host := range map[string]string{"broker": "http://localhost:", "aws": "http://127.0.0.1:", "idp": "http://127.0.0.1:"} {
		if !strings.HasPrefix(urls[name], host) {
			t.Errorf("%s is at %q", name, urls[name])
		}
		if strings.HasSuffix(urls[name], "8480") || strings.HasSuffix(urls[name], "8481") || strings.HasSuffix(urls[name], "8482") {
			t.Errorf("%s has a port that is taken: %s", name, urls[name])
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), ".ready-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return urls
}

// checkHosts holds all three to their Host (invariant 14): a page elsewhere cannot reach them by DNS rebinding.
func checkHosts(t *testing.T, urls map[string]string) {
	t.Helper()
	for name, path := range map[string]string{"broker": "/healthz", "aws": "/healthz", "idp": "/saml/metadata"} {
		for _, host := range []string{"", "evil.example.com", "localhost.evil.example.com"} {
			req, err := http.NewRequest(http.MethodGet, urls[name]+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if ok := resp.StatusCode == http.StatusOK; ok != (host == "") {
				t.Errorf("%s answers Host %q with %d", name, host, resp.StatusCode)
			}
		}
	}
}

func TestCtrlCDuringTheStory(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	ready := filepath.Join(t.TempDir(), "ready.json")
	if err := os.WriteFile(ready, []byte(`{"broker": "of an earlier run"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := demo.Run(ctx, demo.Options{ReadyFile: ready, Version: "test", Stdout: io.Discard, Stderr: io.Discard}); err != nil {
		t.Errorf("Ctrl-C is an error: %v", err)
	}
	if _, err := os.Stat(ready); err == nil {
		t.Error("the ready file of an earlier run is still there")
	}
}

func TestAReadyFileThatCannotBeWritten(t *testing.T) {
	err := demo.Run(t.Context(), demo.Options{Once: true, ReadyFile: filepath.Join(t.TempDir(), "no", "such"), Version: "test", Stdout: io.Discard, Stderr: io.Discard})
	if err == nil {
		t.Error("no error for a ready file that cannot be written")
	}
}
