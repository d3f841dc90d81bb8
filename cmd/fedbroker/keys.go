package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func keysCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys", Short: "Make keys", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use: "generate", Short: "Print a new sealing key for keys.sealing.ring",
		Long:    "Print 32 random bytes in base64, for a file or variable that keys.sealing.ring names.",
		Example: "  (umask 077; fedbroker keys generate > /etc/fedbroker/sealing-k1)",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			key := make([]byte, 32)
			if _, err := io.ReadFull(rand.Reader, key); err != nil {
				return err
			}
			_, err := fmt.Fprintln(p.stdout, base64.StdEncoding.EncodeToString(key))
			return err
		},
	})
	return cmd
}
