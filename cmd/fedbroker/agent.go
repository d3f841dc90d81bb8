package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/agent"
	"github.com/fedbroker/fedbroker/internal/delivery"
)

func agentCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "agent ROLE", Short: "Serve credentials of a role on loopback until Ctrl-C",
		Long: `Serve the credentials of a role on loopback, and print what programs must have in their environment to use them. The
container credentials endpoint asks for the token that is printed.

--imds also serves version 2 of the EC2 instance metadata service, for programs that know nothing else. That protocol
asks for no secret: every program and every person on this machine can have the credentials while it runs.`,
		Example: "  fedbroker agent dev/reader\n  fedbroker agent dev/reader --imds --region eu-central-1",
		Args:    oneArg("the ROLE"),
	}
	flags := cmd.Flags()
	listen := flags.String("listen", "127.0.0.1:0", "loopback address of the container credentials endpoint; port 0 is any that is free")
	imds := flags.Bool("imds", false, "serve the instance metadata service too")
	imdsListen := flags.String("imds-listen", "127.0.0.1:0", "loopback address of the instance metadata service")
	region := flags.String("region", "", "region that the instance metadata service tells")
	duration := durationFlag(cmd)
	me := personCommand(p, cmd, func(me *person, ctx context.Context, args []string) error {
		if !*imds && (*region != "" || flags.Changed("imds-listen")) {
			return misuse(cmd, "--region and --imds-listen want --imds")
		}
		if *region != "" && !regionName.MatchString(*region) {
			return misuse(cmd, "%q is not the name of a region", *region)
		}
		c, role, err := me.begin(ctx, cmd, args[0], *duration)
		if err != nil {
			return err
		}
		keeper, err := me.keeper(c, role, *duration)
		if err != nil {
			return err
		}
		if _, err := during(me, "asking "+c.Broker()+" for credentials of "+role.Name, func() (agent.Credentials, error) { return keeper.Get(ctx) }); err != nil {
			return err
		}
		return me.agent(ctx, keeper, agentPlan{*listen, *imds, *imdsListen, *region})
	})
	cmd.ValidArgsFunction = completeRoles(me)
	return cmd
}

// agentPlan is what an agent serves, and where.
type agentPlan struct {
	listen     string
	imds       bool
	imdsListen string
	region     string
}

func (me *person) agent(ctx context.Context, keeper *agent.Keeper, plan agentPlan) error {
	endpoint, serve, err := me.container(keeper, plan.listen)
	if err != nil {
		return err
	}
	serving := []func(context.Context) error{serve}
	vars := endpoint.Environment()
	if plan.imds {
		o, serve, err := me.endpoint(keeper, plan.imdsListen)
		if err != nil {
			return err
		}
		service, err := agent.NewIMDS(o, plan.region)
		if err != nil {
			return err
		}
		serving = append(serving, func(ctx context.Context) error { return serve(ctx, service) })
		vars = append(vars, service.Environment()...)
	}
	if _, err := fmt.Fprint(me.stdout, delivery.Exports(vars)); err != nil {
		return err
	}
	fmt.Fprintln(me.stderr, "fedbroker: serving until Ctrl-C")
	return together(ctx, serving)
}

// together runs all until ctx ends or one fails, and returns when none runs any more.
func together(ctx context.Context, all []func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, len(all))
	for _, serve := range all {
		go func() {
			defer cancel()
			done <- serve(ctx)
		}()
	}
	var errs []error
	for range all {
		errs = append(errs, <-done)
	}
	return errors.Join(errs...)
}
