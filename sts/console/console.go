package console

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// URLLife is how long AWS honours a login URL after its token was made (facts, console section 3).
const URLLife = 15 * time.Minute

// Options describes the sign-in endpoints.
type Options struct {
	// SignIn replaces AWS's sign-in endpoints, for local AWS: a base URL without path, https or http on loopback; the
	// federation endpoint is SignIn + "/federation".
	SignIn string
	// Console replaces AWS's console likewise. Set both or neither.
	Console string
	// HTTPClient makes the call; nil means one with a ten-second limit. Redirects are never followed.
	HTTPClient *http.Client
	Clock      func() time.Time // nil means time.Now
}

// Federation makes sign-in URLs. It is safe for concurrent use.
type Federation struct {
	signIn, console string
	http            *http.Client
	clock           func() time.Time
}

// New checks the options and calls nothing.
func New(o Options) (*Federation, error) {
	o.SignIn, o.Console = strings.TrimSuffix(o.SignIn, "/"), strings.TrimSuffix(o.Console, "/")
	if (o.SignIn == "") != (o.Console == "") {
		return nil, errors.New("console: configure both the sign-in and the console endpoint, or neither")
	}
	for _, endpoint := range []string{o.SignIn, o.Console} {
		if endpoint == "" {
			continue
		}
		if err := checkBase(endpoint); err != nil {
			return nil, err
		}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	client := &http.Client{Timeout: 10 * time.Second}
	if o.HTTPClient != nil {
		*client = *o.HTTPClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Federation{signIn: o.SignIn, console: o.Console, http: client, clock: o.Clock}, nil
}

func checkBase(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return errors.New("console: an endpoint is not a URL with a host")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return fmt.Errorf("console: endpoint %s must be https, or http on loopback", u.Redacted())
	}
	if raw != u.Scheme+"://"+u.Host || u.Host != strings.ToLower(u.Host) {
		return fmt.Errorf("console: endpoint %s must be scheme and host only, in lower case", u.Redacted())
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}

// Request asks for one sign-in URL.
type Request struct {
	Credentials sts.Credentials
	Partition   sts.Partition
	// Region chooses the regional sign-in and console hosts; empty means the partition's global ones.
	Region string
	// Issuer is the page where people sign in again when the console session is over; empty leaves it out.
	Issuer string
	// Page is where in the console to begin.
	Page sts.Page
	// SessionDuration is the length of the console session, 15 m to 12 h; 0 leaves it to AWS.
	SessionDuration time.Duration
	// Chained says that the credentials came from role chaining: AWS then takes no SessionDuration.
	Chained bool
}

// SignIn is one sign-in URL and when it stops working.
type SignIn struct {
	URL     secret.Text
	Expires time.Time
}
