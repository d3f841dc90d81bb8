package store_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/broker/store/storetest"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// lines is a log that may be read while it is written.
type lines struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.out.String(), text)
}

func TestAnOutageIsLoggedAtItsEdgesOnly(t *testing.T) {
	server := storetest.StartRedis(t)
	var log lines
	var mu sync.Mutex
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	o := options(server.URL())
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	o.Clock = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	redis, err := store.NewRedis(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = redis.Close() })
	sealed := seal(t, redis, newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)}))
	outage := func(warnings, recoveries int) {
		t.Helper()
		server.Kill()
		for range 20 {
			if _, err := sealed.Do(t.Context(), get("k")); err == nil {
				t.Fatal("a dead server answers")
			}
		}
		if got := log.count("level=WARN"); got != warnings {
			t.Errorf("%d warnings, want %d", got, warnings)
		}
		server.Start()
		await(t, "redis is back", func() bool { _, err := sealed.Do(t.Context()); return err == nil })
		if got := log.count("redis is back"); got != recoveries {
			t.Errorf("%d recoveries told, want %d", got, recoveries)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sealed.Do(gone, get("k")); err == nil || log.count("redis is lost") != 0 {
		t.Errorf("a caller that gave up counts as an outage (%v)", err)
	}
	outage(1, 1)
	outage(1, 1) // within the minute
	mu.Lock()
	now = now.Add(time.Minute)
	mu.Unlock()
	outage(2, 2)
}

// go-redis has one logger for the process, which took standard error when the process began: only another process shows
// what it writes.
func TestTheLibraryWritesNothingToStandardError(t *testing.T) {
	const role = "FEDBROKER_TEST_DEAD_REDIS"
	if os.Getenv(role) != "" {
		if _, err := store.NewRedis(t.Context(), options("redis://127.0.0.1:1")); err == nil {
			t.Error("connected")
		}
		return
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheLibraryWritesNothingToStandardError$")
	again.Env = append(os.Environ(), role+"=1")
	var stderr bytes.Buffer
	again.Stderr = &stderr
	if out, err := again.Output(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v: %s; on standard error: %s", err, out, &stderr)
	}
}

func TestAnErrorSaysOnceWhereItComesFrom(t *testing.T) {
	_, err := store.NewRedis(t.Context(), options("redis://127.0.0.1:1"))
	if err == nil {
		t.Fatal("connected")
	}
	text := "store: " + err.Error()
	if strings.Count(text, "store") != 1 || strings.Count(text, "redis:") != 1 {
		t.Errorf("%s", text)
	}
}
