package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
)

func loginCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "login", Short: "Sign in to a broker, in your browser",
		Long: `Sign in to a broker in your browser. The broker that you sign in to becomes the one that other commands use.

On a machine with no browser, --device prints a page and a short code: open the page on another machine, type the code
and compare what it shows. --no-browser prints the address instead of opening it; the browser must be on this machine.
What is kept rests in the keyring of your system, or in a file that only you can read (FEDBROKER_KEYRING=off).`,
		Example: "  fedbroker login --broker https://aws.example.com\n  fedbroker login --device",
		Args:    noArgs,
	}
	var device, noBrowser bool
	cmd.Flags().BoolVar(&device, "device", false, "sign in on another machine with a short code")
	cmd.Flags().BoolVar(&noBrowser, "no-browser", false, "print the address rather than open it")
	personCommand(p, cmd, func(me *person, ctx context.Context, _ []string) error {
		if device && noBrowser {
			return misuse(cmd, "--device opens no browser; leave one of the two out")
		}
		c, err := me.client()
		if err != nil {
			return err
		}
		if err := me.login(ctx, c, device, noBrowser); err != nil {
			return err
		}
		who, err := during(me, "asking "+c.Broker()+" who you are", func() (client.Whoami, error) { return c.Whoami(ctx) })
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "Signed in to %s as %s.\n", c.Broker(), displayName(who))
		return nil
	})
	return cmd
}

func (me *person) login(ctx context.Context, c *client.Client, device, noBrowser bool) error {
	o := client.LoginOptions{
		Show: me.showBrowser(noBrowser), After: time.After,
		ShowDevice: func(d client.DevicePrompt) error {
			_, err := fmt.Fprintf(me.stderr, "Open %s on any machine and type the code\n\n    %s\n\nIt is good for %d minutes. Approve only what you began yourself.\n", d.Page, d.Code, int(d.Expires.Minutes()))
			return err
		},
	}
	if device {
		return c.LoginDevice(ctx, o)
	}
	return c.Login(ctx, o)
}

// showBrowser opens an address or prints it. That no browser can be opened is no end: the address can be typed.
func (me *person) showBrowser(print bool) func(string) error {
	return func(url string) error {
		if print {
			_, err := fmt.Fprintf(me.stderr, "Open this in a browser on this machine:\n\n%s\n\n", url)
			return err
		}
		if err := client.OpenBrowser(runtime.GOOS, url); err != nil {
			_, err := fmt.Fprintf(me.stderr, "fedbroker: %v; open this on this machine, or end this and use --device:\n\n%s\n\n", err, url)
			return err
		}
		fmt.Fprintln(me.stderr, "fedbroker: go on in your browser; --no-browser prints the address if none opened …")
		return nil
	}
}

func displayName(w client.Whoami) string {
	for _, name := range []string{w.Username, w.Email} {
		if name != "" {
			return name
		}
	}
	return w.Subject
}

func logoutCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "logout", Short: "End your sign-in at the broker and forget it here",
		Long:    "End your sign-in at the broker and forget it on this machine. AWS credentials that were handed out live until they expire.",
		Example: "  fedbroker logout", Args: noArgs,
	}
	personCommand(p, cmd, func(me *person, ctx context.Context, _ []string) error {
		c, err := me.client()
		if err != nil {
			return err
		}
		if _, err := during(me, "telling "+c.Broker(), func() (struct{}, error) { return struct{}{}, c.Logout(ctx) }); err != nil {
			return fmt.Errorf("forgotten here, but the broker could not be told: %w", err)
		}
		fmt.Fprintf(p.stderr, "Signed out of %s.\n", c.Broker())
		return nil
	})
	return cmd
}

func whoamiCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "whoami", Short: "Show who you are at the broker", Args: noArgs,
		Long:    "Show who you are at the broker. Exit code 1 means that you are not signed in.",
		Example: "  fedbroker whoami\n  fedbroker whoami --json | jq .groups",
	}
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object")
	personCommand(p, cmd, func(me *person, ctx context.Context, _ []string) error {
		c, err := me.client()
		if err != nil {
			return err
		}
		who, err := during(me, "asking "+c.Broker(), func() (client.Whoami, error) { return c.Whoami(ctx) })
		if err != nil {
			return err
		}
		if *asJSON {
			return p.writeJSON(who)
		}
		return me.printWhoami(c.Broker(), who)
	})
	return cmd
}

func (me *person) printWhoami(broker string, w client.Whoami) error {
	lines := [][2]string{{"name", w.Username}, {"e-mail", w.Email}, {"subject", w.Subject}, {"provider", w.IdP}, {"broker", broker}}
	if !w.AuthTime.IsZero() {
		lines = append(lines, [2]string{"since", w.AuthTime.Local().Format(time.DateTime)})
	}
	for _, g := range w.Groups {
		lines = append(lines, [2]string{"group", g})
	}
	var errs []error
	for _, l := range lines {
		if l[1] != "" {
			_, err := fmt.Fprintf(me.stdout, "%-9s %s\n", l[0], visible(l[1]))
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
