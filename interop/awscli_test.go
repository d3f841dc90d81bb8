package interop_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// debianAWS is Debian's package; another aws in PATH would be another program.
const debianAWS = "/usr/bin/aws"

// keys are AWS credentials as the broker's API and STS spell them.
type keys struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
}

// awsCLI calls one endpoint as one principal.
type awsCLI struct {
	endpoint string
	keys     keys // none: unsigned calls only
}

// try runs one command and returns its standard output, or what it said when it failed.
func (a awsCLI) try(t *testing.T, args ...string) (stdout, failure string) {
	t.Helper()
	need(t, debianAWS)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, debianAWS, append([]string{"--endpoint-url", a.endpoint, "--output", "json"}, args...)...)
	cmd.Env = []string{
		"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "AWS_REGION=eu-central-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"AWS_MAX_ATTEMPTS=1",
	}
	if a.keys.AccessKeyID != "" {
		cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID="+a.keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+a.keys.SecretAccessKey)
	}
	if a.keys.SessionToken != "" {
		cmd.Env = append(cmd.Env, "AWS_SESSION_TOKEN="+a.keys.SessionToken)
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return "", err.Error() + " " + errOut.String()
	}
	return out.String(), ""
}

// call runs one command that must work, and reads its answer.
func (a awsCLI) call(t *testing.T, into any, args ...string) {
	t.Helper()
	out, failure := a.try(t, args...)
	if failure != "" {
		t.Fatalf("aws %s %s: %s", args[0], args[1], failure)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("aws %s %s: %v in %s", args[0], args[1], err, out)
	}
}

// refused runs one command that must fail with an AWS error code.
func (a awsCLI) refused(t *testing.T, code string, args ...string) {
	t.Helper()
	out, failure := a.try(t, args...)
	if failure == "" {
		t.Errorf("aws %s %s must be refused with %s, but answered %s", args[0], args[1], code, out)
	} else if !strings.Contains(failure, "An error occurred ("+code+")") {
		t.Errorf("aws %s %s must be refused with %s: %s", args[0], args[1], code, failure)
	}
}

// whoAmI is the ARN of sts get-caller-identity.
func (a awsCLI) whoAmI(t *testing.T) string {
	t.Helper()
	var answer struct{ Arn, Account, UserID string }
	a.call(t, &answer, "sts", "get-caller-identity")
	return answer.Arn
}

// assumed is what the AssumeRole family answers.
type assumed struct {
	Credentials     keys
	AssumedRoleUser struct{ Arn string }
}

func (a awsCLI) as(k keys) awsCLI { return awsCLI{endpoint: a.endpoint, keys: k} }
