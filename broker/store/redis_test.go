package store_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/store"
	"github.com/fedbroker/fedbroker/broker/store/storetest"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func options(url string) store.RedisOptions {
	return store.RedisOptions{URL: secret.New(url), Timeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler)}
}

func TestRedisHoldsNoPlainText(t *testing.T) {
	server := storetest.StartRedis(t)
	sealed := seal(t, newRedis(t, server), newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)}))
	const canary = "canary-7f3a"
	ops := []broker.Op{set("session:"+canary, canary), add("mark:"+canary, canary), get(canary), set("k", strings.Repeat(canary, 100))}
	if _, err := sealed.Do(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
	keys := server.Keys()
	if len(keys) != 4 { // three entries and the anchor
		t.Errorf("keys on the server: %q", keys)
	}
	for _, key := range keys {
		value, err := server.Client().Get(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range []string{key, value} {
			if strings.Contains(place, canary) || strings.Contains(place, "session") {
				t.Errorf("the server sees %q: %q", key, place)
			}
		}
		if !strings.HasPrefix(key, "fed:") {
			t.Errorf("a key outside the prefix: %q", key)
		}
	}
}

func TestRedisOutage(t *testing.T) {
	server := storetest.StartRedis(t)
	sealed := seal(t, newRedis(t, server), newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)}))
	var wait sync.WaitGroup
	wins := make(chan int, 8)
	running := make(chan struct{}, 8)
	for range 8 {
		wait.Go(func() {
			var announce sync.Once
			for n := 0; ; n++ {
				got, err := sealed.Do(t.Context(), add("k", "v"), get("k"), take("k"))
				if err != nil {
					if !errors.Is(err, store.ErrUnavailable) || got != nil {
						t.Errorf("outage: got (%v, %v), want ErrUnavailable and nothing", got, err)
					}
					wins <- n
					return
				}
				announce.Do(func() { running <- struct{}{} })
			}
		})
	}
	for range 8 {
		<-running
	}
	server.Kill()
	wait.Wait()
	for range 8 {
		if n := <-wins; n == 0 {
			t.Error("a caller never succeeded before the outage")
		}
	}
	if _, err := sealed.Do(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("asking a dead store: %v", err)
	}
	server.Start()
	await(t, "the store works again after a restart", func() bool {
		got, err := sealed.Do(t.Context(), add("mark", "1"))
		return err == nil && !got[0].Found
	})
}

// await tries until it works: a pool that saw an outage finds out by itself that it is over.
func await(t *testing.T, what string, try func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !try(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not reached: %s", what)
		}
	}
}

func TestRedisRestartWithPersistenceKeepsMarks(t *testing.T) {
	server := storetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	sealed := seal(t, newRedis(t, server), newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)}))
	if _, err := sealed.Do(t.Context(), add("mark", "1")); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.Start()
	var got []broker.Result
	await(t, "an answer after the restart", func() (ok bool) {
		var err error
		got, err = sealed.Do(t.Context(), add("mark", "2"))
		return err == nil
	})
	if !got[0].Found || string(got[0].Value) != "1" {
		t.Errorf("the mark was forgotten: %v", got)
	}
}

func TestRedisFailsABatchAsAWhole(t *testing.T) {
	server := storetest.StartRedis(t)
	sealed := seal(t, newRedis(t, server), newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)}))
	if err := server.Client().LPush(t.Context(), "fed:"+sealed.WireName("list"), "x").Err(); err != nil {
		t.Fatal(err)
	}
	for name, ops := range map[string][]broker.Op{
		"first":  {get("list"), add("a", "1")},
		"middle": {add("b", "1"), get("list"), add("c", "1")},
		"last":   {add("d", "1"), take("absent"), get("list")},
	} {
		if got, err := sealed.Do(t.Context(), ops...); !errors.Is(err, store.ErrUnavailable) || got != nil {
			t.Errorf("%s: got (%v, %v), want no partial answer", name, got, err)
		}
	}
}

func TestRedisOutOfMemoryRefusesAndForgetsNothing(t *testing.T) {
	server := storetest.StartRedis(t)
	sealed := seal(t, newRedis(t, server), newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)}))
	if _, err := sealed.Do(t.Context(), add("mark", "1")); err != nil {
		t.Fatal(err)
	}
	if err := server.Client().ConfigSet(t.Context(), "maxmemory", "1mb").Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := sealed.Do(t.Context(), get("mark"), add("other", "1")); !errors.Is(err, store.ErrUnavailable) || got != nil {
		t.Errorf("a full server: got (%v, %v)", got, err)
	}
	if got, err := sealed.Do(t.Context(), get("mark")); err != nil || !got[0].Found {
		t.Errorf("the mark was forgotten: (%v, %v)", got, err)
	}
}

func TestNewRedisRefusesEviction(t *testing.T) {
	server := storetest.StartRedis(t, "--maxmemory-policy", "allkeys-lru")
	if _, err := store.NewRedis(t.Context(), options(server.URL())); err == nil || !strings.Contains(err.Error(), "allkeys-lru") {
		t.Errorf("got %v", err)
	}
	hide := "on >pw ~fed:* +ping +get +set +del +getdel"
	setUser(t, server, "info", hide+" +info")
	setUser(t, server, "blind", hide)
	o := options(server.URL())
	o.Username, o.Password = "info", secret.New("pw")
	if _, err := store.NewRedis(t.Context(), o); err == nil || !strings.Contains(err.Error(), "allkeys-lru") {
		t.Errorf("INFO alone tells the policy: got %v", err)
	}
	var log bytes.Buffer
	o.Username, o.Logger = "blind", slog.New(slog.NewTextHandler(&log, nil))
	r, err := store.NewRedis(t.Context(), o)
	if err != nil {
		t.Fatalf("a user that can read neither: %v", err)
	}
	_ = r.Close()
	if !strings.Contains(log.String(), "maxmemory-policy") {
		t.Errorf("no warning: %q", log.String())
	}
}

func setUser(t *testing.T, server *storetest.Server, name, rules string) {
	t.Helper()
	if err := server.Client().ACLSetUser(t.Context(), name, strings.Fields(rules)...).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestNewRedisChecksWhatTheUserMay(t *testing.T) {
	server := storetest.StartRedis(t)
	for name, rights := range map[string]string{
		"other prefix": "on >pw ~other:* +ping +get +set +del +getdel +info",
		"no getdel":    "on >pw ~fed:* +ping +get +set +del +info",
		"no set":       "on >pw ~fed:* +ping +get +del +getdel +info",
		"no del":       "on >pw ~fed:* +ping +get +set +getdel +info",
		"nothing":      "on >pw",
		"off":          "off >pw ~* +@all",
	} {
		setUser(t, server, "u", "reset "+rights)
		o := options(server.URL())
		o.Username, o.Password = "u", secret.New("pw")
		if _, err := store.NewRedis(t.Context(), o); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRedisPasswordStaysOutOfErrors(t *testing.T) {
	server := storetest.StartRedis(t, "--requirepass", "right")
	const canary = "canary-7f3a"
	for _, url := range []string{
		"redis://:" + canary + "@" + server.Addr(),
		"redis://u:" + canary + "@" + server.Addr() + "/x",
		"redis://u:" + canary + "@" + server.Addr() + "/0?skip_verify=true",
		"redis://u:" + canary + "@127.0.0.1:1",
		"http://u:" + canary + "@" + server.Addr(),
		"redis://u:" + canary + "@%zz",
		"redis://u:" + canary + "@host:port",
		"redis:u:" + canary,
		canary,
		"",
	} {
		_, err := store.NewRedis(t.Context(), options(url))
		if err == nil {
			t.Errorf("%s: connected", url)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("the error shows the password: %v", err)
		}
	}
	r, err := store.NewRedis(t.Context(), options("redis://:right@"+server.Addr()+"/3"))
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
}

func TestNewRedisRefusesBadOptions(t *testing.T) {
	for name, change := range map[string]func(*store.RedisOptions){
		"no logger":           func(o *store.RedisOptions) { o.Logger = nil },
		"prefix with a space": func(o *store.RedisOptions) { o.Prefix = "a b" },
		"prefix as a pattern": func(o *store.RedisOptions) { o.Prefix = "*" },
		"ca without tls":      func(o *store.RedisOptions) { o.CA = "x" },
		"cert without tls":    func(o *store.RedisOptions) { o.Certificate = "x" },
		"certificates unchecked": func(o *store.RedisOptions) {
			o.URL = secret.New("rediss://127.0.0.1:1?skip_verify=true")
		},
		"ca that is none": func(o *store.RedisOptions) { o.URL, o.CA = secret.New("rediss://127.0.0.1:1"), "x" },
		"cert without key": func(o *store.RedisOptions) {
			o.URL, o.Certificate = secret.New("rediss://127.0.0.1:1"), "x"
		},
	} {
		o := options("redis://127.0.0.1:1")
		change(&o)
		if _, err := store.NewRedis(t.Context(), o); err == nil || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v, want a refusal before anything is asked", name, err)
		}
	}
}

func TestRedisTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, content := range map[string]string{certFile: cert, keyFile: key} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	storetest.StartRedis(t, "--tls-port", port, "--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", certFile)
	o := options("rediss://127.0.0.1:" + port)
	if _, err := store.NewRedis(t.Context(), o); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a server that the system does not know: %v", err)
	}
	o.CA = cert
	if _, err := store.NewRedis(t.Context(), o); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("without the client certificate that the server wants: %v", err)
	}
	o.Certificate, o.Key = cert, secret.New(key)
	r, err := store.NewRedis(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	s := seal(t, r, newRing(t, "k1", map[string]secret.Text{"k1": newKey(t)}))
	if _, err := s.Do(t.Context(), set("k", "v")); err != nil {
		t.Error(err)
	}
}

func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// TestRedisNeverRetries stands in front of a server that swallows its answer once: the mark was set, and the caller
// must hear an error rather than its own mark.
func TestRedisNeverRetries(t *testing.T) {
	server := storetest.StartRedis(t)
	proxy := newSwallower(t, server.Addr())
	redis, err := store.NewRedis(t.Context(), options("redis://"+proxy.addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = redis.Close() })
	bare := store.Bare{Raw: redis}
	before := setCalls(t, server)
	proxy.swallow.Store(true)
	if got, err := bare.Do(t.Context(), add("mark", "mine")); !errors.Is(err, store.ErrUnavailable) || got != nil {
		t.Errorf("a lost answer: got (%v, %v)", got, err)
	}
	if n := setCalls(t, server) - before; n != 1 {
		t.Errorf("the mark was tried %d times, want once", n)
	}
	if got, err := bare.Do(t.Context(), add("mark", "again")); err != nil || !got[0].Found {
		t.Errorf("the mark stands: (%v, %v)", got, err)
	}
}

// setCalls counts the SET commands that the server carried out.
func setCalls(t *testing.T, server *storetest.Server) int {
	t.Helper()
	info, err := server.Client().Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, "cmdstat_set:calls=")
	calls, _, _ := strings.Cut(rest, ",")
	n, err := strconv.Atoi(calls)
	if err != nil {
		t.Fatalf("no count of SET in %q", info)
	}
	return n
}

func BenchmarkSealedRedisGet(b *testing.B) {
	server := storetest.StartRedis(b)
	benchmarkGet(b, seal(b, newRedis(b, server), newRing(b, "k1", map[string]secret.Text{"k1": newKey(b)})))
}

func BenchmarkSealedRedisMarkAndGet(b *testing.B) {
	server := storetest.StartRedis(b)
	s := seal(b, newRedis(b, server), newRing(b, "k1", map[string]secret.Text{"k1": newKey(b)}))
	ctx := context.Background()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := s.Do(ctx, get("credentials"), add("mark", "1"), get("floor")); err != nil {
			b.Fatal(err)
		}
	}
}
