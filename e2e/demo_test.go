package e2e_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// demo is a running "fedbroker demo".
type demo struct {
	Broker, AWS, IdP string
	passwords        map[string]string
}

func startDemo(t *testing.T) *demo {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready.json")
	cmd := exec.Command(binary, "demo", "--ready-file", ready)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); err != nil {
			t.Errorf("Ctrl-C did not end the demo cleanly: %v", err)
		}
	})
	d := &demo{passwords: map[string]string{}}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) >= 3 && (fields[0] == "alice" || fields[0] == "bob" || fields[0] == "carol") {
			d.passwords[fields[0]] = fields[1]
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
	}
	b, err := os.ReadFile(ready)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, d); err != nil {
		t.Fatal(err)
	}
	if d.passwords["alice"] == "" {
		t.Fatal("the demo printed no password for alice")
	}
	return d
}
