package clienttest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Keys are what the broker answers for a role.
type Keys struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expiration                                 time.Time
}

// Role is a granted role.
type Role struct{ Name, ARN, AccountID, AccountName string }

// Roles are those that are granted unless a test sets others.
func Roles() []Role {
	return []Role{
		{"dev/reader", "arn:aws:iam::444455556666:role/Reader", "444455556666", "dev"},
		{"prod/admin", "arn:aws:iam::111122223333:role/Admin", "111122223333", "prod"},
		{"prod/deploy", "arn:aws:iam::111122223333:role/ci/Deploy", "111122223333", "prod"},
	}
}

// Broker is the fake. Its fields may be set before it is asked, under Lock afterwards.
type Broker struct {
	URL string
	sync.Mutex

	Roles       []Role
	Now         func() time.Time
	AccessLife  time.Duration // one hour
	KeysLife    time.Duration // one hour
	Pending     int           // polls of a device that are answered by authorization_pending
	SlowDowns   int           // and after them by slow_down
	Interval    int           // of polls, in seconds
	Deny        bool          // the person says no
	DevicePage  string        // where a code is typed; the broker's own when empty
	Problem     map[string]string
	Rotated     func()                          // called before the answer to a refresh is sent
	Source      func(role string) (Keys, error) // of keys; invented ones when nil
	NoSSO       bool                            // no /assignment/accounts
	Unknown     []string                        // requests that nobody serves
	calls       map[string]int
	issued      int
	clients     map[string]string
	codes       map[string]code
	devices     map[string]*device
	access      map[string]access
	refresh     map[string]string // token to family
	spent       map[string]string
	ended       map[string]bool
	LastConsole string
}

type code struct{ client, redirect, challenge string }

type device struct {
	client, user string
	polls        int
}

type access struct {
	family string
	end    time.Time
}

// New starts a broker until the test ends. It fails the test when it was asked what it does not know.
func New(tb testing.TB) *Broker {
	tb.Helper()
	b := Start()
	tb.Cleanup(func() {
		b.Close()
		b.Lock()
		defer b.Unlock()
		for _, call := range b.Unknown {
			tb.Errorf("the broker was asked %s", call)
		}
	})
	return &b.Broker
}

// Server is a running broker.
type Server struct {
	Broker
	http *httptest.Server
}

// Close ends it.
func (s *Server) Close() { s.http.Close() }

// Start starts a broker.
func Start() *Server {
	s := &Server{Broker: Broker{
		Roles: Roles(), Now: time.Now, AccessLife: time.Hour, KeysLife: time.Hour, Interval: 1, Problem: map[string]string{},
		calls: map[string]int{}, clients: map[string]string{}, codes: map[string]code{}, devices: map[string]*device{},
		access: map[string]access{}, refresh: map[string]string{}, spent: map[string]string{}, ended: map[string]bool{},
	}}
	s.http = httptest.NewServer(&s.Broker)
	s.URL = s.http.URL
	return s
}

// Calls is how often a path was asked.
func (b *Broker) Calls(path string) int {
	b.Lock()
	defer b.Unlock()
	return b.calls[path]
}

// Forget makes every access token of now worthless; refresh tokens stay good.
func (b *Broker) Forget() {
	b.Lock()
	defer b.Unlock()
	b.access = map[string]access{}
}

// End ends every login session.
func (b *Broker) End() {
	b.Lock()
	defer b.Unlock()
	for _, family := range b.refresh {
		b.ended[family] = true
	}
	b.access = map[string]access{}
}

// Refresh sets the one refresh token that is good, as if a login had ended with it.
func (b *Broker) Refresh() (client, secret, token string) {
	b.Lock()
	defer b.Unlock()
	client, secret, token = "client", "proof", rand.Text()
	b.clients[client] = secret
	b.refresh[token] = rand.Text()
	return client, secret, token
}

// ServeHTTP is the whole broker.
func (b *Broker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.Lock()
	defer b.Unlock()
	b.calls[r.URL.Path]++
	if code := b.Problem[r.URL.Path]; code != "" {
		problem(w, code)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /client/register":
		b.register(w, r)
	case "POST /device_authorization":
		b.startDevice(w, r)
	case "POST /token":
		b.token(w, r)
	case "GET /authorize":
		b.authorize(w, r)
	case "POST /logout":
		b.logout(w, r)
	case "GET /api/v1/whoami", "GET /api/v1/roles", "POST /api/v1/credentials", "POST /api/v1/console":
		b.api(w, r)
	case "GET /assignment/accounts":
		b.accounts(w, r)
	default:
		b.Unknown = append(b.Unknown, r.Method+" "+r.URL.String())
		http.NotFound(w, r)
	}
}

// statuses are those of design.md section 6.
func statuses() map[string]int {
	return map[string]int{
		"login_required": 401, "invalid_token": 401, "expired_token": 401, "role_not_granted": 403, "mfa_required": 403,
		"not_authorized": 403, "throttled": 429, "invalid_request": 400, "upstream_unavailable": 503, "internal": 500,
	}
}

func problem(w http.ResponseWriter, code string) {
	status := statuses()[code]
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "https://fedbroker.dev/problems/" + code, "title": http.StatusText(status), "status": status,
		"detail": "the broker says " + code, "code": code, "request_id": "req-1",
	})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// bearer finds the session of an access token.
func (b *Broker) bearer(token string) bool {
	a, ok := b.access[token]
	return ok && !b.ended[a.family] && b.Now().Before(a.end)
}

func (b *Broker) keys(role string) (Keys, error) {
	b.issued++
	if b.Source != nil {
		return b.Source(role)
	}
	return Keys{
		fmt.Sprintf("ASIAFAKE%012d", b.issued), fmt.Sprintf("secret+/%d", b.issued), fmt.Sprintf("session/+='%d", b.issued),
		b.Now().Add(b.KeysLife).UTC().Truncate(time.Second),
	}, nil
}
