package session_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/session"
)

func TestADerivedSessionIsOneOfItsOwnAndEndsWithItsLogin(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{Absolute: 3 * time.Hour, Idle: time.Hour})
	token, browser, err := s.Create(t.Context(), alice(), session.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	f.advance(30 * time.Minute)
	derived, err := s.Derive(t.Context(), browser, session.Origin{Client: "fedbroker"})
	if err != nil {
		t.Fatal(err)
	}
	if derived.ID == browser.ID || !derived.Expires.Equal(browser.Expires) || !derived.Created.Equal(f.clock()) || !reflect.DeepEqual(derived.Identity, browser.Identity) {
		t.Errorf("derived %+v from %+v", derived, browser)
	}
	if err := s.End(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(t.Context(), browser.ID); !errors.Is(err, session.ErrNone) {
		t.Errorf("the ended one is found: %v", err)
	}
	for range 3 { // it is in use, so that only the absolute end counts
		if got, err := s.Find(t.Context(), derived.ID); err != nil || got.ID != derived.ID {
			t.Fatalf("%+v, %v", got, err)
		}
		f.advance(45 * time.Minute)
	}
	f.advance(15 * time.Minute) // three hours after the login
	if _, err := s.Find(t.Context(), derived.ID); !errors.Is(err, session.ErrNone) {
		t.Errorf("it outlives its login: %v", err)
	}
	if _, err := s.Derive(t.Context(), browser, session.Origin{Client: "fedbroker"}); !errors.Is(err, session.ErrNone) {
		t.Errorf("derived from a login that is over: %v", err)
	}
}

func TestAnUnusedDerivedSessionEndsAfterTheIdleTime(t *testing.T) {
	f := newFixture(t)
	s := f.sessions(session.Options{Idle: time.Hour})
	_, browser, err := s.Create(t.Context(), alice(), session.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	derived, err := s.Derive(t.Context(), browser, session.Origin{Client: "fedbroker"})
	if err != nil {
		t.Fatal(err)
	}
	f.advance(time.Hour)
	if _, err := s.Find(t.Context(), derived.ID); !errors.Is(err, session.ErrNone) {
		t.Errorf("found after an idle hour: %v", err)
	}
}
