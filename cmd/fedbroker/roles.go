package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
)

func rolesCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "roles [PART]", Short: "List your roles, the most used first",
		Long:    "List the roles that are granted to you, the most used first; only those with PART in their name, ARN or account when it is given.",
		Example: "  fedbroker roles\n  fedbroker roles prod\n  fedbroker roles --json | jq -r .roles[].arn",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return misuse(cmd, "want at most one argument, a PART of names")
			}
			return nil
		},
	}
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object")
	me := personCommand(p, cmd, func(me *person, ctx context.Context, args []string) error {
		c, err := me.client()
		if err != nil {
			return err
		}
		roles, err := during(me, "asking "+c.Broker()+" for your roles", func() ([]client.Role, error) { return c.Roles(ctx) })
		if err != nil {
			return err
		}
		if len(args) == 1 {
			roles = client.Filter(roles, args[0])
		}
		if *asJSON {
			return p.writeJSON(map[string]any{"roles": append([]client.Role{}, roles...)})
		}
		return me.printRoles(roles, len(args) == 1)
	})
	cmd.ValidArgsFunction = completeRoles(me)
	return cmd
}

func (me *person) printRoles(roles []client.Role, filtered bool) error {
	switch {
	case len(roles) == 0 && filtered:
		fmt.Fprintln(me.stderr, "fedbroker: no role of yours matches; without the argument all are listed")
		return errSaid
	case len(roles) == 0:
		fmt.Fprintln(me.stderr, "fedbroker: no role is granted to you; ask whoever runs the broker")
		return errSaid
	}
	table := tabwriter.NewWriter(me.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROLE\tACCOUNT\tUP TO\tARN")
	for _, r := range roles {
		account := r.AccountID
		if r.AccountName != "" {
			account += " " + r.AccountName
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", visible(r.Name), visible(account), short(time.Duration(r.MaxDuration)*time.Second), visible(r.ARN))
	}
	return table.Flush()
}

// short is a duration without parts that are zero.
func short(d time.Duration) string {
	s := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(s, "h0m") {
		return strings.TrimSuffix(s, "0m")
	}
	if s == "" {
		return d.String()
	}
	return s
}

// visible is text from a broker without what could drive a terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\ufffd'
	}, s)
}
