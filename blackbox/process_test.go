package blackbox

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a program that a test started. What it writes is kept in two files.
type process struct {
	name, out, err string
	cmd            *exec.Cmd
	done           chan struct{}
}

// exitedError says that a process ended that should run.
type exitedError struct{ name string }

func (e *exitedError) Error() string { return e.name + " has ended" }

func startProcess(name, dir, program string, args ...string) (*process, error) {
	p := &process{
		name: name, out: filepath.Join(dir, name+".stdout"), err: filepath.Join(dir, name+".stderr"),
		cmd: exec.Command(program, args...), done: make(chan struct{}),
	}
	stdout, err := os.OpenFile(p.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	stderr, err := os.OpenFile(p.err, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	// No process outlives the tests, whatever ends them.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // alive tells
		close(p.done)
	}()
	return p, nil
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// answers returns nil when url answers 200.
func (p *process) answers(url string) error {
	if !p.alive() {
		return &exitedError{p.name}
	}
	code, err := status(url)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("%s answers %d", url, code)
	}
	return err
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

func (p *process) output() []byte {
	stdout, _ := os.ReadFile(p.out)
	stderr, _ := os.ReadFile(p.err)
	return append(stdout, stderr...)
}

// peak is the most resident memory since start or since resetPeak, in bytes (proc(5), VmHWM).
func (p *process) peak() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(b) {
		if rest, ok := strings.CutPrefix(string(line), "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("%s has no VmHWM", p.name)
}

// resetPeak makes peak count from here (proc(5), clear_refs).
func (p *process) resetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0)
}

// clockTick is the unit of utime and stime in proc(5); Linux has shown user space 100 per second on every
// architecture that Go runs on.
const clockTick = time.Second / 100

// cpu is the processor time that the process has used.
func (p *process) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	system, errSystem := strconv.ParseInt(fields[12], 10, 64)
	if errUser != nil || errSystem != nil {
		return 0, fmt.Errorf("%s: /proc stat is malformed", p.name)
	}
	return time.Duration(user+system) * clockTick, nil
}
