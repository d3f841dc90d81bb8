package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/console"
)

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)

func consoleCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "console ROLE", Short: "Open the AWS console with a role",
		Long: `Open the AWS console with a role, at a service, at the thing that an ARN names or at a page whose address you have.
--print prints the address instead: who has it is signed in as you until it expires.`,
		Example: "  fedbroker console prod/reader\n  fedbroker console prod/reader --service s3 --region eu-central-1\n  fedbroker console prod/reader --arn arn:aws:s3:::bucket",
		Args:    oneArg("the ROLE"),
	}
	var page consolePage
	flags := cmd.Flags()
	flags.StringVar(&page.service, "service", "", "open this service: s3, ec2, lambda")
	flags.StringVar(&page.arn, "arn", "", "open what has this ARN")
	flags.StringVar(&page.address, "url", "", "open this page of the AWS console")
	flags.StringVar(&page.region, "region", "", "region to begin in; the role's own when left out")
	_ = cmd.RegisterFlagCompletionFunc("service", cobra.FixedCompletions(console.Services(), cobra.ShellCompDirectiveNoFileComp))
	print := flags.Bool("print", false, "print the address rather than open it")
	duration := durationFlag(cmd)
	me := personCommand(p, cmd, func(me *person, ctx context.Context, args []string) error {
		if err := page.check(cmd); err != nil {
			return err
		}
		c, role, err := me.begin(ctx, cmd, args[0], *duration)
		if err != nil {
			return err
		}
		signIn, err := during(me, "asking "+c.Broker()+" for a sign-in of "+role.Name, func() (client.SignIn, error) {
			return c.Console(ctx, client.Want{Role: role.ARN, Duration: *duration}, sts.Page{Destination: page.destination(), Region: page.region})
		})
		if err != nil {
			return err
		}
		return me.openConsole(signIn, *print)
	})
	cmd.ValidArgsFunction = completeRoles(me)
	return cmd
}

// openConsole opens the address, and never prints it unless that is asked for: it is a secret.
func (me *person) openConsole(s client.SignIn, print bool) error {
	address := s.URL.Reveal()
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("the broker's answer is not the address of a console; ask whoever runs it")
	}
	if print {
		_, err := fmt.Fprintln(me.stdout, address)
		return err
	}
	if err := client.OpenBrowser(runtime.GOOS, address); err != nil {
		return fmt.Errorf("%w; --print prints the address", err)
	}
	fmt.Fprintln(me.stderr, "fedbroker: the console opens in your browser")
	return nil
}

// consolePage is where in the console to begin, by whichever flag says so.
type consolePage struct{ service, arn, address, region string }

// check finds the mistakes of a command line. What may be opened is the broker's to say.
func (c consolePage) check(cmd *cobra.Command) error {
	given := 0
	for _, flag := range []string{c.service, c.arn, c.address} {
		if flag != "" {
			given++
		}
	}
	switch {
	case given > 1:
		return misuse(cmd, "--service, --arn and --url each name a page; leave all but one of them out")
	case c.service != "" && !slices.Contains(console.Services(), c.service):
		return misuse(cmd, "no service is known as %q; use --url with the address of its page", c.service)
	case c.arn != "" && !strings.HasPrefix(c.arn, "arn:"):
		return misuse(cmd, "%q is not an ARN", c.arn)
	case c.address != "" && !strings.Contains(c.address, "://"):
		return misuse(cmd, "%q is not the address of a page", c.address)
	case c.region != "" && !regionName.MatchString(c.region):
		return misuse(cmd, "%q is not the name of a region", c.region)
	}
	return nil
}

func (c consolePage) destination() string { return c.service + c.arn + c.address }
