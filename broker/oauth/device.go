package oauth

import (
	"context"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
)

// codeView is what device.html shows.
type codeView struct{ Person, Problem string }

// confirmView is what device-confirm.html shows.
type confirmView struct {
	request
	Code      string
	Elsewhere bool // the device asked from another address than the person's
}

// doneView is what device-done.html shows.
type doneView struct {
	Client   string
	Approved bool
}

// showDevice asks for the code. A code in the link saves typing it only where device and person have one address: a
// link that somebody else sent must not approve what somebody else asked for (invariant 12).
func (s *Server) showDevice(ctx context.Context, v visitor) (answer, error) {
	values, err := query(v, "user_code")
	if err != nil {
		return answer{}, err
	}
	login, err := s.person(ctx, v, v.r.URL.RequestURI())
	if err != nil {
		return answer{}, err
	}
	form := answer{template: "device.html", data: codeView{Person: displayName(&login.Identity)}}
	if !values.Has("user_code") {
		return form, nil
	}
	if err := s.countTry(ctx, v); err != nil {
		return answer{}, err
	}
	code, ok := readUserCode(values.Get("user_code"))
	if !ok {
		return form, nil
	}
	waiting, found, err := s.devices.waiting(ctx, code)
	switch {
	case err != nil:
		return answer{}, storeDown(err)
	case !found || waiting.Remote != v.remote:
		return form, nil
	}
	return s.confirm(v, login, code, waiting), nil
}

// device takes a code that was typed or, from the page that shows what it is for, the person's word.
func (s *Server) device(ctx context.Context, v visitor) (answer, error) {
	form, err := s.form(v, "code", "session", "decision")
	if err != nil {
		return answer{}, err
	}
	login, err := s.person(ctx, v, "")
	if err != nil {
		return answer{}, err
	}
	if err := s.countTry(ctx, v); err != nil {
		return answer{}, err
	}
	code, ok := readUserCode(form.Get("code"))
	switch {
	case !ok:
		return answer{}, mistyped(login)
	case form.Has("decision"):
		approved, err := decided(form, login)
		if err != nil {
			return answer{}, err
		}
		return s.decideDevice(ctx, v, login, code, approved)
	}
	waiting, found, err := s.devices.waiting(ctx, code)
	switch {
	case err != nil:
		return answer{}, storeDown(err)
	case !found:
		return answer{}, mistyped(login)
	}
	return s.confirm(v, login, code, waiting), nil
}

func (s *Server) confirm(v visitor, login session.Session, code string, d device) answer {
	v.Client(d.Client)
	return answer{template: "device-confirm.html", data: confirmView{s.asked(d.Client, d.Remote, login), showUserCode(code), d.Remote != v.remote}}
}

func (s *Server) decideDevice(ctx context.Context, v visitor, login session.Session, code string, approved bool) (answer, error) {
	d, found, err := s.devices.decide(ctx, code, verdict{Approved: approved, Login: login.ID})
	switch {
	case err != nil:
		return answer{}, storeDown(err)
	case !found:
		return answer{}, mistyped(login)
	}
	v.Client(d.Client)
	done := answer{template: "device-done.html", data: doneView{Client: d.Client, Approved: approved}}
	if !approved {
		return answer{}, broker.Refuse(broker.CodeNotAuthorized, "the person said no", &instead{done})
	}
	return done, nil
}

// mistyped shows the form again. What is wrong with a code is not said: nobody shall learn which ones there are.
func mistyped(login session.Session) error {
	form := answer{template: "device.html", data: codeView{
		Person: displayName(&login.Identity), Problem: "That code is not known, or its ten minutes are over. Look at the terminal and type it again.",
	}}
	return broker.Refuse(broker.CodeInvalidRequest, "no device waits with this code", &instead{form})
}

// countTry bounds how many codes one person, and one address, may enter.
func (s *Server) countTry(ctx context.Context, v visitor) error {
	ok := s.entering.Allow(v.remote)
	if ok {
		var err error
		if ok, err = s.tries.allow(ctx, v.Identity()); err != nil {
			return storeDown(err)
		}
	}
	if !ok {
		return broker.Refuse(broker.CodeThrottled, "too many codes were entered; wait ten minutes", nil)
	}
	return nil
}
