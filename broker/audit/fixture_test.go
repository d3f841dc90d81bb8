package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/audit"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return start }

func event(i int) broker.Event {
	return broker.Event{
		ID: fmt.Sprint("id-", i), Time: start, Door: "api", Action: "credentials", Outcome: "ok", Provider: "corp",
		Issuer: "https://idp.example.com", Subject: "alice", Role: "prod/deploy", Tags: map[string]string{"team": "a"},
	}
}

func open(t *testing.T, path string) *audit.Log {
	t.Helper()
	l, err := audit.Open(audit.Options{Path: path, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func record(t *testing.T, l *audit.Log, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		if err := l.Record(t.Context(), event(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func closeLog(t *testing.T, l *audit.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, paths ...string) []byte {
	t.Helper()
	var all []byte
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// wantSound checks that a record verifies and has n lines.
func wantSound(t *testing.T, b []byte, n int, known ...audit.Head) audit.Report {
	t.Helper()
	report, err := audit.Verify(bytes.NewReader(b), known...)
	if err != nil || report.Broken != nil || report.Records != n {
		t.Fatalf("got (%+v, %v), want %d good records", report, err, n)
	}
	return report
}

// wantBroken checks that the first bad line is that one.
func wantBroken(t *testing.T, what string, b []byte, line int, known ...audit.Head) {
	t.Helper()
	report, err := audit.Verify(bytes.NewReader(b), known...)
	var broken *audit.Break
	if !errors.As(err, &broken) || report.Broken != broken || broken.Line != line || report.Records != line-1 {
		t.Errorf("%s: got (%+v, %v), want line %d broken", what, report, err, line)
	}
}

// written makes a log of n records in memory and returns its lines.
func written(t testing.TB, n int) ([][]byte, audit.Head) {
	t.Helper()
	var out bytes.Buffer
	l, err := audit.Open(audit.Options{Writer: &out, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := l.Record(t.Context(), event(i)); err != nil {
			t.Fatal(err)
		}
	}
	lines := bytes.SplitAfter(out.Bytes(), []byte("\n"))
	return lines[:n], l.Head()
}

func logPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "audit.jsonl")
}

func join(lines ...[]byte) []byte { return bytes.Join(lines, nil) }
