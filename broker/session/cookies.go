package session

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Names of the cookies where [CookieOptions] sets no others.
const (
	DefaultSessionCookie = "__Host-session"
	DefaultLoginCookie   = "__Host-login-"
	DefaultChoiceCookie  = "__Host-idp"
)

// ChoiceLifetime is how long a browser remembers the identity provider that it last signed in with.
const ChoiceLifetime = 180 * 24 * time.Hour

// hostName keeps the prefix that makes browsers refuse a cookie from a neighbouring host or an insecure page
// (RFC 6265bis section 4.1.3.2), and the characters of a cookie name.
var hostName = regexp.MustCompile(`^__Host-[A-Za-z0-9_-]{1,40}$`)

// CookieOptions names the cookies; empty means the default. The demo uses names of its own.
type CookieOptions struct {
	Session     string // "__Host-session"
	LoginPrefix string // "__Host-login-", a handle follows
	Choice      string // "__Host-idp"
}

// Cookies builds and reads the browser's side of sessions and logins (invariant 8 of design.md section 9): all are
// __Host-, HttpOnly, Secure, without a Domain.
type Cookies struct{ session, login, choice string }

// NewCookies checks the names.
func NewCookies(o CookieOptions) (Cookies, error) {
	c := Cookies{
		session: cmp.Or(o.Session, DefaultSessionCookie), login: cmp.Or(o.LoginPrefix, DefaultLoginCookie), choice: cmp.Or(o.Choice, DefaultChoiceCookie),
	}
	for _, name := range []string{c.session, c.login, c.choice} {
		if !hostName.MatchString(name) {
			return Cookies{}, fmt.Errorf("cookie name %q: want __Host- and up to 40 of A-Z a-z 0-9 _ -", name)
		}
	}
	return c, nil
}

// Session carries a login session. SameSite=Lax: other sites' forms do not send it. It has no lifetime of its own:
// the store decides, and closing the browser forgets it.
func (c Cookies) Session(token secret.Text) *http.Cookie {
	return cookie(c.session, token.Reveal(), http.SameSiteLaxMode)
}

// EndSession makes the browser forget the session.
func (c Cookies) EndSession() *http.Cookie { return forget(c.Session(secret.Text{})) }

// Login carries the secret of one attempt, for ten minutes. SameSite=None: the provider answers by a cross-site POST
// to the ACS.
func (c Cookies) Login(t Ticket) *http.Cookie {
	out := cookie(c.login+t.Handle, t.Secret.Reveal(), http.SameSiteNoneMode)
	out.MaxAge = int(LoginLifetime / time.Second)
	return out
}

// EndLogin makes the browser forget one attempt.
func (c Cookies) EndLogin(handle string) *http.Cookie { return forget(c.Login(Ticket{Handle: handle})) }

// Choice remembers which identity provider somebody signed in with. It is no secret and lets nobody in: what it says is
// a suggestion, and signing out keeps it.
func (c Cookies) Choice(provider string) *http.Cookie {
	out := cookie(c.choice, provider, http.SameSiteLaxMode)
	out.MaxAge = int(ChoiceLifetime / time.Second)
	return out
}

// ReadChoice returns the remembered provider's id as the browser tells it: look it up among those that there are.
func (c Cookies) ReadChoice(r *http.Request) string {
	value, _ := only(r, c.choice) // none is the empty id
	return value.Reveal()
}

// ReadSession returns the session token of a request; false when there is none, or more than one.
func (c Cookies) ReadSession(r *http.Request) (secret.Text, bool) { return only(r, c.session) }

// ReadLogin returns the ticket of the attempt that a request names by its handle; false when this browser has no
// cookie for it.
func (c Cookies) ReadLogin(r *http.Request, handle string) (Ticket, bool) {
	if !wellFormed(handle, handleBytes) {
		return Ticket{}, false
	}
	value, ok := only(r, c.login+handle)
	return Ticket{Handle: handle, Secret: value}, ok
}

func only(r *http.Request, name string) (secret.Text, bool) {
	found := r.CookiesNamed(name)
	if len(found) != 1 || found[0].Value == "" {
		return secret.Text{}, false
	}
	return secret.New(found[0].Value), true
}

func cookie(name, value string, site http.SameSite) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: site}
}

func forget(c *http.Cookie) *http.Cookie {
	c.Value, c.MaxAge = "", -1
	return c
}
