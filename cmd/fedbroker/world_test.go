package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/sts/localaws"
)

const (
	account  = "111122223333"
	audience = "https://aws.example.com"
)

// world is what surrounds a broker: an AWS behind a listener, an issuer of tokens and a SAML identity provider. The
// broker is the command itself, run with a configuration that stands in dir.
type world struct {
	t      *testing.T
	dir    string
	public string // the broker's public URL
	listen string
	aws    string
	issuer *idptest.Issuer
	saml   *idptest.SAMLIDP
	env    map[string]string

	mu       sync.Mutex
	awsCalls int
	entered  chan struct{} // not nil: AWS says here that it was asked, and waits for leave
	leave    chan struct{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), listen: freeAddr(t), issuer: idptest.NewIssuer(t), saml: idptest.NewSAMLIDP(time.Now), env: map[string]string{}}
	w.public = "http://" + w.listen
	w.startAWS()
	w.file("idp.xml", string(w.saml.Metadata()))
	w.file("jwks.json", string(w.issuer.JWKS()))
	return w
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startAWS serves local AWS: roles that trust the broker, one that trusts the CI issuer itself, and one that trusts
// the broker for another audience.
func (w *world) startAWS() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.aws = "http://" + l.Addr().String()
	trust := func(provider, condition string) string {
		return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::%s:oidc-provider/%s"},
			"Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"], "Condition": {"StringEquals": {"%[2]s:aud": %q}}}]}`, account, provider, condition)
	}
	issuerHost := strings.TrimPrefix(w.issuer.URL, "http://")
	seed := localaws.Seed{Accounts: []localaws.SeedAccount{{
		ID: account, Name: "acme",
		OIDCProviders: []localaws.SeedOIDCProvider{{URL: w.public, ClientIDs: []string{"sts.amazonaws.com"}}, {URL: w.issuer.URL, ClientIDs: []string{audience}}},
		Roles: []localaws.SeedRole{
			{Name: "Deploy", TrustPolicy: json.RawMessage(trust(w.listen, "sts.amazonaws.com"))},
			{Name: "Refuses", TrustPolicy: json.RawMessage(trust(w.listen, "somebody.else"))},
			{Name: "Upstream", TrustPolicy: json.RawMessage(trust(issuerHost, audience))},
		},
	}}}
	aws, err := localaws.New(localaws.Options{Seed: seed, URL: w.aws, AllowInsecureProviders: true})
	if err != nil {
		w.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.awsCalls++
		entered, leave := w.entered, w.leave
		w.mu.Unlock()
		if entered != nil {
			entered <- struct{}{}
			<-leave
		}
		aws.ServeHTTP(rw, r)
	}))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	w.t.Cleanup(server.Close)
}

// holdAWS makes AWS wait: entered tells that it was asked, release lets it answer.
func (w *world) holdAWS() (entered <-chan struct{}, release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entered, w.leave = make(chan struct{}, 10), make(chan struct{})
	release = sync.OnceFunc(func() { close(w.leave) })
	w.t.Cleanup(release)
	return w.entered, release
}

func (w *world) calls() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.awsCalls
}

func (w *world) file(name, content string) string {
	w.t.Helper()
	name = filepath.Join(w.dir, name)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return name
}

// part names a part of the configuration that a test replaces.
type parts struct {
	server, extra, idps, rules string
}

const (
	ciIdP   = `  - {id: ci, insecure_http: true, workload: {issuer: "{issuer}", audiences: ["` + audience + `"]}}` + "\n"
	corpIdP = `  - {id: corp, saml: {metadata_file: idp.xml, direct: true}}` + "\n"
)

// config writes the configuration to a file and returns its name.
func (w *world) config(name string, p parts) string {
	if p.idps == "" {
		p.idps = ciIdP + corpIdP
	}
	if p.rules == "" {
		p.rules = `  - {name: main, idp: ci, match: {ref: main}, roles: [prod/deploy, prod/refuses, prod/upstream]}
  - {name: people, idp: corp, roles: [prod/deploy]}
`
		if !strings.Contains(p.idps, "id: corp") {
			p.rules = strings.Split(p.rules, "\n")[0] + "\n"
		}
	}
	text := `server: {listen: "{listen}", public_url: "{public}"` + p.server + `}
audit: {file: ` + name + `.audit}
` + p.extra + `
idps:
` + p.idps + `aws:
  region: eu-central-1
  endpoints: {sts: "{aws}", signin: "{aws}", console: "{aws}"}
  roles:
    - {name: prod/deploy, arn: "arn:aws:iam::111122223333:role/Deploy"}
    - {name: prod/refuses, arn: "arn:aws:iam::111122223333:role/Refuses"}
    - {name: prod/upstream, arn: "arn:aws:iam::111122223333:role/Upstream", mode: pass-through, insecure_endpoint: true}
rules:
` + p.rules
	return w.file(name+".yaml", strings.NewReplacer("{listen}", w.listen, "{public}", w.public, "{aws}", w.aws, "{issuer}", w.issuer.URL).Replace(text))
}

// node is one running "fedbroker serve".
type node struct {
	w              *world
	url            string
	stdout, stderr *output
	stop           func() int
}

// serve runs the command on the configuration until the test ends, or stop is called. It answers when serve returns.
func (w *world) serve(config string) *node {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n := &node{w: w, url: w.public, stdout: newOutput(), stderr: newOutput()}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "-c", config}, w.getenv, strings.NewReader(""), n.stdout, n.stderr)
	}()
	n.stop = sync.OnceValue(func() int {
		cancel()
		return <-code
	})
	w.t.Cleanup(func() {
		if got := n.stop(); got != exitDone && !w.t.Failed() {
			w.t.Errorf("serve ended with %d:\n%s", got, n.stderr)
		}
	})
	n.stderr.await(w.t, `"msg":"serving"`)
	return n
}

func (w *world) getenv(name string) (string, bool) {
	value, ok := w.env[name]
	return value, ok
}

// output is a stream that can be waited on.
type output struct {
	mu    sync.Mutex
	grown *sync.Cond
	b     bytes.Buffer
	ended bool
}

func newOutput() *output {
	o := &output{}
	o.grown = sync.NewCond(&o.mu)
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.grown.Broadcast()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// end tells that nothing more will be written.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.grown.Broadcast()
}

// await returns once the text has been written.
func (o *output) await(t *testing.T, text string) {
	t.Helper()
	o.awaitTimes(t, text, 1)
}

// awaitTimes returns once the text has been written so many times.
func (o *output) awaitTimes(t *testing.T, text string, times int) {
	t.Helper()
	defer time.AfterFunc(20*time.Second, o.end).Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for strings.Count(o.b.String(), text) < times {
		if o.ended {
			t.Fatalf("%q was not written, or not in twenty seconds:\n%s", text, o.b.String())
		}
		o.grown.Wait()
	}
}

// answer is what came back from a broker.
type answer struct {
	status int
	header http.Header
	body   string

	AccessKeyID                   string `json:"AccessKeyId"`
	SecretAccessKey, SessionToken string
	AssumedRoleARN                string `json:"AssumedRoleArn"`
	Code, Detail                  string
	RequestID                     string `json:"RequestId"`
}

func (n *node) do(req *http.Request) answer {
	n.w.t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		n.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		n.w.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	_ = json.Unmarshal(body, &a) // not every answer is JSON
	return a
}

func (n *node) request(method, path, body string, header ...string) *http.Request {
	n.w.t.Helper()
	req, err := http.NewRequest(method, n.url+path, strings.NewReader(body))
	if err != nil {
		n.w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

func (n *node) get(path string) answer {
	n.w.t.Helper()
	return n.do(n.request(http.MethodGet, path, ""))
}

// credentials asks for a role with a CI token.
func (n *node) credentials(token, role string) answer {
	n.w.t.Helper()
	return n.do(n.request(http.MethodPost, "/api/v1/credentials", fmt.Sprintf(`{"role": %q}`, role), "Authorization", "Bearer "+token, "Content-Type", "application/json"))
}

// direct asks for a role with a SAML Response.
func (n *node) direct(response, role string) answer {
	n.w.t.Helper()
	form := "SAMLResponse=" + strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(response) + "&role=" + role
	return n.do(n.request(http.MethodPost, "/api/v1/credentials", form, "Content-Type", "application/x-www-form-urlencoded"))
}

// token is one of a CI job on main.
func (w *world) token() string {
	return w.issuer.Token(map[string]any{"sub": "job", "aud": audience, "ref": "main"})
}

// response is an unsolicited SAML Response for alice from an identity provider to corp's ACS.
func (w *world) response(from *idptest.SAMLIDP) string {
	w.t.Helper()
	return from.Respond(w.t, idptest.SAMLAnswer{
		ACS: w.public + "/saml/corp/acs", Audience: w.public + "/saml/corp/metadata", NameID: "alice",
		NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", SignAssertion: true,
	})
}

func wantStatus(t *testing.T, a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.Code != code {
		t.Fatalf("want %d %s, got %d %s: %s", status, code, a.status, a.Code, a.body)
	}
}

func wantKeys(t *testing.T, a answer) {
	t.Helper()
	if a.status != http.StatusOK || a.AccessKeyID == "" || a.SecretAccessKey == "" || a.SessionToken == "" {
		t.Fatalf("want credentials, got %d: %s", a.status, a.body)
	}
}

// rewrite replaces a part of a file.
func (w *world) rewrite(name, old, now string) {
	w.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		w.t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(b), old, now, 1)), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}
