package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
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

// usageError is a mistake in how the command was called.
type usageError struct{ error }

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
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errSaid):
		return exitRefused
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "fedbroker: %v; see fedbroker --help\n", usage.error)
		return exitUsage
	}
	fmt.Fprintf(stderr, "fedbroker: %v\n", err)
	return exitRefused
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
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		demoCommand(p), serveCommand(p), localAWSCommand(p), checkCommand(p), explainCommand(p),
		keysCommand(p), auditCommand(p), schemaCommand(p), versionCommand(p),
	)
	return root
}

// noArgs refuses arguments as a usage error. cobra's own validators return errors that look like any other.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s: unexpected argument %q", cmd.CommandPath(), args[0])}
	}
	return nil
}

// oneArg wants exactly one argument, which what describes.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("%s wants %s", cmd.CommandPath(), what)}
		}
		return nil
	}
}

// configFlag adds -c and makes its absence a usage error.
func configFlag(cmd *cobra.Command) *string {
	file := cmd.Flags().StringP("config", "c", "", "configuration file")
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *file == "" {
			return usageError{fmt.Errorf("%s wants -c FILE", cmd.CommandPath())}
		}
		return nil
	}
	return file
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
