package main

import (
	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/demo"
)

func demoCommand(p *process) *cobra.Command {
	o := demo.Options{Version: version(), Stdout: p.stdout, Stderr: p.stderr}
	cmd := &cobra.Command{
		Use: "demo", Short: "Show the main job on this machine, with nothing to configure",
		Long: `Start a broker, an AWS of its own and a development identity provider in one process on loopback, and turn a CI token
and a SAML login into AWS credentials. Then stay up for your browser. No AWS account and no Redis is needed; every key
and password is made new and forgotten at the end.`,
		Example: "  fedbroker demo\n  fedbroker demo --once --json | jq .refusal.code",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return demo.Run(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.Once, "once", false, "exit after the story")
	flags.BoolVar(&o.JSON, "json", false, "print one JSON object instead of the story")
	flags.BoolVar(&o.Reveal, "reveal", false, "print secrets whole")
	flags.StringVar(&o.ReadyFile, "ready-file", "", "write the three URLs to this file once all of them answer")
	return cmd
}
