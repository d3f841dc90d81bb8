package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/delivery"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// keysView is what credentials.html shows of credentials, and the script keys.js puts into the row of the role.
type keysView struct {
	Role, AccessKeyID string
	Ends              time.Time
	Left              time.Duration
	// Login is the command that the forms by program want to have been run once.
	Login string
	Forms []keysForm
}

// Seconds is Left for the script that goes on counting.
func (v *keysView) Seconds() int64 { return int64(v.Left / time.Second) }

// keysForm is one text to paste. Masked is the same text with dots for its secrets; it is empty where there are none.
type keysForm struct {
	Title, Hint string
	Masked      string
	Text        secret.Text
}

// credentials issues credentials of a role and shows them in every form that shells and files take. They are on this
// page and nowhere else: not in an address, not in a cache, not in the record.
func (p *Portal) credentials(w http.ResponseWriter, r *http.Request) (answer, error) {
	return p.run(r, "portal", "credentials", func(ctx context.Context, v *broker.Visit) (answer, error) {
		form, _, err := p.posted(ctx, w, r, v)
		if err != nil {
			return answer{}, err
		}
		want, err := wanted(form)
		if err != nil {
			return answer{}, err
		}
		issued, err := v.Issue(ctx, want)
		if err != nil {
			return answer{}, explained(v, want.Role, err)
		}
		p.noteUse(ctx, v, issued.Grant.Role.Name)
		view, err := p.keysView(issued)
		return answer{template: "credentials.html", data: view, secret: true}, err
	})
}

func (p *Portal) keysView(issued broker.Issued) (*keysView, error) {
	c := issued.Credentials
	keys := delivery.Keys{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: c.Expiration}
	role := issued.Grant.Role.Name
	program := delivery.Program{Word: "fedbroker", Broker: p.PublicURL}
	login, err := program.Login()
	if err != nil {
		return nil, err
	}
	out := &keysView{Role: role, AccessKeyID: c.AccessKeyID, Ends: c.Expiration, Left: c.Expiration.Sub(p.Clock()), Login: login}
	if out.Forms, err = pasted(keys, role); err != nil {
		return nil, err
	}
	fetched, err := fetchedBy(program, role)
	out.Forms = append(out.Forms, fetched...)
	return out, err
}

// pasted are the forms that hold the keys themselves.
func pasted(keys delivery.Keys, role string) ([]keysForm, error) {
	masked := keys.Masked()
	profile, err := keys.Profile(role)
	if err != nil {
		return nil, err
	}
	maskedProfile, err := masked.Profile(role)
	const shell = "Paste it into your shell. It holds until the keys end or the shell does."
	return []keysForm{
		{"bash, zsh and sh", shell, masked.POSIX().Reveal(), keys.POSIX()},
		{"PowerShell", shell, masked.PowerShell().Reveal(), keys.PowerShell()},
		{"fish", shell, masked.Fish().Reveal(), keys.Fish()},
		{"~/.aws/credentials", "A profile with the keys in it, for tools that read nothing else. Remove it when they have ended.", maskedProfile.Reveal(), profile},
	}, err
}

// fetchedBy are the forms in which the program fetches keys whenever they are wanted: nothing in them is secret.
func fetchedBy(program delivery.Program, role string) ([]keysForm, error) {
	profile, err := program.Profile(role)
	if err != nil {
		return nil, err
	}
	line, err := program.Exec(role, "aws sts get-caller-identity")
	return []keysForm{
		{"~/.aws/config, by credential_process", "A profile without keys: AWS's tools ask fedbroker for fresh ones.", "", secret.New(profile)},
		{"fedbroker exec", "Runs one command with keys that keep refreshing and are never written down.", "", secret.New(line + "\n")},
	}, err
}
