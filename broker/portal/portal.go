package portal

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/mailaddr"
	"github.com/fedbroker/fedbroker/internal/web"
)

// Provider is one identity provider that people sign in with.
type Provider struct {
	ID, Name string
	Login    idp.Login
	// Directory is set instead of Login where people type their password here.
	Directory idp.Directory
	// Kind is how it proves who somebody is: JWT and code answer at the callback, SAML, also when empty, at the ACS.
	Kind idp.ProofKind
	// Domains are mail domains whose people sign in here; each leads to one provider.
	Domains []string
	// Metadata returns the SAML service provider metadata for this provider; nil where there is none.
	Metadata func() ([]byte, error)
	// Leaver is asked to end the provider's own session when somebody signs out; nil leaves it alone.
	Leaver idp.Leaver
	// Logouts reads what the provider says of sessions that it ended, and answers it where that is a
	// [idp.LogoutAnswerer]; nil where it says nothing.
	Logouts idp.LogoutReader
}

// Branding is how the pages look.
type Branding struct {
	Name, Accent, Contact string
	Logo                  []byte
}

// Options are what the portal stands on. Broker, Store, Sessions, Logins, Cookies, PublicURL, Clock and Logger are required.
type Options struct {
	Broker    *broker.Broker
	Store     broker.Store // keeps people's favourites
	Sessions  *session.Sessions
	Logins    *session.Logins
	Cookies   session.Cookies
	Providers []Provider
	Remote    web.Remote
	PublicURL string
	// Throttle bounds what one address may begin, or have read, before anybody is known; nil bounds nothing.
	Throttle *web.Throttle
	// ConsoleOrigins are where POST /console leads: sign-in endpoints and the consoles behind them.
	ConsoleOrigins []string
	Branding       Branding
	// Templates has pages of other areas, in templates/*.html, for Show; nil where there are none.
	Templates fs.FS
	Clock     func() time.Time
	Logger    *slog.Logger
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
	domains   map[string]*Provider // by the spelling of package mailaddr
	brandCSS  []byte
	shelves   shelves
	guesses   *web.Throttle // of passwords, by address
}

func (p *Portal) throttled(r *http.Request) error {
	if p.Throttle == nil || p.Throttle.Allow(p.Remote.Addr(r)) {
		return nil
	}
	return broker.Refuse(broker.CodeThrottled, "too many sign-ins from your address; try again in a moment", nil)
}

// New checks the options and compiles the pages.
func New(o Options) (*Portal, error) {
	if o.Broker == nil || o.Store == nil || o.Sessions == nil || o.Logins == nil || o.Cookies == (session.Cookies{}) || o.PublicURL == "" || o.Clock == nil || o.Logger == nil {
		return nil, errors.New("portal: Broker, Store, Sessions, Logins, Cookies, PublicURL, Clock and Logger are required")
	}
	if o.Branding.Name == "" {
		o.Branding.Name = "fedbroker"
	}
	p := &Portal{
		Options: o, providers: map[string]*Provider{}, domains: map[string]*Provider{}, guesses: web.NewThrottle(guessesPerSecond, guessesAtOnce, o.Clock),
		shelves: shelves{o.Store},
	}
	for i := range o.Providers {
		if err := p.add(&o.Providers[i]); err != nil {
			return nil, err
		}
	}
	var err error
	if p.brandCSS, err = brandCSS(o.Branding.Accent); err != nil {
		return nil, err
	}
	p.pages, err = template.New("").Funcs(template.FuncMap{
		"clock": p.clockText, "title": title, "left": leftText, "hours": hoursText, "contactURL": contactURL, "sentence": sentence,
	}).ParseFS(templateFiles, "templates/*.html")
	if err == nil && o.Templates != nil {
		p.pages, err = p.pages.ParseFS(o.Templates, "templates/*.html")
	}
	return p, err
}

func (p *Portal) add(provider *Provider) error {
	if provider.ID == "" || (provider.Login == nil) == (provider.Directory == nil) || p.providers[provider.ID] != nil {
		return fmt.Errorf("portal: provider %q has no id, neither a login nor a directory, or is there twice", provider.ID)
	}
	p.providers[provider.ID] = provider
	for _, written := range provider.Domains {
		name, err := mailaddr.Domain(written)
		if err != nil || p.domains[name] != nil {
			return fmt.Errorf("portal: provider %q: %q is no mail domain, or leads elsewhere already", provider.ID, written)
		}
		p.domains[name] = provider
	}
	return nil
}

// Mount adds the routes.
func (p *Portal) Mount(mux *http.ServeMux) {
	mux.Handle("GET /{$}", p.page(p.home))
	mux.Handle("GET /login", p.page(p.chooser))
	mux.Handle("GET /login/{idp}", p.page(p.begin))
	mux.Handle("POST /login/{idp}", p.page(p.proceed))
	mux.Handle("POST /logout", p.page(p.logout))
	mux.Handle("GET /sessions", p.page(p.sessions))
	mux.Handle("POST /sessions", p.page(p.endSessions))
	mux.Handle("POST /console", p.page(p.console))
	mux.Handle("POST /favourites", p.page(p.favourites))
	mux.Handle("POST /credentials", p.page(p.credentials))
	mux.Handle("GET /saml/{idp}/metadata", p.page(p.metadata))
	mux.Handle("POST /saml/{idp}/acs", p.page(p.acs))
	mux.Handle("GET /saml/{idp}/slo", p.page(p.slo))
	mux.Handle("POST /saml/{idp}/slo", p.page(p.slo))
	mux.Handle("GET /oidc/{idp}/callback", p.page(p.callback))
	mux.HandleFunc("POST /oidc/{idp}/backchannel-logout", p.backchannel)
	mux.HandleFunc("GET /static/brand.css", p.brand)
	mux.HandleFunc("GET /static/logo", p.logo)
	mux.HandleFunc("GET /static/{file}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600") // taken away again where there is no such file
		http.ServeFileFS(w, r, staticFiles, "static/"+r.PathValue("file"))
	})
}

// answer is what a page handler wants sent: a redirect, a template or a document.
type answer struct {
	status   int
	location string // with 303
	// secret says that location, or the page, lets in whoever has it: neither may be kept or passed on (invariant 6). Such
	// a page has no forms: with no-referrer browsers hide the origin of what they send.
	secret bool
	// onward is where a page goes on to by itself. What a form asked for cannot be a redirect to another site, because
	// browsers hold the form-action of the page that the form was on against every redirect that follows.
	onward   string
	template string
	data     any
	person   *person      // whose page it is, where somebody is signed in
	console  *consoleHelp // on pages with roles
	pack     bool         // may be sent compressed
	forms    []string     // further origins that the page's forms may go to
	document []byte
	kind     string // the document's media type
	// cookies let somebody in, or forget: they leave with the answer, so not before Run has written the record.
	cookies []*http.Cookie
}

func seeOther(location string) answer { return answer{status: http.StatusSeeOther, location: location} }

// pageHandler answers one request. The writer is for reading bodies; what is to be sent is in the answer.
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
	for _, c := range a.cookies {
		http.SetCookie(w, c)
	}
	header := w.Header()
	if a.secret {
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-store")
	}
	switch {
	case a.status == http.StatusSeeOther:
		header.Set("Location", a.location)
		w.WriteHeader(http.StatusSeeOther)
	case a.document != nil:
		header.Set("Content-Type", a.kind)
		_, _ = w.Write(a.document) // a client that went away needs no answer
	default:
		p.render(w, a)
	}
}

func (p *Portal) render(w http.ResponseWriter, a answer) {
	header := w.Header()
	header.Set("Content-Security-Policy", web.PagePolicy(a.forms...))
	header.Set("Content-Type", "text/html; charset=utf-8")
	if a.onward != "" {
		header.Set("Refresh", "0;url="+a.onward)
	}
	var to io.Writer = w
	if a.pack {
		zip := packed(w)
		defer func() { _ = zip.Close() }() // a client that went away needs no answer
		to = zip
	}
	w.WriteHeader(max(a.status, http.StatusOK))
	if err := p.pages.ExecuteTemplate(to, a.template, view{Brand: p.Branding, Person: a.person, Console: a.console, Data: a.data}); err != nil {
		p.Logger.Error("a page could not be rendered", "page", a.template, "error", err)
	}
}

// view is what every template sees.
type view struct {
	Brand   Branding
	Person  *person // nil where nobody is signed in
	Console *consoleHelp
	Data    any
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

// run takes steps through the pipeline. Their answer leaves only when the record of it is written.
func (p *Portal) run(r *http.Request, door, action string, steps func(context.Context, *broker.Visit) (answer, error)) (answer, error) {
	var out answer
	var returnTo string
	call := broker.Call{Door: door, Action: action, Remote: p.Remote.Addr(r)}
	id, err := p.Broker.Run(r.Context(), call, func(ctx context.Context, v *broker.Visit) (err error) {
		out, err = steps(ctx, v)
		returnTo = returnOf(err)
		return err
	})
	if err != nil {
		return answer{}, &refused{id: id, err: err, returnTo: returnTo}
	}
	return out, nil
}

// head is what the page's head needs.
type head struct {
	Title string
	Brand Branding
}

func title(text string, brand Branding) head { return head{text, brand} }

// sentence ends a text with a full stop where it has none.
func sentence(text string) string { return strings.TrimSuffix(text, ".") + "." }

// contactURL is where a contact of the configuration is reached: a mail address, or a page of its own.
func contactURL(contact string) string {
	if strings.HasPrefix(contact, "https://") {
		return contact
	}
	return "mailto:" + contact
}

// clockText is a time of day, with the day where it is not today.
func (p *Portal) clockText(t time.Time) string {
	const day = "2006-01-02"
	if t = t.UTC(); t.Format(day) != p.Clock().UTC().Format(day) {
		return t.Format(day + " 15:04 MST")
	}
	return t.Format("15:04 MST")
}
