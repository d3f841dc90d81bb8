package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// returned is how a browser came back.
type returned struct {
	code secret.Text
	err  error
}

// listener waits on a loopback port for one browser to come back (RFC 8252 section 7.3). Requests that are not the
// answer to this very attempt change nothing: any page may send a browser here.
type listener struct {
	state  secret.Text
	net    net.Listener
	server *http.Server
	back   chan returned
}

func listen(state secret.Text) (*listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot wait for the browser on loopback: %w; try --device", err)
	}
	b := &listener{state: state, net: l, back: make(chan returned, 1)}
	b.server = &http.Server{
		Handler: http.HandlerFunc(b.answer), ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { _ = b.server.Serve(l) }() // ends with close
	return b, nil
}

func (b *listener) redirect() string { return "http://" + b.net.Addr().String() + callback }

// close lets the page that is being written reach its browser.
func (b *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if b.server.Shutdown(ctx) != nil {
		_ = b.server.Close()
	}
}

func (b *listener) wait(ctx context.Context) (secret.Text, error) {
	select {
	case r := <-b.back:
		return r.code, r.err
	case <-ctx.Done():
		return secret.Text{}, context.Cause(ctx)
	}
}

func (b *listener) answer(w http.ResponseWriter, r *http.Request) {
	got, status := b.read(r)
	if status != http.StatusOK {
		page(w, status, "This is not an answer to a sign-in that is under way. You may close this window.")
		return
	}
	select {
	case b.back <- got:
	default: // the first answer counts
	}
	if got.err != nil {
		page(w, http.StatusOK, "The sign-in was refused. Your terminal says more; you may close this window.")
		return
	}
	page(w, http.StatusOK, "Your browser is done. Your terminal goes on; you may close this window.")
}

// read takes a GET of the redirect URI by its own host name, with each parameter once and the state that was sent.
func (b *listener) read(r *http.Request) (returned, int) {
	switch {
	case r.Host != b.net.Addr().String():
		return returned{}, http.StatusForbidden // a name that somebody points at loopback
	case r.URL.Path != callback:
		return returned{}, http.StatusNotFound
	case r.Method != http.MethodGet:
		return returned{}, http.StatusMethodNotAllowed
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || !once(q, "state") || !b.state.Equal(secret.New(q.Get("state"))) {
		return returned{}, http.StatusBadRequest
	}
	switch {
	case once(q, "error") && !q.Has("code"):
		return returned{err: refusedLogin(q)}, http.StatusOK
	case once(q, "code") && !q.Has("error"):
		return returned{code: secret.New(q.Get("code"))}, http.StatusOK
	}
	return returned{}, http.StatusBadRequest
}

func refusedLogin(q url.Values) error {
	e := &OAuthError{Code: q.Get("error"), Description: q.Get("error_description")}
	return errors.New("the sign-in was refused: " + e.Error())
}

func once(q url.Values, name string) bool { return len(q[name]) == 1 && q[name][0] != "" }

// page writes a small page with nothing from outside in it.
func page(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, strings.Replace(pageText, "TEXT", text, 1))
}

const pageText = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>fedbroker</title><style>body{font:1.125rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}</style>
<main><h1>fedbroker</h1><p>TEXT</p></main></html>
`
