package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
)

var (
	regionName  = regexp.MustCompile(`^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)
	serviceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	arnForm     = regexp.MustCompile(`^arn:[a-z-]{3,20}:[a-z0-9-]{1,63}:[a-z0-9-]*:[0-9]*:[\x21-\x7e]{1,1000}$`)
)

func consoleCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "console ROLE", Short: "Open the AWS console with a role",
		Long: `Open the AWS console with a role, at a service or at the thing that an ARN names. --print prints the address instead:
who has it is signed in as you until it expires.`,
		Example: "  fedbroker console prod/reader\n  fedbroker console prod/reader --service s3 --region eu-central-1\n  fedbroker console prod/reader --arn arn:aws:s3:::bucket",
		Args:    oneArg("the ROLE"),
	}
	var page consolePage
	flags := cmd.Flags()
	flags.StringVar(&page.service, "service", "", "open this service, as the console spells it in its address: s3, ec2, lambda")
	flags.StringVar(&page.arn, "arn", "", "open what has this ARN")
	flags.StringVar(&page.region, "region", "", "region to begin in")
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
			return c.Console(ctx, client.Want{Role: role.ARN, Duration: *duration}, page.destination(role.ARN))
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

// consolePage is where in the console to begin.
type consolePage struct{ service, arn, region string }

func (c consolePage) check(cmd *cobra.Command) error {
	switch {
	case c.service != "" && c.arn != "":
		return misuse(cmd, "--service and --arn name two pages; leave one of them out")
	case c.service != "" && !serviceName.MatchString(c.service):
		return misuse(cmd, "%q is not the name of a service; it is what follows the host in the console's address", c.service)
	case c.arn != "" && !arnForm.MatchString(c.arn):
		return misuse(cmd, "%q is not an ARN", c.arn)
	case c.region != "" && !regionName.MatchString(c.region):
		return misuse(cmd, "%q is not the name of a region", c.region)
	}
	return nil
}

// destination is the address of the page in the partition of the role; empty for the console's own home.
func (c consolePage) destination(role string) string {
	if c == (consolePage{}) {
		return ""
	}
	host := "console.aws.amazon.com"
	switch strings.Split(role, ":")[1] {
	case "aws-cn":
		host = "console.amazonaws.cn"
	case "aws-us-gov":
		host = "console.amazonaws-us-gov.com"
	}
	if c.region != "" {
		host = c.region + "." + host
	}
	query := url.Values{}
	if c.region != "" {
		query.Set("region", c.region)
	}
	u := url.URL{Scheme: "https", Host: host, Path: "/"}
	switch {
	case c.arn != "":
		u.Path = "/go/view"
		query.Set("arn", c.arn)
	case c.service != "":
		u.Path = "/" + c.service + "/home"
	}
	u.RawQuery = query.Encode()
	return u.String()
}
