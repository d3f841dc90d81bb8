package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/graceful"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/internal/web"
)

const (
	// maxInFlight sheds load before queues grow: what is above is told to come again.
	maxInFlight = 512
	drainTime   = 10 * time.Second
	warmTime    = 5 * time.Second
)

// Daemon is a broker that listens.
type Daemon struct {
	opts   Options
	opened *configs.File // what listeners and resources were opened by
	res    *resources

	public, admin net.Listener
	current       atomic.Pointer[generation]

	mu         sync.Mutex // one reload at a time
	refresh    context.CancelFunc
	background sync.WaitGroup // of metadata refreshes
}

// New opens everything that the file names and listens. Serve answers; Close lets go of what New opened when Serve is
// never called. When it fails, Options.Listener is still the caller's.
func New(ctx context.Context, f *configs.File, o Options) (*Daemon, error) {
	res, err := openResources(ctx, f, o)
	if err != nil {
		return nil, err
	}
	d := &Daemon{opts: o, opened: f, res: res}
	if err := d.begin(ctx, f); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Daemon) begin(ctx context.Context, f *configs.File) error {
	first, err := build(f, nil, d.res, d.opts)
	if err != nil {
		return err
	}
	if err := first.core.Prepare(ctx); err != nil {
		return err
	}
	d.current.Store(first)
	d.warm(ctx, first)
	return d.listen(ctx, f)
}

// Addr is where the public listener listens.
func (d *Daemon) Addr() net.Addr { return d.public.Addr() }

func (d *Daemon) listen(ctx context.Context, f *configs.File) (err error) {
	address := f.Server.Listen
	if address == "" {
		address = ":8443"
	}
	var lc net.ListenConfig
	if d.public = d.opts.Listener; d.public == nil {
		if d.public, err = lc.Listen(ctx, "tcp", address); err != nil {
			return problemAt(f, "server.listen", err)
		}
	}
	if f.Server.TLS != nil {
		d.public = tls.NewListener(d.public, &tls.Config{
			GetCertificate: d.certificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		})
	}
	if f.Server.AdminListen != "" {
		if d.admin, err = lc.Listen(ctx, "tcp", f.Server.AdminListen); err != nil {
			return problemAt(f, "server.admin_listen", err)
		}
	}
	return nil
}

// certificate is that of the generation in force: a renewed one needs a reload, not a restart.
func (d *Daemon) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if cert := d.current.Load().cert; cert != nil {
		return cert, nil
	}
	return nil, errors.New("the configuration in force has no certificate")
}

// Serve answers until ctx ends, then lets requests under way finish and closes everything. hup asks for a reload; a
// changed file is noticed without it. A nil hup means that the configuration is no file's and stays as it is.
func (d *Daemon) Serve(ctx context.Context, hup <-chan os.Signal) error {
	d.announce()
	group, ctx := errgroup.WithContext(ctx)
	https := strings.HasPrefix(d.opened.Server.PublicURL, "https://")
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
	if hup != nil {
		group.Go(func() error { d.watch(ctx, hup); return nil })
	}
	group.Go(func() error { d.countStrangers(ctx); return nil })
	return errors.Join(group.Wait(), d.Close())
}

func (d *Daemon) announce() {
	f := d.opened
	d.opts.Logger.Info("serving", "address", d.Addr().String(), "public_url", f.Server.PublicURL, "idps", len(f.IdPs), "roles", len(f.AWS.Roles), "rules", len(f.Rules))
	for _, p := range issuerProblems(f) {
		d.opts.Logger.Warn("AWS will refuse this issuer", "problem", p.String())
	}
	if f.AWS.Endpoints.STS != "" {
		d.opts.Logger.Warn("AWS's own endpoints are replaced", "sts", f.AWS.Endpoints.STS)
	}
}

func (d *Daemon) serveOn(ctx context.Context, group *errgroup.Group, l net.Listener, h http.Handler) {
	group.Go(func() error {
		return graceful.Serve(ctx, l, graceful.Options{
			Handler: h, Drain: drainTime, Log: slog.NewLogLogger(d.opts.Logger.Handler(), slog.LevelDebug),
		})
	})
}

// route answers with the generation in force.
func (d *Daemon) route(w http.ResponseWriter, r *http.Request) {
	if d.opts.Host != "" && r.Host != d.opts.Host {
		http.Error(w, "this is not the host that was asked for", http.StatusMisdirectedRequest)
		return
	}
	d.current.Load().handler.ServeHTTP(w, r)
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

// countStrangers writes down every minute how many requests of strangers were refused.
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

// Close closes listeners and resources and waits for what runs in the background. It may be called twice.
func (d *Daemon) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.res == nil {
		return nil
	}
	if d.refresh != nil {
		d.refresh()
	}
	for _, l := range []net.Listener{d.public, d.admin} {
		if l != nil {
			_ = l.Close() // closed already after a shutdown
		}
	}
	d.res.end()
	d.background.Wait()
	err := d.res.close()
	d.res = nil
	if err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
