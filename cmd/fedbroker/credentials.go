package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
	"github.com/fedbroker/fedbroker/internal/delivery"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// formats are the ways in which credentials are printed, by name.
func formats() map[string]func(client.Credentials) (secret.Text, error) {
	return map[string]func(client.Credentials) (secret.Text, error){
		"process": processFormat, "json": jsonFormat, "env": envFormat, "powershell": powershellFormat, "fish": fishFormat,
	}
}

func credentialsCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "credentials ROLE", Short: "Print temporary credentials of a role",
		Long: `Print temporary credentials of a role to standard output. ROLE is an alias, an ARN, or a part of either that only one of
your roles has.

process is for credential_process in ~/.aws/config ("fedbroker configure" writes it), json has also the role and the
session, env is for bash, zsh and sh, powershell and fish are for these shells. "fedbroker exec" is safer than any: it
leaves no keys in your shell.`,
		Example: `  fedbroker credentials prod/deploy
  eval "$(fedbroker credentials prod/deploy --format env)"
  fedbroker credentials prod/deploy --format fish | source
  fedbroker credentials prod/deploy --format powershell | Invoke-Expression`,
		Args: oneArg("the ROLE"),
	}
	format := cmd.Flags().String("format", "process", "process, json, env, powershell or fish")
	duration := durationFlag(cmd)
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]cobra.Completion{"process", "json", "env", "powershell", "fish"}, cobra.ShellCompDirectiveNoFileComp))
	me := personCommand(p, cmd, func(me *person, ctx context.Context, args []string) error {
		write := formats()[*format]
		if write == nil {
			return misuse(cmd, "there is no format %q", *format)
		}
		c, role, err := me.begin(ctx, cmd, args[0], *duration)
		if err != nil {
			return err
		}
		issued, err := me.credentials(ctx, c, role, *duration)
		if err != nil {
			return err
		}
		text, err := write(issued)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(p.stdout, text.Reveal())
		return err
	})
	cmd.ValidArgsFunction = completeRoles(me)
	return cmd
}

// keys are the credentials as they are written for shells and files.
func keys(c client.Credentials) delivery.Keys {
	return delivery.Keys{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: c.Expiration}
}

func processFormat(c client.Credentials) (secret.Text, error) { return keys(c).Process() }

func envFormat(c client.Credentials) (secret.Text, error) { return keys(c).POSIX(), nil }

func powershellFormat(c client.Credentials) (secret.Text, error) { return keys(c).PowerShell(), nil }

func fishFormat(c client.Credentials) (secret.Text, error) { return keys(c).Fish(), nil }

// jsonFormat is the broker's own answer.
func jsonFormat(c client.Credentials) (secret.Text, error) {
	b, err := json.Marshal(struct {
		Version                                                                         int
		AccessKeyId, SecretAccessKey, SessionToken, Expiration, RoleArn, AssumedRoleArn string
		SourceIdentity                                                                  string `json:",omitempty"`
		RequestId                                                                       string
	}{
		1, c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Expiration.UTC().Format(time.RFC3339),
		c.RoleARN, c.AssumedRoleARN, c.SourceIdentity, c.BrokerRequestID,
	})
	return secret.New(string(b) + "\n"), err
}
