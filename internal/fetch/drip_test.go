package fetch_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/internal/fetch"
)

// A server that begins an answer and never ends it holds nobody longer than the time limit.
func TestABodyThatNeverEndsIsGivenUp(t *testing.T) {
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		<-hang
	}))
	defer srv.Close()
	defer close(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // where the limit does not work
	defer cancel()
	body, _, err := client(t, fetch.Options{AllowLoopbackHTTP: true, Timeout: 500 * time.Millisecond}).Get(ctx, srv.URL)
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() || ctx.Err() != nil || body != nil {
		t.Errorf("got %q, %v", body, err)
	}
}
