//go:build unix

package agent

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwarded are the signals that mean something to the command rather than to us.
func forwarded() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGCONT}
}

// fromTerminal are those that a terminal sends to every process in its foreground.
func fromTerminal() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGWINCH}
}

// Foreground reports whether f is a terminal that has this process in its foreground.
func Foreground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func status(s *os.ProcessState) ExitStatus {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return ExitStatus(128 + int(w.Signal()))
	}
	return ExitStatus(s.ExitCode())
}
