package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func options() Options {
	return Options{
		Getenv: func(string) (string, bool) { return "", false }, Version: "test", AuditWriter: io.Discard,
		Logger: slog.New(slog.DiscardHandler), Clock: time.Now, Rand: rand.Reader,
	}
}

func parse(t *testing.T, text string) *configs.File {
	t.Helper()
	f, err := configs.Parse("test.yaml", []byte(text), options().Getenv)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAnotherHostIsNotAnswered(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Listener, o.Host = l, l.Addr().String()
	d, err := New(t.Context(), parse(t, `server: {public_url: "http://localhost:1"}`), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	for host, want := range map[string]int{o.Host: http.StatusOK, "evil.example.com": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest} {
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Host = host
		w := httptest.NewRecorder()
		d.route(w, r)
		if w.Code != want {
			t.Errorf("Host %q: %d", host, w.Code)
		}
	}
}

func TestLoadAboveTheLimitIsShed(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	h := shed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-leave
	}), 1)
	first := make(chan int, 1)
	go func() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		first <- w.Code
	}()
	<-entered
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("above the limit: %d", w.Code)
	}
	close(leave)
	if code := <-first; code != http.StatusOK {
		t.Errorf("within the limit: %d", code)
	}
	go func() { <-entered }()
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil)); w.Code != http.StatusOK {
		t.Errorf("a slot is not given back: %d", w.Code)
	}
}

// TestADirectResponseBeforeThereIsMetadata: which provider it is meant for is not known, and asking again may help.
func TestADirectResponseBeforeThereIsMetadata(t *testing.T) {
	sp, err := standInSPKey(time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := makings{opts: options(), clients: newClients("test"), sp: sp, life: context.Background()}
	f := parse(t, `
server: {public_url: "https://aws.example.com"}
idps: [{id: corp, saml: {metadata_url: "https://idp.invalid/metadata", direct: true}}]
`)
	people, problems := buildProviders(f, m)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	response := idptest.NewSAMLIDP(time.Now).Respond(t, idptest.SAMLAnswer{NameID: "alice", SignAssertion: true})
	_, err = people.direct.Verify(t.Context(), secret.New(response))
	var refused *idp.Error
	if !errors.As(err, &refused) || refused.Kind != idp.KindUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestAProviderThatDidNotChangeIsTakenOver(t *testing.T) {
	sp, err := standInSPKey(time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := func(url, extra string) *configs.File {
		return parse(t, `
server: {public_url: "`+url+`"}
idps: [{id: corp, `+extra+`saml: {metadata_url: "https://idp.invalid/metadata"}}]
`)
	}
	m := makings{opts: options(), clients: newClients("test"), sp: sp, life: context.Background()}
	first, problems := buildProviders(text("https://aws.example.com", ""), m)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	m.old = first
	for name, test := range map[string]struct {
		url, extra string
		taken      bool
	}{
		"nothing changed": {"https://aws.example.com", "", true},
		"another URL":     {"https://other.example.com", "", false},
		"another skew":    {"https://aws.example.com", "skew: 2m, ", false},
		"another reach":   {"https://aws.example.com", "private_network: true, ", false},
	} {
		next, problems := buildProviders(text(test.url, test.extra), m)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if taken := next.saml[0] == first.saml[0]; taken != test.taken || (len(next.fresh) == 0) != test.taken {
			t.Errorf("%s: taken over: %t, %d to fetch", name, taken, len(next.fresh))
		}
	}
}

func TestOneClientForEachReach(t *testing.T) {
	c := newClients("test")
	made := map[any]string{}
	for name, p := range map[string]configs.IdP{"public": {}, "private": {PrivateNetwork: true}, "http": {InsecureHTTP: true}, "both": {PrivateNetwork: true, InsecureHTTP: true}} {
		one, err := c.to(&p)
		if err != nil {
			t.Fatal(err)
		}
		two, err := c.to(&p)
		if err != nil || one != two {
			t.Errorf("%s: two clients, %v", name, err)
		}
		if other, taken := made[one]; taken {
			t.Errorf("%s has the reach of %s", name, other)
		}
		made[one] = name
	}
}
