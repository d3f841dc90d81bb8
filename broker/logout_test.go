package broker_test

import (
	"context"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

func (w *world) logout(l idp.Logout, steps ...func(*broker.Visit) error) error {
	_, err := w.Run(context.Background(), broker.Call{Door: "slo", Action: "logout"}, func(ctx context.Context, v *broker.Visit) error {
		_, err := v.ReadLogout(ctx, func(context.Context) (idp.Logout, error) { return l, nil })
		for _, step := range steps {
			if err == nil {
				err = step(v)
			}
		}
		return err
	})
	return err
}

func (w *world) aLogout() idp.Logout {
	return idp.Logout{
		Provider: "corp", Issuer: "https://idp.test", Subject: "alice", SessionIDs: []string{"s1"},
		Proof: idp.Proof{Kind: idp.ProofSAML, ID: "_1", Hash: "aa", IssuedAt: w.now(), Expires: w.now().Add(5 * time.Minute), Once: true},
	}
}

func TestALogoutMessageIsTakenOnce(t *testing.T) {
	w := newWorld(t)
	l := w.aLogout()
	wantCode(t, w.logout(l), "")
	if e := w.audit.last(t); e.Provider != "corp" || e.Issuer != l.Issuer || e.Subject != "alice" || e.ProofHash != "aa" || e.Outcome != "ok" {
		t.Errorf("recorded %+v", e)
	}
	wantCode(t, w.logout(l), broker.CodeReplayed)
	if e := w.audit.last(t); e.Outcome != "replayed" || len(w.strange.events) > 0 {
		t.Errorf("a message that was verified counts among the strangers': %+v", e)
	}
	w.pass(14 * time.Minute)
	wantCode(t, w.logout(l), broker.CodeReplayed)
	// Ids of sign-ins are others.
	id := onceIdentity(w, "alice")
	id.Provider, id.Issuer, id.Proof.ID = l.Provider, l.Issuer, l.Proof.ID
	_, err := w.exchange(id, broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
	old := w.aLogout()
	old.Proof.ID, old.Proof.IssuedAt = "_2", start.Add(-time.Second)
	wantCode(t, w.logout(old), broker.CodeReplayed)
}

// TestALogoutIsGivenBackWhenTheStoreIsAway: the provider may try again with the same message.
func TestALogoutIsGivenBackWhenTheStoreIsAway(t *testing.T) {
	w := newWorld(t)
	l := w.aLogout()
	wantCode(t, w.logout(l, func(*broker.Visit) error { return broker.Refuse(broker.CodeStoreUnavailable, "away", nil) }), broker.CodeStoreUnavailable)
	wantCode(t, w.logout(l), "")
}

func TestALogoutSignsNobodyIn(t *testing.T) {
	w := newWorld(t)
	err := w.logout(w.aLogout(), func(v *broker.Visit) error {
		_, err := v.Decide()
		return err
	})
	wantCode(t, err, broker.CodeInternal)
}

func TestIncompleteLogoutsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*idp.Logout){
		"no provider": func(l *idp.Logout) { l.Provider = "" }, "no issuer": func(l *idp.Logout) { l.Issuer = "" },
		"no hash": func(l *idp.Logout) { l.Proof.Hash = "" }, "nothing to end": func(l *idp.Logout) { l.Subject, l.SessionIDs = "", nil },
	} {
		w := newWorld(t)
		l := w.aLogout()
		spoil(&l)
		if err := w.logout(l); err == nil {
			t.Errorf("%s: taken", name)
		} else {
			wantCode(t, err, broker.CodeInvalidToken)
		}
	}
}
