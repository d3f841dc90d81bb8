package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Credentials are temporary keys of AWS.
type Credentials struct {
	AccessKeyID                string
	SecretAccessKey, Token     secret.Text
	Expiration                 time.Time
	RoleARN, RoleName, Account string
}

// Source fetches new credentials.
type Source func(context.Context) (Credentials, error)

// KeeperOptions are all required.
type KeeperOptions struct {
	Source Source
	Now    func() time.Time
}

// When credentials are fetched anew: botocore asks again once less than 15 minutes are left, so that none of the SDKs is
// ever given some that it would at once ask to replace; of a short life the second half. Expired is said a little early,
// because a request to AWS takes a while.
const (
	refreshBefore = 16 * time.Minute
	grace         = 10 * time.Second
	// retryAfter is how long after a failure the last credentials are served without trying again.
	retryAfter = 15 * time.Second
)

// fetchTimeout bounds one fetch, which goes on when whoever asked has given up: SDKs do so after a second or two, and ask
// again.
const fetchTimeout = 2 * time.Minute

// Keeper holds the credentials of one role and refreshes them as they are asked for. Those who ask at once share one
// fetch.
type Keeper struct {
	o KeeperOptions

	mu      sync.Mutex
	last    Credentials
	fetched time.Time
	failed  time.Time
	flight  *flight // nil: none
}

type flight struct {
	done        chan struct{}
	credentials Credentials
	err         error
}

// NewKeeper makes a keeper that has nothing yet.
func NewKeeper(o KeeperOptions) (*Keeper, error) {
	if o.Source == nil || o.Now == nil {
		return nil, errors.New("agent: Source and Now are required")
	}
	return &Keeper{o: o}, nil
}

// Get returns credentials that are good for a while.
func (k *Keeper) Get(ctx context.Context) (Credentials, error) {
	k.mu.Lock()
	if c, ok := k.held(); ok {
		k.mu.Unlock()
		return c, nil
	}
	f := k.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		k.flight = f
		go k.fetch(context.WithoutCancel(ctx), f)
	}
	k.mu.Unlock()
	select {
	case <-f.done:
		return f.credentials, f.err
	case <-ctx.Done():
		return Credentials{}, ctx.Err()
	}
}

func (k *Keeper) fetch(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	c, err := k.o.Source(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	f.credentials, f.err = k.learn(c, err)
	k.flight = nil
	close(f.done)
}

// held returns what is there when it need not be replaced now. The caller holds the lock.
func (k *Keeper) held() (Credentials, bool) {
	now := k.o.Now()
	left := k.last.Expiration.Sub(now)
	switch {
	case left <= grace:
		return Credentials{}, false
	case !k.failed.IsZero() && now.Sub(k.failed) < retryAfter:
		return k.last, true
	}
	return k.last, left > min(refreshBefore, k.last.Expiration.Sub(k.fetched)/2)
}

// learn takes in what a fetch brought. When it brought nothing, the last credentials serve for as long as they are good.
func (k *Keeper) learn(c Credentials, err error) (Credentials, error) {
	now := k.o.Now()
	if err == nil && c.Expiration.Sub(now) <= grace {
		err = errors.New("the broker gave credentials that have expired; is this machine's clock right?")
	}
	if err == nil {
		k.last, k.fetched, k.failed = c, now, time.Time{}
		return c, nil
	}
	k.failed = now
	if k.last.Expiration.Sub(now) > grace {
		return k.last, nil
	}
	return Credentials{}, err
}
