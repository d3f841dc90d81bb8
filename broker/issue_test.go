package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

func stsError(kind sts.Kind) error {
	return &sts.Error{Kind: kind, Code: "Some", Message: "message of AWS", RequestID: "aws-9"}
}

func TestTheModesCarryTheirProofs(t *testing.T) {
	w := newWorld(t)
	_, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
	if got := w.sts.calls[0]; got.WebIdentityToken.Reveal() != "jwt for corp:alice" || got.SessionName != "alice" || got.SourceIdentity != "alice" || len(got.Tags) != 1 {
		t.Errorf("web-identity sent %+v", got)
	}
	_, err = w.exchange(w.identity("alice"), broker.Want{Role: "prod/reader"})
	wantCode(t, err, "")
	if got := w.sts.calls[1]; got.SAMLResponse.Reveal() != "saml for corp:alice" || !got.WebIdentityToken.Empty() {
		t.Errorf("saml sent %+v", got)
	}
}

func TestAHopGoesThroughTheHub(t *testing.T) {
	w := newWorld(t)
	_, err := w.exchange(w.identity("alice"), broker.Want{Role: "dev/analyst"})
	wantCode(t, err, "")
	if len(w.sts.calls) != 2 {
		t.Fatalf("%d calls", len(w.sts.calls))
	}
	first, second := w.sts.calls[0], w.sts.calls[1]
	if first.RoleARN != hub.ARN || first.Caller != nil || len(first.Tags) != 0 || first.SourceIdentity != "alice" || first.SessionName != "alice" || first.ExternalID != "" {
		t.Errorf("to the hub: %+v", first)
	}
	if second.RoleARN != analyst.ARN || second.Caller == nil || second.Caller.AccessKeyID != "ASIA0000000000000001" || second.ExternalID != "acme-7f3" || len(second.Tags) != 1 {
		t.Errorf("to the target: %+v", second)
	}
	if second.Duration > time.Hour {
		t.Errorf("a chained session for %s", second.Duration)
	}
	_, err = w.exchange(w.identity("bob"), broker.Want{Role: "dev/analyst"})
	wantCode(t, err, "")
	if len(w.sts.calls) != 4 {
		t.Error("two people share a hub session")
	}
}

func TestPassThroughNeedsTheProofInTheRequest(t *testing.T) {
	w := newWorld(t)
	role := *deploy
	role.Mode = sts.ModePassThrough
	w.decide = grantOnly(broker.Grant{Role: &role, SessionName: "alice"})
	_, err := w.exchange(w.identity("alice"), broker.Want{})
	wantCode(t, err, broker.CodeLoginRequired)
	_, err = w.exchange(w.identity("alice"), broker.Want{Proof: secret.New("upstream")})
	wantCode(t, err, "")
	if got := w.sts.calls[0].WebIdentityToken.Reveal(); got != "upstream" {
		t.Errorf("sent %q", got)
	}
	other := w.identity("alice")
	other.Proof.Hash = "another proof"
	issued, err := w.exchange(other, broker.Want{Proof: secret.New("upstream 2")})
	if wantCode(t, err, ""); issued.Cached {
		t.Error("credentials of one proof were given for another")
	}
}

func TestLifetimes(t *testing.T) {
	limited := grantOf(deploy)
	limited.MaxDuration = 30 * time.Minute
	long := *hub
	long.Through = nil
	for name, c := range map[string]struct {
		grant    broker.Grant
		ask      time.Duration
		session  time.Duration // of the login; 0: none
		upstream time.Duration // SessionNotOnOrAfter; 0: none
		chained  bool
		want     time.Duration
		code     broker.Code
	}{
		"default":                     {grant: grantOf(deploy), want: time.Hour},
		"asked":                       {grant: grantOf(deploy), ask: 4 * time.Hour, want: 4 * time.Hour},
		"more than the role":          {grant: grantOf(deploy), ask: 4*time.Hour + time.Second, code: broker.CodeInvalidRequest},
		"more than the rule":          {grant: limited, ask: time.Hour, code: broker.CodeInvalidRequest},
		"default above the rule":      {grant: limited, want: 30 * time.Minute},
		"too short for AWS":           {grant: grantOf(deploy), ask: 899 * time.Second, code: broker.CodeInvalidRequest},
		"shortest":                    {grant: grantOf(deploy), ask: 900 * time.Second, want: 900 * time.Second},
		"login ends earlier":          {grant: grantOf(deploy), session: 20 * time.Minute, want: 20 * time.Minute},
		"login nearly over":           {grant: grantOf(deploy), session: 899 * time.Second, code: broker.CodeLoginRequired},
		"provider ends earlier":       {grant: grantOf(deploy), session: time.Hour, upstream: 25 * time.Minute, want: 25 * time.Minute},
		"provider's session over":     {grant: grantOf(deploy), upstream: -time.Second, code: broker.CodeLoginRequired},
		"chained through a hub":       {grant: grantOf(analyst), ask: 2 * time.Hour, code: broker.CodeInvalidRequest},
		"an hour through a hub":       {grant: grantOf(analyst), ask: time.Hour, want: time.Hour},
		"a principal with a session":  {grant: grantOf(&long), ask: 2 * time.Hour, chained: true, code: broker.CodeInvalidRequest},
		"a principal with plain keys": {grant: grantOf(&long), ask: 2 * time.Hour, want: 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *broker.Options) { o.PrincipalIsSession = c.chained })
			w.decide = grantOnly(c.grant)
			id := w.identity("alice")
			if c.upstream != 0 {
				id.SessionExpiry = start.Add(c.upstream)
			}
			var issued broker.Issued
			var err error
			if c.session != 0 {
				issued, err = w.session(id, start.Add(c.session), broker.Want{Duration: c.ask})
			} else {
				issued, err = w.exchange(id, broker.Want{Duration: c.ask})
			}
			wantCode(t, err, c.code)
			if got := issued.Credentials.Expiration.Sub(start); c.code == "" && got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestSessionPoliciesMayOnlyNarrow(t *testing.T) {
	roleHasOne, ruleHasOne := *deploy, grantOf(deploy)
	roleHasOne.PolicyARNs = []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}
	ruleHasOne.Policy = `{"rule":1}`
	for name, c := range map[string]struct {
		grant  broker.Grant
		want   broker.Want
		code   broker.Code
		policy string
	}{
		"a client's":                  {grantOf(deploy), broker.Want{Policy: `{"mine":1}`}, "", `{"mine":1}`},
		"over the rule's":             {ruleHasOne, broker.Want{Policy: `{"mine":1}`}, broker.CodeInvalidRequest, ""},
		"beside the role's":           {grantOf(&roleHasOne), broker.Want{PolicyARNs: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}}, broker.CodeInvalidRequest, ""},
		"the rule's":                  {ruleHasOne, broker.Want{}, "", `{"rule":1}`},
		"too long":                    {grantOf(deploy), broker.Want{Policy: strings.Repeat("x", 2049)}, broker.CodeInvalidRequest, ""},
		"too many":                    {grantOf(deploy), broker.Want{PolicyARNs: make([]string, 11)}, broker.CodeInvalidRequest, ""},
		"long in bytes, not in runes": {grantOf(deploy), broker.Want{Policy: strings.Repeat("é", 2048)}, "", strings.Repeat("é", 2048)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.decide = grantOnly(c.grant)
			_, err := w.exchange(w.identity("alice"), c.want)
			wantCode(t, err, c.code)
			if c.code == "" && w.sts.calls[0].Policy != c.policy {
				t.Errorf("sent %q", w.sts.calls[0].Policy)
			}
		})
	}
}

func TestTheCacheServesTheSameIdentityOnly(t *testing.T) {
	w := newWorld(t)
	first, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
	before := w.store.does
	again, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
	if !again.Cached || again.Credentials.AccessKeyID != first.Credentials.AccessKeyID || again.Credentials.SecretAccessKey.Reveal() != "canary-secret" {
		t.Errorf("not cached: %+v", again)
	}
	if trips := w.store.does - before; trips != 1 {
		t.Errorf("a cached exchange made %d round trips to the store", trips)
	}
	for name, other := range map[string]func(*idp.Identity){
		"other subject": func(id *idp.Identity) { id.Subject = "bob" }, "other issuer": func(id *idp.Identity) { id.Issuer += "/" },
		"other provider":                   func(id *idp.Identity) { id.Provider = "corp2" },
		"parts that join to the same text": func(id *idp.Identity) { id.Issuer, id.Subject = id.Issuer+"a", "lice" },
	} {
		id := w.identity("alice")
		other(&id)
		issued, err := w.exchange(id, broker.Want{Role: "prod/deploy"})
		if wantCode(t, err, ""); issued.Cached {
			t.Errorf("%s was given alice's credentials", name)
		}
	}
}

func TestWhateverShapesTheSessionIsPartOfTheCacheKey(t *testing.T) {
	change := map[string]func(*broker.Grant, *broker.Want){
		"session name":    func(g *broker.Grant, _ *broker.Want) { g.SessionName = "alice2" },
		"source identity": func(g *broker.Grant, _ *broker.Want) { g.SourceIdentity = "other" },
		"tag value":       func(g *broker.Grant, _ *broker.Want) { g.Tags = []sts.Tag{{Key: "team", Value: "blue"}} },
		"tag split":       func(g *broker.Grant, _ *broker.Want) { g.Tags = []sts.Tag{{Key: "teamr", Value: "ed"}} },
		"transitive tag":  func(g *broker.Grant, _ *broker.Want) { g.TransitiveTags = []string{"team"} },
		"policy":          func(_ *broker.Grant, w *broker.Want) { w.Policy = "{}" },
		"policy arn":      func(_ *broker.Grant, w *broker.Want) { w.PolicyARNs = []string{"arn:aws:iam::aws:policy/X"} },
		"duration":        func(_ *broker.Grant, w *broker.Want) { w.Duration = 2 * time.Hour },
		"role":            func(g *broker.Grant, _ *broker.Want) { r := *deploy; r.ARN += "2"; g.Role = &r },
		"region":          func(g *broker.Grant, _ *broker.Want) { r := *deploy; r.Region = "us-east-1"; g.Role = &r },
		"mode":            func(g *broker.Grant, _ *broker.Want) { r := *deploy; r.Mode = sts.ModeSAML; g.Role = &r },
		"external id": func(g *broker.Grant, _ *broker.Want) {
			r := *deploy
			r.ExternalID = "x-1"
			g.Role = &r
		},
		"provider arn": func(g *broker.Grant, _ *broker.Want) { r := *deploy; r.PrincipalARN = "p"; g.Role = &r },
	}
	for name, alter := range change {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.decide = grantOnly(grantOf(deploy))
			_, err := w.exchange(w.identity("alice"), broker.Want{})
			wantCode(t, err, "")
			g, want := grantOf(deploy), broker.Want{}
			alter(&g, &want)
			w.decide = grantOnly(g)
			issued, err := w.exchange(w.identity("alice"), want)
			if wantCode(t, err, ""); issued.Cached {
				t.Error("the cache does not tell them apart")
			}
		})
	}
}

func TestTheCacheGivesNothingStaleOrTooLong(t *testing.T) {
	w := newWorld(t)
	_, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
	w.pass(44 * time.Minute)
	issued, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	if wantCode(t, err, ""); !issued.Cached {
		t.Error("with 16 minutes left the cache did not serve")
	}
	w.pass(90 * time.Second)
	issued, err = w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	if wantCode(t, err, ""); issued.Cached {
		t.Error("credentials with less than 15 minutes left were served")
	}
	end := w.now().Add(30 * time.Minute)
	issued, err = w.session(w.identity("alice"), end, broker.Want{Role: "prod/deploy"})
	if wantCode(t, err, ""); issued.Cached || issued.Credentials.Expiration.After(end) {
		t.Errorf("credentials until %s for a login that ends at %s", issued.Credentials.Expiration, end)
	}
}

func TestEqualRequestsAtOnceCostOneCall(t *testing.T) {
	w := newWorld(t)
	w.sts.gate = make(chan struct{})
	const n = 50
	keys := make(chan string, 2*n)
	var wait sync.WaitGroup
	for i := range 2 * n {
		who := []string{"alice", "al1ce"}[i%2]
		wait.Go(func() {
			issued, err := w.exchange(w.identity(who), broker.Want{Role: "prod/deploy"})
			if err != nil {
				t.Error(err)
			}
			keys <- who + " " + issued.Credentials.AccessKeyID
		})
	}
	for w.sts.count() < 2 {
		time.Sleep(time.Millisecond)
	}
	close(w.sts.gate)
	wait.Wait()
	close(keys)
	seen := map[string]bool{}
	for k := range keys {
		seen[k] = true
	}
	if w.sts.count() != 2 || len(seen) != 2 {
		t.Errorf("%d calls, %v", w.sts.count(), seen)
	}
}

func TestACallerThatGivesUpDoesNotSpoilItForOthers(t *testing.T) {
	w := newWorld(t)
	w.sts.gate = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	id := w.identity("alice")
	go func() {
		_, err := w.Run(ctx, broker.Call{}, func(ctx context.Context, v *broker.Visit) error {
			v.Resume(&id, "h", start.Add(10*time.Hour))
			_, err := v.Issue(ctx, broker.Want{Role: "prod/deploy"})
			return err
		})
		gone <- err
	}()
	for w.sts.count() < 1 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	wantCode(t, <-gone, broker.CodeUpstreamUnavailable)
	close(w.sts.gate)
	for { // the call goes on and its outcome is kept
		issued, err := w.session(id, start.Add(10*time.Hour), broker.Want{Role: "prod/deploy"})
		wantCode(t, err, "")
		if issued.Cached {
			break
		}
	}
	if w.sts.count() > 2 {
		t.Errorf("%d calls", w.sts.count())
	}
}

func TestKindsOfSTSErrors(t *testing.T) {
	for kind, code := range map[sts.Kind]broker.Code{
		sts.KindDenied: broker.CodeUpstreamDenied, sts.KindExpired: broker.CodeInternal, sts.KindInvalid: broker.CodeInvalidRequest,
		sts.KindThrottled: broker.CodeThrottled, sts.KindUnavailable: broker.CodeUpstreamUnavailable, sts.KindConfig: broker.CodeInternal, 99: broker.CodeUpstreamDenied,
	} {
		w := newWorld(t)
		w.sts.err = stsError(kind)
		_, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
		wantCode(t, err, code)
	}
	w := newWorld(t)
	w.sts.err = errors.New("something nobody thought of")
	_, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeInternal)
	w = newWorld(t)
	w.sts.panic = true
	_, err = w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeInternal)
}

func TestOneRefusalAskedTwelveTimesCostsOneCall(t *testing.T) {
	w := newWorld(t)
	w.sts.err = stsError(sts.KindDenied)
	for range 12 {
		_, err := w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
		wantCode(t, err, broker.CodeUpstreamDenied)
		if !strings.Contains(err.Error(), "message of AWS") {
			t.Errorf("the repeated refusal lost AWS's words: %v", err)
		}
	}
	if w.sts.count() != 1 {
		t.Errorf("%d calls", w.sts.count())
	}
	_, err := w.exchange(w.identity("bob"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, broker.CodeUpstreamDenied)
	if w.sts.count() != 2 {
		t.Error("bob was refused with alice's refusal")
	}
	w.sts.err = nil
	w.pass(31 * time.Second)
	_, err = w.exchange(w.identity("alice"), broker.Want{Role: "prod/deploy"})
	wantCode(t, err, "")
}

func TestOneAccountCannotSpendAnothersBudget(t *testing.T) {
	w := newWorld(t, func(o *broker.Options) { o.STSRate = 1 })
	refused := 0
	for i := range 6 {
		_, err := w.exchange(w.identity(fmt.Sprint("user", i)), broker.Want{Role: "prod/deploy"})
		var e *broker.Error
		if errors.As(err, &e) && e.Code == broker.CodeThrottled {
			refused++
		}
	}
	if refused < 3 {
		t.Errorf("%d of 6 calls were over a budget of 1 a second", refused)
	}
	w.decide = grantOnly(grantOf(&broker.Role{Name: "x", ARN: "arn:aws:iam::999900001111:role/X", Mode: sts.ModeWebIdentity, Region: "eu-central-1", Duration: time.Hour, MaxDuration: time.Hour}))
	_, err := w.exchange(w.identity("alice"), broker.Want{})
	wantCode(t, err, "")
}

func TestConsoleSessionsEndWithTheirBounds(t *testing.T) {
	long := *reader
	long.MaxDuration = 10 * time.Hour
	chained := *analyst
	chained.ConsoleDuration = time.Hour
	for name, c := range map[string]struct {
		role    *broker.Role
		session time.Duration
		want    time.Duration
	}{
		"not configured":         {deploy, 10 * time.Hour, 0},
		"the role's maximum":     {reader, 10 * time.Hour, time.Hour},
		"configured":             {&long, 10 * time.Hour, 8 * time.Hour},
		"the login ends earlier": {&long, 2 * time.Hour, 2 * time.Hour},
		"chained":                {&chained, 10 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.decide = grantOnly(grantOf(c.role))
			id := w.identity("alice")
			_, err := w.Run(t.Context(), broker.Call{}, func(ctx context.Context, v *broker.Visit) error {
				v.Resume(&id, "h", start.Add(c.session))
				_, _, err := v.Console(ctx, broker.Want{}, sts.Page{Destination: "s3", Region: "eu-west-1"})
				return err
			})
			wantCode(t, err, "")
			if got := w.signIn.got; got.Duration != c.want || got.Page != (sts.Page{Destination: "s3", Region: "eu-west-1"}) || got.Partition != sts.PartitionAWS {
				t.Errorf("asked for %+v", got)
			}
		})
	}
}

// TestAPageThatCannotBeOpenedCostsNothing: it is refused before AWS is asked for credentials, and only to whom the role
// is granted.
func TestAPageThatCannotBeOpenedCostsNothing(t *testing.T) {
	w := newWorld(t)
	w.decide = grantOnly(grantOf(reader))
	w.signIn.refuses = stsError(sts.KindInvalid)
	id := w.identity("alice")
	open := func(role string) error {
		_, err := w.Run(t.Context(), broker.Call{}, func(ctx context.Context, v *broker.Visit) error {
			v.Resume(&id, "h", start.Add(time.Hour))
			_, _, err := v.Console(ctx, broker.Want{Role: role}, sts.Page{Destination: "https://evil.example"})
			return err
		})
		return err
	}
	wantCode(t, open("prod/reader"), broker.CodeInvalidRequest)
	wantCode(t, open("prod/deploy"), broker.CodeRoleNotGranted)
	if n := len(w.sts.calls); n != 0 {
		t.Errorf("STS was called %d times", n)
	}
	w.signIn.refuses, w.signIn.err = nil, stsError(sts.KindInvalid)
	wantCode(t, open("prod/reader"), broker.CodeInvalidRequest)
}

func BenchmarkCachedExchange(b *testing.B) {
	w := newWorld(b)
	id := w.identity("alice")
	if _, err := w.exchange(id, broker.Want{Role: "prod/deploy"}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if issued, err := w.exchange(id, broker.Want{Role: "prod/deploy"}); err != nil || !issued.Cached {
			b.Fatal(err)
		}
		w.audit.events = w.audit.events[:0]
	}
}

// A refusal that AWS never heard of must not read as AWS's, and the sign-in endpoint is not STS.
func TestOurOwnWordsAreNotAWSs(t *testing.T) {
	for _, c := range []struct {
		err  sts.Error
		code broker.Code
		want string
	}{
		{sts.Error{Kind: sts.KindInvalid, Message: "the destination is no page"}, broker.CodeInvalidRequest, "the destination is no page"},
		{sts.Error{Kind: sts.KindUnavailable, Message: "the sign-in endpoint cannot be reached"}, broker.CodeUpstreamUnavailable, "the sign-in endpoint cannot be reached"},
		{sts.Error{Kind: sts.KindInvalid, Code: "ValidationError", Message: "too long"}, broker.CodeInvalidRequest, "AWS: ValidationError: too long"},
		{sts.Error{Kind: sts.KindUnavailable}, broker.CodeUpstreamUnavailable, "AWS STS cannot be reached; try again"},
		{sts.Error{Kind: sts.KindUnavailable, Code: "InternalFailure", Message: "oops"}, broker.CodeUpstreamUnavailable, "AWS STS cannot be reached; try again"},
	} {
		w := newWorld(t)
		w.decide = grantOnly(grantOf(deploy))
		w.signIn.err = &c.err
		id := w.identity("alice")
		_, err := w.Run(t.Context(), broker.Call{}, func(ctx context.Context, v *broker.Visit) error {
			v.Resume(&id, "h", start.Add(time.Hour))
			_, _, err := v.Console(ctx, broker.Want{}, sts.Page{})
			return err
		})
		var e *broker.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Detail != c.want {
			t.Errorf("got %v, want %s: %s", err, c.code, c.want)
		}
	}
}
