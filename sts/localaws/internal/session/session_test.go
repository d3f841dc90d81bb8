package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
)

var now = time.Unix(1_800_000_000, 0)

func put(t *testing.T, s *session.Store, key, token string, life time.Duration, at time.Time) error {
	t.Helper()
	return s.Put(&session.Session{AccessKeyID: key, Secret: "secret", Expires: at.Add(life)}, token, at)
}

func TestStore(t *testing.T) {
	s := session.NewStore(10)
	for _, key := range []string{"a", "b"} {
		if err := put(t, s, key, "token "+key, time.Hour, now); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		key, token string
		at         time.Time
		want       error
	}{
		"good":                {"a", "token a", now, nil},
		"a second before":     {"a", "token a", now.Add(time.Hour - time.Second), nil},
		"at the end":          {"a", "token a", now.Add(time.Hour), session.ErrExpired},
		"another's token":     {"a", "token b", now, session.ErrUnknown},
		"no token":            {"a", "", now, session.ErrUnknown},
		"unknown":             {"c", "token a", now, session.ErrUnknown},
		"unknown and nothing": {"c", "", now, session.ErrUnknown},
	} {
		if _, err := s.Get(test.key, test.token, test.at); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// A full store refuses, and forgets the ended rather than the living.
func TestStoreIsBounded(t *testing.T) {
	s := session.NewStore(3)
	for i := range 3 {
		if err := put(t, s, fmt.Sprint(i), "t", time.Duration(i+1)*time.Hour, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(t, s, "x", "t", time.Hour, now); !errors.Is(err, session.ErrFull) {
		t.Errorf("a fourth: %v", err)
	}
	later := now.Add(90 * time.Minute)
	if err := put(t, s, "x", "t", time.Hour, later); err != nil {
		t.Errorf("after one ended: %v", err)
	}
	for key, want := range map[string]error{"0": session.ErrUnknown, "1": nil, "2": nil, "x": nil} {
		if _, err := s.Get(key, "t", later); !errors.Is(err, want) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// Ended sessions go in time even when the store is never full.
func TestStoreSweeps(t *testing.T) {
	s := session.NewStore(1000)
	if err := put(t, s, "old", "t", time.Hour, now); err != nil {
		t.Fatal(err)
	}
	later := now.Add(26 * time.Hour)
	for i := range 100 {
		if err := put(t, s, fmt.Sprint(i), "t", time.Hour, later); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get("old", "t", later); !errors.Is(err, session.ErrUnknown) {
		t.Errorf("still remembered: %v", err)
	}
}

func TestTickets(t *testing.T) {
	tickets := session.NewTickets(2)
	for i, life := range []time.Duration{time.Minute, time.Hour} {
		if err := tickets.Put(fmt.Sprint(i), session.Ticket{Expires: now.Add(life)}, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := tickets.Put("x", session.Ticket{Expires: now.Add(time.Hour)}, now); !errors.Is(err, session.ErrFull) {
		t.Errorf("a third: %v", err)
	}
	later := now.Add(time.Minute)
	if _, ok := tickets.Get("0", later); ok {
		t.Error("a ticket at its end")
	}
	if err := tickets.Put("x", session.Ticket{Expires: now.Add(time.Hour)}, later); err != nil {
		t.Errorf("after one ended: %v", err)
	}
	if _, ok := tickets.Get("1", later); !ok {
		t.Error("a living ticket was forgotten")
	}
	tickets.Delete("1")
	if _, ok := tickets.Get("1", later); ok {
		t.Error("a deleted ticket")
	}
}

func TestSecretIs(t *testing.T) {
	s := &session.Session{Secret: "secret"}
	if printed := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(printed, "secret") {
		t.Errorf("a session prints its secret: %s", printed)
	}
	if !s.SecretIs("secret") || s.SecretIs("secret2") || s.SecretIs("") {
		t.Error("wrong comparison")
	}
}
