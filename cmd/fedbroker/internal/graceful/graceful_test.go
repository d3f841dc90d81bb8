package graceful_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/graceful"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// slow answers once it is let go, and tells when it was entered.
type slow struct{ entered, leave chan struct{} }

func (s slow) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.entered <- struct{}{}
	<-s.leave
	_, _ = w.Write([]byte("done"))
}

func TestARequestUnderWayFinishes(t *testing.T) {
	l, h := listen(t), slow{make(chan struct{}), make(chan struct{})}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- graceful.Serve(ctx, l, graceful.Options{Handler: h, Drain: time.Minute}) }()
	got := make(chan string, 1)
	go func() { got <- get(l.Addr().String()) }()
	<-h.entered
	end()
	close(h.leave)
	if text := <-got; text != "done" {
		t.Errorf("the request got %q", text)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("new connections are taken after the end")
	}
}

func get(address string) string {
	resp, err := http.Get("http://" + address)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func TestWhatDoesNotFinishIsCut(t *testing.T) {
	l, h := listen(t), slow{make(chan struct{}), make(chan struct{})}
	defer close(h.leave)
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- graceful.Serve(ctx, l, graceful.Options{Handler: h, Drain: time.Millisecond}) }()
	got := make(chan string, 1)
	go func() { got <- get(l.Addr().String()) }()
	<-h.entered
	end()
	if err := <-ended; err != nil {
		t.Fatalf("being asked to end is no error: %v", err)
	}
	if text := <-got; text == "done" {
		t.Error("the request was not cut")
	}
}

func TestAListenerThatFailsIsAnError(t *testing.T) {
	l := listen(t)
	l.Close()
	if err := graceful.Serve(t.Context(), l, graceful.Options{Handler: http.NotFoundHandler(), Drain: time.Second}); err == nil {
		t.Error("no error for a closed listener")
	}
}
