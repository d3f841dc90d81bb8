package console

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// cookieName is the console's own; other servers on the same host use other names.
const cookieName = "localaws_console"

// root is where the console lives.
const root = "/console"

// login opens a console session for the bearer of a sign-in token and sends the browser to the destination.
func (c *Console) login(w http.ResponseWriter, r *http.Request, query *wire.Query) {
	now := c.Clock()
	rawDestination, _ := query.Get("Destination")
	destination, ok := c.destination(rawDestination)
	if !ok {
		c.problem(w, r, http.StatusBadRequest, "The destination is not a page of this console.")
		return
	}
	token, _ := query.Get("SigninToken")
	signin, ok := c.signins.Get(token, now)
	if !ok {
		c.problem(w, r, http.StatusBadRequest, "The sign-in token is unknown or older than 15 minutes. Ask for a new sign-in URL.")
		return
	}
	until := signin.Session.Expires
	if signin.ConsoleFor > 0 {
		until = now.Add(signin.ConsoleFor)
	}
	issuer, _ := query.Get("Issuer")
	cookie, err := c.store(c.signed, session.Ticket{Session: signin.Session, Expires: until, Issuer: issuerURL(issuer)}, now)
	if err != nil {
		c.Logger.ErrorContext(r.Context(), "local AWS console: no session", "error", err)
		c.problem(w, r, http.StatusServiceUnavailable, "No console session could be opened.")
		return
	}
	c.Logger.InfoContext(r.Context(), "local AWS: ConsoleLogin", "session", signin.Session.ARN)
	http.SetCookie(w, c.cookie(cookie, int(until.Sub(now)/time.Second)))
	securityHeaders(w.Header())
	http.Redirect(w, r, destination, http.StatusSeeOther)
}

// cookie is one for the console only. A negative age deletes it.
func (c *Console) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: value, Path: root, MaxAge: age,
		HttpOnly: true, Secure: c.Base.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
}

// destination takes a URL of this server and nothing else. It returns a path of the console without scheme and host:
// AWS's console has its services at the top (/s3/home), here they are all beneath one root.
func (c *Console) destination(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" || u.Scheme != c.Base.Scheme || !strings.EqualFold(u.Host, c.Base.Host) {
		return "", false
	}
	if clean := strings.TrimSuffix(u.Path, "/"); clean == "" {
		u.Path = root
	} else if path.Clean(u.Path) != clean || u.RawPath != "" || strings.Contains(u.Path, `\`) {
		return "", false
	}
	if u.Path != root && !strings.HasPrefix(u.Path, root+"/") {
		u.Path = root + u.Path
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery, Fragment: u.Fragment}).String(), true
}

// issuerURL keeps the address of a sign-in page; names and other schemes are dropped.
func issuerURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

// oauth ends the console session the way the real sign-in host does: by a link.
func (c *Console) oauth(w http.ResponseWriter, r *http.Request) {
	query, err := wire.ParseForm(r.URL.RawQuery)
	if err != nil || query.Action != "logout" {
		c.problem(w, r, http.StatusBadRequest, "Action must be logout.")
		return
	}
	next := root + "/signed-out"
	if raw, sent := query.Get("redirect_uri"); sent {
		own, ok := c.ownURL(raw)
		if !ok {
			c.problem(w, r, http.StatusBadRequest, "The redirect_uri is not an address of this server.")
			return
		}
		next = own
	}
	c.end(w, r)
	securityHeaders(w.Header())
	http.Redirect(w, r, next, http.StatusFound)
}

// ownURL takes a URL of the federation endpoint or of the console.
func (c *Console) ownURL(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err == nil && u.User == nil && u.Scheme == c.Base.Scheme && strings.EqualFold(u.Host, c.Base.Host) && u.Path == "/federation" && u.RawPath == "" {
		return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String(), true
	}
	return c.destination(raw)
}

// end forgets the browser's session.
func (c *Console) end(w http.ResponseWriter, r *http.Request) {
	for _, cookie := range r.CookiesNamed(cookieName) {
		c.signed.Delete(cookie.Value)
	}
	http.SetCookie(w, c.cookie("", -1))
}

// signOut is the button on the page; other sites cannot press it.
func (c *Console) signOut(w http.ResponseWriter, r *http.Request) {
	if err := c.sameSite.Check(r); err != nil {
		c.problem(w, r, http.StatusForbidden, "Another site asked to sign you out.")
		return
	}
	c.end(w, r)
	securityHeaders(w.Header())
	http.Redirect(w, r, root+"/signed-out", http.StatusSeeOther)
}
