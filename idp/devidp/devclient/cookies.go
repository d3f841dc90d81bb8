package devclient

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// jar keeps cookies of loopback hosts. Cookies know hosts, not ports (RFC 6265 section 8.5).
type jar struct {
	clock   func() time.Time
	cookies []keptCookie
}

type keptCookie struct {
	host, name, value, path string
	sameSite                http.SameSite
	until                   time.Time // zero: as long as the browser
}

func (j *jar) keep(from *url.URL, set []*http.Cookie) {
	for _, c := range set {
		if !promiseKept(c) || c.Domain != "" {
			continue
		}
		kept := keptCookie{host: from.Hostname(), name: c.Name, value: c.Value, path: c.Path, sameSite: c.SameSite, until: c.Expires}
		if !strings.HasPrefix(kept.path, "/") {
			kept.path = "/"
		}
		if c.MaxAge > 0 {
			kept.until = j.clock().Add(time.Duration(c.MaxAge) * time.Second)
		}
		j.cookies = slices.DeleteFunc(j.cookies, func(old keptCookie) bool {
			return old.host == kept.host && old.name == kept.name && old.path == kept.path
		})
		if c.MaxAge >= 0 && !j.over(kept) {
			j.cookies = append(j.cookies, kept)
		}
	}
}

// promiseKept holds prefixes to what they say (RFC 6265bis section 4.1.3), and SameSite=None to Secure.
func promiseKept(c *http.Cookie) bool {
	secure := strings.HasPrefix(c.Name, "__Secure-") || strings.HasPrefix(c.Name, "__Host-") || c.SameSite == http.SameSiteNoneMode
	return (!secure || c.Secure) && (!strings.HasPrefix(c.Name, "__Host-") || c.Path == "/")
}

func (j *jar) over(c keptCookie) bool { return !c.until.IsZero() && !j.clock().Before(c.until) }

// attach sends what a browser would: a cookie without SameSite is Lax, which crosses sites on GET only.
func (j *jar) attach(r *http.Request, s site) {
	for _, c := range j.cookies {
		if c.host != r.URL.Hostname() || !pathMatches(c.path, r.URL.Path) || j.over(c) {
			continue
		}
		lax := r.Method == http.MethodGet && c.sameSite != http.SameSiteStrictMode
		if s != siteCross || c.sameSite == http.SameSiteNoneMode || lax {
			r.AddCookie(&http.Cookie{Name: c.name, Value: c.value})
		}
	}
}

// pathMatches is RFC 6265 section 5.1.4.
func pathMatches(cookie, request string) bool {
	if request == "" {
		request = "/"
	}
	return request == cookie || (strings.HasPrefix(request, cookie) && (strings.HasSuffix(cookie, "/") || request[len(cookie)] == '/'))
}
