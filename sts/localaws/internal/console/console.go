package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
)

//go:embed assets
var assets embed.FS

// maxTickets bounds sign-in tokens and console sessions, each.
const maxTickets = 20_000

// Options are what a [Console] needs; all are required.
type Options struct {
	Base     *url.URL // the server's own URL
	Sessions *session.Store
	Minter   iam.Minter
	Clock    func() time.Time
	Logger   *slog.Logger
}

// Console serves the federation endpoint and the pages.
type Console struct {
	Options
	signins  *session.Tickets
	signed   *session.Tickets
	pages    *template.Template
	sameSite *http.CrossOriginProtection
}

// New prepares the pages.
func New(options Options) (*Console, error) {
	pages, err := template.ParseFS(assets, "assets/*.html")
	if err != nil {
		return nil, fmt.Errorf("console pages: %w", err)
	}
	c := &Console{
		Options: options, pages: pages, signins: session.NewTickets(maxTickets), signed: session.NewTickets(maxTickets),
		sameSite: http.NewCrossOriginProtection(),
	}
	return c, nil
}

// Mount adds the routes.
func (c *Console) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /federation", c.federation)
	mux.HandleFunc("POST /federation", c.federation)
	mux.HandleFunc("GET /oauth", c.oauth)
	mux.HandleFunc("GET /console", c.home)
	mux.HandleFunc("GET /console/", c.home)
	mux.HandleFunc("GET /console/signed-out", c.signedOut)
	mux.HandleFunc("GET /console/static/console.css", c.stylesheet)
	mux.HandleFunc("POST /console/sign-out", c.signOut)
}

// securityHeaders keep pages out of frames, caches and referrers, and everything foreign out of pages.
func securityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

func (c *Console) stylesheet(w http.ResponseWriter, r *http.Request) {
	css, err := assets.ReadFile("assets/console.css")
	if err != nil {
		c.Logger.ErrorContext(r.Context(), "local AWS console: no stylesheet", "error", err)
		http.NotFound(w, r)
		return
	}
	securityHeaders(w.Header())
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=300")
	_, _ = w.Write(css)
}

// render writes a page whole or not at all.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	var body bytes.Buffer
	if err := c.pages.ExecuteTemplate(&body, page, data); err != nil {
		c.Logger.ErrorContext(r.Context(), "local AWS console: page", "page", page, "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	securityHeaders(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// problem is the page for a person whose request was refused.
func (c *Console) problem(w http.ResponseWriter, r *http.Request, status int, text string) {
	c.Logger.InfoContext(r.Context(), "local AWS console: refused", "status", status, "reason", text)
	c.render(w, r, status, "problem.html", struct{ Text string }{text})
}
