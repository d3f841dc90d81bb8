package daemon_test

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/daemon"
	"github.com/fedbroker/fedbroker/configs"
)

// TestDirectoryExamplesAreGood checks the examples for directories as fedbroker check does, mapping tests included.
func TestDirectoryExamplesAreGood(t *testing.T) {
	env := func(name string) (string, bool) {
		v, ok := map[string]string{
			"FEDBROKER_REDIS_URL": "redis://127.0.0.1:6379/0", "FEDBROKER_LDAP_PASSWORD": "an example",
			"FEDBROKER_SEALING_KEY": base64.StdEncoding.EncodeToString(make([]byte, 32)),
		}[name]
		return v, ok
	}
	for _, name := range []string{"active-directory", "aws-managed-ad", "simple-ad", "ad-connector"} {
		t.Run(name, func(t *testing.T) {
			f, err := configs.Load(filepath.Join("..", "..", "..", "..", "configs", name+".yaml"), env)
			if err != nil {
				t.Fatal(err)
			}
			checked, err := daemon.Check(f, daemon.Options{Clock: time.Now, Rand: rand.Reader, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			for _, result := range checked.RunTests(time.Now()) {
				if len(result.Differences) > 0 {
					t.Errorf("%s: %v", result.Name, result.Differences)
				}
			}
		})
	}
}
