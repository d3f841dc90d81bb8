package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/agent"
	"github.com/fedbroker/fedbroker/configs"
)

// Exit codes of the contract (design.md section 7).
const (
	exitDone    = 0
	exitRefused = 1
	exitUsage   = 2
)

// process is what a subcommand may know of the world.
type process struct {
	getenv         func(string) (string, bool)
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
}

// usageError is a mistake in how a command was called.
type usageError struct {
	command string // its whole name
	what    string
}

// Error says what to do next: there is help.
func (e usageError) Error() string {
	return e.command + ": " + e.what + "; see " + e.command + " --help"
}

// misuse makes a usageError.
func misuse(cmd *cobra.Command, format string, args ...any) error {
	return usageError{cmd.CommandPath(), fmt.Sprintf(format, args...)}
}

// errSaid ends with exit code 1 where everything was said already.
var errSaid = errors.New("said")

// run is the whole program: it never exits and reads nothing but its arguments.
func run(ctx context.Context, args []string, getenv func(string) (string, bool), stdin io.Reader, stdout, stderr io.Writer) int {
	p := &process{getenv, stdin, stdout, stderr, time.Now}
	root := rootCommand(p)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return p.exitCode(ctx, root.ExecuteContext(ctx))
}

// exitCode says what went wrong, if anything. Who interrupted the program knows why it ended; what they interrupted is
// not done, or a script would go on.
func (p *process) exitCode(ctx context.Context, err error) int {
	var usage usageError
	var status agent.ExitStatus
	switch {
	case errors.As(err, &status):
		return int(status) // of the command that exec ran
	case err == nil:
		return exitDone
	case errors.Is(err, errSaid), ctx.Err() != nil && errors.Is(err, context.Canceled):
	case errors.As(err, &usage):
		fmt.Fprintln(p.stderr, usage)
		return exitUsage
	default:
		p.report(err)
	}
	return exitRefused
}

// report prints problems of a configuration a line each, as editors find them, and any other error as one line.
func (p *process) report(err error) {
	var problems configs.Problems
	if !errors.As(err, &problems) {
		fmt.Fprintf(p.stderr, "fedbroker: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	for _, problem := range problems {
		fmt.Fprintln(p.stderr, problem)
	}
	fmt.Fprintf(p.stderr, "fedbroker: %s in the configuration; mend this and try again\n", count(len(problems), "problem"))
}

// count is "1 problem" or "2 problems".
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func rootCommand(p *process) *cobra.Command {
	root := &cobra.Command{
		Use:   "fedbroker",
		Short: "Who you are becomes what you may do in AWS for the next hour",
		Long: `fedbroker takes SAML assertions and OIDC tokens, decides by rules which AWS roles they deserve, and returns
temporary credentials or a console sign-in URL.

Begin with "fedbroker demo": it needs no AWS account and nothing to configure.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misuse(cmd, "%v", err) })
	root.AddCommand(
		demoCommand(p), serveCommand(p), localAWSCommand(p), checkCommand(p), explainCommand(p),
		keysCommand(p), auditCommand(p), schemaCommand(p), versionCommand(p),
		loginCommand(p), logoutCommand(p), whoamiCommand(p), rolesCommand(p), credentialsCommand(p),
		execCommand(p), consoleCommand(p), configureCommand(p), agentCommand(p),
	)
	strictCompletion(root)
	return root
}

// strictCompletion makes cobra's own commands refuse what they do not know as a usage error, as ours do.
func strictCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	completion, _, err := root.Find([]string{"completion"})
	if err != nil {
		return
	}
	completion.Args = noArgs
	completion.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for _, shell := range completion.Commands() {
		shell.Args = noArgs
	}
}

// noArgs refuses arguments as a usage error. cobra's own validators return errors that look like any other.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		if cmd.HasSubCommands() {
			return misuse(cmd, "there is no command %q", args[0])
		}
		return misuse(cmd, "unexpected argument %q", args[0])
	}
	return nil
}

// oneArg wants exactly one argument, which what describes.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return misuse(cmd, "want one argument, %s", what)
		}
		return nil
	}
}

// nameConfig is the remedy for a configuration that cannot be read.
const nameConfig = "name the configuration with -c FILE"

// configFlag adds -c and makes its absence a usage error.
func configFlag(cmd *cobra.Command) *string {
	file := cmd.Flags().StringP("config", "c", "", "configuration file")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *file == "" {
			return misuse(cmd, "want -c FILE")
		}
		return nil
	}
	return file
}

// unreadable says which file cannot be read, why, and what to do about it. Other errors pass.
func unreadable(err error, remedy string) error {
	var path *fs.PathError
	if !errors.As(err, &path) {
		return err
	}
	return fmt.Errorf("cannot read %s: %w; %s", path.Path, path.Err, remedy)
}

// version is the module's version, or the commit of a build from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}

func versionCommand(p *process) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.stdout, "fedbroker", version())
			return err
		},
	}
}
