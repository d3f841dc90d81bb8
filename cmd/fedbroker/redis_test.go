package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/store/storetest"
	"github.com/fedbroker/fedbroker/idp/idptest"
)

// sealingKey is one that "fedbroker keys generate" made.
const sealingKey = "Npn/sxV4aZAP8lRbMS2KvTQn/YV/63lmxgPuXeMEqFU="

// withRedis is the part of a configuration that shares a store.
func (w *world) withRedis(r *storetest.Server) string {
	w.env["SEALING_KEY"] = sealingKey
	return `store: {redis: {url: "` + r.URL() + `", prefix: "test:"}}
keys: {sealing: {active: k1, ring: {k1: "env:SEALING_KEY"}}}`
}

func TestTwoNodesAreOneBroker(t *testing.T) {
	w := newWorld(t)
	redis := storetest.StartRedis(t)
	first := w.serve(w.config("first", parts{extra: w.withRedis(redis)}))
	second := w.serveBeside(parts{extra: w.withRedis(redis)})

	if one, two := first.get("/.well-known/jwks.json"), second.get("/.well-known/jwks.json"); one.body != two.body || !strings.Contains(one.body, `"kid"`) {
		t.Errorf("the nodes publish different keys:\n%s\n%s", one.body, two.body)
	}
	if one, two := first.get("/issuer/saml/metadata"), second.get("/issuer/saml/metadata"); certificate(one.body) != certificate(two.body) || certificate(one.body) == "" {
		t.Error("the nodes publish different SAML certificates")
	}
	if one, two := first.get("/saml/corp/metadata"), second.get("/saml/corp/metadata"); certificate(one.body) != certificate(two.body) || certificate(one.body) == "" {
		t.Error("the nodes are different service providers")
	}

	token := w.token()
	a, before := first.credentials(token, "prod/deploy"), w.calls()
	b := second.credentials(token, "prod/deploy")
	wantKeys(t, a)
	wantKeys(t, b)
	if a.AccessKeyID != b.AccessKeyID || w.calls() != before {
		t.Errorf("the second node called STS for credentials that the first one had: %s, %s", a.AccessKeyID, b.AccessKeyID)
	}

	response := w.response(w.saml)
	wantKeys(t, second.direct(response, "prod/deploy"))
	wantStatus(t, first.direct(response, "prod/deploy"), http.StatusUnauthorized, "replayed")
	wantStatus(t, second.direct(response, "prod/deploy"), http.StatusUnauthorized, "replayed")
}

// serveBeside runs a second node of the same broker: same public URL, a port of its own.
func (w *world) serveBeside(p parts) *node {
	w.t.Helper()
	address := freeAddr(w.t)
	name := w.config("second", p)
	w.rewrite(name, `listen: "`+w.listen+`"`, `listen: "`+address+`"`)
	n := w.serve(name)
	n.url = "http://" + address
	return n
}

func certificate(metadata string) string {
	_, after, _ := strings.Cut(metadata, "X509Certificate>")
	cert, _, _ := strings.Cut(after, "<")
	return cert
}

func TestNothingIsIssuedWithoutTheStore(t *testing.T) {
	w := newWorld(t)
	redis := storetest.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	n := w.serve(w.config("f", parts{extra: w.withRedis(redis)}))
	wantKeys(t, n.credentials(w.token(), "prod/deploy")) // keys and metadata are warm: only the store is missing below
	if a := n.get("/readyz"); a.status != http.StatusOK {
		t.Fatalf("readyz: %d", a.status)
	}
	before, response := w.calls(), w.response(w.saml)

	redis.Kill()
	wantStatus(t, n.credentials(w.token(), "prod/deploy"), http.StatusServiceUnavailable, "store_unavailable")
	wantStatus(t, n.direct(response, "prod/deploy"), http.StatusServiceUnavailable, "store_unavailable")
	if a := n.get("/readyz"); a.status != http.StatusServiceUnavailable {
		t.Errorf("readyz while the store is away: %d", a.status)
	}
	if a := n.get("/healthz"); a.status != http.StatusOK {
		t.Errorf("healthz while the store is away: %d", a.status)
	}
	if w.calls() != before {
		t.Error("AWS was asked although the store is away")
	}

	redis.Start()
	n.untilReady()
	wantKeys(t, n.credentials(w.token(), "prod/deploy"))
	wantKeys(t, n.direct(response, "prod/deploy")) // SDKs try again with the same proof
}

// untilReady gives the pool of connections the second that it takes to dial again.
func (n *node) untilReady() {
	n.w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		a := n.get("/readyz")
		if a.status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			n.w.t.Fatalf("readyz although the store is back: %d %s", a.status, a.body)
		}
	}
}

func TestAStoreThatForgotIsNotBelieved(t *testing.T) {
	w := newWorld(t)
	redis := storetest.StartRedis(t)
	n := w.serve(w.config("f", parts{extra: w.withRedis(redis)}))
	response := w.response(w.saml)
	wantKeys(t, n.direct(response, "prod/deploy"))
	redis.Kill()
	redis.Start() // empty: it kept nothing
	for range 3 {
		if a := n.direct(response, "prod/deploy"); a.status == http.StatusOK {
			t.Fatal("a response that was used is accepted after the store lost its memory of it")
		}
	}
	n.untilReady()
}

func TestRedisWithAnotherSealingKeyDoesNotStart(t *testing.T) {
	w := newWorld(t)
	redis := storetest.StartRedis(t)
	name := w.config("f", parts{extra: w.withRedis(redis)})
	w.serve(name).stop()
	w.env["SEALING_KEY"] = "q7n0Zb2m1YtqkJx0pW3v8sLr5uHcD9eXfGaBiTjKwM4="
	out := newOutput()
	if code := run(t.Context(), []string{"serve", "-c", name}, w.getenv, strings.NewReader(""), out, out); code != exitRefused {
		t.Errorf("exit code %d: %s", code, out)
	}
	if got := strings.TrimSpace(out.String()); !strings.HasPrefix(got, "fedbroker: store: ") || strings.Contains(got, "\n") {
		t.Errorf("want one line about the store, got:\n%s", got)
	}
}

func TestRedisWithoutASealingKeyDoesNotStart(t *testing.T) {
	w := newWorld(t)
	redis := storetest.StartRedis(t)
	out := newOutput()
	name := w.config("f", parts{extra: `store: {redis: {url: "` + redis.URL() + `"}}`})
	if code := run(t.Context(), []string{"serve", "-c", name}, w.getenv, strings.NewReader(""), out, out); code != exitRefused || !strings.Contains(out.String(), "must be sealed") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if keys := redis.Keys(); len(keys) != 0 {
		t.Errorf("something was stored unsealed: %v", keys)
	}
}

func TestConcurrentJobsShareCalls(t *testing.T) {
	w := newWorld(t)
	n := w.serve(w.config("f", parts{extra: w.withRedis(storetest.StartRedis(t))}))
	token := w.token()
	const jobs = 40
	got := make(chan answer, jobs)
	for range jobs {
		go func() { got <- n.credentials(token, "prod/deploy") }()
	}
	for range jobs {
		wantKeys(t, <-got)
	}
	if w.calls() != 1 {
		t.Errorf("%d equal requests cost %d STS calls", jobs, w.calls())
	}
	if got := w.issuer.Fetches(idptest.JWKSPath); got != 1 {
		t.Errorf("the issuer's keys were fetched %d times", got)
	}
}
