package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/awsconfig"
	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
	"github.com/fedbroker/fedbroker/internal/delivery"
)

func configureCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "configure", Short: "Write a profile for each of your roles to ~/.aws/config",
		Long: `Write a profile for each of your roles to ~/.aws/config, or AWS_CONFIG_FILE, between two comment lines. Run it again when
your roles change; everything else in the file stays as it is, and a profile of your own wins over ours of that name.

The profiles get credentials by credential_process, so that every SDK and "aws --profile NAME" can use them.`,
		Example: "  fedbroker configure --region eu-central-1\n  aws s3 ls --profile prod/reader",
		Args:    noArgs,
	}
	region := cmd.Flags().String("region", "", "region of the profiles; none when left out")
	sso := cmd.Flags().Bool("sso", false, "write an sso-session rather than credential_process")
	_ = cmd.Flags().MarkHidden("sso") // no broker of this version speaks the SSO portal protocol; one that does is asked for it
	personCommand(p, cmd, func(me *person, ctx context.Context, _ []string) error {
		if *region != "" && !regionName.MatchString(*region) {
			return misuse(cmd, "%q is not the name of a region", *region)
		}
		c, err := me.client()
		if err != nil {
			return err
		}
		roles, err := during(me, "asking "+c.Broker()+" for your roles", func() ([]client.Role, error) { return c.Roles(ctx) })
		switch {
		case err != nil:
			return err
		case len(roles) == 0:
			return errors.New("no role is granted to you, and no profile was written; ask whoever runs the broker")
		}
		slices.SortFunc(roles, func(a, b client.Role) int { return strings.Compare(a.Name, b.Name) }) // not by use: nothing may change by itself
		sections, err := me.sections(ctx, c, roles, *region, *sso)
		if err != nil {
			return err
		}
		return me.writeProfiles(c.Broker(), sections)
	})
	return cmd
}

func (me *person) sections(ctx context.Context, c *client.Client, roles []client.Role, region string, sso bool) ([]awsconfig.Section, error) {
	if !sso {
		return processSections(c.Broker(), roles, region)
	}
	served, err := during(me, "asking "+c.Broker()+" what it speaks", func() (bool, error) { return c.ServesSSO(ctx) })
	switch {
	case err != nil:
		return nil, err
	case !served:
		return nil, fmt.Errorf("%s does not speak AWS's SSO portal protocol; leave --sso out", c.Broker())
	}
	return ssoSections(c.Broker(), roles, region), nil
}

// profile is a section with a region where there is one.
func profile(role client.Role, region string, settings ...awsconfig.Setting) awsconfig.Section {
	if region != "" {
		settings = append(settings, awsconfig.Setting{Key: "region", Value: region})
	}
	return awsconfig.Section{Kind: "profile", Name: role.Name, Settings: settings}
}

func processSections(broker string, roles []client.Role, region string) ([]awsconfig.Section, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if program, err = word(program); err != nil {
		return nil, err
	}
	here := delivery.Program{Word: program, Broker: broker}
	var out []awsconfig.Section
	for _, r := range roles {
		command, err := here.Process(r.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, profile(r, region, awsconfig.Setting{Key: "credential_process", Value: command}))
	}
	return out, nil
}

var (
	plainWord   = regexp.MustCompile(`^[A-Za-z0-9_./:\\@+,=-]+$`)
	quotedWord  = regexp.MustCompile(`^[A-Za-z0-9_./:\\@+,=() -]+$`)
	sessionPart = regexp.MustCompile(`[^A-Za-z0-9.-]+`)
)

// word writes a path as one word that the shells and splitters behind credential_process all read alike: Go's SDK gives
// it to sh -c or cmd /C, the AWS command line splits it itself. Characters that they differ on are refused, a backslash
// too where it is not what separates folders.
func word(path string) (string, error) {
	switch {
	case runtime.GOOS != "windows" && strings.Contains(path, `\`), !quotedWord.MatchString(path):
		return "", fmt.Errorf("the path %q cannot be written into credential_process; move fedbroker to one of plain letters", path)
	case !plainWord.MatchString(path) || strings.Contains(path, `\`):
		return `"` + path + `"`, nil
	}
	return path, nil
}

// startURL is of a host that AWS's command line takes and never asks: what it asks are the endpoints.
const startURL = "https://identitycenter.amazonaws.com/ssoins-0000000000000000"

// ssoSections are one session and one set of endpoints, and profiles that name them.
func ssoSections(broker string, roles []client.Role, region string) []awsconfig.Section {
	name := "fedbroker"
	if u, err := url.Parse(broker); err == nil {
		name += "-" + sessionPart.ReplaceAllString(u.Host, "-")
	}
	ssoRegion := region
	if ssoRegion == "" {
		ssoRegion = "us-east-1" // the clients want one; the endpoints say where to go
	}
	endpoint := []awsconfig.Setting{{Key: "endpoint_url", Value: broker}}
	out := []awsconfig.Section{
		{Kind: "sso-session", Name: name, Settings: []awsconfig.Setting{
			{Key: "sso_start_url", Value: startURL}, {Key: "sso_region", Value: ssoRegion}, {Key: "sso_registration_scopes", Value: "sso:account:access"},
		}},
		{Kind: "services", Name: name, Settings: []awsconfig.Setting{{Key: "sso", Nested: endpoint}, {Key: "sso_oidc", Nested: endpoint}}},
	}
	for _, r := range roles {
		out = append(out, profile(
			r, region, awsconfig.Setting{Key: "sso_session", Value: name}, awsconfig.Setting{Key: "sso_account_id", Value: r.AccountID},
			awsconfig.Setting{Key: "sso_role_name", Value: roleName(r.ARN)}, awsconfig.Setting{Key: "services", Value: name},
		))
	}
	return out
}

func (me *person) writeProfiles(broker string, sections []awsconfig.Section) error {
	file, err := awsconfig.Path(runtime.GOOS, me.getenv)
	if err != nil {
		return err
	}
	res, changed, err := awsconfig.Update(file, broker, sections)
	if err != nil {
		return err
	}
	for _, header := range res.Taken {
		fmt.Fprintf(me.stderr, "fedbroker: %s has a [%s] of your own; it stays as it is\n", file, header)
	}
	written := 0
	for _, s := range res.Written {
		if s.Kind == "profile" {
			written++
		}
	}
	if !changed {
		fmt.Fprintf(me.stderr, "%s is up to date: %s\n", file, count(written, "profile"))
		return nil
	}
	fmt.Fprintf(me.stderr, "Wrote %s to %s\n", count(written, "profile"), file)
	return nil
}
