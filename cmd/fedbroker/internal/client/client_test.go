package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client"
	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/client/clienttest"
)

// ring is a system's keyring in memory; broken makes it refuse.
type ring struct {
	mu     sync.Mutex
	values map[string]string
	broken bool
}

func (r *ring) Get(service, user string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[service+" "+user]
	if !ok || r.broken {
		return "", keyring.ErrNotFound
	}
	return v, nil
}

func (r *ring) Set(service, user, password string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken {
		return keyring.ErrSetDataTooBig
	}
	r.values[service+" "+user] = password
	return nil
}

func (r *ring) Delete(service, user string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.values[service+" "+user] == "" {
		return keyring.ErrNotFound
	}
	delete(r.values, service+" "+user)
	return nil
}

// seat is one person at one machine.
type seat struct {
	t      *testing.T
	broker *clienttest.Broker
	home   client.Home
	ring   client.Keyring
	mu     sync.Mutex
	ahead  time.Duration
	waited []time.Duration
}

func newSeat(t *testing.T) *seat {
	t.Helper()
	return &seat{t: t, broker: clienttest.New(t), home: client.Home{Dir: filepath.Join(t.TempDir(), "fedbroker")}}
}

func (s *seat) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

func (s *seat) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// client is one command.
func (s *seat) client() *client.Client {
	s.t.Helper()
	c, err := client.New(client.Options{Broker: s.broker.URL, Home: s.home, Keyring: s.ring, Now: s.now, Name: "test on host"})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// after is a clock that runs as fast as it is asked.
func (s *seat) after(d time.Duration) <-chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waited = append(s.waited, d)
	s.ahead += d
	c := make(chan time.Time, 1)
	c <- time.Time{}
	return c
}

// browse is a person's browser: it follows redirects and keeps nothing.
func browse(url string) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (s *seat) options() client.LoginOptions {
	return client.LoginOptions{Show: browse, ShowDevice: func(client.DevicePrompt) error { return nil }, After: s.after}
}

func (s *seat) login() *client.Client {
	s.t.Helper()
	c := s.client()
	if err := c.Login(s.t.Context(), s.options()); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func TestParallelCommandsRefreshOnce(t *testing.T) {
	s := newSeat(t)
	s.login()
	before := s.broker.Calls("/token")
	s.later(2 * time.Hour) // the access token is over, by this machine's clock
	s.broker.Forget()
	var all sync.WaitGroup
	for range 24 {
		c := s.client() // as another process: they share the files only
		all.Go(func() {
			if _, err := c.Whoami(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.broker.Calls("/token") - before; n != 1 {
		t.Errorf("%d refreshes: the broker takes each refresh token once", n)
	}
}

func TestATokenThatTheBrokerForgotIsReplacedOnceByAll(t *testing.T) {
	s := newSeat(t)
	s.login()
	before := s.broker.Calls("/token")
	s.broker.Forget()
	var all sync.WaitGroup
	for range 12 {
		c := s.client()
		all.Go(func() {
			if _, err := c.Whoami(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.broker.Calls("/token") - before; n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

// TestCtrlCLosesNoSuccessor: the refresh token was used up when the person interrupts; its successor must be kept.
func TestCtrlCLosesNoSuccessor(t *testing.T) {
	s := newSeat(t)
	s.login()
	s.later(2 * time.Hour)
	s.broker.Forget()
	ctx, cancel := context.WithCancel(t.Context())
	s.broker.Lock()
	s.broker.Rotated = cancel
	s.broker.Unlock()
	if _, err := s.client().Whoami(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := s.client().Whoami(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestASecondLoginEndsTheFirst(t *testing.T) {
	s := newSeat(t)
	for want := range 3 {
		s.login()
		if got := s.broker.Calls("/logout"); got != want {
			t.Errorf("after login %d: %d sessions were ended", want+1, got)
		}
	}
}

func TestAnEndedSessionIsForgotten(t *testing.T) {
	s := newSeat(t)
	c := s.login()
	s.broker.End()
	_, err := c.Whoami(t.Context())
	if !errors.Is(err, client.ErrLogin) || !strings.Contains(err.Error(), `has ended; run "fedbroker login"`) {
		t.Fatalf("got %v", err)
	}
	calls := s.broker.Calls("/token")
	if _, err := s.client().Whoami(t.Context()); !errors.Is(err, client.ErrLogin) {
		t.Fatalf("got %v", err)
	}
	if s.broker.Calls("/token") != calls {
		t.Error("a token that is of no use was sent again")
	}
}

func TestABrokerThatIsAwayEndsNoSession(t *testing.T) {
	s := newSeat(t)
	s.login()
	s.later(2 * time.Hour)
	s.broker.Lock()
	s.broker.Problem["/token"] = "internal"
	s.broker.Unlock()
	if _, err := s.client().Whoami(t.Context()); err == nil || errors.Is(err, client.ErrLogin) {
		t.Fatalf("got %v", err)
	}
	s.broker.Lock()
	delete(s.broker.Problem, "/token")
	s.broker.Unlock()
	if _, err := s.client().Whoami(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestTokensRestInTheKeyring(t *testing.T) {
	s := newSeat(t)
	r := &ring{values: map[string]string{}}
	s.ring = r
	s.login()
	if files := s.tokenFiles(); len(files) != 0 || len(r.values) != 1 {
		t.Errorf("files %v, keyring has %d", files, len(r.values))
	}
	if _, err := s.client().Whoami(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.client().Logout(t.Context()); err != nil || len(r.values) != 0 {
		t.Errorf("%v, keyring has %d", err, len(r.values))
	}
}

func TestAKeyringThatRefusesLeavesAFile(t *testing.T) {
	s := newSeat(t)
	r := &ring{values: map[string]string{}}
	s.ring = r
	s.login()
	old := r.values["fedbroker "+s.broker.URL]
	r.broken = true
	s.login()
	files := s.tokenFiles()
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	r.broken = false
	if r.values["fedbroker "+s.broker.URL] == old {
		t.Error("tokens that were replaced are still in the keyring, and would be read first")
	}
	if _, err := s.client().Whoami(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAFileIsLeftBehindByNoKeyring(t *testing.T) {
	s := newSeat(t)
	s.login()
	if len(s.tokenFiles()) != 1 {
		t.Fatal("there is no file without a keyring")
	}
	s.ring = &ring{values: map[string]string{}}
	if _, err := s.client().Whoami(t.Context()); err != nil { // the file is found beside an empty keyring
		t.Error(err)
	}
	s.login()
	if files := s.tokenFiles(); len(files) != 0 {
		t.Errorf("tokens are in the keyring, and still in %v", files)
	}
}

func (s *seat) tokenFiles() []string {
	files, err := filepath.Glob(filepath.Join(s.home.Dir, "brokers", "*", "tokens.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	return files
}

func TestNothingReadableByOthersIsKept(t *testing.T) {
	s := newSeat(t)
	c := s.login()
	if _, err := c.Roles(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Credentials(t.Context(), client.Want{Role: "prod/deploy"}); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(s.home.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		if err == nil && d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil || strings.Contains(string(b), "ASIAFAKE") {
				t.Errorf("%s holds a key, or %v", path, err)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestBrokenFilesMeanSignInAgain(t *testing.T) {
	s := newSeat(t)
	s.login()
	for _, content := range []string{"", "{", "null", "[]", `{"client_id": "x"}`, "\x00"} {
		if err := os.WriteFile(s.tokenFiles()[0], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.client().Whoami(t.Context()); !errors.Is(err, client.ErrLogin) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestLogoutForgetsWhateverTheBrokerSays(t *testing.T) {
	s := newSeat(t)
	s.login()
	s.broker.Lock()
	s.broker.Problem["/logout"] = "internal"
	s.broker.Unlock()
	if err := s.client().Logout(t.Context()); err == nil {
		t.Error("the person is not told that the session lives on")
	}
	if len(s.tokenFiles()) != 0 {
		t.Error("tokens are still there")
	}
}

func TestDevicePollingObeysTheBroker(t *testing.T) {
	s := newSeat(t)
	s.broker.Pending, s.broker.SlowDowns, s.broker.Interval = 2, 2, 3
	if err := s.client().LoginDevice(t.Context(), s.options()); err != nil {
		t.Fatal(err)
	}
	if want := "[3s 3s 3s 8s 13s]"; fmt.Sprint(s.waited) != want {
		t.Errorf("waited %v, want %s", s.waited, want)
	}
}

func TestDeviceCodesExpire(t *testing.T) {
	s := newSeat(t)
	s.broker.Pending = 1 << 30
	if err := s.client().LoginDevice(t.Context(), s.options()); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("got %v", err)
	}
	if n := len(s.waited); n < 590 || n > 610 {
		t.Errorf("polled %d times in ten minutes, once a second", n)
	}
}

func TestADevicePageElsewhereIsNotShown(t *testing.T) {
	for _, page := range []string{"https://evil.example.com/device", "http://evil@127.0.0.1/device", "javascript:alert(1)", "//evil/device", "\x00"} {
		s := newSeat(t)
		s.broker.DevicePage = page
		o := s.options()
		o.ShowDevice = func(d client.DevicePrompt) error {
			t.Errorf("%q was shown", d.Page)
			return nil
		}
		if err := s.client().LoginDevice(t.Context(), o); err == nil {
			t.Errorf("%q: signed in", page)
		}
	}
}

func TestABrokerSaysWhatItLikesAndNothingDrivesTheTerminal(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"detail": "a\x1b[2J\u202eb\nc" + strings.Repeat("x", 9000), "code": "c\x1b", "request_id": "r\u009b"})
	}))
	defer server.Close()
	c, err := client.New(client.Options{Broker: server.URL, Home: client.Home{Dir: t.TempDir()}, Now: time.Now, Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Login(t.Context(), client.LoginOptions{Show: browse, After: time.After})
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\n\u202e\u009b") || len(err.Error()) > 700 {
		t.Errorf("got %q", err)
	}
}

func TestAnswersThatAreNoBrokersAreRefused(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed to another host") }))
	defer elsewhere.Close()
	for name, handler := range map[string]http.HandlerFunc{
		"a page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("hello"))
		},
		"nothing": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/json") },
		"an empty one": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{}"))
		},
		"too much": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"clientId":"` + strings.Repeat("x", 2<<20) + `"}`))
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"not found":      http.NotFound,
		"a gateway down": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	} {
		server := httptest.NewServer(handler)
		c, err := client.New(client.Options{Broker: server.URL, Home: client.Home{Dir: t.TempDir()}, Now: time.Now, Name: "x"})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Login(t.Context(), client.LoginOptions{Show: func(string) error { t.Errorf("%s: the browser was opened", name); return errors.New("no") }, After: time.After})
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}

func TestACertificateThatNobodyVouchesForIsRefused(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	defer server.Close()
	c, err := client.New(client.Options{Broker: server.URL, Home: client.Home{Dir: t.TempDir()}, Now: time.Now, Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Login(t.Context(), client.LoginOptions{Show: browse, After: time.After}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}

func TestBrokersAreReachedByHTTPSOrOnLoopback(t *testing.T) {
	for raw, want := range map[string]string{
		"https://aws.example.com": "https://aws.example.com", "https://AWS.example.com/": "https://aws.example.com", " https://a.b:8443 ": "https://a.b:8443",
		"http://127.0.0.1:8443": "http://127.0.0.1:8443", "http://localhost:1": "http://localhost:1", "http://[::1]:1": "http://[::1]:1",
	} {
		if got, err := client.ParseBroker(raw); err != nil || got != want {
			t.Errorf("%q: %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"", "aws.example.com", "http://aws.example.com", "http://10.0.0.1", "http://127.0.0.1.nip.io", "http://localhost.evil.com", "ftp://x", "https://",
		"https://u:p@x", "https://x/path", "https://x?q", "https://x?", "https://x#f", "javascript:alert(1)", "file:///etc/passwd", "https:x", "http://169.254.169.254",
	} {
		if got, err := client.ParseBroker(raw); err == nil {
			t.Errorf("%q was taken as %q", raw, got)
		}
	}
}

func TestRolesAreFoundByWhatOnlyTheyHave(t *testing.T) {
	roles := []client.Role{
		{Name: "prod/admin", ARN: "arn:aws:iam::111122223333:role/Admin"},
		{Name: "prod/admin-ro", ARN: "arn:aws:iam::111122223333:role/AdminRO"},
		{Name: "dev", ARN: "arn:aws:iam::444455556666:role/prod"},
		{Name: "dev/x", ARN: "arn:aws:iam::444455556666:role/x"},
	}
	for typed, want := range map[string]string{
		"prod/admin": "prod/admin", "dev": "dev", "adminro": "prod/admin-ro", "arn:aws:iam::444455556666:role/prod": "dev", "role/x": "dev/x", "DEV/": "dev/x",
	} {
		if got, err := client.Match(roles, typed); err != nil || got.Name != want {
			t.Errorf("%q: %q, %v", typed, got.Name, err)
		}
	}
	for _, typed := range []string{"", "admin", "prod", "nothing", "*", "dev*", "4444"} {
		if got, err := client.Match(roles, typed); err == nil {
			t.Errorf("%q is %q", typed, got.Name)
		}
	}
}

func TestLoginEndsWhenInterrupted(t *testing.T) {
	s := newSeat(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := s.options()
	o.Show = func(string) error { cancel(); return nil }
	if err := s.client().Login(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
