package graceful

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Options of a server. All are required but Log.
type Options struct {
	Handler http.Handler
	// Drain is how long requests under way may take to finish after the end was asked for.
	Drain time.Duration
	// Log hears of connections that fail; nil discards.
	Log *log.Logger
}

// Serve answers until ctx ends and returns once requests under way have finished, or were cut after Options.Drain. It
// closes l. The error says why it could not answer; being asked to end is none.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	if o.Log == nil {
		o.Log = log.New(io.Discard, "", 0)
	}
	server := &http.Server{
		Handler: o.Handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 40 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: o.Log,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Drain)
	defer cancel()
	if server.Shutdown(drain) != nil {
		_ = server.Close() // what did not finish in time is cut
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
