package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
)

// person is the side of the program that a person uses at a terminal: flags that all of its commands have, and the
// client that they make.
type person struct {
	*process
	broker string
}

// personCommand adds what the commands of a person have in common.
func personCommand(p *process, cmd *cobra.Command, do func(*person, context.Context, []string) error) *person {
	me := &person{process: p}
	cmd.Flags().StringVar(&me.broker, "broker", "", "URL of the broker; FEDBROKER_URL, or the one you signed in to last, when left out")
	_ = cmd.RegisterFlagCompletionFunc("broker", cobra.NoFileCompletions)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return do(me, cmd.Context(), args) }
	return me
}

// client makes the client of the broker that is meant.
func (me *person) client() (*client.Client, error) {
	home, err := client.DefaultHome(runtime.GOOS, me.getenv)
	if err != nil {
		return nil, err
	}
	broker := me.broker
	if broker == "" {
		broker, _ = me.getenv("FEDBROKER_URL")
	}
	if broker == "" {
		broker = home.Broker()
	}
	if broker == "" {
		return nil, errors.New(`no broker is known; run "fedbroker login --broker https://YOUR-BROKER" or set FEDBROKER_URL`)
	}
	url, err := client.ParseBroker(broker)
	if err != nil {
		return nil, err
	}
	return client.New(client.Options{
		Broker: url, Home: home, Keyring: client.SystemKeyring(me.getenv), Now: me.now,
		Name: clientName(), UserAgent: "fedbroker-cli/" + version(),
	})
}

// maxClientName is the longest name that is sent, in bytes.
const maxClientName = 60

// clientName is what a broker shows to whoever approves a sign-in: which program, on which machine.
func clientName() string {
	host, err := os.Hostname()
	if err != nil {
		return "fedbroker"
	}
	host = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}, host)
	return "fedbroker on " + host[:min(len(host), maxClientName-len("fedbroker on "))]
}

// patience is after how long a command says what it is waiting for.
const patience = time.Second

// during runs do and says on standard error what is going on, if it takes long.
func during[T any](me *person, what string, do func() (T, error)) (T, error) {
	said := make(chan struct{})
	timer := time.AfterFunc(patience, func() {
		defer close(said)
		fmt.Fprintf(me.stderr, "fedbroker: %s …\n", what)
	})
	out, err := do()
	if !timer.Stop() {
		<-said // two writers must not meet
	}
	return out, err
}

// begin is what every command with a ROLE does first: it checks --duration and finds the broker and the role.
func (me *person) begin(ctx context.Context, cmd *cobra.Command, typed string, duration time.Duration) (*client.Client, client.Role, error) {
	if err := checkDuration(cmd, duration); err != nil {
		return nil, client.Role{}, err
	}
	c, err := me.client()
	if err != nil {
		return nil, client.Role{}, err
	}
	role, err := me.resolve(ctx, c, typed)
	return c, role, err
}

// resolve finds the role that is meant.
func (me *person) resolve(ctx context.Context, c *client.Client, typed string) (client.Role, error) {
	return during(me, "asking "+c.Broker()+" for your roles", func() (client.Role, error) { return c.Resolve(ctx, typed) })
}

// credentials asks for keys of a role.
func (me *person) credentials(ctx context.Context, c *client.Client, role client.Role, duration time.Duration) (client.Credentials, error) {
	return during(me, "asking "+c.Broker()+" for credentials of "+role.Name, func() (client.Credentials, error) {
		return c.Credentials(ctx, client.Want{Role: role.ARN, Duration: duration})
	})
}

// completeIn is how long a completion may wait for the broker: a person holds the tab key.
const completeIn = 1500 * time.Millisecond

// completeRoles completes the first argument by the aliases of granted roles, the most used first.
func completeRoles(me *person) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		c, err := me.client()
		if err != nil || len(args) > 0 {
			return nil, directive
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeIn)
		defer cancel()
		var out []cobra.Completion
		for _, r := range c.Names(ctx) {
			if strings.HasPrefix(r.Name, typed) {
				out = append(out, cobra.CompletionWithDesc(r.Name, r.ARN))
			}
			if strings.HasPrefix(r.ARN, typed) && typed != "" {
				out = append(out, r.ARN)
			}
		}
		return out, directive
	}
}

// durationFlag adds --duration and refuses what no role can have.
func durationFlag(cmd *cobra.Command) *time.Duration {
	return cmd.Flags().Duration("duration", 0, "how long credentials shall last, 15m to 12h; the role's own when left out")
}

func checkDuration(cmd *cobra.Command, d time.Duration) error {
	if d != 0 && (d < 15*time.Minute || d > 12*time.Hour || d%time.Second != 0) {
		return misuse(cmd, "--duration must be 15m to 12h, not %s", d)
	}
	return nil
}
