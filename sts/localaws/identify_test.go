package localaws

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
)

// A role made anew under an old name is another role: sessions of the old one end with it.
func TestSessionBelongsToTheRoleItWasIssuedFor(t *testing.T) {
	s, err := New(Options{URL: "http://127.0.0.1:4566", Seed: Seed{Accounts: []SeedAccount{{ID: "111122223333", Roles: []SeedRole{{
		Name: "Hub", TrustPolicy: json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}`),
	}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:iam::111122223333:role/Hub"
	role, ok := s.state.Role(arn)
	if !ok {
		t.Fatal("no role")
	}
	now := time.Now()
	for id, good := range map[string]bool{role.ID: true, "AROAOTHER": false} {
		held := &session.Session{AccessKeyID: "ASIA", Secret: "secret", RoleARN: arn, RoleID: id, Expires: now.Add(time.Hour)}
		if err := s.sessions.Put(held, "token", now); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.identify("ASIA", "token", now); (err == nil) != good {
			t.Errorf("%s: %v", id, err)
		}
	}
}
