package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/broker/policy"
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
			return misuse(cmd, "want --idp ID and --claims FILE")
		}
		claims, err := readClaims(p, *claimsFile)
		if err != nil {
			return err
		}
		checked, err := p.check(*file)
		if err != nil {
			return err
		}
		explanation, err := checked.Explain(*provider, claims, *role, p.now())
		if err != nil {
			return err
		}
		if *asJSON {
			return p.writeJSON(explanation)
		}
		return policy.WriteExplanation(p.stdout, explanation)
	}
	return cmd
}

// readClaims reads a JSON object from a file or, named -, from standard input.
func readClaims(p *process, name string) (idp.Claims, error) {
	in := p.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return idp.Claims{}, unreadable(err, "name the claims with --claims FILE")
		}
		defer f.Close()
		in = f
	}
	doc, err := io.ReadAll(io.LimitReader(in, maxClaims+1))
	if err != nil {
		return idp.Claims{}, unreadable(err, "name the claims with --claims FILE")
	}
	if len(doc) > maxClaims {
		return idp.Claims{}, fmt.Errorf("%s: claims of more than %d KiB; no proof holds so many", name, maxClaims>>10)
	}
	claims, err := idp.ParseClaims(doc)
	if err != nil {
		return idp.Claims{}, fmt.Errorf("%s: %w; want one JSON object with the claims of a token", name, err)
	}
	return claims, nil
}
