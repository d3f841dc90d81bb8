package broker

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/sts"
)

// Options are everything that the core needs. Fields without a default are required.
type Options struct {
	Policy  Policy
	Roles   []*Role
	Assumer sts.Assumer
	Minter  Minter
	// Subject names an identity towards AWS: {idp id}:{subject}, encoded and bounded.
	Subject func(provider, subject string) string
	SignIn  SignIn
	Store   Store
	Auditor Auditor
	// Strangers takes the refusals of requests that proved nothing, to count them (invariant 10). Default: Auditor.
	Strangers Auditor
	// Observer defaults to one that hears nothing.
	Observer Observer

	// Workload verifies bearer tokens, Direct verifies SAML Responses outside a browser flow. A nil one refuses.
	Workload, Direct idp.Verifier

	// Speaks reports whether a provider of the configuration in force speaks for an issuer. Login sessions outlive
	// configurations: people of a provider that is gone, or that was pointed at another issuer, must sign in again.
	// Nil asks nothing.
	Speaks func(provider, issuer string) bool

	// CacheKey keys the HMAC of cache entries: at least 32 bytes.
	CacheKey []byte
	// Endpoint names the STS endpoint that Assumer calls; it is part of every cache key.
	Endpoint string
	// MinRemaining is the life that cached credentials must still have. Default 15 minutes.
	MinRemaining time.Duration
	// STSRate is how many calls a second one account and region may cost; bursts of twice as many. Default 200.
	STSRate int
	// PrincipalIsSession says that the broker's own AWS principal holds temporary credentials, so that AWS counts
	// AssumeRole by it as chaining.
	PrincipalIsSession bool

	Clock  func() time.Time // default time.Now
	Rand   io.Reader        // default crypto/rand
	Logger *slog.Logger     // default: discards
}

// Broker is the pipeline. Its methods may be called by any number of goroutines.
type Broker struct {
	Options
	roles   map[string]*Role // by alias and by ARN
	flights singleflight.Group
	mu      sync.Mutex
	budgets map[string]*rate.Limiter // by account and region
}

// New checks the options. It starts nothing and calls nobody.
func New(o Options) (*Broker, error) {
	for name, missing := range map[string]bool{
		"Policy": o.Policy == nil, "Assumer": o.Assumer == nil, "Minter": o.Minter == nil, "Subject": o.Subject == nil, "SignIn": o.SignIn == nil,
		"Store": o.Store == nil, "Auditor": o.Auditor == nil, "CacheKey of 32 bytes": len(o.CacheKey) < 32,
	} {
		if missing {
			return nil, fmt.Errorf("broker: %s is missing", name)
		}
	}
	if o.Observer == nil {
		o.Observer = deaf{}
	}
	if o.Strangers == nil {
		o.Strangers = o.Auditor
	}
	if o.MinRemaining == 0 {
		o.MinRemaining = 15 * time.Minute
	}
	if o.STSRate == 0 {
		o.STSRate = 200
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Broker{Options: o, roles: map[string]*Role{}, budgets: map[string]*rate.Limiter{}}
	for _, r := range o.Roles {
		if b.roles[r.Name] != nil || b.roles[string(r.ARN)] != nil {
			return nil, fmt.Errorf("broker: role %s is there twice", r.Name)
		}
		b.roles[r.Name], b.roles[string(r.ARN)] = r, r
	}
	return b, nil
}

const floorKey = "floor"

// Prepare sets the floor: on a store that has never been used, one-use proofs issued before this second ends are refused
// from now on, because nobody remembers whether they were used (invariant 3). It returns when that second is over, so
// that whoever asks a prepared broker to sign them in is not refused for the clock's coarseness. On a store in use it
// changes nothing and returns at once.
func (b *Broker) Prepare(ctx context.Context) error {
	results, err := b.Store.Do(ctx, b.floorOp())
	if err != nil {
		return storeUnavailable(err)
	}
	if results[0].Found {
		return nil
	}
	select {
	case <-time.After(b.nextSecond().Sub(b.Clock())):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// nextSecond is when the running second is over. Proofs say their time of issue in whole seconds, so everything that
// may have been issued before now lies before it.
func (b *Broker) nextSecond() time.Time { return b.Clock().Truncate(time.Second).Add(time.Second) }

func (b *Broker) floorOp() Op {
	value := binary.BigEndian.AppendUint64(nil, uint64(b.nextSecond().Unix()))
	return Op{Kind: OpAdd, Key: floorKey, Value: value, TTL: Forever}
}

// floor reads the answer to floorOp: the second before which one-use proofs are refused. A store without a floor was
// emptied this moment.
func (b *Broker) floor(r Result) time.Time {
	if !r.Found || len(r.Value) != 8 {
		return b.nextSecond()
	}
	return time.Unix(int64(binary.BigEndian.Uint64(r.Value)), 0)
}

func storeUnavailable(err error) *Error {
	return Refuse(CodeStoreUnavailable, "the broker's store cannot be reached; try again", err)
}

// asError makes any error one of the contract's: what is not known is internal.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Refuse(CodeInternal, "something went wrong in the broker", err)
}

// deaf is the observer that hears nothing.
type deaf struct{}

func (deaf) Exchange(sts.Mode, string, bool, time.Duration)      {}
func (deaf) Authentication(idp.ProofKind, string, time.Duration) {}
func (deaf) STSCall(string, string, time.Duration)               {}
