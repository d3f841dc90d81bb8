package daemon

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/internal/web"
)

const (
	// maxInFlight sheds load before queues grow: what is above is told to come again.
	maxInFlight   = 512
	drainTime     = 10 * time.Second
	warmTime      = 5 * time.Second
	watchInterval = 2 * time.Second
)

// Daemon is a broker that listens.
type Daemon struct {
	opts Options
	res  *resources
	load func() (*configs.File, error)

	public, admin net.Listener
	current       atomic.Pointer[generation]

	mu      sync.Mutex // one reload at a time
	refresh context.CancelFunc
}

// New opens everything that the file names and listens. Serve answers; Close lets go of what New opened when Serve is
// never called.
func New(ctx context.Context, f *configs.File, o Options) (*Daemon, error) {
	res, err := openResources(ctx, f, o)
	if err != nil {
		return nil, err
	}
	d := &Daemon{opts: o, res: res, load: func() (*configs.File, error) { return configs.Load(f.Name, o.Getenv) }}
	first, err := build(f, res, o)
	if err == nil {
		err = first.core.Prepare(ctx)
	}
	if err == nil {
		d.current.Store(first)
		d.warm(ctx, first)
		err = d.listen(ctx, f)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Addr is where the public listener listens.
func (d *Daemon) Addr() net.Addr { return d.public.Addr() }

// AdminAddr is where the admin listener listens; nil without one.
func (d *Daemon) AdminAddr() net.Addr {
	if d.admin == nil {
		return nil
	}
	return d.admin.Addr()
}

func (d *Daemon) listen(ctx context.Context, f *configs.File) (err error) {
	address := f.Server.Listen
	if address == "" {
		address = ":8443"
	}
	var lc net.ListenConfig
	if d.public = d.opts.Listener; d.public == nil {
		if d.public, err = lc.Listen(ctx, "tcp", address); err != nil {
			return fmt.Errorf("server.listen: %w", err)
		}
	}
	if t := f.Server.TLS; t != nil {
		cert, err := tls.X509KeyPair([]byte(t.Cert.Text().Reveal()), []byte(t.Key.Text().Reveal()))
		if err != nil {
			return fmt.Errorf("server.tls: %w", err)
		}
		d.public = tls.NewListener(d.public, &tls.Config{
			Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		})
	}
	if f.Server.AdminListen != "" {
		if d.admin, err = lc.Listen(ctx, "tcp", f.Server.AdminListen); err != nil {
			return fmt.Errorf("server.admin_listen: %w", err)
		}
	}
	return nil
}

// Serve answers until ctx ends, then lets requests under way finish and closes everything. hup asks for a reload; a
// changed file is noticed without it.
func (d *Daemon) Serve(ctx context.Context, hup <-chan os.Signal) error {
	f := d.current.Load().file
	d.opts.Logger.Info("serving", "address", d.Addr().String(), "public_url", f.Server.PublicURL, "idps", len(f.IdPs), "roles", len(f.AWS.Roles), "rules", len(f.Rules))
	if f.AWS.Endpoints.STS != "" {
		d.opts.Logger.Warn("AWS's own endpoints are replaced", "sts", f.AWS.Endpoints.STS)
	}
	group, ctx := errgroup.WithContext(ctx)
	https := strings.HasPrefix(f.Server.PublicURL, "https://")
	d.serveOn(ctx, group, d.public, web.Protect(shed(http.HandlerFunc(d.route), maxInFlight), https))
	if d.admin != nil {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", d.res.metrics.Handler())
		mountOperations(mux, d.res)
		d.serveOn(ctx, group, d.admin, mux)
	}
	d.mu.Lock()
	d.keepFresh(ctx, d.current.Load())
	d.mu.Unlock()
	group.Go(func() error { d.watch(ctx, hup); return nil })
	group.Go(func() error { d.countStrangers(ctx); return nil })
	return errors.Join(group.Wait(), d.Close())
}

// warm gets metadata once before the first request, within a few seconds. What cannot be had then is tried again.
func (d *Daemon) warm(ctx context.Context, g *generation) {
	ctx, cancel := context.WithTimeout(ctx, warmTime)
	defer cancel()
	var group errgroup.Group
	for _, p := range g.providers.saml {
		group.Go(func() error {
			if err := p.Refresh(ctx); err != nil {
				d.opts.Logger.Warn("an identity provider's metadata cannot be had yet", "error", err)
			}
			return nil
		})
	}
	_ = group.Wait() // every failure is logged
}

// route answers with the generation in force.
func (d *Daemon) route(w http.ResponseWriter, r *http.Request) {
	if d.opts.Host != "" && r.Host != d.opts.Host {
		http.Error(w, "this is not the host that was asked for", http.StatusMisdirectedRequest)
		return
	}
	d.current.Load().handler.ServeHTTP(w, r)
}

func (d *Daemon) serveOn(ctx context.Context, group *errgroup.Group, l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 40 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(d.opts.Logger.Handler(), slog.LevelDebug),
	}
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		return server.Shutdown(drain)
	})
}

// shed answers 503 at once where more than limit requests are under way.
func shed(next http.Handler, limit int) http.Handler {
	slots := make(chan struct{}, limit)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the broker is busy; try again", http.StatusServiceUnavailable)
		}
	})
}

// watch reloads on SIGHUP and when the file's content changes.
func (d *Daemon) watch(ctx context.Context, hup <-chan os.Signal) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	seen := d.fingerprint()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			if err := d.res.audit.Reopen(); err != nil {
				d.opts.Logger.Error("the audit log cannot be opened again", "error", err)
			}
			seen = d.fingerprint()
			d.Reload(ctx)
		case <-tick.C:
			if now := d.fingerprint(); now != seen {
				seen = now
				d.Reload(ctx)
			}
		}
	}
}

func (d *Daemon) fingerprint() [sha256.Size]byte {
	b, err := os.ReadFile(d.current.Load().file.Name)
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
	old := d.current.Load()
	f, err := d.load()
	var next *generation
	if err == nil {
		next, err = build(f, d.res, d.opts)
	}
	if err != nil {
		d.opts.Logger.Error("the new configuration is not in force; the old one stays", "error", err.Error())
		return
	}
	if changed := needRestart(old.file, f); len(changed) > 0 {
		d.opts.Logger.Warn("these changes need a restart", "keys", changed)
	}
	d.keepFresh(ctx, next)
	d.current.Store(next)
	d.opts.Logger.Info("the new configuration is in force", "idps", len(f.IdPs), "roles", len(f.AWS.Roles), "rules", len(f.Rules))
}

// needRestart names what changed of the things that are opened once.
func needRestart(old, f *configs.File) []string {
	var out []string
	for _, section := range []struct {
		key      string
		old, now any
	}{
		{"server", withoutURL(old.Server), withoutURL(f.Server)}, {"store", old.Store, f.Store}, {"keys", old.Keys, f.Keys}, {"audit", old.Audit, f.Audit},
		{"issuer.signing_key", old.Issuer.SigningKey, f.Issuer.SigningKey}, {"issuer.saml_key", old.Issuer.SAMLKey, f.Issuer.SAMLKey},
	} {
		if !reflect.DeepEqual(section.old, section.now) {
			out = append(out, section.key)
		}
	}
	return out
}

// withoutURL leaves what the listeners were opened with: URL and proxies are read anew.
func withoutURL(s configs.Server) configs.Server {
	s.PublicURL, s.TrustedProxies = "", nil
	return s
}

// keepFresh fetches the SAML metadata of a generation now and whenever it is due; the old generation's stops. The
// caller holds mu.
func (d *Daemon) keepFresh(ctx context.Context, g *generation) {
	if d.refresh != nil {
		d.refresh()
	}
	ctx, d.refresh = context.WithCancel(ctx)
	for _, p := range g.providers.saml {
		go p.Run(ctx)
	}
}

func (d *Daemon) countStrangers(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := d.res.strangers.Flush(ctx); err != nil {
				d.opts.Logger.Error("counts of refused strangers cannot be written", "error", err)
			}
		}
	}
}

// Close closes listeners and resources. It may be called twice.
func (d *Daemon) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refresh != nil {
		d.refresh()
	}
	for _, l := range []net.Listener{d.public, d.admin} {
		if l != nil {
			_ = l.Close() // closed already after a shutdown
		}
	}
	if d.res == nil {
		return nil
	}
	err := d.res.close()
	d.res = nil
	return err
}
