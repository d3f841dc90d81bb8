package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/daemon"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp"
)

// maxClaims bounds a claims file; a proof holds less.
const maxClaims = 256 << 10

func explainCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain -c FILE --idp ID --claims FILE", Short: "Say which rules match some claims, and why others do not",
		Long: `Say, rule by rule, what matches a set of claims, which condition fails with its actual and expected values, and what
the AWS session would be. Nothing is verified and nothing is fetched: the claims are what you say they are.`,
		Example: `  fedbroker explain -c fedbroker.yaml --idp ci --claims claims.json --role prod/deploy
  echo '{"sub": "x", "ref": "refs/heads/main"}' | fedbroker explain -c fedbroker.yaml --idp ci --claims -`,
		Args: noArgs,
	}
	file := configFlag(cmd)
	provider := cmd.Flags().String("idp", "", "id of the identity provider")
	claimsFile := cmd.Flags().String("claims", "", "JSON object with the claims; - is standard input")
	role := cmd.Flags().String("role", "", "explain this role only, by alias or ARN")
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object")
	cmd.RunE = func(*cobra.Command, []string) error {
		if *provider == "" || *claimsFile == "" {
			return usageError{errors.New("fedbroker explain wants --idp ID and --claims FILE")}
		}
		claims, err := readClaims(p, *claimsFile)
		if err != nil {
			return err
		}
		f, err := configs.Load(*file, p.getenv)
		if err != nil {
			return err
		}
		checked, err := daemon.Check(f)
		if err != nil {
			return err
		}
		explanation, err := checked.Explain(*provider, claims, *role, p.now())
		if err != nil {
			return err
		}
		if *asJSON {
			enc := json.NewEncoder(p.stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(explanation)
		}
		return policy.WriteExplanation(p.stdout, explanation)
	}
	return cmd
}

func readClaims(p *process, name string) (map[string]any, error) {
	in := p.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	doc, err := io.ReadAll(io.LimitReader(in, maxClaims))
	if err != nil {
		return nil, err
	}
	claims, err := idp.ParseClaims(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return claims.Map(), nil
}
