package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestARequestUnderWayIsAnsweredAfterCtrlC(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{}))
	wantKeys(t, n.credentials(w.token(), "prod/deploy")) // AWS now knows the broker's keys, and need not ask it at its end
	entered, release := w.holdAWS()
	got := make(chan answer, 1)
	other := w.issuer.Token(map[string]any{"sub": "another job", "aud": audience, "ref": "main"}) // not in the cache
	go func() { got <- n.credentials(other, "prod/deploy") }()
	<-entered

	idle, err := net.Dial("tcp", w.listen) // as browsers open ahead
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	code := make(chan int, 1)
	go func() { code <- n.stop() }()
	w.awaitRefusedConnection()
	release()
	wantKeys(t, <-got)
	if c := <-code; c != exitDone {
		t.Errorf("exit code %d:\n%s", c, n.stderr)
	}
}

// awaitRefusedConnection returns once the broker takes no new connections.
func (w *world) awaitRefusedConnection() {
	w.t.Helper()
	w.until("new connections are refused", func() bool {
		c, err := net.Dial("tcp", w.listen)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
}

// until asks again and again: what other programs see of us has no channel to wait on.
func (w *world) until(what string, met func() bool) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("twenty seconds passed before %s", what)
		}
	}
}

func TestNothingGoesOnAfterTheEnd(t *testing.T) {
	w := newWorld(t)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	before := runtime.NumGoroutine()
	n := w.serve(w.config("f", parts{
		server: `, admin_listen: "127.0.0.1:0"`,
		idps:   ciIdP + corpIdP + `  - {id: far, insecure_http: true, saml: {metadata_url: "{issuer}/metadata"}}` + "\n",
	}))
	if a := n.get("/healthz"); a.status != http.StatusOK {
		t.Fatal(a.body)
	}
	if n.stop() != exitDone {
		t.Error(n.stderr)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	w.until("the daemon's goroutines ended", func() bool {
		// those of idle connections belong to the transports and end by themselves
		return runtime.NumGoroutine() <= before+idleConnections()
	})
}

func idleConnections() int {
	b := make([]byte, 1<<20)
	stacks := string(b[:runtime.Stack(b, true)])
	return strings.Count(stacks, "net/http.(*persistConn).") + strings.Count(stacks, "net/http.(*conn).serve(") + strings.Count(stacks, "os/signal.")
}

func TestCtrlCDuringTheStartIsNoError(t *testing.T) {
	w := newWorld(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	w.env["SEALING_KEY"] = sealingKey
	name := w.config("f", parts{extra: `store: {redis: {url: "redis://` + silent.Addr().String() + `"}}
keys: {sealing: {active: k1, ring: {k1: "env:SEALING_KEY"}}}`})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if c, err := silent.Accept(); err == nil {
			defer c.Close()
			cancel()
			<-t.Context().Done()
		}
	}()
	out := newOutput()
	if code := run(ctx, []string{"serve", "-c", name}, w.getenv, strings.NewReader(""), out, out); code != exitDone {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestMetricsAreOnTheAdminListenerOnly(t *testing.T) {
	w := newWorld(t)
	admin := freeAddr(t)
	n := w.serve(w.config("f", parts{server: `, admin_listen: "` + admin + `"`}))
	wantKeys(t, n.credentials(w.token(), "prod/deploy"))
	if a := n.get("/metrics"); a.status != http.StatusNotFound {
		t.Errorf("the public listener answers /metrics with %d", a.status)
	}
	a := n.at("http://" + admin).get("/metrics")
	if a.status != http.StatusOK || !strings.Contains(a.body, "fedbroker_") {
		t.Errorf("the admin listener answers /metrics with %d:\n%s", a.status, a.body)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if a := n.at("http://" + admin).get(path); a.status != http.StatusOK {
			t.Errorf("the admin listener answers %s with %d", path, a.status)
		}
	}
	for _, path := range []string{"/", "/api/v1/credentials", "/.well-known/jwks.json", "/login"} {
		if a := n.at("http://" + admin).get(path); a.status != http.StatusNotFound {
			t.Errorf("the admin listener answers %s with %d", path, a.status)
		}
	}
}

// at is the same node by another address.
func (n *node) at(url string) *node {
	other := *n
	other.url = url
	return &other
}

func TestTLS(t *testing.T) {
	w := newWorld(t)
	w.public = "https://" + w.listen
	first := w.certificate("one")
	name := w.config("f", parts{server: `, tls: {cert: "file:cert.pem", key: "file:key.pem"}`})
	w.rewrite(name, "    - {name: prod/deploy,", "    - {mode: assume-role, name: prod/deploy,")
	n := w.serve(name)
	if got := w.commonName(first); got != "one" {
		t.Errorf("the certificate is %q", got)
	}
	if _, err := http.DefaultTransport.RoundTrip(n.at("http://"+w.listen).request(http.MethodGet, "/healthz", "")); err == nil {
		if a := n.at("http://" + w.listen).get("/healthz"); a.status == http.StatusOK {
			t.Error("plain HTTP is answered on a TLS listener")
		}
	}
	old := &tls.Config{RootCAs: first, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	if c, err := tls.Dial("tcp", w.listen, old); err == nil {
		c.Close()
		t.Error("TLS 1.1 is spoken")
	}

	second := w.certificate("two") // renewed
	w.hup(n, `"msg":"the new configuration is in force"`)
	if got := w.commonName(second); got != "two" {
		t.Errorf("after a reload the certificate is %q", got)
	}
	if strings.Contains(n.stderr.String(), "need a restart") {
		t.Error("a renewed certificate is said to need a restart")
	}
	w.file("key.pem", "no key")
	w.hup(n, `"msg":"the new configuration is not in force`)
	if got := w.commonName(second); got != "two" {
		t.Errorf("a bad certificate replaced a good one: %q", got)
	}
}

// certificate writes a P-256 pair for loopback and returns who trusts it.
func (w *world) certificate(name string) *x509.CertPool {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	w.file("cert.pem", string(cert))
	w.file("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// commonName is whose certificate is shown to who trusts roots; HTTP/2 is spoken.
func (w *world) commonName(roots *x509.CertPool) string {
	w.t.Helper()
	c, err := tls.Dial("tcp", w.listen, &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	state := c.ConnectionState()
	if state.NegotiatedProtocol != "h2" {
		w.t.Errorf("protocol %q", state.NegotiatedProtocol)
	}
	return state.PeerCertificates[0].Subject.CommonName
}

// hup sends SIGHUP to this process, which is the broker's, and waits for the log to say something once more.
func (w *world) hup(n *node, want string) {
	w.t.Helper()
	times := strings.Count(n.stderr.String(), want)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		w.t.Fatal(err)
	}
	n.stderr.awaitTimes(w.t, want, times+1)
}
