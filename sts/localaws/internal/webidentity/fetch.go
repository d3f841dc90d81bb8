package webidentity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// Rules for fetching (OIDC fact sheet, section A.3: AWS gives a provider about five seconds).
const (
	fetchTimeout    = 5 * time.Second
	maxDocument     = 1 << 20
	freshFor        = 15 * time.Minute // a set is used without asking again
	usableFor       = 24 * time.Hour   // a set is used while its issuer cannot be reached
	unknownCooldown = 10 * time.Second // between two fetches for an unknown kid
	failedCooldown  = time.Second      // after a fetch that failed
)

// Fetcher gets key sets by discovery and keeps them. Its fields are set once, before use.
type Fetcher struct {
	Client *http.Client
	Clock  func() time.Time
	// Insecure takes http key set URLs on loopback hosts.
	Insecure bool

	mu      sync.Mutex
	issuers map[string]*issuerKeys
}

// issuerKeys is what is known about one issuer. Its lock is held while fetching, so that concurrent misses fetch once.
type issuerKeys struct {
	mu        sync.Mutex
	set       *KeySet
	fetchedAt time.Time // of set
	triedAt   time.Time
	err       error // of the last try
}

func (f *Fetcher) issuer(name string) *issuerKeys {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.issuers == nil {
		f.issuers = map[string]*issuerKeys{}
	}
	k := f.issuers[name]
	if k == nil {
		k = &issuerKeys{}
		f.issuers[name] = k
	}
	return k
}

// keys returns a set of issuer's that, if it can be had, knows kid.
func (f *Fetcher) keys(ctx context.Context, issuer, kid string, hasKid bool) (*KeySet, error) {
	k := f.issuer(issuer)
	k.mu.Lock()
	defer k.mu.Unlock()
	now := f.Clock()
	if !k.due(now, kid, hasKid) {
		return k.held()
	}
	set, err := f.fetch(ctx, issuer)
	k.triedAt, k.err = now, err
	if err == nil {
		k.set, k.fetchedAt = set, now
	} else if now.Sub(k.fetchedAt) > usableFor {
		k.set = nil
	}
	return k.held()
}

// due says whether the issuer is to be asked now.
func (k *issuerKeys) due(now time.Time, kid string, hasKid bool) bool {
	since := now.Sub(k.triedAt)
	if k.err != nil && since < failedCooldown {
		return false
	}
	if k.set == nil || now.Sub(k.fetchedAt) >= freshFor {
		return true
	}
	_, known := k.set.find(kid, hasKid)
	return !known && since >= unknownCooldown
}

func (k *issuerKeys) held() (*KeySet, error) {
	if k.set == nil {
		return nil, k.err
	}
	return k.set, nil
}

func (f *Fetcher) fetch(ctx context.Context, issuer string) (*KeySet, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	document, err := f.get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	discovery, err := parseObject(document)
	if err != nil {
		return nil, noKey(fmt.Errorf("discovery document: %w", err))
	}
	if discovery["issuer"] != issuer {
		return nil, noKey(errors.New("discovery document names another issuer"))
	}
	location, _ := discovery["jwks_uri"].(string)
	if err := f.checkLocation(location); err != nil {
		return nil, noKey(err)
	}
	document, err = f.get(ctx, location)
	if err != nil {
		return nil, err
	}
	set, err := ParseKeySet(document)
	if err != nil {
		return nil, noKey(fmt.Errorf("key set: %w", err))
	}
	return set, nil
}

func (f *Fetcher) checkLocation(location string) error {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("jwks_uri is not a URL")
	}
	if u.Scheme == "https" || f.Insecure && u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return errors.New("jwks_uri is not https")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// get reads one JSON document; it follows no redirect, because an issuer's keys live where its document says.
func (f *Fetcher) get(ctx context.Context, location string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, noKey(err)
	}
	request.Header.Set("Accept", "application/json")
	client := *f.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		return nil, unreachable(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, noKey(fmt.Errorf("%s answered %d", location, response.StatusCode))
	}
	if mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || strings.HasPrefix(mediaType, "text/html") {
		return nil, noKey(fmt.Errorf("%s is not JSON", location))
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil {
		return nil, unreachable(err)
	}
	if len(body) > maxDocument {
		return nil, noKey(fmt.Errorf("%s is larger than %d bytes", location, maxDocument))
	}
	return body, nil
}

// FetchError is an AWS answer with the cause that only the log sees.
type FetchError struct {
	Answer *wire.Error
	Err    error
}

// Error names the cause.
func (e *FetchError) Error() string { return e.Err.Error() }

// Unwrap returns the answer and the cause.
func (e *FetchError) Unwrap() []error { return []error{e.Answer, e.Err} }

func noKey(cause error) error {
	return &FetchError{wire.InvalidIdentityToken("Couldn't retrieve verification key from your identity provider, " +
		"please reference AssumeRoleWithWebIdentity documentation for requirements"), cause}
}

func unreachable(cause error) error {
	return &FetchError{wire.IDPCommunicationError("The identity provider could not be reached to verify the token."), cause}
}
