package interop_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait: the machine may be busy.
const patience = 60 * time.Second

// output is what a process wrote so far.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// tail is the end of it, for people.
func (o *output) tail() string {
	const enough = 2000
	s := o.String()
	return s[max(0, len(s)-enough):]
}

// process is a server that a test started. It ends with the test; what it said is shown when the test failed.
type process struct {
	stdout, stderr output
	done           chan struct{}
}

// start runs a command with an environment of its own and waits until readyURL answers 200.
func start(t *testing.T, readyURL string, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{done: make(chan struct{})}
	cmd := exec.Command(name, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL} // also when the test binary panics at its time limit
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-p.done
		}
		if t.Failed() {
			t.Logf("%s said:\n%s\n%s", filepath.Base(name), p.stdout.tail(), p.stderr.tail())
		}
	})
	p.wait(t, readyURL)
	return p
}

func (p *process) wait(t *testing.T, readyURL string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		if status, _, err := tryGet(t.Context(), readyURL); err == nil && status == http.StatusOK {
			return
		}
		select {
		case <-p.done:
			t.Fatalf("the process ended before %s answered", readyURL)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer", readyURL)
		}
	}
}

func tryGet(ctx context.Context, rawURL string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return 0, "", err
	}
	return send(r)
}

func send(r *http.Request) (int, string, error) {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

func mustGet(t *testing.T, rawURL string) string {
	t.Helper()
	status, body, err := tryGet(t.Context(), rawURL)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d, %v", rawURL, status, err)
	}
	return body
}

func mustSend(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	status, body, err := send(r)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

func formRequest(t *testing.T, rawURL string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rawURL, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// freeAddress is a loopback address where nothing listens at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
