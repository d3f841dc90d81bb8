package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/audit"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/broker/telemetry"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// resources outlive a reload.
type resources struct {
	store     *store.Sealed
	audit     *audit.Log
	strangers *audit.Strangers
	jwtKeys   *issuer.Keyring
	samlKeys  *issuer.Keyring
	metrics   *telemetry.Metrics
	cacheKey  []byte
	sp        spKey
}

func openResources(ctx context.Context, f *configs.File, o Options) (r *resources, err error) {
	r = &resources{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	for _, step := range []func(context.Context, *configs.File, Options) error{
		r.openStore, r.openAudit, r.openKeys, r.openMetrics,
	} {
		if err := step(ctx, f, o); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *resources) openStore(ctx context.Context, f *configs.File, o Options) (err error) {
	c := store.Config{Clock: o.Clock, Rand: o.Rand}
	if redis := f.Store.Redis; redis != nil {
		c.Redis = &store.RedisOptions{
			URL: redis.URL.Text(), Username: redis.Username, Password: redis.Password.Text(), Prefix: redis.Prefix,
			CA: redis.CA.Text().Reveal(), Logger: o.Logger,
		}
	}
	if ring := f.Keys.Sealing; ring != nil {
		keys := map[string]secret.Text{}
		for name, key := range ring.Ring {
			keys[name] = key.Text()
		}
		if c.Keyring, err = store.NewKeyring(ring.Active, keys); err != nil {
			return fmt.Errorf("keys.sealing: %w", err)
		}
	}
	r.store, err = store.Open(ctx, c)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

func (r *resources) openAudit(_ context.Context, f *configs.File, o Options) (err error) {
	options := audit.Options{Clock: o.Clock, Path: string(f.Audit.File)}
	if options.Path == "" {
		options.Writer = o.AuditWriter
	}
	if r.audit, err = audit.Open(options); err != nil {
		return err
	}
	r.strangers, err = audit.NewStrangers(audit.StrangersOptions{Auditor: r.audit, Clock: o.Clock, Rand: o.Rand})
	return err
}

func (r *resources) openKeys(ctx context.Context, f *configs.File, o Options) (err error) {
	jwt := issuer.KeyringOptions{Purpose: issuer.PurposeJWT, Store: r.store, Clock: o.Clock, Rand: o.Rand}
	if f.Issuer.SigningKey.Given() {
		jwt.PEM = []secret.Text{f.Issuer.SigningKey.Text()}
	}
	if r.jwtKeys, err = issuer.NewKeyring(jwt); err != nil {
		return fmt.Errorf("issuer.signing_key: %w", err)
	}
	saml := issuer.KeyringOptions{Purpose: issuer.PurposeSAML, Store: r.store, Clock: o.Clock, Rand: o.Rand}
	if f.Issuer.SAMLKey.Given() {
		saml.PEM = []secret.Text{secret.New(f.Issuer.SAMLKey.Text().Reveal() + "\n" + f.Issuer.SAMLCertificate.Text().Reveal())}
	}
	if r.samlKeys, err = issuer.NewKeyring(saml); err != nil {
		return fmt.Errorf("issuer.saml_key: %w", err)
	}
	for _, ring := range []*issuer.Keyring{r.jwtKeys, r.samlKeys} {
		if err := ring.Load(ctx); err != nil {
			return fmt.Errorf("signing keys: %w", err)
		}
	}
	r.cacheKey, err = shared(ctx, r.store, "cache-key", func() ([]byte, error) {
		key := make([]byte, 32)
		_, err := io.ReadFull(o.Rand, key)
		return key, err
	})
	if err != nil {
		return err
	}
	r.sp, err = sharedSPKey(ctx, r.store, o.Clock(), o.Rand)
	return err
}

func (r *resources) openMetrics(_ context.Context, _ *configs.File, o Options) (err error) {
	r.metrics, err = telemetry.New(telemetry.Options{Version: o.Version, Clock: o.Clock})
	return err
}

// shared returns what is stored under a name, making it first where no node has: of several that start at once one
// wins, and all use its value.
func shared(ctx context.Context, s broker.Store, name string, make func() ([]byte, error)) ([]byte, error) {
	found, err := s.Do(ctx, broker.Op{Kind: broker.OpGet, Key: name})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if found[0].Found {
		return found[0].Value, nil
	}
	value, err := make()
	if err != nil {
		return nil, fmt.Errorf("make %s: %w", name, err)
	}
	found, err = s.Do(ctx, broker.Op{Kind: broker.OpAdd, Key: name, Value: value, TTL: broker.Forever})
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", name, err)
	}
	if found[0].Found {
		return found[0].Value, nil
	}
	return value, nil
}

// close ends everything in the order in which it depends on each other.
func (r *resources) close() error {
	var errs []error
	if r.strangers != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		errs = append(errs, r.strangers.Flush(ctx))
	}
	if r.audit != nil {
		errs = append(errs, r.audit.Close())
	}
	if r.store != nil {
		errs = append(errs, r.store.Close())
	}
	return errors.Join(errs...)
}

// Options are what the daemon takes from the process; those without a default are required.
type Options struct {
	// Getenv resolves env: references on reload.
	Getenv func(string) (string, bool)
	// Listener, when set, is the public listener instead of server.listen.
	Listener net.Listener
	// Host, when set, is the only Host header that is answered: a page elsewhere cannot reach a broker on loopback by
	// DNS rebinding.
	Host string
	// Version is shown in metrics.
	Version string
	// AuditWriter takes audit records where the configuration names no file.
	AuditWriter io.Writer
	Logger      *slog.Logger
	Clock       func() time.Time
	Rand        io.Reader
	// SessionCookie and LoginCookie rename the cookies; empty means the defaults.
	SessionCookie, LoginCookie string
}
