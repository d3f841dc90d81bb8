package devidp_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
)

// start serves an identity provider on a free loopback port; configure sees the base URL.
func start(t testing.TB, configure func(*devidp.Options)) *devidp.Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := devidp.Options{BaseURL: "http://" + listener.Addr().String()}
	if configure != nil {
		configure(&o)
	}
	s, err := devidp.NewForTest(o)
	if err != nil {
		t.Fatal(err)
	}
	web := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}}
	web.Start()
	t.Cleanup(web.Close)
	return s
}

// serve is a relying party's site on loopback.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	return web.URL
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func person(t testing.TB, s *devidp.Server, name string) devclient.Person {
	t.Helper()
	for _, a := range s.People() {
		if a.Username == name {
			return devclient.Person{Username: name, Password: a.Password}
		}
	}
	t.Fatalf("no person %q", name)
	return devclient.Person{}
}

// do sends a request without following redirects and reads the answer.
func do(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func get(t testing.TB, rawURL string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, rawURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, r)
}

func post(t testing.TB, rawURL string, form url.Values) (*http.Response, string) {
	t.Helper()
	return do(t, postRequest(t, rawURL, form))
}

func postRequest(t testing.TB, rawURL string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rawURL, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func open(t testing.TB, b *devclient.Browser, rawURL string) *devclient.Page {
	t.Helper()
	page, err := b.Open(t.Context(), rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func submit(t testing.TB, b *devclient.Browser, form *devclient.Form) *devclient.Page {
	t.Helper()
	page, err := b.Submit(t.Context(), form)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// typed fills a page's sign-in form in.
func typed(t testing.TB, page *devclient.Page, who devclient.Person) *devclient.Form {
	t.Helper()
	form, err := page.Form("password")
	if err != nil {
		t.Fatal(err)
	}
	form.Fields.Set("username", who.Username)
	form.Fields.Set("password", who.Password.Reveal())
	if who.SecondFactor {
		form.Fields.Set("mfa", "yes")
	}
	return form
}

var rsaKey, otherRSAKey = sync.OnceValue(newRSAKey), sync.OnceValue(newRSAKey)

func newRSAKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func certificate(t testing.TB, key crypto.Signer, now time.Time) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sp"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
