package agent_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/agent"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// source gives new keys each time, that last a while; or fails.
type source struct {
	clock *clock
	mu    sync.Mutex
	life  time.Duration
	calls int
	err   error
}

func (s *source) fetch(context.Context) (agent.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.err != nil {
		return agent.Credentials{}, s.err
	}
	return agent.Credentials{
		AccessKeyID: fmt.Sprintf("ASIA%d", s.calls), SecretAccessKey: secret.New("marked-secret"), Token: secret.New("marked-token"),
		Expiration: s.clock.Now().Add(s.life).Truncate(time.Second), RoleARN: "arn:aws:iam::111122223333:role/Deploy", RoleName: "Deploy", Account: "111122223333",
	}, nil
}

func (s *source) set(life time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life, s.err = life, err
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// endpoints are both, served on loopback until the test ends.
type endpoints struct {
	clock     *clock
	source    *source
	container *agent.Container
	imds      *agent.IMDS
	cAddr     string
	iAddr     string
	token     string // of the container endpoint
	said      *strings.Builder
}

func newEndpoints(t *testing.T) *endpoints {
	t.Helper()
	c := newClock()
	e := &endpoints{clock: c, source: &source{clock: c, life: time.Hour}, said: &strings.Builder{}}
	keeper, err := agent.NewKeeper(agent.KeeperOptions{Source: e.source.fetch, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	options := func() agent.EndpointOptions {
		l, err := agent.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return agent.EndpointOptions{Keeper: keeper, Listener: l, Random: rand.Reader, Now: c.Now, Log: log.New(e.said, "", 0)}
	}
	co, io := options(), options()
	if e.container, err = agent.NewContainer(co); err != nil {
		t.Fatal(err)
	}
	if e.imds, err = agent.NewIMDS(io, "eu-central-1"); err != nil {
		t.Fatal(err)
	}
	e.cAddr, e.iAddr = co.Listener.Addr().String(), io.Listener.Addr().String()
	e.token = e.container.Environment()[1][1]
	serve(t, co.Listener, e.container)
	serve(t, io.Listener, e.imds)
	return e
}

func serve(t *testing.T, l net.Listener, h http.Handler) {
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
}

// raw sends bytes as they are and reads the answer.
func raw(t *testing.T, addr, request string) (int, http.Header, string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// ask is a request line and header lines; {c}, {i}, {t} and {m} stand for the two addresses and the two tokens.
func (e *endpoints) ask(t *testing.T, addr, imdsToken string, lines ...string) (int, http.Header, string) {
	t.Helper()
	text := strings.NewReplacer("{c}", e.cAddr, "{i}", e.iAddr, "{t}", e.token, "{m}", imdsToken).Replace(strings.Join(lines, "\r\n"))
	return raw(t, addr, text+"\r\nConnection: close\r\n\r\n")
}

func (e *endpoints) imdsToken(t *testing.T, ttl string) string {
	t.Helper()
	status, header, body := e.ask(t, e.iAddr, "", "PUT /latest/api/token HTTP/1.1", "Host: {i}", "X-aws-ec2-metadata-token-ttl-seconds: "+ttl)
	if status != http.StatusOK || header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != ttl {
		t.Fatalf("no token: %d %s", status, body)
	}
	return body
}

const (
	get     = "GET /v1/credentials HTTP/1.1"
	host    = "Host: {c}"
	auth    = "Authorization: {t}"
	list    = "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1"
	keys    = "GET /latest/meta-data/iam/security-credentials/Deploy HTTP/1.1"
	meta    = "X-aws-ec2-metadata-token: {m}"
	ihost   = "Host: {i}"
	put     = "PUT /latest/api/token HTTP/1.1"
	putTTL  = "X-aws-ec2-metadata-token-ttl-seconds: 60"
	browser = "Sec-Fetch-Site: cross-site"
)

func TestWhatProgramsSendIsAnswered(t *testing.T) {
	e := newEndpoints(t)
	m := e.imdsToken(t, "60")
	for name, lines := range map[string][]string{
		"container": {get, host, auth, "Accept: application/json", "User-Agent: aws-sdk-go-v2"},
		"list":      {list, ihost, meta}, "list without the slash": {"GET /latest/meta-data/iam/security-credentials HTTP/1.1", ihost, meta},
		"keys": {keys, ihost, meta}, "region": {"GET /latest/meta-data/placement/region HTTP/1.1", ihost, meta},
	} {
		addr := e.iAddr
		if name == "container" {
			addr = e.cAddr
		}
		status, header, body := e.ask(t, addr, m, lines...)
		if status != http.StatusOK || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", name, status, header, body)
		}
	}
}

// TestHostileRequests sends what web pages, other machines' names, proxies and guessers can send.
func TestHostileRequests(t *testing.T) {
	e := newEndpoints(t)
	m := e.imdsToken(t, "60")
	other := newEndpoints(t)
	foreign := other.imdsToken(t, "60")
	flip := func(s string) string {
		if s[0] == 'A' {
			return "B" + s[1:]
		}
		return "A" + s[1:]
	}
	_, port, _ := net.SplitHostPort(e.cAddr)
	_, iport, _ := net.SplitHostPort(e.iAddr)
	container := map[string][]string{
		"rebound name":                {get, "Host: evil.example.com:" + port, auth},
		"rebound name, no port":       {get, "Host: evil.example.com", auth},
		"localhost":                   {get, "Host: localhost:" + port, auth},
		"localhost.":                  {get, "Host: localhost.:" + port, auth},
		"another loopback address":    {get, "Host: 127.0.0.2:" + port, auth},
		"short spelling of loopback":  {get, "Host: 127.1:" + port, auth},
		"IPv6 loopback":               {get, "Host: [::1]:" + port, auth},
		"mapped loopback":             {get, "Host: [::ffff:127.0.0.1]:" + port, auth},
		"another port":                {get, "Host: 127.0.0.1:1", auth},
		"no port":                     {get, "Host: 127.0.0.1", auth},
		"empty host":                  {get, "Host:", auth},
		"wildcard address":            {get, "Host: 0.0.0.0:" + port, auth},
		"host of the other endpoint":  {get, ihost, auth},
		"name that ends like ours":    {get, "Host: 127.0.0.1.nip.io:" + port, auth},
		"absolute form, other host":   {"GET http://evil.example.com/v1/credentials HTTP/1.1", host, auth},
		"absolute form":               {"GET http://{c}/v1/credentials HTTP/1.1", host, auth},
		"origin":                      {get, host, auth, "Origin: https://evil.example.com"},
		"null origin":                 {get, host, auth, "Origin: null"},
		"own origin":                  {get, host, auth, "Origin: http://{c}"},
		"fetch metadata, cross-site":  {get, host, auth, browser},
		"fetch metadata, same-origin": {get, host, auth, "Sec-Fetch-Site: same-origin"},
		"fetch metadata, navigation":  {get, host, auth, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"},
		"fetch destination":           {get, host, auth, "Sec-Fetch-Dest: image"},
		"client hints":                {get, host, auth, "Sec-CH-UA: x"},
		"websocket":                   {get, host, auth, "Upgrade: websocket", "Sec-WebSocket-Key: x"},
		"referer":                     {get, host, auth, "Referer: https://evil.example.com/"},
		"cookie":                      {get, host, auth, "Cookie: a=b"},
		"service worker":              {get, host, auth, "Service-Worker: script"},
		"proxy":                       {get, host, auth, "X-Forwarded-For: 10.0.0.1"},
		"proxy, host":                 {get, host, auth, "X-Forwarded-Host: x"},
		"proxy, standard":             {get, host, auth, "Forwarded: for=10.0.0.1"},
		"proxy, via":                  {get, host, auth, "Via: 1.1 x"},
		"proxy, nginx":                {get, host, auth, "X-Real-IP: 10.0.0.1"},
		"preflight":                   {"OPTIONS /v1/credentials HTTP/1.1", host, "Access-Control-Request-Headers: authorization"},
		"OPTIONS":                     {"OPTIONS /v1/credentials HTTP/1.1", host, auth},
		"POST":                        {"POST /v1/credentials HTTP/1.1", host, auth, "Content-Length: 0"},
		"PUT":                         {"PUT /v1/credentials HTTP/1.1", host, auth, "Content-Length: 0"},
		"HEAD":                        {"HEAD /v1/credentials HTTP/1.1", host, auth},
		"lower-case method":           {"get /v1/credentials HTTP/1.1", host, auth},
		"chunked body":                {get, host, auth, "Transfer-Encoding: chunked", "", "0", ""},
		"no token":                    {get, host},
		"empty token":                 {get, host, "Authorization:"},
		"wrong token":                 {get, host, "Authorization: " + flip(e.token)},
		"token of another endpoint":   {get, host, "Authorization: " + other.token},
		"prefix of the token":         {get, host, "Authorization: " + e.token[:20]},
		"token and more":              {get, host, "Authorization: {t}x"},
		"token as bearer":             {get, host, "Authorization: Bearer {t}"},
		"token in other case":         {get, host, "Authorization: " + strings.ToUpper(e.token)},
		"token twice":                 {get, host, auth, auth},
		"wrong token, then right":     {get, host, "Authorization: x", auth},
		"token in the query":          {"GET /v1/credentials?Authorization={t} HTTP/1.1", host},
		"query":                       {"GET /v1/credentials?x HTTP/1.1", host, auth},
		"empty query":                 {"GET /v1/credentials? HTTP/1.1", host, auth},
		"slash behind":                {"GET /v1/credentials/ HTTP/1.1", host, auth},
		"two slashes":                 {"GET //v1/credentials HTTP/1.1", host, auth},
		"dots":                        {"GET /x/../v1/credentials HTTP/1.1", host, auth},
		"escaped":                     {"GET /v1/%63redentials HTTP/1.1", host, auth},
		"another path":                {"GET / HTTP/1.1", host, auth},
		"metadata here":               {list, host, auth},
	}
	imds := map[string][]string{
		"version 1":                {list, ihost},
		"version 1, keys":          {keys, ihost},
		"empty token":              {keys, ihost, "X-aws-ec2-metadata-token:"},
		"wrong token":              {keys, ihost, "X-aws-ec2-metadata-token: " + flip(m)},
		"token of another":         {keys, ihost, "X-aws-ec2-metadata-token: " + foreign},
		"cut token":                {keys, ihost, "X-aws-ec2-metadata-token: " + m[:len(m)-1]},
		"longer token":             {keys, ihost, "X-aws-ec2-metadata-token: {m}AA"},
		"token twice":              {keys, ihost, meta, meta},
		"container token":          {keys, ihost, "X-aws-ec2-metadata-token: {t}"},
		"token for a rebound name": {put, "Host: evil.example.com:" + iport, putTTL},
		"keys for a rebound name":  {keys, "Host: evil.example.com:" + iport, meta},
		"token over a proxy":       {put, ihost, putTTL, "X-Forwarded-For: 10.0.0.1"},
		"token for a page":         {put, ihost, putTTL, "Origin: http://evil.example.com"},
		"keys for a page":          {keys, ihost, meta, browser},
		"no life":                  {put, ihost},
		"life 0":                   {put, ihost, "X-aws-ec2-metadata-token-ttl-seconds: 0"},
		"life too long":            {put, ihost, "X-aws-ec2-metadata-token-ttl-seconds: 21601"},
		"negative life":            {put, ihost, "X-aws-ec2-metadata-token-ttl-seconds: -1"},
		"odd life":                 {put, ihost, "X-aws-ec2-metadata-token-ttl-seconds: +60"},
		"life of 060":              {put, ihost, "X-aws-ec2-metadata-token-ttl-seconds: 060"},
		"life twice":               {put, ihost, putTTL, putTTL},
		"token by GET":             {"GET /latest/api/token HTTP/1.1", ihost, putTTL},
		"token by POST":            {"POST /latest/api/token HTTP/1.1", ihost, putTTL, "Content-Length: 0"},
		"token with a query":       {"PUT /latest/api/token?x HTTP/1.1", ihost, putTTL},
		"keys by POST":             {"POST /latest/meta-data/iam/security-credentials/Deploy HTTP/1.1", ihost, meta, "Content-Length: 0"},
		"another role":             {"GET /latest/meta-data/iam/security-credentials/Admin HTTP/1.1", ihost, meta},
		"extended":                 {"GET /latest/meta-data/iam/security-credentials-extended/ HTTP/1.1", ihost, meta},
		"dots":                     {"GET /latest/meta-data/x/../iam/security-credentials/Deploy HTTP/1.1", ihost, meta},
		"escaped":                  {"GET /latest/meta-data/iam/security-credentials/%44eploy HTTP/1.1", ihost, meta},
		"user data":                {"GET /latest/user-data HTTP/1.1", ihost, meta},
		"body with a token":        {put, ihost, putTTL, "Content-Length: 1", "", "x"},
	}
	if n := len(container) + len(imds); n < 60 {
		t.Fatalf("only %d requests", n)
	}
	hostile := func(addr string, cases map[string][]string) {
		for name, lines := range cases {
			status, header, body := e.ask(t, addr, m, lines...)
			if status < 400 || strings.Contains(body, "ASIA") || strings.Contains(body, "marked") {
				t.Errorf("%s: %d %s", name, status, body)
			}
			for field := range header {
				if strings.HasPrefix(field, "Access-Control-") {
					t.Errorf("%s: answered with %s", name, field)
				}
			}
		}
	}
	hostile(e.cAddr, container)
	hostile(e.iAddr, imds)
	if n := e.source.count(); n > 1 { // whoever has a token and asks for another role is no stranger
		t.Errorf("credentials were fetched %d times for hostile requests", n)
	}
}

func TestAgentsListenOnLoopbackOnly(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "localhost:0", "10.0.0.1:0", "example.com:80", "", "169.254.169.254:80"} {
		if l, err := agent.Listen(address); err == nil {
			_ = l.Close()
			t.Errorf("%q was taken", address)
		}
	}
}

func TestMetadataTokensEnd(t *testing.T) {
	e := newEndpoints(t)
	m := e.imdsToken(t, "60")
	e.clock.add(59 * time.Second)
	if status, _, _ := e.ask(t, e.iAddr, m, list, ihost, meta); status != http.StatusOK {
		t.Errorf("after 59 s: %d", status)
	}
	e.clock.add(time.Second)
	if status, _, _ := e.ask(t, e.iAddr, m, list, ihost, meta); status != http.StatusUnauthorized {
		t.Errorf("after 60 s: %d", status)
	}
	if again := e.imdsToken(t, "60"); again == m || again == e.imdsToken(t, "60") {
		t.Error("two tokens are one")
	}
}

func TestEveryChangedBitOfATokenIsRefused(t *testing.T) {
	e := newEndpoints(t)
	m := e.imdsToken(t, "60")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range m {
		at := strings.IndexByte(alphabet, m[i])
		for bit := range 6 {
			changed := m[:i] + string(alphabet[at^1<<bit]) + m[i+1:]
			if w := e.serveDirect(keysRequest(e, changed)); w.Code != http.StatusUnauthorized {
				t.Fatalf("byte %d bit %d: %d", i, bit, w.Code)
			}
		}
	}
}

func keysRequest(e *endpoints, token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/latest/meta-data/iam/security-credentials/Deploy", nil)
	r.Host, r.RemoteAddr = e.iAddr, "127.0.0.1:50000"
	r.Header.Set("X-Aws-Ec2-Metadata-Token", token)
	return r
}

func (e *endpoints) serveDirect(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.imds.ServeHTTP(w, r)
	return w
}

func TestOtherMachinesAreRefused(t *testing.T) {
	e := newEndpoints(t)
	m := e.imdsToken(t, "60")
	r := keysRequest(e, m)
	if w := e.serveDirect(r); w.Code != http.StatusOK {
		t.Fatalf("loopback: %d", w.Code)
	}
	r.RemoteAddr = "10.0.0.7:50000"
	if w := e.serveDirect(r); w.Code != http.StatusForbidden {
		t.Errorf("another machine: %d", w.Code)
	}
}
