package main

import (
	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/configs"
)

func schemaCommand(p *process) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON Schema of the configuration", Args: noArgs,
		Example: "  fedbroker schema > fedbroker.schema.json",
		RunE: func(*cobra.Command, []string) error {
			_, err := p.stdout.Write(configs.Schema())
			return err
		},
	}
}
