package devidp

import (
	"net/http"
	"slices"
	"time"
)

// Classes and methods that a session can have (SAML authn context 3.4, REFEDS MFA profile, RFC 8176).
const (
	classPassword = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
	classMFA      = "https://refeds.org/profile/mfa"

	sessionCookie = "devidp_session"
)

// session is one browser's signed-in person.
type session struct {
	index  string // SAML SessionIndex
	person Person
	at     time.Time
	mfa    bool
}

func (s session) acr() string {
	if s.mfa {
		return classMFA
	}
	return classPassword
}

func (s session) amr() []string {
	if s.mfa {
		return []string{"pwd", "otp", "mfa"}
	}
	return []string{"pwd"}
}

// requirement is what a relying party asks of the sign-in.
type requirement struct {
	force   bool          // a new authentication, now
	passive bool          // without showing the person anything
	maxAge  time.Duration // at most that old; zero does not ask
	classes []string      // one of these; empty does not ask
}

func (q requirement) met(s session, now time.Time) bool {
	return !q.force && (q.maxAge == 0 || now.Sub(s.at) <= q.maxAge) && q.classMet(s)
}

func (q requirement) classMet(s session) bool {
	return len(q.classes) == 0 || slices.Contains(q.classes, s.acr())
}

// possible tells whether any session could have one of the classes.
func (q requirement) possible() bool {
	return q.classMet(session{}) || q.classMet(session{mfa: true})
}

func (s *Server) currentSession(r *http.Request) (session, bool) {
	cookies := r.CookiesNamed(sessionCookie)
	if len(cookies) != 1 {
		return session{}, false
	}
	return s.sessions.get(cookies[0].Value)
}

// openSession replaces whatever session the browser had: a handle never survives a sign-in (session fixation).
func (s *Server) openSession(w http.ResponseWriter, r *http.Request, p Person, mfa bool) (session, error) {
	s.dropSession(r)
	handle, err := newHandle(s.rand)
	if err != nil {
		return session{}, err
	}
	index, err := newHandle(s.rand)
	if err != nil {
		return session{}, err
	}
	sess := session{index: "_" + index, person: p, at: s.clock(), mfa: mfa}
	s.sessions.put(handle, sess)
	http.SetCookie(w, sessionCookieFor(handle, int(sessionLife.Seconds())))
	return sess, nil
}

func (s *Server) dropSession(r *http.Request) {
	for _, c := range r.CookiesNamed(sessionCookie) {
		s.sessions.take(c.Value)
	}
}

// sessionCookieFor has no Secure attribute: this is served over http on loopback only, where some browsers drop Secure cookies.
func sessionCookieFor(value string, maxAge int) *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}
