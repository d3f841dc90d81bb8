package agent

import "os"

// forwarded is what keeps Ctrl-C from ending us before the command: Windows has told it already.
func forwarded() []os.Signal { return []os.Signal{os.Interrupt} }

func fromTerminal() []os.Signal { return []os.Signal{os.Interrupt} }

// Foreground is true: a console tells every process that is attached to it.
func Foreground(*os.File) bool { return true }

func status(s *os.ProcessState) ExitStatus { return ExitStatus(s.ExitCode()) }
