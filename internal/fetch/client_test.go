package fetch_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/internal/fetch"
)

// site serves what the tests need over TLS, or in plain on loopback.
func site(t *testing.T, secure bool) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		_, _ = io.WriteString(w, "ok "+r.UserAgent())
	})
	mux.HandleFunc("/size", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("chunked") != "" {
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.FormValue("of"))))
	})
	mux.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.FormValue("url"), http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/header", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", strings.Repeat("x", 80<<10)) })
	mux.HandleFunc("/secret", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "canary", http.StatusTeapot) })
	mux.HandleFunc("/cookie", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "1"})
		_, _ = io.WriteString(w, r.Header.Get("Cookie")+r.Header.Get("Accept-Encoding"))
	})
	srv := httptest.NewUnstartedServer(mux)
	if secure {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return srv
}

func client(t *testing.T, o fetch.Options) *fetch.Client {
	t.Helper()
	c, err := fetch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func roots(srv *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return pool
}

func TestGet(t *testing.T) {
	srv := site(t, true)
	c := client(t, fetch.Options{AllowPrivate: true, RootCAs: roots(srv), UserAgent: "tester/1"})
	body, header, err := c.Get(t.Context(), srv.URL+"/ok")
	if err != nil || string(body) != "ok tester/1" || header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("got %q, %v, %v", body, header, err)
	}
	if body, _, err := c.Get(t.Context(), srv.URL+"/to?url=/ok"); err != nil || string(body) != "ok tester/1" {
		t.Errorf("a redirect on the same host: %q, %v", body, err)
	}
	for range 2 {
		if body, _, err := c.Get(t.Context(), srv.URL+"/cookie"); err != nil || string(body) != "" {
			t.Errorf("cookies are kept or compression is asked for: %q, %v", body, err)
		}
	}
}

func TestGetRefuses(t *testing.T) {
	srv, plain := site(t, true), site(t, false)
	port := mustURL(t, plain.URL).Port()
	private := fetch.Options{AllowPrivate: true, RootCAs: roots(srv)}
	insecure := fetch.Options{AllowLoopbackHTTP: true, RootCAs: roots(srv)}
	for _, tc := range []struct {
		name    string
		options fetch.Options
		url     string
	}{
		{"loopback without leave", fetch.Options{RootCAs: roots(srv)}, srv.URL + "/ok"},
		{"localhost without leave", fetch.Options{}, "https://localhost:" + port},
		{"http without leave", fetch.Options{}, "http://8.8.8.8/"},
		{"http with private leave only", private, plain.URL + "/ok"},
		{"http to a public address", insecure, "http://8.8.8.8/"},
		{"http to a private address", insecure, "http://10.0.0.1/"},
		{"https to a private address with http leave only", insecure, "https://10.0.0.1/"},
		{"metadata, all leaves", fetch.Options{AllowPrivate: true, AllowLoopbackHTTP: true}, "http://169.254.169.254/latest/meta-data/"},
		{"metadata over https", private, "https://169.254.169.254/"},
		{"mapped metadata", private, "https://[::ffff:169.254.169.254]/"},
		{"file", insecure, "file:///etc/passwd"},
		{"ftp", insecure, "ftp://127.0.0.1/"},
		{"gopher", insecure, "gopher://127.0.0.1/"},
		{"no scheme", insecure, "//127.0.0.1/"},
		{"no host", insecure, "http:///ok"},
		{"opaque", insecure, "http:127.0.0.1"},
		{"not a URL", insecure, "http://%zz"},
		{"empty", insecure, ""},
		{"user information", insecure, strings.Replace(plain.URL, "http://", "http://user:pass@", 1) + "/ok"},
		{"a long URL", insecure, plain.URL + "/ok?" + strings.Repeat("x", 3000)},
		{"redirect to another port", insecure, plain.URL + "/to?url=http://127.0.0.1:1/"},
		{"redirect to another name", insecure, plain.URL + "/to?url=http://localhost:" + port + "/ok"},
		{"redirect to http", fetch.Options{AllowPrivate: true, AllowLoopbackHTTP: true, RootCAs: roots(srv)}, srv.URL + "/to?url=" + plain.URL + "/ok"},
		{"redirect to http at the same address", fetch.Options{AllowLoopbackHTTP: true, RootCAs: roots(srv)}, srv.URL + "/to?url=" + strings.Replace(srv.URL, "https", "http", 1)},
		{"redirect to metadata", insecure, plain.URL + "/to?url=http://169.254.169.254/"},
		{"redirect to a file", insecure, plain.URL + "/to?url=file:///etc/passwd"},
		{"redirect loop", insecure, plain.URL + "/loop"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if body, _, err := client(t, tc.options).Get(t.Context(), tc.url); !errors.Is(err, fetch.ErrForbidden) || body != nil {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}

func TestUnverifiedServerIsRefused(t *testing.T) {
	srv := site(t, true)
	if _, _, err := client(t, fetch.Options{AllowPrivate: true, RootCAs: x509.NewCertPool()}).Get(t.Context(), srv.URL+"/ok"); err == nil {
		t.Error("a certificate of nobody was accepted")
	}
}

// answers gives one answer after another, as a name server under an attacker does.
type answers [][]netip.Addr

func (a *answers) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if len(*a) == 0 {
		return nil, errors.New("asked too often")
	}
	next := (*a)[0]
	*a = (*a)[1:]
	return next, nil
}

func TestTheCheckedAddressIsTheOneConnectedTo(t *testing.T) {
	srv := site(t, false)
	port := mustURL(t, srv.URL).Port()
	loopback, metadata := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("169.254.169.254")

	t.Run("a name is looked up once", func(t *testing.T) {
		resolver := answers{{loopback}}
		if _, _, err := client(t, fetch.Options{AllowLoopbackHTTP: true, Resolver: &resolver}).Get(t.Context(), "http://idp.example:"+port+"/ok"); err != nil {
			t.Error(err)
		}
	})
	t.Run("a name that points inside", func(t *testing.T) {
		resolver := answers{{loopback}}
		if _, _, err := client(t, fetch.Options{Resolver: &resolver}).Get(t.Context(), "https://idp.example:"+port+"/ok"); !errors.Is(err, fetch.ErrForbidden) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("among several, only allowed ones", func(t *testing.T) {
		resolver := answers{{metadata, loopback}}
		if _, _, err := client(t, fetch.Options{AllowLoopbackHTTP: true, Resolver: &resolver}).Get(t.Context(), "http://idp.example:"+port+"/ok"); err != nil {
			t.Error(err)
		}
	})
	t.Run("no address", func(t *testing.T) {
		resolver := answers{nil}
		if _, _, err := client(t, fetch.Options{Resolver: &resolver}).Get(t.Context(), "https://idp.example/"); err == nil {
			t.Error("a name without addresses was fetched")
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	srv := site(t, false)
	c := client(t, fetch.Options{AllowLoopbackHTTP: true, MaxBytes: 100})
	for _, chunked := range []string{"", "1"} {
		fits := srv.URL + "/size?chunked=" + chunked + "&of=" + strings.Repeat("x", 100)
		if body, _, err := c.Get(t.Context(), fits); err != nil || len(body) != 100 {
			t.Errorf("100 of 100 bytes, chunked %q: %d, %v", chunked, len(body), err)
		}
		if body, _, err := c.Get(t.Context(), fits+"x"); !errors.Is(err, fetch.ErrTooLarge) || body != nil {
			t.Errorf("101 of 100 bytes, chunked %q: %d, %v", chunked, len(body), err)
		}
	}
	if _, _, err := c.Get(t.Context(), srv.URL+"/header"); err == nil {
		t.Error("a header of 80 KiB was accepted")
	}
	resp, err := c.HTTPClient().Get(srv.URL + "/size?chunked=1&of=" + strings.Repeat("x", 300))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for range 2 {
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, fetch.ErrTooLarge) {
			t.Errorf("through the http.Client: %v", err)
		}
	}
}

func TestStatusIsAnErrorWithoutTheBody(t *testing.T) {
	srv := site(t, false)
	_, _, err := client(t, fetch.Options{AllowLoopbackHTTP: true}).Get(t.Context(), srv.URL+"/secret")
	var status *fetch.StatusError
	if !errors.As(err, &status) || status.Status != http.StatusTeapot || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}

func TestPostIsNotRedirected(t *testing.T) {
	srv := site(t, false)
	c := client(t, fetch.Options{AllowLoopbackHTTP: true}).HTTPClient()
	resp, err := c.PostForm(srv.URL+"/to?url=/ok", url.Values{"client_secret": {"s"}})
	if err == nil {
		resp.Body.Close()
	}
	if !errors.Is(err, fetch.ErrForbidden) {
		t.Errorf("got %v", err)
	}
}

// closer notes that a request's body was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestARefusedRequestsBodyIsClosed(t *testing.T) {
	body := &closer{Reader: strings.NewReader("x")}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "ftp://127.0.0.1/", body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client(t, fetch.Options{}).RoundTrip(req)
	if err == nil {
		resp.Body.Close()
	}
	if !errors.Is(err, fetch.ErrForbidden) || !body.closed {
		t.Errorf("%v, closed %v", err, body.closed)
	}
}

func TestTimeAndContext(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer srv.Close()
	defer close(hang)
	var timeout net.Error
	if _, _, err := client(t, fetch.Options{AllowLoopbackHTTP: true, Timeout: 1}).Get(t.Context(), srv.URL); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("a nanosecond was enough, or: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := client(t, fetch.Options{AllowLoopbackHTTP: true}).Get(ctx, srv.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesNegativeLimits(t *testing.T) {
	for _, o := range []fetch.Options{{Timeout: -1}, {MaxBytes: -1}} {
		if _, err := fetch.New(o); err == nil {
			t.Errorf("accepted %+v", o)
		}
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
