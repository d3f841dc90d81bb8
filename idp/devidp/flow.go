package devidp

import (
	"net/http"
)

// flow is a sign-in on its way: where it came from and how it goes on. Implementations are values that are kept
// while the person types.
type flow interface {
	// asks is what the relying party wants of the sign-in.
	asks() requirement
	// party is the relying party's name as the person sees it.
	party() string
	// next is the origin to which the browser goes afterwards; empty means it stays here.
	next() string
	// finish answers the relying party for a person who signed in.
	finish(s *Server, w http.ResponseWriter, sess session) error
	// refuse tells the relying party that nobody signed in, and why.
	refuse(s *Server, w http.ResponseWriter, why refusal) error
}

// refusal is why a relying party gets no person; each protocol spells it its own way.
type refusal int

const (
	refusedByPerson refusal = iota
	refusedPassive
	refusedClass
)

// pending is a flow that waits for the sign-in form.
type pending struct{ flow flow }

// begin answers from the running session when that is enough, and shows the form when it is not.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, f flow) error {
	need := f.asks()
	if !need.possible() {
		return f.refuse(s, w, refusedClass)
	}
	if sess, ok := s.currentSession(r); ok && need.met(sess, s.clock()) {
		return f.finish(s, w, sess)
	}
	if need.passive {
		return f.refuse(s, w, refusedPassive)
	}
	handle, err := newHandle(s.rand)
	if err != nil {
		return err
	}
	s.pending.put(handle, pending{flow: f})
	return s.loginPage(w, http.StatusOK, handle, f, "")
}

// home is a sign-in that nobody asked for: it ends on the index page.
type home struct{}

var _ flow = home{}

func (home) asks() requirement { return requirement{} }
func (home) party() string     { return "this page" }
func (home) next() string      { return "" }

func (home) finish(_ *Server, w http.ResponseWriter, _ session) error {
	seeOther(w, "/")
	return nil
}

func (home) refuse(_ *Server, w http.ResponseWriter, _ refusal) error {
	seeOther(w, "/")
	return nil
}

func seeOther(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
