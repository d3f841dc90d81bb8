package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/audit"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/broker/telemetry"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/internal/web"
)

// What one address may begin, or have read, before anybody is known: a begun login takes room in the store for ten
// minutes, a SAML Response a millisecond. Far above what a company behind one address needs on a Monday morning.
const (
	anybodyPerSecond = 500
	anybodyAtOnce    = 2000
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
	clientKey []byte // seals registrations of command lines
	sp        spKey
	clients   *clients
	anybody   *web.Throttle // one for every door that reads before it knows whom: a reload does not refill it
	// life ends when everything is closed: what runs in the background ends with it.
	life context.Context
	end  context.CancelFunc
}

func openResources(ctx context.Context, f *configs.File, o Options) (r *resources, err error) {
	r = &resources{clients: newClients(o.Version), anybody: web.NewThrottle(anybodyPerSecond, anybodyAtOnce, o.Clock)}
	r.life, r.end = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
			r = nil
		}
	}()
	for _, step := range []func(context.Context, *configs.File, Options) error{
		r.openStore, r.openAudit, r.openKeys, r.openMetrics,
	} {
		if err := step(ctx, f, o); err != nil {
			return r, err
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
		return fmt.Errorf("store: %w; see what store.redis says, and whether that server runs", err)
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
	if r.jwtKeys, err = jwtKeys(f, r.store, o); err != nil {
		return problemAt(f, "issuer.signing_key", err)
	}
	if r.samlKeys, err = samlKeys(f, r.store, o); err != nil {
		return problemAt(f, "issuer.saml_key", err)
	}
	for _, ring := range []*issuer.Keyring{r.jwtKeys, r.samlKeys} {
		if err := ring.Load(ctx); err != nil {
			return fmt.Errorf("signing keys: %w", err)
		}
	}
	random := func() ([]byte, error) {
		key := make([]byte, 32)
		_, err := io.ReadFull(o.Rand, key)
		return key, err
	}
	if r.cacheKey, err = shared(ctx, r.store, "cache-key", random); err != nil {
		return err
	}
	if r.clientKey, err = shared(ctx, r.store, "oauth-client-key", random); err != nil {
		return err
	}
	r.sp, err = sharedSPKey(ctx, r.store, o.Clock(), o.Rand)
	return err
}

// jwtKeys and samlKeys are the issuer's: those of the file or, where it has none, those of the store.
func jwtKeys(f *configs.File, s broker.Store, o Options) (*issuer.Keyring, error) {
	k := issuer.KeyringOptions{Purpose: issuer.PurposeJWT, Store: s, Clock: o.Clock, Rand: o.Rand, Logger: o.Logger}
	if f.Issuer.SigningKey.Given() {
		k.PEM = []secret.Text{f.Issuer.SigningKey.Text()}
	}
	return issuer.NewKeyring(k)
}

func samlKeys(f *configs.File, s broker.Store, o Options) (*issuer.Keyring, error) {
	k := issuer.KeyringOptions{Purpose: issuer.PurposeSAML, Store: s, Clock: o.Clock, Rand: o.Rand, Logger: o.Logger}
	if f.Issuer.SAMLKey.Given() {
		k.PEM = []secret.Text{secret.New(f.Issuer.SAMLKey.Text().Reveal() + "\n" + f.Issuer.SAMLCertificate.Text().Reveal())}
	}
	return issuer.NewKeyring(k)
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
	r.end()
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
