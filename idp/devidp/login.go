package devidp

import (
	"net/http"
)

// What the form says when a sign-in did not go on.
const (
	noticeWrong     = "User name or password is wrong."
	noticeThrottled = "Too many wrong passwords. Wait a few seconds and try again."
	noticeFactor    = "The application asks for a second factor: tick the box."
)

// login takes the sign-in form. The handle of the flow travels in the form, so that several tabs can sign in at once.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	form, err := onceForm(w, r, "flow", "username", "password", "mfa", "cancel")
	if err != nil {
		return err
	}
	handle := form["flow"]
	waiting, ok := s.pending.get(handle)
	if !ok {
		return refuse(http.StatusBadRequest, "This sign-in is over. Start again from the application.")
	}
	if _, cancelled := form["cancel"]; cancelled {
		return s.leave(w, handle, refusedByPerson)
	}
	person, result := s.people.check(form["username"], form["password"], s.clock())
	switch result {
	case throttled:
		s.log.Warn("sign-in throttled", "username", form["username"])
		return s.loginPage(w, http.StatusTooManyRequests, handle, waiting.flow, noticeThrottled)
	case wrongPassword:
		s.log.Warn("sign-in refused", "username", form["username"])
		return s.loginPage(w, http.StatusUnauthorized, handle, waiting.flow, noticeWrong)
	}
	_, mfa := form["mfa"]
	if !waiting.flow.asks().classMet(session{mfa: mfa}) {
		return s.loginPage(w, http.StatusUnauthorized, handle, waiting.flow, noticeFactor)
	}
	return s.resume(w, r, handle, person, mfa)
}

// resume takes the flow, so that of two equal forms only one goes on.
func (s *Server) resume(w http.ResponseWriter, r *http.Request, handle string, p Person, mfa bool) error {
	taken, ok := s.pending.take(handle)
	if !ok {
		return refuse(http.StatusBadRequest, "This sign-in is over. Start again from the application.")
	}
	sess, err := s.openSession(w, r, p, mfa)
	if err != nil {
		return err
	}
	s.log.Info("signed in", "username", p.Username, "party", taken.flow.party(), "acr", sess.acr())
	return taken.flow.finish(s, w, sess)
}

func (s *Server) leave(w http.ResponseWriter, handle string, why refusal) error {
	taken, ok := s.pending.take(handle)
	if !ok {
		return refuse(http.StatusBadRequest, "This sign-in is over. Start again from the application.")
	}
	return taken.flow.refuse(s, w, why)
}

func (s *Server) loginForm(w http.ResponseWriter, r *http.Request) error {
	return s.begin(w, r, home{})
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	s.dropSession(r)
	http.SetCookie(w, sessionCookieFor("", -1))
	seeOther(w, "/")
	return nil
}
