package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/fedbroker/fedbroker/idp/devidp"
)

// screen is a command that runs on a terminal of its own: what it writes is what a person sees, what is typed goes
// through the terminal's own line editing, Ctrl-C included.
type screen struct {
	t    *testing.T
	tty  *os.File
	cmd  *exec.Cmd
	seen *output
	read sync.WaitGroup
	was  unix.Termios
}

// onScreen starts a command of the terminal's on a pseudo-terminal.
func (term *terminal) onScreen(args ...string) *screen {
	t := term.t
	t.Helper()
	s := &screen{t: t, cmd: term.command(args...), seen: newOutput()}
	tty, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s.tty, s.was = tty, modes(t, slave)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.read.Go(func() { _, _ = io.Copy(s.seen, tty) }) // ends with an error when the last writer is gone
	t.Cleanup(func() {
		_ = slave.Close() // kept until now: the modes are looked at after the command's end
		s.read.Wait()
		_ = tty.Close()
	})
	return s
}

func modes(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	got, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *got
}

func (s *screen) types(keys string) {
	s.t.Helper()
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the command and wants its exit status, and the terminal as it was.
func (s *screen) ends(status int) {
	s.t.Helper()
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if got := s.cmd.ProcessState.ExitCode(); got != status {
		s.t.Errorf("exit status %d, want %d:\n%s", got, status, s.seen)
	}
	if got := modes(s.t, s.tty); got != s.was {
		s.t.Errorf("the terminal's modes are other ones than before: %+v, %+v", got, s.was)
	}
}

// personWorld is a broker with a person who may sign in.
func personWorld(t *testing.T) (*world, *node, *devidp.Server) {
	t.Helper()
	w := newWorld(t)
	people := w.startPeople()
	n := w.serve(w.config("f", parts{
		idps:  ciIdP + `  - {id: dev, insecure_http: true, saml: {metadata_url: "` + people.EntityID() + `"}}` + "\n",
		rules: "  - {name: dev, idp: dev, roles: [prod/deploy]}\n",
	}))
	return w, n, people
}

// TestAtATerminal is the interactive side of the command, on a real terminal.
func TestAtATerminal(t *testing.T) {
	w, n, people := personWorld(t)
	browser, alice := newPerson(w, n, people)
	term := w.terminal(n)

	t.Run("Ctrl-C while it waits for the browser", func(t *testing.T) {
		s := w.terminal(n).onScreen("login", "--no-browser")
		s.seen.await(t, "/authorize?")
		s.types("\x03")
		s.ends(exitRefused)
		if shown := s.seen.String(); strings.Contains(shown, "panic") || strings.Contains(shown, "Signed in") {
			t.Errorf("the terminal shows\n%s", shown)
		}
	})
	t.Run("signing in", func(t *testing.T) {
		s := term.onScreen("login", "--no-browser")
		s.seen.await(t, "/authorize?")
		s.seen.await(t, "\r\n\r\n")
		form, err := browser.SAMLForm(t.Context(), strings.TrimSpace(address.FindString(strings.ReplaceAll(s.seen.String(), "\r", ""))), alice)
		if err != nil {
			t.Fatal(err)
		}
		consent, err := browser.Submit(t.Context(), form)
		if err != nil || consent.Status != http.StatusOK {
			t.Fatal(err, consent)
		}
		submit(t, browser, consent, "state", "decision", "approve")
		s.seen.await(t, "Signed in to ")
		s.ends(exitDone)
	})
	t.Run("a mistyped role is one line that says what to do", func(t *testing.T) {
		s := term.onScreen("credentials", "nonsense")
		s.seen.await(t, "\n")
		s.ends(exitRefused)
		if lines := strings.Split(strings.TrimSpace(s.seen.String()), "\n"); len(lines) != 1 || !strings.Contains(lines[0], "fedbroker") {
			t.Errorf("the terminal shows\n%s", s.seen)
		}
	})
	t.Run("exec gives the terminal to its command", func(t *testing.T) {
		s := term.onScreen("exec", "prod/deploy", "--", "sh", "-c", `test -t 0 && test -t 1 && printf 'name? ' && read name && echo "hello $name"`)
		s.seen.await(t, "name? ")
		s.types("ada\n")
		s.seen.await(t, "hello ada")
		s.ends(exitDone)
	})
	t.Run("Ctrl-C goes to the command of exec, which decides", func(t *testing.T) {
		s := term.onScreen("exec", "prod/deploy", "--", "sh", "-c", `trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.05; done`)
		s.seen.await(t, "ready")
		s.types("\x03")
		s.seen.await(t, "caught")
		s.ends(7)
	})
}

// TestAWaitIsSaidOnStandardErrorOnly: while a broker takes long, the person sees what is waited for; a script's data do
// not change.
func TestAWaitIsSaidOnStandardErrorOnly(t *testing.T) {
	w, n, people := personWorld(t)
	browser, alice := newPerson(w, n, people)
	term := w.terminal(n)
	term.signIn("\n\nhttp://", func(said string) {
		form, err := browser.SAMLForm(t.Context(), address.FindString(said), alice)
		if err != nil {
			t.Fatal(err)
		}
		consent, err := browser.Submit(t.Context(), form)
		if err != nil {
			t.Fatal(err)
		}
		submit(t, browser, consent, "state", "decision", "approve")
	}, "--no-browser")

	entered, release := w.holdAWS()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	words := newOutput()
	cmd := term.command("credentials", "prod/deploy", "--format", "process")
	cmd.Stdout, cmd.Stderr = out, words
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-entered
	words.await(t, "asking")
	release()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, words)
	}
	data, err := os.ReadFile(out.Name())
	if err != nil || !strings.HasPrefix(string(data), "{") || strings.Contains(string(data), "asking") {
		t.Errorf("%v, standard output:\n%.80s", err, data)
	}
}
