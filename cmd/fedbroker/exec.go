package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/agent"
	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/awsconfig"
	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/graceful"
)

func execCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "exec ROLE -- COMMAND [ARGUMENT…]", Short: "Run a command with credentials that keep refreshing",
		Long: `Run a command with the credentials of a role. They come from an endpoint on loopback that only the command is told of,
keep refreshing while it runs, and are never written to disk or to its environment. Signals are passed on and the exit
status is the command's own.`,
		Example: "  fedbroker exec prod/deploy -- terraform apply\n  fedbroker exec dev -- bash",
	}
	duration := durationFlag(cmd)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) < 2 || cmd.ArgsLenAtDash() != 1 {
			return misuse(cmd, "want a ROLE, then --, then the command")
		}
		return nil
	}
	me := personCommand(p, cmd, func(me *person, ctx context.Context, args []string) error {
		c, role, err := me.begin(ctx, cmd, args[0], *duration)
		if err != nil {
			return err
		}
		return me.exec(ctx, c, role, *duration, args[1:])
	})
	cmd.ValidArgsFunction = completeRoles(me)
	return cmd
}

// exec runs the command beside an endpoint. Signals that end this program's context are the command's to answer.
func (me *person) exec(ctx context.Context, c *client.Client, role client.Role, duration time.Duration, args []string) error {
	if err := me.nothingWins(role); err != nil {
		return err
	}
	keeper, err := me.keeper(c, role, duration)
	if err != nil {
		return err
	}
	if _, err := during(me, "asking "+c.Broker()+" for credentials of "+role.Name, func() (agent.Credentials, error) { return keeper.Get(ctx) }); err != nil {
		return err
	}
	signals, stop := agent.NotifySignals(me.foreground())
	defer stop()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	endpoint, serve, err := me.container(keeper, "127.0.0.1:0")
	if err != nil {
		cancel()
		return err
	}
	go func() { served <- serve(ctx) }()
	vars := append(endpoint.Environment(), [2]string{"FEDBROKER_ROLE", role.Name})
	err = agent.Exec(agent.Command{Args: args, Env: agent.Environ(os.Environ(), vars), Stdin: me.stdin, Stdout: me.stdout, Stderr: me.stderr, Signals: signals})
	cancel()
	return errors.Join(err, <-served)
}

// keeper keeps credentials of one role.
func (me *person) keeper(c *client.Client, role client.Role, duration time.Duration) (*agent.Keeper, error) {
	return agent.NewKeeper(agent.KeeperOptions{Now: me.now, Source: func(ctx context.Context) (agent.Credentials, error) {
		k, err := c.Credentials(ctx, client.Want{Role: role.ARN, Duration: duration})
		return agent.Credentials{
			AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, Token: k.SessionToken, Expiration: k.Expiration,
			RoleARN: k.RoleARN, RoleName: roleName(role.ARN), Account: role.AccountID,
		}, err
	}})
}

// roleName is the last part of a role's ARN.
func roleName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// container makes a container credentials endpoint, and what serves it until its context ends.
func (me *person) container(keeper *agent.Keeper, address string) (*agent.Container, func(context.Context) error, error) {
	o, serve, err := me.endpoint(keeper, address)
	if err != nil {
		return nil, nil, err
	}
	endpoint, err := agent.NewContainer(o)
	if err != nil {
		return nil, nil, err
	}
	return endpoint, func(ctx context.Context) error { return serve(ctx, endpoint) }, nil
}

// nothingWins refuses to run where the default profile would win over the endpoint: the command would act as somebody
// else than was asked for, and nobody would be told.
func (me *person) nothingWins(role client.Role) error {
	for _, path := range []func(string, func(string) (string, bool)) (string, error){awsconfig.Path, awsconfig.CredentialsPath} {
		file, err := path(runtime.GOOS, me.getenv)
		if err != nil {
			continue // without a home folder there is no such file
		}
		content, err := os.ReadFile(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return unreadable(err, "the command reads it too")
		}
		if key := awsconfig.DefaultCredentials(content); key != "" {
			return fmt.Errorf("%s in the default profile of %s would win over %s; give that profile another name, or point AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE elsewhere", key, file, role.Name)
		}
	}
	return nil
}

// drain is how long a request under way may take when an endpoint ends.
const drain = time.Second

// endpoint listens, and returns what its handler needs and what serves it.
func (me *person) endpoint(keeper *agent.Keeper, address string) (agent.EndpointOptions, func(context.Context, http.Handler) error, error) {
	l, err := agent.Listen(address)
	if err != nil {
		return agent.EndpointOptions{}, nil, err
	}
	logger := log.New(me.stderr, "fedbroker: ", 0)
	serve := func(ctx context.Context, h http.Handler) error {
		return graceful.Serve(ctx, l, graceful.Options{Handler: h, Drain: drain})
	}
	return agent.EndpointOptions{Keeper: keeper, Listener: l, Random: rand.Reader, Now: me.now, Log: logger}, serve, nil
}

// foreground reports whether a terminal would send its signals to the command as well as to us.
func (me *person) foreground() bool {
	f, ok := me.stdin.(*os.File)
	return ok && agent.Foreground(f)
}
