package portal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/web"
)

// Provider is one identity provider that people sign in with.
type Provider struct {
	ID, Name string
	Login    idp.Login
	// Metadata returns the SAML service provider metadata for this provider.
	Metadata func() ([]byte, error)
}

// Branding is how the pages look.
type Branding struct {
	Name, Accent, Contact string
	Logo                  []byte
}

// Options are what the portal stands on; all but Branding are required.
type Options struct {
	Broker    *broker.Broker
	Sessions  *session.Sessions
	Logins    *session.Logins
	Cookies   session.Cookies
	Providers []Provider
	Remote    web.Remote
	PublicURL string
	// ConsoleOrigins are where POST /console leads: sign-in endpoints and the consoles behind them.
	ConsoleOrigins []string
	Branding       Branding
	Clock          func() time.Time
	Logger         *slog.Logger
}

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static/*
var staticFiles embed.FS

// Portal serves the pages.
type Portal struct {
	Options
	pages     *template.Template
	providers map[string]*Provider
	brandCSS  []byte
}

// New checks the options and compiles the pages.
func New(o Options) (*Portal, error) {
	if o.Broker == nil || o.Sessions == nil || o.Logins == nil || o.PublicURL == "" || o.Clock == nil || o.Logger == nil {
		return nil, errors.New("portal: Broker, Sessions, Logins, PublicURL, Clock and Logger are required")
	}
	if o.Branding.Name == "" {
		o.Branding.Name = "fedbroker"
	}
	p := &Portal{Options: o, providers: map[string]*Provider{}}
	for i := range o.Providers {
		p.providers[o.Providers[i].ID] = &o.Providers[i]
	}
	if o.Branding.Accent != "" {
		p.brandCSS = fmt.Appendf(nil, ":root{--accent:%s}", o.Branding.Accent) // a hex colour, checked by the configuration
	}
	var err error
	p.pages, err = template.New("").Funcs(template.FuncMap{"clock": clockText, "title": title}).ParseFS(templateFiles, "templates/*.html")
	return p, err
}

// Mount adds the routes.
func (p *Portal) Mount(mux *http.ServeMux) {
	mux.Handle("GET /{$}", p.page(p.home))
	mux.Handle("GET /login", p.page(p.chooser))
	mux.Handle("GET /login/{idp}", p.page(p.begin))
	mux.Handle("POST /login/{idp}", p.page(p.proceed))
	mux.Handle("POST /logout", p.page(p.logout))
	mux.Handle("POST /console", p.page(p.console))
	mux.Handle("GET /saml/{idp}/metadata", p.page(p.metadata))
	mux.Handle("POST /saml/{idp}/acs", p.page(p.acs))
	mux.HandleFunc("GET /static/brand.css", p.brand)
	mux.HandleFunc("GET /static/logo", p.logo)
	static, _ := fs.Sub(staticFiles, "static")
	files := http.StripPrefix("/static/", http.FileServerFS(static))
	mux.HandleFunc("GET /static/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		files.ServeHTTP(w, r)
	})
}

// answer is what a page handler wants sent: a redirect or a template.
type answer struct {
	status   int
	location string // with 303
	template string
	data     any
	forms    []string // further origins that the page's forms may go to
}

func seeOther(location string) answer { return answer{status: http.StatusSeeOther, location: location} }

// pageHandler answers one request. Cookies are set on w before it returns.
type pageHandler func(w http.ResponseWriter, r *http.Request) (answer, error)

func (p *Portal) page(h pageHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := h(w, r)
		if err != nil {
			a = p.refusal(err)
		}
		p.send(w, a)
	})
}

func (p *Portal) send(w http.ResponseWriter, a answer) {
	switch {
	case a.status == http.StatusSeeOther:
		w.Header().Set("Location", a.location)
		w.WriteHeader(http.StatusSeeOther)
	case a.template != "":
		w.Header().Set("Content-Security-Policy", web.PagePolicy(a.forms...))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(max(a.status, http.StatusOK))
		if err := p.pages.ExecuteTemplate(w, a.template, view{Brand: p.Branding, Data: a.data}); err != nil {
			p.Logger.Error("a page could not be rendered", "page", a.template, "error", err)
		}
	}
}

// view is what every template sees.
type view struct {
	Brand Branding
	Data  any
}

func (p *Portal) brand(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(p.brandCSS)
}

func (p *Portal) logo(w http.ResponseWriter, r *http.Request) {
	if len(p.Branding.Logo) == 0 {
		http.NotFound(w, r)
		return
	}
	kind := http.DetectContentType(p.Branding.Logo)
	if kind != "image/png" {
		kind = "image/svg+xml" // shown as an image only: the default policy forbids everything inside it
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(p.Branding.Logo)
}

// run takes steps through the pipeline for a page.
func (p *Portal) run(r *http.Request, door, action string, steps func(context.Context, *broker.Visit) error) error {
	id, err := p.Broker.Run(r.Context(), broker.Call{Door: door, Action: action, Remote: p.Remote.Addr(r)}, steps)
	if err != nil {
		return &refused{id: id, err: err}
	}
	return nil
}

// head is what the page's head needs.
type head struct {
	Title string
	Brand Branding
}

func title(text string, brand Branding) head { return head{text, brand} }

func clockText(t time.Time) string { return t.UTC().Format("15:04 MST") }
