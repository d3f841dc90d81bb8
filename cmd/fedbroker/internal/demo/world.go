package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/daemon"
	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/graceful"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts/localaws"
)

// Default ports; where one is taken the next free one is used.
const (
	brokerPort = 8480
	awsPort    = 8481
	idpPort    = 8482

	drainTime = 3 * time.Second
)

// URLs are where the three parties answer.
type URLs struct {
	Broker string `json:"broker"`
	AWS    string `json:"aws"`
	IdP    string `json:"idp"`
}

// world is everything that runs.
type world struct {
	urls    URLs
	aws     *localaws.Server
	idp     *devidp.Server
	broker  *daemon.Daemon
	records *records

	clientSecret secret.Text // the broker's, as an OIDC client

	version string
	logger  *slog.Logger

	brokerListener, awsListener, idpListener net.Listener
}

// build makes the world but for the broker, which run makes once the identity provider answers.
func build(ctx context.Context, version string, stderr io.Writer) (*world, error) {
	w := &world{
		records: &records{}, version: version,
		logger: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	err := w.listen(ctx)
	if err == nil {
		err = w.furnish()
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) listen(ctx context.Context) (err error) {
	for _, l := range []struct {
		to   *net.Listener
		port int
	}{{&w.brokerListener, brokerPort}, {&w.awsListener, awsPort}, {&w.idpListener, idpPort}} {
		if *l.to, err = listenFrom(ctx, l.port); err != nil {
			return err
		}
	}
	w.urls = URLs{
		Broker: "http://localhost:" + portOf(w.brokerListener), AWS: "http://" + w.awsListener.Addr().String(), IdP: "http://" + w.idpListener.Addr().String(),
	}
	return nil
}

func (w *world) furnish() error {
	seed, err := seedFor(w.urls)
	if err != nil {
		return err
	}
	w.aws, err = localaws.New(localaws.Options{Seed: seed, URL: w.urls.AWS, AllowInsecureProviders: true, Logger: w.logger})
	if err != nil {
		return fmt.Errorf("local AWS: %w", err)
	}
	w.clientSecret = secret.New(rand.Text())
	client := devidp.Client{ID: oidcClient, Secret: w.clientSecret, RedirectURIs: []string{w.urls.Broker + "/oidc/dev-oidc/callback"}}
	w.idp, err = devidp.New(devidp.Options{BaseURL: w.urls.IdP, Clients: []devidp.Client{client}, Repos: []devidp.Repo{shop}, Logger: w.logger})
	if err != nil {
		return fmt.Errorf("development identity provider: %w", err)
	}
	return nil
}

// close lets the ports go. It may come after those who used them closed them.
func (w *world) close() {
	for _, l := range []net.Listener{w.brokerListener, w.awsListener, w.idpListener} {
		if l != nil {
			_ = l.Close()
		}
	}
}

func (w *world) buildBroker(ctx context.Context) error {
	keys := w.aws.AccessKeys()
	if len(keys) != 1 {
		return errors.New("local AWS has no access key for the broker")
	}
	f, err := configs.Parse("(demo)", configFor(w.urls, keys[0].AccessKeyID), func(name string) (string, bool) {
		value, known := map[string]string{secretName: keys[0].SecretAccessKey, clientSecretName: w.clientSecret.Reveal()}[name]
		return value, known
	})
	if err != nil {
		return err
	}
	w.broker, err = daemon.New(ctx, f, daemon.Options{
		Version: w.version, AuditWriter: w.records, Logger: w.logger, Clock: time.Now, Rand: rand.Reader, Listener: w.brokerListener,
		Host: "localhost:" + portOf(w.brokerListener), SessionCookie: "__Host-fbdemo-session", LoginCookie: "__Host-fbdemo-login-", ChoiceCookie: "__Host-fbdemo-idp",
		Getenv: func(string) (string, bool) { return "", false },
	})
	return err
}

// run serves until ctx ends. ready is called once all three answer and know each other; the end of ready is the end.
// A run that was interrupted did not fail.
func (w *world) run(ctx context.Context, ready func(context.Context) error) error {
	defer w.close()
	inner, end := context.WithCancel(ctx)
	defer end()
	group, inner := errgroup.WithContext(inner)
	for l, h := range map[net.Listener]http.Handler{w.awsListener: w.aws, w.idpListener: w.idp} {
		group.Go(func() error { return graceful.Serve(inner, l, graceful.Options{Handler: h, Drain: drainTime}) })
	}
	group.Go(func() error {
		if err := w.buildBroker(inner); err != nil {
			return err
		}
		group.Go(func() error { return w.broker.Serve(inner, nil) })
		defer end()
		if err := w.introduce(inner); err != nil {
			return err
		}
		return ready(inner)
	})
	if err := group.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// introduce does what an administrator does once: AWS gets the broker's SAML metadata, the identity provider gets the
// broker as a service provider. It waits until each of the three answers.
func (w *world) introduce(ctx context.Context) error {
	for _, url := range []string{w.urls.Broker + "/readyz", w.urls.AWS + "/healthz", w.urls.IdP + "/saml/metadata"} {
		if _, err := get(ctx, url); err != nil {
			return err
		}
	}
	metadata, err := get(ctx, w.urls.Broker+"/issuer/saml/metadata")
	if err != nil {
		return err
	}
	if _, err := w.aws.PutSAMLProvider(prodAccount, providerName, metadata); err != nil {
		return fmt.Errorf("give AWS the broker's metadata: %w", err)
	}
	if metadata, err = get(ctx, w.urls.Broker+"/saml/dev/metadata"); err != nil {
		return err
	}
	party, err := devidp.ParseServiceProvider(metadata)
	if err != nil {
		return fmt.Errorf("read the broker's service provider metadata: %w", err)
	}
	return w.idp.AddServiceProvider(party)
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return body, err
}

// listenFrom listens on loopback at the first free port from port on.
func listenFrom(ctx context.Context, port int) (net.Listener, error) {
	const tries = 50
	var lc net.ListenConfig
	for p := port; p < port+tries*10; p += 10 { // the three parties' ports are neighbours
		if l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p))); err == nil {
			return l, nil
		}
	}
	return lc.Listen(ctx, "tcp", "127.0.0.1:0")
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
