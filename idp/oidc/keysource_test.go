package oidc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/internal/fetch"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/go-jose/go-jose/v4"
)

// fetched holds the number of key fetches, and of discoveries, to want.
func (f *fixture) fetched(t *testing.T, want int) {
	t.Helper()
	f.WaitForFetch()
	if got := f.issuer.Fetches(idptest.JWKSPath); got != want {
		t.Errorf("%d fetches of keys, want %d", got, want)
	}
}

// unknownKid is a token that names a key which nobody has.
func (f *fixture) unknownKid(n int) string {
	key := f.issuer.Key()
	key.ID = fmt.Sprint("unknown-", n)
	return idptest.SignJWT(f.t, key, mustJSON(f.t, f.claims()))
}

func TestKeysAreFetchedOnFirstUseAndKept(t *testing.T) {
	f := newFixture(t)
	f.fetched(t, 0)
	for range 5 {
		f.accepts(t, f.token())
	}
	f.fetched(t, 1)
}

func TestConcurrentFirstTokensCostOneFetch(t *testing.T) {
	f := newFixture(t)
	token := f.token()
	release := f.issuer.Hold()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := f.verify(token); err != nil {
				t.Error(err)
			}
		})
	}
	release()
	wg.Wait()
	f.fetched(t, 1)
}

// The caller that started the fetch leaves; those that wait for it get their keys.
func TestACancelledCallerFailsAlone(t *testing.T) {
	f := newFixture(t)
	token := secret.New(f.token())
	release := f.issuer.Hold()
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := f.Verify(ctx, token)
		first <- err
	}()
	second := make(chan error, 1)
	go func() {
		_, err := f.Verify(t.Context(), token)
		second <- err
	}()
	cancel()
	wantKind(t, idp.KindUnavailable, idp.Identity{}, <-first)
	release()
	if err := <-second; err != nil {
		t.Errorf("the other caller: %v", err)
	}
	f.fetched(t, 1)
}

func TestACancelledLookUpOfAKeyIDFailsAlone(t *testing.T) {
	f := newFixture(t)
	f.accepts(t, f.token())
	f.issuer.Rotate()
	f.clock.advance(oidc.DefaultMinRefetch)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	release := f.issuer.Hold()
	id, err := f.Verify(ctx, secret.New(f.token()))
	wantKind(t, idp.KindUnavailable, id, err)
	release()
	f.accepts(t, f.token())
	f.fetched(t, 2)
}

// Issuers publish keys for encryption too. Those are left out, and the log says so at a level for the curious.
func TestKeysLeftOutAreLogged(t *testing.T) {
	var log bytes.Buffer
	f := newFixture(t, func(o *oidc.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	var set map[string][]any
	if err := json.Unmarshal(f.issuer.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	set["keys"] = append(set["keys"], map[string]any{"kty": "oct", "k": "canary"})
	f.issuer.SetJWKS(mustJSON(t, set))
	f.accepts(t, f.token())
	if got := log.String(); !strings.Contains(got, "key 1: it carries private") || strings.Contains(got, "canary") {
		t.Errorf("log: %s", got)
	}
	f.issuer.Fail(http.StatusTeapot)
	f.clock.advance(time.Hour)
	f.accepts(t, f.token())
	if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "status 418") || !strings.Contains(got, f.issuer.URL) {
		t.Errorf("log: %s", got)
	}
}

func TestUnknownKeyIDsDoNotHammerTheIssuer(t *testing.T) {
	f := newFixture(t)
	f.accepts(t, f.token())
	for n := range 100 {
		f.refuses(t, idp.KindInvalid, f.unknownKid(n))
	}
	f.fetched(t, 1) // within the pause after the first
	f.clock.advance(oidc.DefaultMinRefetch)
	for n := range 100 {
		f.refuses(t, idp.KindInvalid, f.unknownKid(n))
	}
	f.fetched(t, 2)
	f.accepts(t, f.token())
}

func TestAnUnknownKeyIDIsRemembered(t *testing.T) {
	f := newFixture(t)
	f.accepts(t, f.token())
	f.clock.advance(oidc.DefaultMinRefetch)
	f.refuses(t, idp.KindInvalid, f.unknownKid(1))
	f.fetched(t, 2)
	f.clock.advance(oidc.DefaultMinRefetch + time.Second)
	f.refuses(t, idp.KindInvalid, f.unknownKid(1))
	f.fetched(t, 2) // another would be due, but this id was looked for
	f.refuses(t, idp.KindInvalid, f.unknownKid(2))
	f.fetched(t, 3)
	f.clock.advance(2 * oidc.DefaultMinRefetch)
	f.refuses(t, idp.KindInvalid, f.unknownKid(1))
	f.fetched(t, 4) // forgotten by now
}

// Everyone who waits for one fetch may name another id: the memory holds so many and no more, and room comes back.
func TestTheMemoryOfUnknownKeyIDsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := idptest.SigningKey{ID: "key-1", Alg: jose.ES256, Key: idptest.ECKey(t)}
		g := &gated{jwks: string(mustJSON(t, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Key.Public(), KeyID: key.ID}}}))}
		w, err := oidc.NewWorkload(oidc.Options{ID: "ci", Issuer: "https://idp.example", Audiences: []string{audience}, Fetch: g})
		if err != nil {
			t.Fatal(err)
		}
		payload := mustJSON(t, map[string]any{"iss": "https://idp.example", "aud": audience, "sub": subject, "exp": time.Now().Add(time.Hour).Unix()})
		verify := func(kid string) error {
			_, err := w.Verify(t.Context(), secret.New(idptest.SignJWT(t, idptest.SigningKey{ID: kid, Alg: jose.ES256, Key: key.Key}, payload)))
			return err
		}
		burst := func(n int) {
			time.Sleep(2 * oidc.DefaultMinRefetch) // of the bubble's clock
			g.gate = make(chan struct{})
			for i := range n {
				go func() { _ = verify(fmt.Sprint("unknown-", i)) }()
			}
			synctest.Wait()
			close(g.gate)
			synctest.Wait()
		}
		if err := verify("key-1"); err != nil {
			t.Fatal(err)
		}
		burst(300)
		if n := w.UnknownKids(); n != 256 {
			t.Errorf("%d ids are remembered", n)
		}
		burst(5)
		if n := w.UnknownKids(); n != 5 {
			t.Errorf("%d ids are remembered after those that are over were dropped", n)
		}
	})
}

// gated serves one issuer from memory, behind a gate when there is one.
type gated struct {
	jwks string
	gate chan struct{}
}

func (g *gated) Get(_ context.Context, target string) ([]byte, http.Header, error) {
	if g.gate != nil {
		<-g.gate
	}
	if strings.HasSuffix(target, idptest.DiscoveryPath) {
		return []byte(`{"issuer":"https://idp.example","jwks_uri":"https://idp.example/jwks"}`), http.Header{}, nil
	}
	return []byte(g.jwks), http.Header{}, nil
}

func TestABadSignatureOfAKnownKeyCostsNoFetch(t *testing.T) {
	f := newFixture(t)
	f.accepts(t, f.token())
	f.clock.advance(time.Minute)
	input, _ := cutLast(f.token())
	_, sig := cutLast(f.token(map[string]any{"jti": "other"}))
	for range 10 {
		f.refuses(t, idp.KindInvalid, input+"."+sig)
	}
	f.fetched(t, 1)
}

func TestARotatedKeyIsFoundAtOnce(t *testing.T) {
	f := newFixture(t)
	f.accepts(t, f.token())
	f.issuer.Rotate()
	f.refuses(t, idp.KindInvalid, f.token()) // in the pause
	f.clock.advance(oidc.DefaultMinRefetch)
	f.accepts(t, f.token()) // the refusal above was no look-up, so it is not remembered
	f.fetched(t, 2)
}

func TestAWithdrawnKeyIsForgotten(t *testing.T) {
	f := newFixture(t)
	old := f.issuer.Key()
	f.accepts(t, f.token())
	f.issuer.SetKeys(idptest.SigningKey{ID: "key-2", Alg: old.Alg, Key: idptest.ECKey(t)})
	f.clock.advance(15 * time.Minute)
	token := idptest.SignJWT(t, old, mustJSON(t, f.claims()))
	f.accepts(t, token) // served while the refresh runs
	f.fetched(t, 2)
	f.refuses(t, idp.KindInvalid, token)
}

func TestKeysAreRefreshedBeforeTheyExpire(t *testing.T) {
	f := newFixture(t)
	f.accepts(t, f.token())
	f.clock.advance(15*time.Minute - time.Second)
	f.accepts(t, f.token())
	f.fetched(t, 1)
	f.clock.advance(time.Second)
	release := f.issuer.Hold()
	f.accepts(t, f.token()) // does not wait: the issuer answers only after release
	release()
	f.fetched(t, 2)
}

func TestOldKeysWaitForAFetch(t *testing.T) {
	f := newFixture(t)
	old := f.issuer.Key()
	f.accepts(t, f.token())
	f.issuer.SetKeys(idptest.SigningKey{ID: "key-2", Alg: old.Alg, Key: idptest.ECKey(t)})
	f.clock.advance(30 * time.Minute)
	f.refuses(t, idp.KindInvalid, idptest.SignJWT(t, old, mustJSON(t, f.claims())))
	f.fetched(t, 2)
}

func TestCacheControlIsHeededWithinBounds(t *testing.T) {
	for header, fresh := range map[string]time.Duration{
		"":                           15 * time.Minute,
		"public, max-age=600":        10 * time.Minute,
		"Max-Age=600":                10 * time.Minute,
		"max-age=1":                  5 * time.Minute,
		"no-store, max-age=0":        5 * time.Minute,
		"max-age=99999999":           time.Hour,
		"max-age=99999999999999999":  15 * time.Minute,
		"max-age=-5":                 15 * time.Minute,
		"max-age=\"600\", s-maxage=": 15 * time.Minute,
	} {
		t.Run(header, func(t *testing.T) {
			f := newFixture(t)
			f.issuer.SetHeader(http.Header{"Cache-Control": {header}})
			f.accepts(t, f.token())
			f.clock.advance(fresh - time.Second)
			f.accepts(t, f.token())
			f.fetched(t, 1)
			f.clock.advance(time.Second)
			f.accepts(t, f.token())
			f.fetched(t, 2)
		})
	}
}

func TestKeysSurviveAnOutageForAStatedTime(t *testing.T) {
	f := newFixture(t, func(o *oidc.Options) { o.StaleFor = 6 * time.Hour })
	f.accepts(t, f.token())
	f.issuer.Fail(http.StatusInternalServerError)
	for range 6 {
		f.clock.advance(time.Hour)
		f.accepts(t, f.token())
	}
	f.clock.advance(time.Second)
	f.refuses(t, idp.KindUnavailable, f.token())
	f.issuer.Fail(0)
	f.clock.advance(oidc.DefaultMinRefetch)
	f.accepts(t, f.token())
}

func TestAnOutageDoesNotCauseAStorm(t *testing.T) {
	f := newFixture(t)
	f.issuer.Fail(http.StatusServiceUnavailable)
	for range 100 {
		f.refuses(t, idp.KindUnavailable, f.token())
	}
	if n := f.issuer.Fetches(idptest.DiscoveryPath); n != 1 {
		t.Errorf("%d attempts in one pause", n)
	}
	f.clock.advance(oidc.DefaultMinRefetch)
	for range 100 {
		f.refuses(t, idp.KindUnavailable, f.token())
	}
	if n := f.issuer.Fetches(idptest.DiscoveryPath); n != 2 {
		t.Errorf("%d attempts in two pauses", n)
	}
}

// While the issuer is down nobody can say whether an unknown key is new: not the token's fault.
func TestAnUnknownKeyIDDuringAnOutageIsUnavailable(t *testing.T) {
	f := newFixture(t)
	f.accepts(t, f.token())
	f.issuer.Fail(http.StatusBadGateway)
	f.clock.advance(oidc.DefaultMinRefetch)
	f.refuses(t, idp.KindUnavailable, f.unknownKid(1))
	f.accepts(t, f.token())
	f.issuer.Fail(0)
	f.clock.advance(oidc.DefaultMinRefetch)
	f.refuses(t, idp.KindInvalid, f.unknownKid(1))
}

func TestBadDocumentsKeepTheOldKeys(t *testing.T) {
	for name, doc := range map[string]string{
		"empty": "", "not JSON": "<html>", "no keys": `{"keys":[]}`, "no array": `{"keys":{}}`, "other case": `{"Keys":[]}`,
		"twice": `{"keys":[],"keys":[]}`, "large": `{"keys":"` + strings.Repeat("x", 1<<20) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.accepts(t, f.token())
			f.issuer.SetJWKS([]byte(doc))
			f.clock.advance(time.Hour)
			f.accepts(t, f.token())
			f.fetched(t, 2)
			f.refuses(t, idp.KindUnavailable, f.unknownKid(1))
		})
	}
}

func TestDiscoveryDocumentMustBeTheIssuers(t *testing.T) {
	other := idptest.NewIssuer(t)
	for name, members := range map[string]map[string]any{
		"other issuer":         {"issuer": other.URL},
		"issuer with slash":    {"issuer": "http://127.0.0.1/"},
		"no issuer":            {"issuer": nil},
		"issuer in other case": {"issuer": nil, "Issuer": "http://127.0.0.1"},
		"no jwks_uri":          {"jwks_uri": nil},
		"relative jwks_uri":    {"jwks_uri": "/jwks"},
		"jwks_uri a file":      {"jwks_uri": "file:///etc/passwd"},
		"jwks_uri to metadata": {"jwks_uri": "http://169.254.169.254/jwks"},
		"jwks_uri to private":  {"jwks_uri": "https://10.0.0.1/jwks"},
		"jwks_uri with a user": {"jwks_uri": strings.Replace(other.URL, "http://", "http://u:p@", 1) + idptest.JWKSPath},
		"jwks_uri, no host":    {"jwks_uri": "https:///jwks"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.issuer.SetDiscovery(members)
			f.refuses(t, idp.KindUnavailable, f.token())
		})
	}
	if n := other.Fetches(idptest.JWKSPath); n != 0 {
		t.Errorf("%d fetches from elsewhere", n)
	}
}

// What the metadata of an https issuer may not point to is not even asked for, whatever the fetcher would think of it.
func TestKeysOfAnHTTPSIssuerComeOverHTTPS(t *testing.T) {
	issuer := idptest.NewIssuer(t)
	token := secret.New(issuer.Token(map[string]any{"iss": "https://idp.example", "aud": audience, "sub": subject}))
	for uri, good := range map[string]bool{
		"https://keys.example/jwks": true, "http://keys.example/jwks": false, "http://127.0.0.1/jwks": false, "https://u:p@keys.example/jwks": false,
		"https://keys.example/jwks#x": false, "/jwks": false, "file:///jwks": false, "https:///jwks": false, "": false,
	} {
		f := &stub{docs: map[string]string{
			"https://idp.example/.well-known/openid-configuration": `{"issuer":"https://idp.example","jwks_uri":"` + uri + `"}`,
			uri: string(issuer.JWKS()),
		}}
		w, err := oidc.NewWorkload(oidc.Options{ID: "ci", Issuer: "https://idp.example", Audiences: []string{audience}, Fetch: f})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Verify(t.Context(), token)
		if (err == nil) != good || (len(f.asked) == 2) != good {
			t.Errorf("%q: %v; asked for %q", uri, err, f.asked)
		}
	}
}

// stub answers from memory; a document that it does not have is 404.
type stub struct {
	docs  map[string]string
	asked []string
}

func (s *stub) Get(_ context.Context, target string) ([]byte, http.Header, error) {
	s.asked = append(s.asked, target)
	doc, ok := s.docs[target]
	if !ok {
		return nil, nil, &fetch.StatusError{Status: http.StatusNotFound}
	}
	return []byte(doc), http.Header{}, nil
}

// A fetcher that never answers is given up, whatever it thinks of time, and the pause begins when it is.
func TestAHangingFetchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hang hanging
		w, err := oidc.NewWorkload(oidc.Options{ID: "ci", Issuer: "https://idp.example", Audiences: []string{audience}, Fetch: &hang})
		if err != nil {
			t.Fatal(err)
		}
		payload := mustJSON(t, map[string]any{"iss": "https://idp.example", "aud": audience, "sub": subject, "exp": time.Now().Add(time.Hour).Unix()})
		token := secret.New(idptest.SignJWT(t, idptest.SigningKey{ID: "k", Alg: jose.ES256, Key: idptest.ECKey(t)}, payload))
		for _, attempts := range []int{1, 1, 2} {
			id, err := w.Verify(t.Context(), token)
			wantKind(t, idp.KindUnavailable, id, err)
			if hang.gets != attempts {
				t.Errorf("%d attempts, want %d", hang.gets, attempts)
			}
			time.Sleep(oidc.DefaultMinRefetch / 2) // of the bubble's clock
		}
	})
}

// hanging answers when its caller gives up.
type hanging struct{ gets int }

func (h *hanging) Get(ctx context.Context, _ string) ([]byte, http.Header, error) {
	h.gets++
	<-ctx.Done()
	return nil, nil, ctx.Err()
}

// A panic while keys are read is an outage of that issuer, not the end of the process.
func TestAPanicOverADocumentIsContained(t *testing.T) {
	f := newFixture(t, func(o *oidc.Options) { o.Fetch = panicking{} })
	f.refuses(t, idp.KindUnavailable, f.token())
}

type panicking struct{}

func (panicking) Get(context.Context, string) ([]byte, http.Header, error) {
	panic("a hostile document")
}

func TestPinnedKeysFetchNothing(t *testing.T) {
	issuer := idptest.NewIssuer(t)
	f := newFixture(t, func(o *oidc.Options) { o.Issuer, o.JWKSFile, o.Fetch = issuer.URL, issuer.JWKS(), nil })
	issuer.Clock = f.clock.now
	good := issuer.Token(map[string]any{"aud": audience, "sub": subject})
	f.accepts(t, good)
	issuer.Rotate()
	f.refuses(t, idp.KindInvalid, issuer.Token(map[string]any{"aud": audience, "sub": subject}))
	f.clock.advance(1000 * time.Hour)
	f.accepts(t, idptest.SignJWT(t, issuer.KeyNamed("key-1"), mustJSON(t, f.claims(map[string]any{"iss": issuer.URL}))))
	if n := issuer.Fetches(idptest.DiscoveryPath) + issuer.Fetches(idptest.JWKSPath); n != 0 {
		t.Errorf("%d fetches", n)
	}
}
