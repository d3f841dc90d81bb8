package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/broker/audit"
)

func auditCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit", Short: "Work with audit logs", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use: "verify FILE", Short: "Verify the hash chain of an audit log",
		Long:    "Verify that no record of an audit log was changed, removed, added or moved; the first that was is named.",
		Example: "  fedbroker audit verify /var/log/fedbroker/audit.jsonl",
		Args:    oneArg("the log's FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return unreadable(err, "name the file of an audit log")
			}
			defer f.Close()
			report, err := audit.Verify(f)
			var broken *audit.Break
			switch {
			case errors.As(err, &broken):
				return fmt.Errorf("%s: %w; of what follows nothing can be said, the %s before it are as they were written", args[0], err, count(report.Records, "record"))
			case err != nil:
				return unreadable(err, "name the file of an audit log")
			}
			if report.First > 1 {
				fmt.Fprintf(p.stderr, "fedbroker: %s begins at record %d; what came before must be in an older file\n", args[0], report.First)
			}
			_, err = fmt.Fprintf(p.stdout, "%s is whole: %s, the last is number %d with hash %s\n", args[0], count(report.Records, "record"), report.Head.Seq, report.Head.Hash)
			return err
		},
	})
	return cmd
}
