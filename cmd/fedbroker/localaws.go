package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/graceful"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/sts/localaws"
)

func localAWSCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "local-aws -c FILE", Short: "Run the embedded AWS alone",
		Long: `Run an AWS of your own on loopback: STS that verifies tokens, assertions and signatures for real, role trust policies,
and the console's sign-in. Accounts, users, roles and providers come from FILE; configs/local-aws.yaml is an example.
Access keys that the file asks to generate are printed. Nothing is kept when it ends.`,
		Example: "  fedbroker local-aws -c configs/local-aws.yaml\n  aws --endpoint-url http://127.0.0.1:4566 sts get-caller-identity",
		Args:    noArgs,
	}
	file := configFlag(cmd)
	listen := cmd.Flags().String("listen", "127.0.0.1:4566", "address to listen on; loopback only")
	insecure := cmd.Flags().Bool("insecure-listen", false, "allow an address that is not loopback: whoever reaches it can use it")
	insecureProviders := cmd.Flags().Bool("insecure-providers", false, "take OIDC providers at http loopback URLs with ports, as AWS never would")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		host, _, err := net.SplitHostPort(*listen)
		switch {
		case err != nil:
			return misuse(cmd, "--listen wants host:port, got %q", *listen)
		case !configs.IsLoopback(host) && !*insecure:
			return misuse(cmd, "%s is not a loopback address, and local AWS is for one machine; --insecure-listen does it anyway", *listen)
		}
		seed, err := localaws.LoadSeedFile(*file)
		if err != nil {
			return unreadable(err, nameConfig)
		}
		return serveLocalAWS(cmd.Context(), p, *listen, localaws.Options{
			Seed: seed, Clock: p.now, Logger: slog.New(slog.NewTextHandler(p.stderr, nil)), AllowInsecureProviders: *insecureProviders,
		})
	}
	return cmd
}

func serveLocalAWS(ctx context.Context, p *process, address string, o localaws.Options) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer listener.Close()
	o.URL = "http://" + listener.Addr().String()
	aws, err := localaws.New(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "local AWS answers at %s\n", o.URL)
	for _, key := range aws.AccessKeys() {
		fmt.Fprintf(p.stdout, "%s: access key %s, secret %s\n", key.UserARN, key.AccessKeyID, key.SecretAccessKey)
	}
	return graceful.Serve(ctx, listener, graceful.Options{Handler: aws, Drain: 5 * time.Second})
}
