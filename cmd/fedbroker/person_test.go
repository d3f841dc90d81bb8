package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client/clienttest"
)

type brokerKey struct{}

// TestPersonScripts runs the commands of a person as a shell would, each script against a broker of its own. The
// system's browser is a program named xdg-open that goes where it is sent.
func TestPersonScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/person", RequireExplicitExec: true, RequireUniqueNames: true, Setup: setUpPerson,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"broker": tellBroker, "mode": wantMode, "calls": wantCalls, "nokeys": wantNoKeys},
	})
}

func setUpPerson(e *testscript.Env) error {
	b := clienttest.Start()
	e.Defer(b.Close)
	e.Values[brokerKey{}] = b
	bin := e.WorkDir + "/.bin"
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	// The login's address and the console's are both followed; what a browser was sent to is written down.
	browser := "#!/bin/sh\necho \"$@\" >> " + e.WorkDir + "/browsed\ncase $1 in */authorize*) curl -sSL -o " + e.WorkDir + "/page \"$1\";; esac\n"
	if err := os.WriteFile(bin+"/xdg-open", []byte(browser), 0o700); err != nil {
		return err
	}
	e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
	e.Setenv("HOME", e.WorkDir+"/home")
	e.Setenv("FEDBROKER_URL", b.URL)
	e.Setenv("FEDBROKER_KEYRING", "off")
	e.Setenv("BROKER", b.URL)
	return nil
}

// tellBroker changes the broker: "broker forget", "broker problem /path code", …
func tellBroker(ts *testscript.TestScript, _ bool, args []string) {
	b := ts.Value(brokerKey{}).(*clienttest.Server)
	switch args[0] {
	case "forget":
		b.Forget()
		return
	case "forget-clients":
		b.ForgetClients()
		return
	case "end":
		b.End()
		return
	}
	b.Lock()
	defer b.Unlock()
	switch args[0] {
	case "deny":
		b.Deny = true
	case "allow":
		b.Deny = false
	case "pending":
		b.Pending = 1
	case "no-roles":
		b.Roles = nil
	case "one-role-less":
		b.Roles = b.Roles[:len(b.Roles)-1]
	case "no-sso":
		b.NoSSO = true
	case "access-life", "keys-life":
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		if args[0] == "keys-life" {
			b.KeysLife = d
		} else {
			b.AccessLife = d
		}
	case "phishing":
		b.DevicePage = "https://evil.example.com/device"
	case "hostile":
		b.Roles = []clienttest.Role{{Name: "x\n[default]", ARN: "arn:aws:iam::111122223333:role/X", AccountID: "111122223333"}}
	case "problem":
		b.Problem[args[1]] = strings.Join(args[2:], "")
	case "destination":
		if b.LastConsole != args[1] {
			ts.Fatalf("the console was asked to open %q", b.LastConsole)
		}
	default:
		ts.Fatalf("broker %s?", args[0])
	}
}

// wantMode checks a file's permissions: "mode 600 FILE".
func wantMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}

// wantCalls checks how often the broker was asked: "calls 1 /token".
func wantCalls(ts *testscript.TestScript, _ bool, args []string) {
	if got := fmt.Sprint(ts.Value(brokerKey{}).(*clienttest.Server).Calls(args[1])); got != args[0] {
		ts.Fatalf("%s was asked %s times", args[1], got)
	}
}

// wantNoKeys checks that no file below a folder holds an AWS key: "nokeys FOLDER".
func wantNoKeys(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil && (bytes.Contains(b, []byte("ASIAFAKE")) || bytes.Contains(b, []byte("secret+/"))) {
			err = fmt.Errorf("%s holds a key", path)
		}
		return err
	}))
}
