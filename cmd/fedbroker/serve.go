package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/redis/go-redis/v9/logging"
	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/daemon"
)

func serveCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve -c FILE", Short: "Run the broker",
		Long: `Run the broker until it is interrupted. SIGHUP, or a changed file, reloads the configuration; one that has problems
leaves the old one in force. Logs go to standard error as JSON lines.`,
		Example: "  fedbroker serve -c /etc/fedbroker.yaml",
		Args:    noArgs,
	}
	file := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f, err := p.load(*file)
		if err != nil {
			return err
		}
		tuneGC(p)
		logging.Disable() // of go-redis: its lines are not JSON, and what it says is in the errors that the store returns
		d, err := daemon.New(cmd.Context(), f, daemon.Options{
			Version: version(), Getenv: p.getenv, AuditWriter: p.stdout, Logger: slog.New(slog.NewJSONHandler(p.stderr, nil)), Clock: p.now, Rand: rand.Reader,
		})
		switch {
		case err != nil && cmd.Context().Err() != nil:
			return nil // interrupted before it began
		case err != nil:
			return err
		}
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		defer signal.Stop(hup)
		return d.Serve(cmd.Context(), hup)
	}
	return cmd
}

// tuneGC trades some memory for a third of the CPU: the live heap of a broker is small, so that Go's default collects
// far too often. The usual variables win.
func tuneGC(p *process) {
	if _, set := p.getenv("GOGC"); !set {
		debug.SetGCPercent(400)
	}
	if _, set := p.getenv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(1 << 30)
	}
}
