package aws

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/fedbroker/fedbroker/sts"
)

// Assumer calls STS. It is safe for concurrent use and keeps its connections; make one per process.
type Assumer struct {
	opts    Options
	http    *http.Client
	own     awssdk.CredentialsProvider
	mu      sync.Mutex
	clients map[string]*stssdk.Client // by region
}

var _ sts.Assumer = (*Assumer)(nil)

// New checks the options. It calls nothing and looks for no credentials.
func New(o Options) (*Assumer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Assumer{
		opts: o, http: newHTTPClient(o.Transport, o.Timeout), own: ownPrincipal(o.Principal),
		clients: make(map[string]*stssdk.Client),
	}, nil
}

func ownPrincipal(p Principal) awssdk.CredentialsProvider {
	if p.zero() {
		return awssdk.NewCredentialsCache(new(defaultChain))
	}
	return credentials.NewStaticCredentialsProvider(p.AccessKeyID, p.SecretAccessKey.Reveal(), p.SessionToken.Reveal())
}

// defaultChain finds the SDK's default credentials when they are first asked for.
type defaultChain struct {
	mu    sync.Mutex
	chain awssdk.CredentialsProvider
}

// credentialsError says that the broker found no credentials of its own, as opposed to no answer from STS.
type credentialsError struct{ err error }

// Error implements error.
func (e *credentialsError) Error() string {
	return "the broker's own AWS credentials: " + e.err.Error()
}

// Unwrap returns the chain's error.
func (e *credentialsError) Unwrap() error { return e.err }

// Retrieve implements the SDK's port.
func (d *defaultChain) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	chain, err := d.load(ctx)
	if err != nil {
		return awssdk.Credentials{}, &credentialsError{err}
	}
	found, err := chain.Retrieve(ctx)
	if err != nil {
		return awssdk.Credentials{}, &credentialsError{err}
	}
	return found, nil
}

func (d *defaultChain) load(ctx context.Context) (awssdk.CredentialsProvider, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.chain != nil {
		return d.chain, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, err
	}
	d.chain = cfg.Credentials
	return d.chain, nil
}

// client returns the region's one client. It is built from Options alone: sts.New, unlike NewFromConfig, reads neither
// AWS_ENDPOINT_URL nor the shared configuration file. Its own credentials are anonymous; a signed call brings its own.
func (a *Assumer) client(region string) *stssdk.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.clients[region]; ok {
		return c
	}
	o := stssdk.Options{
		Region: region, HTTPClient: a.http, Credentials: awssdk.AnonymousCredentials{},
		Logger: logging.Nop{}, Retryer: newRetryer(a.opts.Attempts),
	}
	if a.opts.Endpoint != "" {
		o.BaseEndpoint = awssdk.String(a.opts.Endpoint)
	}
	c := stssdk.New(o)
	a.clients[region] = c
	return c
}

// newRetryer repeats what a second try may cure: a broken connection and a 5xx. Throttling is left to the pipeline;
// three attempts of everybody would make a storm of it (performance.md, trap 9).
func newRetryer(attempts int) awssdk.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts
		o.MaxBackoff = 500 * time.Millisecond
		o.Retryables = []retry.IsErrorRetryable{
			retry.NoRetryCanceledError{},
			retry.RetryableConnectionError{},
			retry.RetryableHTTPStatusCode{Codes: retry.DefaultRetryableHTTPStatusCodes},
		}
	})
}

// AWS's region names: letters, a direction, a number.
var regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)

// partition tells a region's partition; empty for one whose partition the broker does not know.
func partition(region string) sts.Partition {
	if !regionPattern.MatchString(region) {
		return ""
	}
	switch {
	case strings.HasPrefix(region, "cn-"):
		return sts.PartitionChina
	case strings.HasPrefix(region, "us-gov-"):
		return sts.PartitionGov
	case strings.HasPrefix(region, "us-iso"), strings.HasPrefix(region, "eu-iso"), strings.HasPrefix(region, "eusc-"):
		return ""
	}
	return sts.PartitionAWS
}
