package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// Defaults of [RedisOptions].
const (
	DefaultPrefix  = "fed:"
	DefaultTimeout = time.Second
)

var prefixForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// RedisOptions says how to reach one Redis server, version 7 or later.
type RedisOptions struct {
	// URL is redis://[user[:password]@]host[:port][/db] or rediss:// for TLS, without a query. Required.
	URL secret.Text
	// Username and Password, when set, stand in for those of the URL: an ACL user that needs no more than
	// +ping +get +set +del +getdel +info +config|get on its prefix.
	Username string
	Password secret.Text
	// Prefix comes before every name; "fed:" when empty.
	Prefix string
	// CA is PEM certificates to trust instead of the system's; Certificate and Key are the PEM client pair. rediss
	// only.
	CA          string
	Certificate string
	Key         secret.Text
	// Timeout bounds dialling, each read, each write and waiting for a connection; one second when zero.
	Timeout time.Duration
	// PoolSize is the most connections kept; zero means ten for each CPU.
	PoolSize int
	// Logger hears of what is unwise but allowed, and when the server is lost and back. Required.
	Logger *slog.Logger
	// Clock paces what is logged; nil means time.Now.
	Clock func() time.Time
}

// Redis is a connection pool to one server. By itself it is no broker.Store: hand it to [NewSealed]. Nothing is
// retried (see the package comment).
type Redis struct {
	client *redis.Client
	prefix string
	link   link
}

var _ Raw = (*Redis)(nil)

// NewRedis connects and checks the server: that it answers, does what is needed under the given prefix and user, and
// evicts nothing. It warns where the eviction policy cannot be read and where traffic is not encrypted. The first call
// silences go-redis for the whole process (see quiet).
func NewRedis(ctx context.Context, o RedisOptions) (*Redis, error) {
	if o.Logger == nil {
		return nil, errors.New("redis store: Logger is required")
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if !prefixForm.MatchString(o.Prefix) {
		return nil, fmt.Errorf("redis prefix %q: want 1 to 64 of A-Z a-z 0-9 . _ : -", o.Prefix)
	}
	options, err := o.client()
	if err != nil {
		return nil, err
	}
	quiet()
	r := &Redis{client: redis.NewClient(options), prefix: o.Prefix, link: link{log: o.Logger, clock: o.Clock, server: options.Addr}}
	if err := r.check(ctx, o.Logger); err != nil {
		return nil, errors.Join(err, r.client.Close())
	}
	return r, nil
}

// Close ends the connections.
func (r *Redis) Close() error { return r.client.Close() }

func (r *Redis) do(ctx context.Context, ops []broker.Op) ([]broker.Result, error) {
	results, err := r.batch(ctx, ops)
	if err == nil {
		r.link.up()
	} else if ctx.Err() == nil { // a caller that gave up says nothing about the server
		r.link.down(err)
	}
	return results, err
}

// batch sends the operations as one pipeline and reads every answer before it believes any.
func (r *Redis) batch(ctx context.Context, ops []broker.Op) ([]broker.Result, error) {
	if len(ops) == 0 {
		return nil, unavailable(r.client.Ping(ctx).Err())
	}
	cmds := make([]redis.Cmder, len(ops))
	for i := range ops {
		cmds[i] = r.command(ctx, &ops[i])
	}
	pipe := r.client.Pipeline()
	if err := pipe.BatchProcess(ctx, cmds...); err != nil {
		return nil, unavailable(err)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, unavailable(err)
	}
	results := make([]broker.Result, len(ops))
	for i, cmd := range cmds {
		var err error
		if results[i], err = answer(ops[i].Kind, cmd); err != nil {
			return nil, unavailable(err)
		}
	}
	return results, nil
}

func (r *Redis) command(ctx context.Context, op *broker.Op) redis.Cmder {
	key := r.prefix + op.Key
	switch op.Kind {
	case broker.OpSet:
		return redis.NewStringCmd(ctx, withTTL(op.TTL, "set", key, op.Value)...)
	case broker.OpAdd:
		return redis.NewStringCmd(ctx, withTTL(op.TTL, "set", key, op.Value, "nx", "get")...)
	case broker.OpDelete:
		return redis.NewIntCmd(ctx, "del", key)
	case broker.OpTake:
		return redis.NewStringCmd(ctx, "getdel", key)
	default:
		return redis.NewStringCmd(ctx, "get", key)
	}
}

// withTTL rounds up: an entry may live a fraction of a millisecond longer, never shorter.
func withTTL(ttl time.Duration, args ...any) []any {
	if ttl == broker.Forever {
		return args
	}
	ms := ttl / time.Millisecond
	if ttl%time.Millisecond != 0 {
		ms++
	}
	return append(args, "px", strconv.FormatInt(int64(ms), 10))
}

func answer(kind broker.OpKind, cmd redis.Cmder) (broker.Result, error) {
	err := cmd.Err()
	if errors.Is(err, redis.Nil) && kind != broker.OpSet {
		return broker.Result{}, nil
	}
	if err != nil {
		return broker.Result{}, err
	}
	switch c := cmd.(type) {
	case *redis.IntCmd:
		return broker.Result{Found: c.Val() > 0}, nil
	case *redis.StringCmd:
		if kind == broker.OpSet {
			return broker.Result{}, nil
		}
		value, err := c.Bytes()
		return broker.Result{Found: true, Value: value}, err
	}
	return broker.Result{}, fmt.Errorf("unexpected answer %T", cmd)
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	if strings.HasPrefix(err.Error(), "redis: ") { // go-redis says so itself, of its own errors only
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: redis: %w", ErrUnavailable, err)
}

func (o *RedisOptions) client() (*redis.Options, error) {
	u, err := url.Parse(o.URL.Reveal())
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "redis" && u.Scheme != "rediss") {
		// url.Parse quotes its input, and the input may hold a password.
		return nil, errors.New("redis url: want redis://host:port/db or rediss://host:port/db, without a query")
	}
	c, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, errors.New("redis url: the database must be a number")
	}
	if o.Username != "" {
		c.Username = o.Username
	}
	if !o.Password.Empty() {
		c.Password = o.Password.Reveal()
	}
	if err := o.secure(c); err != nil {
		return nil, err
	}
	o.bound(c)
	return c, nil
}

// bound sets times and sizes. A retry could repeat a batch whose first run took effect, so there are none.
func (o *RedisOptions) bound(c *redis.Options) {
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolTimeout = timeout, timeout, timeout, timeout
	c.ContextTimeoutEnabled = true
	c.MaxRetries = -1
	c.DialerRetries = 1
	c.PoolSize = o.PoolSize
	c.PipelinePoolSize = -1 // everything here is a pipeline: one pool is enough
	c.Protocol = 2          // nothing here needs push messages, and an ACL user needs fewer commands
	c.DisableIdentity = true
	c.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

func (o *RedisOptions) secure(c *redis.Options) error {
	if c.TLSConfig == nil {
		if o.CA != "" || o.Certificate != "" || !o.Key.Empty() {
			return errors.New("redis: certificates are set but the url is not rediss://")
		}
		return nil
	}
	c.TLSConfig.MinVersion = tls.VersionTLS12
	if o.CA != "" {
		c.TLSConfig.RootCAs = x509.NewCertPool()
		if !c.TLSConfig.RootCAs.AppendCertsFromPEM([]byte(o.CA)) {
			return errors.New("redis: no certificate in the CA file")
		}
	}
	if o.Certificate == "" && o.Key.Empty() {
		return nil
	}
	pair, err := tls.X509KeyPair([]byte(o.Certificate), []byte(o.Key.Reveal()))
	if err != nil {
		return fmt.Errorf("redis: client certificate: %w", err)
	}
	c.TLSConfig.Certificates = []tls.Certificate{pair}
	return nil
}
