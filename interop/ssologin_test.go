package interop_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/oauth"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/internal/web"
)

// ssoBroker is the authorization server in this process, where AWS's command line looks for AWS: Debian's has no
// setting for the endpoint of sso-oidc, so that a proxy leads it here under AWS's host names, with a test CA.
type ssoBroker struct {
	*doortest.World
	handler     http.Handler
	proxy, dir  string
	environment []string
}

func startSSOBroker(t *testing.T) *ssoBroker {
	t.Helper()
	need(t, debianAWS)
	w := doortest.New(t)
	w.Pass(time.Since(w.Now())) // the command line has the real clock
	pages, err := portal.New(portal.Options{
		Broker: w.Broker, Store: w.Store, Sessions: w.Sessions, Logins: w.Logins, Cookies: w.Cookies, PublicURL: doortest.PublicURL, Templates: oauth.Templates,
		Clock: w.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := oauth.New(oauth.Options{
		Broker: w.Broker, Store: w.Store, Sessions: w.Sessions, Tokens: w.Tokens, Cookies: w.Cookies, Pages: pages, PublicURL: doortest.PublicURL,
		ClientKey: []byte(strings.Repeat("k", 32)), Clock: w.Now, Rand: w.Rand,
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Mount(mux)
	server.Mount(mux)
	b := &ssoBroker{World: w, handler: web.Protect(server.Logout(mux), true), dir: t.TempDir()}
	b.listen(t)
	return b
}

// listen starts the TLS server and the proxy that leads every host to it.
func (b *ssoBroker) listen(t *testing.T) {
	t.Helper()
	cert, ca := certificateOf(t, "oidc.eu-central-1.amazonaws.com", "portal.sso.eu-central-1.amazonaws.com")
	server := httptest.NewUnstartedServer(b.handler)
	server.TLS = cert
	server.StartTLS()
	t.Cleanup(server.Close)
	proxy := httptest.NewServer(connectTo(server.Listener.Addr().String()))
	t.Cleanup(proxy.Close)
	b.proxy = proxy.URL
	bundle := filepath.Join(b.dir, "ca.pem")
	writeFile(t, bundle, ca)
	writeFile(t, filepath.Join(b.dir, "config"), []byte(`[profile dev]
sso_session = corp
sso_account_id = 111122223333
sso_role_name = Reader
region = eu-central-1
[sso-session corp]
sso_region = eu-central-1
sso_start_url = https://corp.awsapps.com/start
sso_registration_scopes = sso:account:access
`))
	b.environment = []string{
		"PATH=/usr/bin:/bin", "HOME=" + b.dir, "AWS_CONFIG_FILE=" + filepath.Join(b.dir, "config"), "AWS_CA_BUNDLE=" + bundle, "HTTPS_PROXY=" + proxy.URL,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "PYTHONUNBUFFERED=1",
	}
}

// connectTo is a proxy that answers CONNECT to any host with a tunnel to one address.
func connectTo(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, err := net.Dial("tcp", address)
		if err != nil || r.Method != http.MethodConnect {
			http.Error(w, "CONNECT only", http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		from, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = to.Close()
			return
		}
		go func() { _, _ = io.Copy(to, from); _ = to.Close() }()
		_, _ = io.Copy(from, to)
		_ = from.Close()
	})
}

// aws starts the command line; the lines that it says come out of the channel.
func (b *ssoBroker) aws(t *testing.T, args ...string) (*exec.Cmd, <-chan string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, debianAWS, args...)
	cmd.Env = b.environment
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return cmd, lines
}

func rest(lines <-chan string) string {
	var out strings.Builder
	for line := range lines {
		out.WriteString(line + "\n")
	}
	return out.String()
}

// approve is a person at the page whose address the command line printed.
func (b *ssoBroker) approve(t *testing.T, page string) {
	t.Helper()
	token, login, err := b.Sessions.Create(t.Context(), idp.Identity{
		Provider: "corp", Issuer: "https://idp.example.com/metadata", Subject: "alice", Username: "alice", Groups: []string{"staff"},
		Claims: idp.NewClaims(nil), Proof: idp.Proof{Kind: idp.ProofSAML, ID: "_1", Hash: "00", Once: true},
	}, session.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	if shown := b.person(token, http.MethodGet, u.RequestURI(), nil); !strings.Contains(shown.Body.String(), "botocore-client-corp") {
		t.Fatalf("%d %s", shown.Code, shown.Body)
	}
	form := url.Values{"code": {u.Query().Get("user_code")}, "session": {login.ID}, "decision": {"approve"}}
	if done := b.person(token, http.MethodPost, "/device", form); done.Code != http.StatusOK || !strings.Contains(done.Body.String(), "You may close this page") {
		t.Fatalf("%d %s", done.Code, done.Body)
	}
}

func (b *ssoBroker) person(token secret.Text, method, target string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.RemoteAddr = "127.0.0.1:1"
	r.AddCookie(b.Cookies.Session(token))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", doortest.PublicURL)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// cachedToken is what the command line and every SDK share.
type cachedToken struct {
	AccessToken, RefreshToken, ExpiresAt string
}

func (b *ssoBroker) cached(t *testing.T) (name string, token cachedToken, whole map[string]any) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, ".aws/sso/cache/*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"accessToken"`) {
			if err := json.Unmarshal(text, &token); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &whole); err != nil {
				t.Fatal(err)
			}
			return name, token, whole
		}
	}
	t.Fatalf("no token among %v", files)
	return "", token, nil
}

// TestAWSSSOLogin drives Debian's `aws sso login`, a silent refresh, and `aws sso logout` against the authorization
// server, unmodified.
func TestAWSSSOLogin(t *testing.T) {
	b := startSSOBroker(t)
	login, lines := b.aws(t, "sso", "login", "--no-browser", "--profile", "dev")
	link := regexp.MustCompile(`^https://broker\.test/device\?user_code=\S+$`)
	var said strings.Builder
	for line := range lines {
		said.WriteString(line + "\n")
		if link.MatchString(line) {
			b.approve(t, line)
			break
		}
	}
	said.WriteString(rest(lines))
	if err := login.Wait(); err != nil || !strings.Contains(said.String(), "Successfully logged into Start URL: https://corp.awsapps.com/start") {
		t.Fatalf("%v: %s", err, said.String())
	}
	name, first, whole := b.cached(t)
	b.wantSignedIn(t, first, true)

	whole["expiresAt"] = time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, name, text)
	use, lines := b.aws(t, "sts", "get-caller-identity", "--profile", "dev") // fails behind the refresh: no roles are served yet
	out := rest(lines)
	_ = use.Wait()
	_, second, _ := b.cached(t)
	if second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken || second.ExpiresAt == whole["expiresAt"] {
		t.Fatalf("the token was not refreshed: %s", out)
	}
	b.wantSignedIn(t, second, true)

	logout, lines := b.aws(t, "sso", "logout")
	out = rest(lines)
	if err := logout.Wait(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b.wantSignedIn(t, first, false)
	b.wantSignedIn(t, second, false)
}

func (b *ssoBroker) wantSignedIn(t *testing.T, token cachedToken, want bool) {
	t.Helper()
	s, err := b.Tokens.Find(t.Context(), secret.New(token.AccessToken))
	if want != (err == nil) || want && s.Identity.Subject != "alice" {
		t.Errorf("the token finds %q, %v", s.Identity.Subject, err)
	}
}
