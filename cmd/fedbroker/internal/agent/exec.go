package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
)

// Command is what [Exec] runs.
type Command struct {
	Args           []string // the program first
	Env            []string // whole, as KEY=value
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Signals are those that are passed on; signals that a terminal sends to both of us are not.
	Signals <-chan os.Signal
}

// ExitStatus is how a command ended where that was not 0: its status, or 128 plus the number of the signal that ended
// it, as shells say it.
type ExitStatus int

// Error is for the log only: the command has said what it had to say.
func (e ExitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Exec runs a command to its end. Its error is an ExitStatus where it ran.
func Exec(c Command) error {
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Env, c.Stdin, c.Stdout, c.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot run %s: %w", c.Args[0], reason(err))
	}
	ended := make(chan struct{})
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		for {
			select {
			case s := <-c.Signals:
				_ = cmd.Process.Signal(s) // it may just have ended
			case <-ended:
				return
			}
		}
	}()
	err := cmd.Wait()
	close(ended)
	<-passed
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return status(exit.ProcessState)
	}
	return err
}

func reason(err error) error {
	var e *exec.Error
	if errors.As(err, &e) {
		return e.Err
	}
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// NotifySignals collects the signals that Exec passes on, until stop. In the foreground of a terminal those that it sends
// to the command as well as to us are taken and dropped: passing Ctrl-C on would interrupt twice.
func NotifySignals(terminal bool) (signals <-chan os.Signal, stop func()) {
	passed, dropped := make(chan os.Signal, 16), make(chan os.Signal, 1)
	for _, s := range forwarded() {
		if terminal && slices.Contains(fromTerminal(), s) {
			signal.Notify(dropped, s)
		} else {
			signal.Notify(passed, s)
		}
	}
	return passed, func() { signal.Stop(passed); signal.Stop(dropped) }
}

// cleared are variables that would win over, or stand beside, the endpoint of exec.
func cleared() []string {
	return []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_ACCOUNT_ID",
	}
}

// Environ is base without other ways to credentials, and with the variables that are given.
func Environ(base []string, with [][2]string) []string {
	drop := cleared()
	for _, v := range with {
		drop = append(drop, v[0])
	}
	var out []string
	for _, kv := range base {
		name, _, _ := strings.Cut(kv, "=")
		if !slices.Contains(drop, name) {
			out = append(out, kv)
		}
	}
	for _, v := range with {
		out = append(out, v[0]+"="+v[1])
	}
	return out
}
