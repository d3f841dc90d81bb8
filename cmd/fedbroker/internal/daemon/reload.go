package daemon

import (
	"context"
	"crypto/sha256"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/configs"
)

const watchInterval = 2 * time.Second

// watch reloads on SIGHUP, which also opens the audit log anew, and when the file's content changes.
func (d *Daemon) watch(ctx context.Context, hup <-chan os.Signal) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	seen := fingerprint(d.opened.Name)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			if err := d.res.audit.Reopen(); err != nil {
				d.opts.Logger.Error("the audit log cannot be opened again", "error", err)
			}
			seen = fingerprint(d.opened.Name)
			d.Reload(ctx)
		case <-tick.C:
			if now := fingerprint(d.opened.Name); now != seen {
				seen = now
				d.Reload(ctx)
			}
		}
	}
}

// fingerprint tells two contents of a file apart; a file that cannot be read has one of its own.
func fingerprint(name string) [sha256.Size]byte {
	b, err := os.ReadFile(name)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(b)
}

// Reload reads the file again and puts it in force; with any problem the configuration in force stays, and the log
// says why. Listeners, store, keys and audit log are opened once: changes of theirs need a restart and are named.
func (d *Daemon) Reload(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next, err := d.next()
	if err != nil {
		d.opts.Logger.Error("the new configuration is not in force; the old one stays", "problems", strings.Split(err.Error(), "\n"))
		return
	}
	f := next.file
	if changed := needRestart(d.opened, f); len(changed) > 0 {
		d.opts.Logger.Warn("these changes need a restart", "keys", changed)
	}
	d.warm(ctx, next)
	d.current.Store(next)
	d.keepFresh(ctx, next)
	d.opts.Logger.Info("the new configuration is in force", "idps", len(f.IdPs), "roles", len(f.AWS.Roles), "rules", len(f.Rules))
}

// next builds the generation of the file as it is now.
func (d *Daemon) next() (*generation, error) {
	f, err := configs.Load(d.opened.Name, d.opts.Getenv)
	if err != nil {
		return nil, err
	}
	return build(f, d.current.Load(), d.res, d.opts)
}

// needRestart names what changed of the things that are opened once.
func needRestart(opened, f *configs.File) []string {
	var out []string
	for _, section := range []struct {
		key         string
		opened, now any
	}{
		{"server", listeners(opened.Server), listeners(f.Server)},
		{"store", opened.Store, f.Store},
		{"keys", opened.Keys, f.Keys},
		{"audit", opened.Audit, f.Audit},
		{"issuer.signing_key", opened.Issuer.SigningKey, f.Issuer.SigningKey},
		{"issuer.saml_key", opened.Issuer.SAMLKey, f.Issuer.SAMLKey},
		{"issuer.saml_certificate", opened.Issuer.SAMLCertificate, f.Issuer.SAMLCertificate},
	} {
		if !reflect.DeepEqual(section.opened, section.now) {
			out = append(out, section.key)
		}
	}
	return out
}

// listeners is what of a server's configuration the listeners were opened with: URL, proxies and certificate are read
// anew, but not whether there is a certificate, nor whether answers say that they came by TLS.
func listeners(s configs.Server) any {
	return []any{s.Listen, s.AdminListen, s.TLS != nil, strings.HasPrefix(s.PublicURL, "https://")}
}

// warm gets the metadata that a generation has not got from the one before, within a few seconds. What cannot be had
// then is tried again.
func (d *Daemon) warm(ctx context.Context, g *generation) {
	ctx, cancel := context.WithTimeout(ctx, warmTime)
	defer cancel()
	had := make(chan struct{}, len(g.people.fresh))
	for _, p := range g.people.fresh {
		d.background.Go(func() {
			_ = p.Refresh(ctx) // the provider logs why
			had <- struct{}{}
		})
	}
	for range g.people.fresh {
		select {
		case <-had:
		case <-ctx.Done():
			return
		}
	}
}

// keepFresh refreshes the SAML metadata of a generation whenever it is due; the old generation's stops. The caller
// holds mu.
func (d *Daemon) keepFresh(ctx context.Context, g *generation) {
	if d.refresh != nil {
		d.refresh()
	}
	ctx, d.refresh = context.WithCancel(ctx)
	for _, p := range g.people.saml {
		d.background.Go(func() { p.Run(ctx) })
	}
}
