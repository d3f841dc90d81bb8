package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client/clienttest"
)

// TestGuide runs what the guide shows to a person who signs in, in its order and in one home folder. terraform is a
// program that asks for its credentials.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guides/command-line.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```sh person\n(.*?)^```$").FindAllSubmatch(guide, -1)
	if len(blocks) < 4 {
		t.Fatalf("only %d blocks", len(blocks))
	}
	b := clienttest.New(t)
	home := t.TempDir()
	bin := filepath.Join(home, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"xdg-open":  `case $1 in */authorize*) curl -sSL -o /dev/null "$1";; esac`,
		"terraform": `exec curl -sSf -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" "$AWS_CONTAINER_CREDENTIALS_FULL_URI"`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, block := range blocks {
		script := string(block[1])
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
		cmd.Dir = t.TempDir()
		cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + home, "BROKER=" + b.URL, "FEDBROKER_KEYRING=off"}
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Errorf("%v\n%s\n%s", err, script, out)
		}
		if strings.Contains(script, "terraform") && !strings.Contains(string(out), "ASIAFAKE") {
			t.Errorf("terraform had no credentials:\n%s", out)
		}
	}
}
