package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/idp"
)

// How long fetched keys are fresh: what Cache-Control says, within these bounds. A key that an issuer withdraws is
// accepted for no longer while the issuer can be reached.
const (
	defaultFresh = 15 * time.Minute
	minFresh     = 5 * time.Minute
	maxFresh     = time.Hour
	// fetchTimeout bounds discovery and keys together, whatever the fetcher does.
	fetchTimeout = 30 * time.Second
	// Unknown key ids are remembered for two pauses, so many of them.
	maxUnknown = 256
)

// keySource holds the keys of one issuer and decides when to fetch them. Three ages: fresh keys serve; keys past
// that serve while one fetch runs in the background; keys twice as old wait for a fetch, and serve all the same when
// it fails, until StaleFor.
type keySource struct {
	issuer     string
	fetch      fetcher
	staleFor   time.Duration
	minRefetch time.Duration
	clock      func() time.Time
	log        *slog.Logger
	pinned     keySet // from JWKSFile: nothing is ever fetched

	mu          sync.Mutex
	keys        keySet
	fetched     time.Time
	fresh       time.Duration
	attempted   time.Time
	failure     error // of the last attempt
	unknown     map[string]time.Time
	inFlight    chan struct{} // closed when the running fetch has ended; nil: none runs
	everFetched bool
}

func newKeySource(o Options) (*keySource, error) {
	s := &keySource{
		issuer: o.Issuer, fetch: o.Fetch, staleFor: o.StaleFor, minRefetch: o.MinRefetch,
		clock: o.Clock, log: o.Logger, unknown: make(map[string]time.Time),
	}
	if o.JWKSFile == nil {
		return s, nil
	}
	keys, left, err := parseJWKS(o.JWKSFile)
	if err != nil {
		return nil, err
	}
	s.logLeftOut(left)
	s.pinned = keys
	return s, nil
}

// sameAs reports whether two sources would fetch the same keys in the same way.
func (s *keySource) sameAs(other *keySource) bool {
	return s.pinned == nil && other.pinned == nil && s.issuer == other.issuer && s.fetch == other.fetch &&
		s.staleFor == other.staleFor && s.minRefetch == other.minRefetch
}

// candidates returns the keys that may verify a token with this kid and alg, fetching where that is due.
func (s *keySource) candidates(ctx context.Context, kid, alg string) ([]publicKey, error) {
	if s.pinned != nil {
		return pick(s.pinned, kid, alg)
	}
	keys, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	if !keys.has(kid) {
		if keys, err = s.lookAgain(ctx, kid); err != nil {
			return nil, err
		}
	}
	return pick(keys, kid, alg)
}

func pick(keys keySet, kid, alg string) ([]publicKey, error) {
	fitting := keys.find(kid, alg)
	if len(fitting) == 0 {
		return nil, invalid("no key of the issuer fits the token")
	}
	return fitting, nil
}

// current returns keys that are young enough, as the type's comment says.
func (s *keySource) current(ctx context.Context) (keySet, error) {
	s.mu.Lock()
	age := s.clock().Sub(s.fetched)
	switch {
	case !s.everFetched || age >= 2*s.fresh:
		wait := s.startLocked()
		s.mu.Unlock()
		if err := await(ctx, wait); err != nil {
			return nil, err
		}
		s.mu.Lock()
	case age >= s.fresh:
		s.startLocked()
	}
	defer s.mu.Unlock()
	return s.usableLocked()
}

func (s *keySource) usableLocked() (keySet, error) {
	if !s.everFetched || s.clock().Sub(s.fetched) > s.staleFor {
		return nil, unavailable(s.failure)
	}
	return s.keys, nil
}

// lookAgain is for a key id that the keys at hand do not have: one fetch, unless the id was looked for lately or the
// last attempt is too recent.
func (s *keySource) lookAgain(ctx context.Context, kid string) (keySet, error) {
	s.mu.Lock()
	if s.clock().Before(s.unknown[kid]) {
		defer s.mu.Unlock()
		return s.usableLocked()
	}
	wait := s.startLocked()
	s.mu.Unlock()
	if err := await(ctx, wait); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return nil, unavailable(s.failure) // the id may well be known by now: we cannot tell
	}
	if wait != nil && !s.keys.has(kid) {
		s.rememberLocked(kid)
	}
	return s.usableLocked()
}

// rememberLocked notes a key id that a fetch did not bring. When full it forgets what is over; the pause between
// attempts holds in any case.
func (s *keySource) rememberLocked(kid string) {
	now := s.clock()
	if len(s.unknown) >= maxUnknown {
		for k, until := range s.unknown {
			if !now.Before(until) {
				delete(s.unknown, k)
			}
		}
	}
	if len(s.unknown) < maxUnknown {
		s.unknown[kid] = now.Add(2 * s.minRefetch)
	}
}

// startLocked joins the running fetch, or starts one if the pause since the last attempt is over; nil when there is
// nothing to wait for. The fetch belongs to nobody's request: whoever started it may leave.
func (s *keySource) startLocked() <-chan struct{} {
	if s.inFlight != nil {
		return s.inFlight
	}
	now := s.clock()
	if !s.attempted.IsZero() && now.Sub(s.attempted) < s.minRefetch {
		return nil
	}
	done := make(chan struct{})
	s.attempted, s.inFlight = now, done
	go s.run(done)
	return done
}

func await(ctx context.Context, done <-chan struct{}) error {
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}

// run is one fetch, from start to waking everyone.
func (s *keySource) run(done chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	keys, fresh, err := s.load(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(done)
	s.inFlight, s.attempted, s.failure = nil, s.clock(), err
	if err != nil {
		s.log.Warn("fetching the keys of an issuer", "issuer", s.issuer, "error", err)
		return
	}
	s.keys, s.fetched, s.fresh, s.everFetched = keys, s.attempted, fresh, true
}

// load reads the discovery document and the key set that it names. It runs on a goroutine of its own, where nobody
// else would stop a panic over a hostile document.
func (s *keySource) load(ctx context.Context) (keys keySet, fresh time.Duration, err error) {
	defer func() {
		if p := recover(); p != nil {
			keys, err = nil, fmt.Errorf("reading keys: panic: %v", p)
		}
	}()
	meta, err := discover(ctx, s.fetch, s.issuer)
	if err != nil {
		return nil, 0, err
	}
	doc, header, err := s.fetch.Get(ctx, meta.JWKSURL)
	if err != nil {
		return nil, 0, err
	}
	keys, left, err := parseJWKS(doc)
	if err != nil {
		return nil, 0, err
	}
	s.logLeftOut(left)
	return keys, freshness(header), nil
}

// logLeftOut tells of keys that are no use to us. Many issuers publish some, for encryption say: no cause for alarm.
func (s *keySource) logLeftOut(reasons []error) {
	if len(reasons) > 0 {
		s.log.Debug("keys of an issuer are left out", "issuer", s.issuer, "reasons", errors.Join(reasons...))
	}
}

// freshness reads max-age (RFC 9111 section 5.2.2.1) within our bounds.
func freshness(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(directive)), "max-age=")
		if !ok {
			continue
		}
		if sec, err := strconv.ParseUint(value, 10, 31); err == nil {
			return min(max(time.Duration(sec)*time.Second, minFresh), maxFresh)
		}
	}
	return defaultFresh
}

func unavailable(err error) error {
	return idp.Refuse(idp.KindUnavailable, "the keys of the token's issuer cannot be reached", err)
}
