package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/audit"
)

func TestChainContinuesAfterARestart(t *testing.T) {
	path := logPath(t)
	l := open(t, path)
	record(t, l, 1, 3)
	closeLog(t, l)
	l = open(t, path)
	if l.Head().Seq != 3 {
		t.Errorf("head %+v", l.Head())
	}
	record(t, l, 4, 5)
	wantSound(t, read(t, path), 5, l.Head())
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTornLastLineIsSetAside(t *testing.T) {
	path := logPath(t)
	l := open(t, path)
	record(t, l, 1, 3)
	closeLog(t, l)
	whole := read(t, path)
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for cut := last + 1; cut < len(whole); cut++ {
		dir := t.TempDir()
		path := filepath.Join(dir, "audit.jsonl")
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, path)
		record(t, l, 4, 4)
		closeLog(t, l)
		after := read(t, path)
		wantSound(t, after, 4) // two whole ones, the repair, the new one
		if !bytes.HasPrefix(after, whole[:last]) || !strings.Contains(string(after), `"action":"repair"`) {
			t.Fatalf("cut at %d: the log lost something, or does not tell", cut)
		}
		if torn := read(t, path+".torn-1"); !bytes.Equal(torn, whole[last:cut]) {
			t.Fatalf("cut at %d: set aside %q", cut, torn)
		}
	}
}

func TestTornFirstLineAndTwiceTorn(t *testing.T) {
	path := logPath(t)
	for i := range 2 {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(f, `{"seq":%d`, i)
		_ = f.Close()
		closeLog(t, open(t, path))
	}
	wantSound(t, read(t, path), 2)
	if got := string(read(t, path+".torn-1", path+".torn-2")); got != `{"seq":0{"seq":1` {
		t.Errorf("set aside %q", got)
	}
}

func TestOpenRefusesABrokenEnd(t *testing.T) {
	l, _ := written(t, 3)
	for what, content := range map[string][]byte{
		"last record edited": join(l[0], l[1], replace(l[2], "alice", "mallory")),
		"not a log":          []byte("hello\n"),
		"a long torn line":   join(l[0], bytes.Repeat([]byte("x"), 20_000)),
		"a blank last line":  join(l[0], []byte("\n")),
	} {
		path := logPath(t)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := audit.Open(audit.Options{Path: path, Clock: clock}); err == nil {
			t.Errorf("%s: opened", what)
		}
		if got := read(t, path); !bytes.Equal(got, content) {
			t.Errorf("%s: the file was changed", what)
		}
	}
}

func TestOpenRefusesOptionsAndPlaces(t *testing.T) {
	path := logPath(t)
	open(t, path)
	for what, o := range map[string]audit.Options{
		"no clock":             {Path: logPath(t)},
		"neither":              {Clock: clock},
		"both":                 {Path: logPath(t), Writer: &bytes.Buffer{}, Clock: clock},
		"held by another":      {Path: path, Clock: clock},
		"a directory":          {Path: t.TempDir(), Clock: clock},
		"a device":             {Path: "/dev/null", Clock: clock},
		"no such directory":    {Path: filepath.Join(t.TempDir(), "no", "audit.jsonl"), Clock: clock},
		"a path that is a nul": {Path: "\x00", Clock: clock},
	} {
		if l, err := audit.Open(o); err == nil {
			_ = l.Close()
			t.Errorf("%s: opened", what)
		}
	}
}

func TestRotation(t *testing.T) {
	path := logPath(t)
	l := open(t, path)
	record(t, l, 1, 2)
	for i := 1; i <= 2; i++ {
		if err := os.Rename(path, fmt.Sprint(path, ".", i)); err != nil {
			t.Fatal(err)
		}
		record(t, l, 3, 3) // between the rename and the signal: still the old file
		if err := l.Reopen(); err != nil {
			t.Fatal(err)
		}
		record(t, l, 4, 5)
	}
	wantSound(t, read(t, path), 2, l.Head())
	wantSound(t, read(t, path+".1", path+".2", path), 3+3+2, l.Head())
	wantBroken(t, "a rotated file is missing", read(t, path+".1", path), 4)
	closeLog(t, l)
	record(t, open(t, path), 6, 6)
	wantSound(t, read(t, path+".1", path+".2", path), 3+3+3)
}

func TestRecordFailsWhereItCannotWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit.jsonl")
	now := start
	l, err := audit.Open(audit.Options{Path: path, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	record(t, l, 1, 1)
	if err := l.Healthy(); err != nil {
		t.Errorf("healthy: %v", err)
	}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err == nil {
		t.Error("reopened a file that cannot be made")
	}
	if err := l.Record(t.Context(), event(2)); err == nil {
		t.Error("recorded into nothing")
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if l.Record(t.Context(), event(2)) == nil || l.Healthy() == nil {
			t.Error("repaired again within a second")
		}
	}
	now = now.Add(time.Second)
	record(t, l, 3, 3) // comes back by itself
	wantSound(t, read(t, path), 3, l.Head())
	if err := l.Healthy(); err != nil {
		t.Errorf("healthy again: %v", err)
	}
	if log := string(read(t, path)); !strings.Contains(log, `"action":"resume"`) || !strings.Contains(log, "since 2026-03-01T12:00:00Z") {
		t.Errorf("the log does not tell of the gap: %s", log)
	}
	closeLog(t, l)
	if err := l.Healthy(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("healthy after Close: %v", err)
	}
	if err := l.Record(t.Context(), event(4)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("recorded after Close: %v", err)
	}
	if err := l.Reopen(); err != nil {
		t.Errorf("reopen after close: %v", err)
	}
	if err := l.Record(t.Context(), event(4)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("recorded after Close and Reopen: %v", err)
	}
}

// A node that answers nothing but its health check, because it says that it is ill, must still come back.
func TestAskingForHealthRepairs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	now := start
	path := filepath.Join(dir, "audit.jsonl")
	l, err := audit.Open(audit.Options{Path: path, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if l.Reopen() == nil || l.Healthy() == nil {
		t.Fatal("healthy without a file")
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if err := l.Healthy(); err != nil {
		t.Errorf("the file is back: %v", err)
	}
	wantSound(t, read(t, path), 1, l.Head())
}

// choppy writes some of a record and fails, once.
type choppy struct {
	bytes.Buffer
	left int
	err  error
}

func (c *choppy) Write(b []byte) (int, error) {
	if c.left--; c.left == 0 {
		n, _ := c.Buffer.Write(b[:10])
		return n, c.err
	}
	return c.Buffer.Write(b)
}

func TestBrokenWriterIsNotWrittenToAgain(t *testing.T) {
	for _, err := range []error{errors.New("disk full"), nil} {
		out := &choppy{left: 2, err: err}
		l, openErr := audit.Open(audit.Options{Writer: out, Clock: clock})
		if openErr != nil {
			t.Fatal(openErr)
		}
		record(t, l, 1, 1)
		for range 2 {
			if err := l.Record(t.Context(), event(2)); err == nil {
				t.Error("recorded in part")
			}
			if l.Healthy() == nil {
				t.Error("healthy with a broken writer")
			}
		}
		wantBroken(t, "the writer's output", out.Bytes(), 2)
		if l.Head().Seq != 1 {
			t.Errorf("head %+v", l.Head())
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	path := logPath(t)
	l, err := audit.Open(audit.Options{Path: path, Clock: clock, Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 25 {
				if err := l.Record(t.Context(), event(100*i+n)); err != nil {
					t.Error(err)
				}
				if n == 10 {
					if err := l.Reopen(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wait.Wait()
	log := read(t, path)
	wantSound(t, log, 200, l.Head())
	for i := range 8 {
		for n := range 25 {
			if !bytes.Contains(log, fmt.Appendf(nil, `"id":"id-%d"`, 100*i+n)) {
				t.Errorf("record %d of %d is missing", n, i)
			}
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	l, err := audit.Open(audit.Options{Path: filepath.Join(b.TempDir(), "audit.jsonl"), Clock: clock})
	if err != nil {
		b.Fatal(err)
	}
	e := event(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Record(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
	_ = l.Close()
}
