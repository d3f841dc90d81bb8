package audit

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// TestFailedWriteIsRepaired lets a write to the file fail after some bytes, as a full disk does.
func TestFailedWriteIsRepaired(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l, err := Open(Options{Path: path, Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	note := func() error { return l.Record(t.Context(), broker.Event{ID: "x", Outcome: "ok"}) }
	if err := note(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.file.WriteString(`{"seq":2,"pr`); err != nil {
		t.Fatal(err)
	}
	whole := l.file
	if l.file, err = os.Open(path); err != nil { // read-only: the next write fails
		t.Fatal(err)
	}
	_ = whole.Close()
	if err := note(); err == nil {
		t.Fatal("a failed write was not reported")
	}
	if err := note(); err != nil {
		t.Fatalf("the next record repairs and goes on: %v", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if report, err := Verify(bytes.NewReader(b), l.Head()); err != nil || report.Records != 3 {
		t.Errorf("(%+v, %v) of %s", report, err, b)
	}
}

// A file opened for reading takes no bytes, like one on a full disk.
func TestATornLineThatCannotBeKeptLeavesNoFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.jsonl.torn-1")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := keep(out, []byte("torn")); err == nil {
		t.Fatal("kept")
	}
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("an empty file is left: %v", err)
	}
}

func TestAFullDiskIsNamed(t *testing.T) {
	err := &os.PathError{Op: "write", Path: "audit.jsonl", Err: syscall.ENOSPC}
	if got := hint(err); !strings.Contains(got, "free some space") {
		t.Errorf("hint %q", got)
	}
	if got := hint(os.ErrPermission); got != "" {
		t.Errorf("hint %q for something else", got)
	}
}

func TestEventHasNoPlaceForSecrets(t *testing.T) {
	kind := reflect.TypeFor[broker.Event]()
	for field := range kind.Fields() {
		if field.Type == reflect.TypeFor[secret.Text]() {
			t.Errorf("%s is a secret", field.Name)
		}
		name := strings.ToLower(field.Name)
		for _, bad := range []string{"token", "secret", "password", "assertion", "cookie"} {
			if strings.Contains(name, bad) {
				t.Errorf("%s sounds like a secret", field.Name)
			}
		}
	}
}

// TestTextsListsEveryText keeps fit honest when Event grows.
func TestTextsListsEveryText(t *testing.T) {
	var e broker.Event
	for _, text := range texts(&e) {
		*text = "set"
	}
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		field := v.Field(i)
		switch name := v.Type().Field(i).Name; field.Kind() {
		case reflect.String:
			if field.String() != "set" {
				t.Errorf("%s is not cut", name)
			}
		case reflect.Map, reflect.Slice:
			if name != "Tags" && name != "Ignored" && name != "Ended" {
				t.Errorf("%s is not cut", name)
			}
		}
	}
}
