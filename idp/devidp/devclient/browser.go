package devclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxPage      = 1 << 20
	maxRedirects = 12
)

// Options is what a Browser is made of; the zero value works.
type Options struct {
	// Transport carries the requests; nil means http.DefaultTransport.
	Transport http.RoundTripper
	// Clock tells when cookies are over; nil means time.Now.
	Clock func() time.Time
}

// Browser is one profile: it remembers cookies from page to page. It is not safe for concurrent use.
type Browser struct {
	transport http.RoundTripper
	jar       jar
}

// New returns a browser without cookies.
func New(o Options) *Browser {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Browser{transport: o.Transport, jar: jar{clock: o.Clock}}
}

// Open goes to a URL as if it had been typed, and follows redirects.
func (b *Browser) Open(ctx context.Context, rawURL string) (*Page, error) {
	target, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("opening a page: %w", err)
	}
	return b.navigate(ctx, navigation{method: http.MethodGet, target: target, site: siteNone})
}

// Follow goes to a URL as if a link on the page had been used.
func (b *Browser) Follow(ctx context.Context, from *Page, href string) (*Page, error) {
	target, err := from.URL.Parse(href)
	if err != nil {
		return nil, fmt.Errorf("following a link: %w", err)
	}
	return b.navigate(ctx, navigation{method: http.MethodGet, target: target, from: from, site: siteOf(from.URL, target)})
}

// Submit sends a form of a page, with the values that it holds now.
func (b *Browser) Submit(ctx context.Context, form *Form) (*Page, error) {
	n := navigation{method: form.Method, from: form.page, site: siteOf(form.page.URL, form.Action)}
	target := *form.Action
	if form.Method == http.MethodGet {
		target.RawQuery = form.Fields.Encode()
	} else {
		n.body = form.Fields.Encode()
	}
	n.target = &target
	return b.navigate(ctx, n)
}

// Fetch asks as a script of the page would (fetch with JSON, same origin): cookies go along, redirects do not follow.
func (b *Browser) Fetch(ctx context.Context, from *Page, method, path, body string) (*Page, error) {
	target, err := from.URL.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("fetching from a page: %w", err)
	}
	if siteOf(from.URL, target) != siteSameOrigin {
		return nil, errors.New("fetch goes to the page's own origin only")
	}
	return b.fetch(ctx, navigation{method: method, target: target, body: body, from: from, site: siteSameOrigin, script: true})
}

// navigation is one click and the redirects behind it.
type navigation struct {
	method string
	target *url.URL
	body   string
	from   *Page
	site   site
	script bool // a script asks, not a navigation
}

func (b *Browser) navigate(ctx context.Context, n navigation) (*Page, error) {
	for range maxRedirects {
		page, err := b.fetch(ctx, n)
		if err != nil {
			return nil, err
		}
		location := page.Header.Get("Location")
		if page.Status < 300 || page.Status > 399 || location == "" {
			return page, nil
		}
		next, err := n.target.Parse(location)
		if err != nil {
			return nil, fmt.Errorf("redirect from %s: %w", n.target.Host, err)
		}
		if page.Status != http.StatusTemporaryRedirect && page.Status != http.StatusPermanentRedirect {
			n.method, n.body = http.MethodGet, ""
		}
		n.site = max(n.site, siteOf(n.target, next)) // one foreign hop makes the chain foreign
		n.target = next
	}
	return nil, fmt.Errorf("more than %d redirects", maxRedirects)
}

func (b *Browser) fetch(ctx context.Context, n navigation) (*Page, error) {
	if !loopback(n.target) {
		return nil, fmt.Errorf("%s://%s is not on loopback", n.target.Scheme, n.target.Host)
	}
	request, err := http.NewRequestWithContext(ctx, n.method, n.target.String(), strings.NewReader(n.body))
	if err != nil {
		return nil, err
	}
	n.dress(request)
	b.jar.attach(request, n.site)
	answer, err := b.transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("%s %s%s: %w", n.method, n.target.Host, n.target.Path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxPage+1))
	if err != nil {
		return nil, fmt.Errorf("%s %s%s: %w", n.method, n.target.Host, n.target.Path, err)
	}
	if len(body) > maxPage {
		return nil, errors.New("the page is larger than a megabyte")
	}
	b.jar.keep(n.target, answer.Cookies())
	return &Page{URL: n.target, Status: answer.StatusCode, Header: answer.Header, Body: body}, nil
}

// dress sets the headers with which servers tell their own forms from foreign ones (Fetch standard, Fetch Metadata).
func (n navigation) dress(r *http.Request) {
	if n.script {
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Sec-Fetch-Site", n.site.String())
		r.Header.Set("Sec-Fetch-Mode", "cors")
		r.Header.Set("Sec-Fetch-Dest", "empty")
		if n.method != http.MethodGet {
			r.Header.Set("Origin", n.origin())
		}
		return
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", n.site.String())
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if n.method != http.MethodPost {
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", n.origin())
}

// origin is "null" where the page's referrer policy hides it.
func (n navigation) origin() string {
	switch n.from.Header.Get("Referrer-Policy") {
	case "no-referrer":
		return "null"
	case "same-origin":
		if n.site != siteSameOrigin {
			return "null"
		}
	}
	return n.from.URL.Scheme + "://" + n.from.URL.Host
}

func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return (u.Scheme == "http" || u.Scheme == "https") && (u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback()))
}

// site is how far a request is from the page that caused it. A larger one is further away.
type site int

const (
	siteNone site = iota // typed
	siteSameOrigin
	siteSame
	siteCross
)

func siteOf(from, to *url.URL) site {
	switch {
	case from.Scheme == to.Scheme && from.Host == to.Host:
		return siteSameOrigin
	case from.Scheme == to.Scheme && from.Hostname() == to.Hostname():
		return siteSame // a site has no port
	}
	return siteCross
}

// String is the value of Sec-Fetch-Site.
func (s site) String() string {
	return [...]string{"none", "same-origin", "same-site", "cross-site"}[s]
}
