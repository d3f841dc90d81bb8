package broker_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func TestEveryExitIsRecordedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		steps   func(context.Context, *broker.Visit) error
		outcome string
		strange bool
	}{
		"done":                    {func(context.Context, *broker.Visit) error { return nil }, "ok", false},
		"a refusal of a stranger": {func(context.Context, *broker.Visit) error { return broker.Refuse(broker.CodeInvalidToken, "no", nil) }, "invalid_token", true},
		"a plain error":           {func(context.Context, *broker.Visit) error { return errors.New("boom") }, "internal", true},
		"a panic":                 {func(context.Context, *broker.Visit) error { panic("boom") }, "internal", true},
		"a refusal of somebody known": {func(_ context.Context, v *broker.Visit) error {
			v.Resume(&idp.Identity{Provider: "corp", Subject: "alice"}, "h", start.Add(time.Hour))
			return broker.Refuse(broker.CodeRoleNotGranted, "no", nil)
		}, "role_not_granted", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id, err := w.Run(t.Context(), broker.Call{Door: "api", Action: "x", Remote: "192.0.2.1"}, c.steps)
			if (err == nil) != (c.outcome == "ok") {
				t.Fatalf("got %v", err)
			}
			kept, other := w.audit, w.strange
			if c.strange {
				kept, other = w.strange, w.audit
			}
			if len(kept.events) != 1 || len(other.events) != 0 {
				t.Fatalf("%d records kept, %d elsewhere", len(kept.events), len(other.events))
			}
			if e := kept.last(t); e.Outcome != c.outcome || e.ID != id || e.Door != "api" || e.Remote != "192.0.2.1" {
				t.Errorf("recorded %+v", e)
			}
		})
	}
}

func TestNothingIsAnsweredWithoutTheRecord(t *testing.T) {
	w := newWorld(t)
	w.audit.err = errors.New("disk full")
	_, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeStoreUnavailable)
	w.strange.err = errors.New("disk full")
	_, err = w.Run(t.Context(), broker.Call{}, func(context.Context, *broker.Visit) error { return broker.Refuse(broker.CodeInvalidToken, "no", nil) })
	wantCode(t, err, broker.CodeInvalidToken) // refusing goes on
}

func TestTheRecordHoldsNoSecret(t *testing.T) {
	w := newWorld(t)
	if _, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy", Proof: secret.New("canary-proof")}); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(w.audit.last(t))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "canary") {
		t.Errorf("a secret is on record: %s", b)
	}
	e := w.audit.last(t)
	if e.Role != "prod/deploy" || e.Rule == "" || e.AccessKeyID == "" || e.AWSRequestID != "aws-1" || e.Tags["team"] != "red" || e.STSAction != "AssumeRoleWithWebIdentity" || e.ProofHash == "" {
		t.Errorf("the record lacks something: %s", b)
	}
}

func TestIncompleteIdentitiesAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*idp.Identity){
		"no provider": func(id *idp.Identity) { id.Provider = "" }, "no issuer": func(id *idp.Identity) { id.Issuer = "" },
		"no subject": func(id *idp.Identity) { id.Subject = "" }, "no hash": func(id *idp.Identity) { id.Proof.Hash = "" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.identity("alice")
			spoil(&id)
			_, err := w.exchange(id, broker.Want{Role: "prod/deploy"})
			wantCode(t, err, broker.CodeInvalidToken)
		})
	}
}

func TestKindsOfIdPErrors(t *testing.T) {
	for kind, code := range map[idp.Kind]broker.Code{
		idp.KindInvalid: broker.CodeInvalidToken, idp.KindUntrusted: broker.CodeUntrustedIssuer, idp.KindExpired: broker.CodeExpiredToken,
		idp.KindReplayed: broker.CodeReplayed, idp.KindDenied: broker.CodeLoginRequired, idp.KindUnavailable: broker.CodeUpstreamUnavailable, 99: broker.CodeInvalidToken,
	} {
		w := newWorld(t)
		_, err := w.Run(t.Context(), broker.Call{}, func(ctx context.Context, v *broker.Visit) error {
			return v.Authenticate(ctx, idp.ProofJWT, func(context.Context) (idp.Identity, error) {
				return idp.Identity{}, idp.Refuse(kind, "reason", errors.New("private"))
			})
		})
		wantCode(t, err, code)
		if strings.Contains(err.(*broker.Error).Detail, "private") { //nolint:errorlint // wantCode saw the type
			t.Error("the private cause is public")
		}
	}
	w := newWorld(t)
	_, err := w.Run(t.Context(), broker.Call{}, func(ctx context.Context, v *broker.Visit) error { return v.AuthenticateWorkload(ctx, secret.New("x")) })
	wantCode(t, err, broker.CodeUntrustedIssuer) // none is configured
	_, err = w.Run(t.Context(), broker.Call{}, func(ctx context.Context, v *broker.Visit) error { return v.AuthenticateSAML(ctx, secret.New("x")) })
	wantCode(t, err, broker.CodeUntrustedIssuer)
}

func onceIdentity(w *world, subject string) idp.Identity {
	id := w.identity(subject)
	id.Proof.Kind, id.Proof.Once = idp.ProofSAML, true
	return id
}

func TestAOneUseProofIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	id := onceIdentity(w, "alice")
	_, err := w.exchange(id, broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
	_, err = w.exchange(id, broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeReplayed)
	w.pass(14 * time.Minute) // the proof itself is over; the mark outlives it
	_, err = w.exchange(id, broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeReplayed)

	other := id
	other.Issuer = "https://other.test"
	_, err = w.exchange(other, broker.Want{Role: "prod/deploy"}) // ids are the issuer's own
	wantCode(t, err, "")
}

func TestAOneUseProofAtTwentyDoorsAtOnce(t *testing.T) {
	w := newWorld(t)
	id := onceIdentity(w, "alice")
	var accepted atomic.Int32
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if _, err := w.exchange(id, broker.Want{Role: "prod/deploy"}); err == nil {
				accepted.Add(1)
			}
		})
	}
	wait.Wait()
	if accepted.Load() != 1 {
		t.Errorf("accepted %d times", accepted.Load())
	}
}

func TestAOneUseProofIsGivenBackOnlyForTroubleThatIsNotItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		make  func(*world)
		heal  func(*world)
		code  broker.Code
		again broker.Code
	}{
		"AWS is away":       {func(w *world) { w.sts.err = stsError(4) }, func(w *world) { w.sts.err = nil }, broker.CodeUpstreamUnavailable, ""},
		"AWS throttles":     {func(w *world) { w.sts.err = stsError(3) }, func(w *world) { w.sts.err = nil }, broker.CodeThrottled, ""},
		"AWS refuses":       {func(w *world) { w.sts.err = stsError(0) }, func(w *world) { w.sts.err = nil }, broker.CodeUpstreamDenied, broker.CodeReplayed},
		"a role not theirs": {func(w *world) { w.decide = grantOnly(grantOf(reader)) }, func(w *world) { w.decide = grantAll }, broker.CodeRoleNotGranted, broker.CodeReplayed},
		"it is not on record": {
			func(w *world) { w.audit.err = errors.New("disk full") }, func(w *world) { w.audit.err = nil },
			broker.CodeStoreUnavailable, broker.CodeReplayed,
		}, // credentials were issued
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := onceIdentity(w, "alice")
			c.make(w)
			_, err := w.exchange(id, broker.Want{Role: "prod/deploy"})
			wantCode(t, err, c.code)
			c.heal(w)
			_, err = w.exchange(id, broker.Want{Role: "prod/deploy"})
			wantCode(t, err, c.again)
		})
	}
}

func TestProofsFromBeforeTheBrokersMemoryAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, age := range []time.Duration{time.Minute, time.Second, time.Millisecond} {
		id := onceIdentity(w, "alice")
		id.Proof.IssuedAt = start.Add(-age)
		_, err := w.exchange(id, broker.Want{Role: "prod/deploy"})
		wantCode(t, err, broker.CodeReplayed)
	}
	_, err := w.exchange(onceIdentity(w, "bob"), broker.Want{Role: "prod/deploy"}) // issued in the first second after
	wantCode(t, err, "")
}

func TestAnEmptiedStoreForgetsNoProof(t *testing.T) {
	w := newWorld(t)
	w.pass(time.Hour)
	used := onceIdentity(w, "alice")
	_, err := w.exchange(used, broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
	w.store.swap(t, w) // FLUSHALL, within the very second
	_, err = w.exchange(used, broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeReplayed)
	w.pass(time.Second)
	_, err = w.exchange(used, broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeReplayed)
	_, err = w.exchange(onceIdentity(w, "bob"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
}

func TestPrepareWaitsForTheSecondToEnd(t *testing.T) {
	w := newWorld(t)
	before := w.now()
	wantCode(t, w.Prepare(t.Context()), "") // the store is in use: at once
	w.store.swap(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Prepare(ctx); !errors.Is(err, context.Canceled) || w.now() != before {
		t.Errorf("got %v", err)
	}
}

func TestWithoutTheStoreNothingIsIssued(t *testing.T) {
	w := newWorld(t)
	_, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
	w.store.set(true)
	_, err = w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeStoreUnavailable)
	_, err = w.exchange(onceIdentity(w, "bob"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeStoreUnavailable)
	wantCode(t, w.Prepare(t.Context()), broker.CodeStoreUnavailable)
}

func TestWhichGrantIsMeant(t *testing.T) {
	refused := func(role string, d broker.Decision) *broker.Error {
		t.Helper()
		_, err := d.Grant(role)
		var e *broker.Error
		if !errors.As(err, &e) {
			t.Fatalf("granted %q", role)
		}
		return e
	}
	three := grantAll(nil)
	for _, name := range []string{"prod/deploy", "arn:aws:iam::111122223333:role/Deploy"} {
		if g, err := three.Grant(name); err != nil || g.Role != deploy {
			t.Errorf("%s: %v", name, err)
		}
	}
	unknown, foreign := refused("no/such", three), refused("prod/hub", three)
	if !reflect.DeepEqual(unknown, foreign) || unknown.Code != broker.CodeRoleNotGranted {
		t.Errorf("an unknown role and one that is not granted differ: %v, %v", unknown, foreign)
	}
	for _, near := range []string{"PROD/DEPLOY", "prod/deploy ", "prod%2Fdeploy", "arn:aws-cn:iam::111122223333:role/Deploy", "arn:aws:iam::111122223333:role/deploy", "prod/deplo", "Deploy"} {
		if e := refused(near, three); e.Code != broker.CodeRoleNotGranted {
			t.Errorf("%q: %v", near, e)
		}
	}
	if e := refused("", three); e.Code != broker.CodeAmbiguousRole {
		t.Errorf("no role named: %v", e)
	}
	if e := refused("", broker.Decision{}); e.Code != broker.CodeNotAuthorized {
		t.Errorf("nothing granted: %v", e)
	}
	one := grantOnly(grantOf(reader))(nil)
	if g, err := one.Grant(""); err != nil || g.Role != reader {
		t.Errorf("the only grant: %v", err)
	}
	held := broker.Decision{Withheld: []broker.Withheld{{Role: deploy, Code: broker.CodeMFARequired, Detail: "a second factor", Require: broker.Require{MFA: true}}}}
	for _, name := range []string{"", "prod/deploy", string(deploy.ARN)} {
		if e := refused(name, held); e.Code != broker.CodeMFARequired || !e.Require.MFA {
			t.Errorf("%q: %v", name, e)
		}
	}
}

func TestPeopleOfAProviderThatIsGoneSignInAgain(t *testing.T) {
	speaks := map[string]string{"corp": "https://idp.test"}
	w := newWorld(t, func(o *broker.Options) {
		o.Speaks = func(provider, issuer string) bool { return speaks[provider] == issuer }
	})
	id := w.identity("alice")
	ask := func() (issue, explain error) {
		_, issue = w.session(id, start.Add(time.Hour), broker.Want{Role: "prod/deploy"})
		_, explain = w.Run(t.Context(), broker.Call{}, func(_ context.Context, v *broker.Visit) error {
			v.Resume(&id, "h", start.Add(time.Hour))
			_, err := v.Explain("")
			return err
		})
		return issue, explain
	}
	issue, explain := ask()
	wantCode(t, issue, "")
	wantCode(t, explain, "")
	for _, now := range []map[string]string{{"corp": "https://another.test"}, {"other": "https://idp.test"}, {}} {
		speaks = now
		issue, explain = ask()
		wantCode(t, issue, broker.CodeLoginRequired)
		wantCode(t, explain, broker.CodeLoginRequired)
	}
}

func TestExplainHidesWhereRulesStand(t *testing.T) {
	w := newWorld(t)
	_, err := w.Run(t.Context(), broker.Call{}, func(_ context.Context, v *broker.Visit) error {
		if _, err := v.Explain("x"); err == nil {
			t.Error("a stranger is given an explanation")
		}
		if _, err := v.Decide(); err == nil {
			t.Error("a stranger is given a decision")
		}
		id := w.identity("alice")
		v.Resume(&id, "h", start.Add(time.Hour))
		e, err := v.Explain("prod/deploy")
		if e.Rules[0].Place != "" || e.Identity.Subject != "alice" || e.Roles[0].Role != "prod/deploy" {
			t.Errorf("got %+v", e)
		}
		return err
	})
	wantCode(t, err, "")
}

func TestNewWantsEverything(t *testing.T) {
	w := newWorld(t)
	for name, spoil := range map[string]func(*broker.Options){
		"policy": func(o *broker.Options) { o.Policy = nil }, "assumer": func(o *broker.Options) { o.Assumer = nil },
		"minter": func(o *broker.Options) { o.Minter = nil }, "store": func(o *broker.Options) { o.Store = nil },
		"auditor": func(o *broker.Options) { o.Auditor = nil }, "sign-in": func(o *broker.Options) { o.SignIn = nil },
		"subject": func(o *broker.Options) { o.Subject = nil }, "short key": func(o *broker.Options) { o.CacheKey = o.CacheKey[:31] },
		"a role twice": func(o *broker.Options) { o.Roles = append(o.Roles, deploy) },
	} {
		o := w.Options
		spoil(&o)
		if _, err := broker.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
