package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
)

// formats are the ways in which credentials are printed, by name.
func formats() map[string]func(client.Credentials) (string, error) {
	return map[string]func(client.Credentials) (string, error){
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
		keys, err := me.credentials(ctx, c, role, *duration)
		if err != nil {
			return err
		}
		text, err := write(keys)
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(p.stdout, text)
		return err
	})
	cmd.ValidArgsFunction = completeRoles(me)
	return cmd
}

// expiration is written as every SDK reads it.
func expiration(c client.Credentials) string { return c.Expiration.UTC().Format(time.RFC3339) }

// processFormat is version 1 of what AWS's credential_process reads.
func processFormat(c client.Credentials) (string, error) {
	return line(struct {
		Version                                                int
		AccessKeyId, SecretAccessKey, SessionToken, Expiration string
	}{1, c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), expiration(c)})
}

// jsonFormat is the broker's own answer.
func jsonFormat(c client.Credentials) (string, error) {
	return line(struct {
		Version                                                                         int
		AccessKeyId, SecretAccessKey, SessionToken, Expiration, RoleArn, AssumedRoleArn string
		SourceIdentity                                                                  string `json:",omitempty"`
		RequestId                                                                       string
	}{1, c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), expiration(c), c.RoleARN, c.AssumedRoleARN, c.SourceIdentity, c.BrokerRequestID})
}

func line(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b) + "\n", err
}

// variables are those that every SDK reads; the last is for those that read the environment again.
func variables(c client.Credentials) [][2]string {
	return [][2]string{
		{"AWS_ACCESS_KEY_ID", c.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey.Reveal()},
		{"AWS_SESSION_TOKEN", c.SessionToken.Reveal()},
		{"AWS_CREDENTIAL_EXPIRATION", expiration(c)},
	}
}

func assignments(form string, quote func(string) string, vars [][2]string) string {
	var b strings.Builder
	for _, v := range vars {
		fmt.Fprintf(&b, form, v[0], quote(v[1]))
	}
	return b.String()
}

func exports(vars [][2]string) string { return assignments("export %s=%s\n", shQuote, vars) }

func envFormat(c client.Credentials) (string, error) { return exports(variables(c)), nil }

func powershellFormat(c client.Credentials) (string, error) {
	return assignments("$Env:%s = %s\n", powershellQuote, variables(c)), nil
}

func fishFormat(c client.Credentials) (string, error) {
	return assignments("set -gx %s %s\n", fishQuote, variables(c)), nil
}

// shQuote makes one word of the POSIX shell that is nothing but its value.
func shQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// powershellQuote makes a verbatim string. PowerShell takes typographic quotes for the plain one, and doubling escapes
// each of them.
func powershellQuote(s string) string {
	return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(s) + "'"
}

// fishQuote makes a string in which fish knows no escapes but these two.
func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
