package agent_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
)

// TestSDKReadsContainerCredentials has AWS's own client read the endpoint, by the variables that exec sets.
func TestSDKReadsContainerCredentials(t *testing.T) {
	e := newEndpoints(t)
	for _, v := range e.container.Environment() {
		t.Setenv(v[0], v[1])
	}
	wantSDK(t, e, "ASIA1")
}

// TestSDKReadsIMDS has it walk the metadata service.
func TestSDKReadsIMDS(t *testing.T) {
	e := newEndpoints(t)
	for _, v := range e.imds.Environment() {
		t.Setenv(v[0], v[1])
	}
	wantSDK(t, e, "ASIA1")
}

func wantSDK(t *testing.T, e *endpoints, id string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	if err := os.WriteFile(none, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_EC2_METADATA_DISABLED"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	c, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-central-1"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != id || got.SecretAccessKey != "marked-secret" || got.SessionToken != "marked-token" || !got.CanExpire {
		t.Fatalf("got %s %v expires %s, %v", got.AccessKeyID, got.CanExpire, got.Expires, err)
	}
	// The SDK keeps keys by the real clock: it is told to forget them as an expiry would.
	e.clock.add(50 * time.Minute)
	e.source.set(2*time.Hour, nil)
	c.Credentials.(interface{ Invalidate() }).Invalidate()
	if got, err = c.Credentials.Retrieve(t.Context()); err != nil || got.AccessKeyID != "ASIA2" {
		t.Fatalf("after a refresh: %s, %v", got.AccessKeyID, err)
	}
}
