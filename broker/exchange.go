package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

const (
	// denialMemory is how long AWS's refusal is remembered for one request key: a client that repeats itself twelve
	// times costs no further call.
	denialMemory = 30 * time.Second
	// flightTimeout bounds one exchange that several callers may be waiting for.
	flightTimeout = 20 * time.Second
)

// exchange is one request on its way to STS.
type exchange struct {
	broker  *Broker
	id      *idp.Identity
	visitID string
	life    lifetime
	hub     *Role
	proof   secret.Text
	req     sts.Request // without proof and Caller
}

// run answers from the cache, joins an equal exchange that is under way, or makes one.
func (x exchange) run(ctx context.Context) (creds sts.Credentials, cached bool, err error) {
	if x.req.Mode == sts.ModePassThrough && x.proof.Empty() {
		return sts.Credentials{}, false, Refuse(CodeLoginRequired, "this role needs your identity provider's token in the request itself", nil)
	}
	x.req.Duration = x.life.asked
	key := x.broker.cacheKey(x.id, x.req, x.hub)
	x.req.Duration = x.life.duration
	if creds, found, err := x.remembered(ctx, key); found || err != nil {
		return creds, found, err
	}
	// Callers with other deadlines fly apart: nobody may be given credentials that outlive their own session.
	flight := key + strconv.FormatInt(int64(x.life.duration), 10)
	leader := false
	result := x.broker.flights.DoChan(flight, func() (any, error) {
		leader = true
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightTimeout)
		defer cancel()
		return x.recovered(ctx, key)
	})
	select {
	case <-ctx.Done():
		return sts.Credentials{}, false, Refuse(CodeUpstreamUnavailable, "the request was given up before AWS answered", ctx.Err())
	case r := <-result:
		if r.Err != nil {
			return sts.Credentials{}, false, r.Err
		}
		landed := r.Val.(landing)
		return landed.creds, landed.cached || !leader, nil
	}
}

// landing is what a flight brings home.
type landing struct {
	creds  sts.Credentials
	cached bool
}

// remembered looks for credentials and for a fresh refusal, in one round trip.
func (x exchange) remembered(ctx context.Context, key string) (creds sts.Credentials, found bool, err error) {
	results, err := x.broker.Store.Do(ctx, Op{Kind: OpGet, Key: "cred:" + key}, Op{Kind: OpGet, Key: "denied:" + key})
	if err != nil {
		return creds, false, storeUnavailable(err)
	}
	if results[1].Found {
		return creds, false, Refuse(CodeUpstreamDenied, string(results[1].Value), nil)
	}
	if !results[0].Found {
		return creds, false, nil
	}
	creds, err = decodeCredentials(results[0].Value)
	if err != nil {
		return sts.Credentials{}, false, Refuse(CodeInternal, "a cached entry cannot be read", err)
	}
	now := x.broker.Clock()
	if creds.Expiration.Sub(now) < x.broker.MinRemaining || creds.Expiration.After(x.life.deadline.Add(time.Second)) {
		return sts.Credentials{}, false, nil
	}
	return creds, true, nil
}

// recovered keeps a panic inside the flight: it runs in a goroutine of its own, where a panic would end the process.
func (x exchange) recovered(ctx context.Context, key string) (landed landing, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	// Another flight may have landed between the look that found nothing and the start of this one.
	if landed.creds, landed.cached, err = x.remembered(ctx, key); landed.cached || err != nil {
		return landed, err
	}
	landed.creds, err = x.call(ctx, key)
	return landed, err
}

// call makes the exchange and remembers its outcome.
func (x exchange) call(ctx context.Context, key string) (sts.Credentials, error) {
	if !x.broker.budget(x.req.RoleARN.AccountID(), x.req.Region).Allow() {
		return sts.Credentials{}, Refuse(CodeThrottled, "too many exchanges for this AWS account; try again in a moment", nil)
	}
	req, err := x.proven(ctx)
	if err != nil {
		return sts.Credentials{}, err
	}
	start := x.broker.Clock()
	creds, err := x.broker.Assumer.Assume(ctx, req)
	x.broker.Observer.STSCall(req.Mode.Action(), outcomeSTS(err), x.broker.Clock().Sub(start))
	if err != nil {
		refusal := fromSTS(err, req.Mode)
		if refusal.Code == CodeUpstreamDenied {
			x.remember(ctx, Op{Kind: OpSet, Key: "denied:" + key, Value: []byte(refusal.Detail), TTL: denialMemory})
		}
		return sts.Credentials{}, refusal
	}
	if left := creds.Expiration.Sub(x.broker.Clock()) - x.broker.MinRemaining; left > 0 {
		x.remember(ctx, Op{Kind: OpSet, Key: "cred:" + key, Value: encodeCredentials(creds), TTL: left})
	}
	return creds, nil
}

// remember is best effort: the answer is right without it, and the next request will find the store down by itself.
func (x exchange) remember(ctx context.Context, op Op) {
	if _, err := x.broker.Store.Do(ctx, op); err != nil {
		x.broker.Logger.Warn("the outcome of an exchange could not be remembered", "request_id", x.visitID, "error", err)
	}
}

// proven puts the proof that the mode needs into the request.
func (x exchange) proven(ctx context.Context) (req sts.Request, err error) {
	req = x.req
	switch req.Mode {
	case sts.ModePassThrough:
		req.WebIdentityToken = x.proof
		return req, nil
	case sts.ModeAssumeRole:
		if x.hub == nil {
			return req, nil
		}
		caller, err := x.throughHub(ctx)
		req.Caller = &caller
		return req, err
	}
	mint := MintRequest{
		ID: x.visitID, Subject: x.broker.Subject(x.id.Provider, x.id.Subject), RoleARN: req.RoleARN, PrincipalARN: req.PrincipalARN,
		SessionName: req.SessionName, SourceIdentity: req.SourceIdentity, Tags: req.Tags, TransitiveTags: req.TransitiveTags,
		Now: x.broker.Clock(), Deadline: x.life.deadline, Duration: req.Duration,
	}
	if req.Mode == sts.ModeSAML {
		req.SAMLResponse, err = x.broker.Minter.SAMLResponse(ctx, mint)
	} else {
		req.WebIdentityToken, err = x.broker.Minter.WebIdentityToken(ctx, mint)
	}
	if err != nil {
		return req, Refuse(CodeInternal, "the broker cannot sign its own proof", err)
	}
	return req, nil
}

// throughHub gets credentials of the hub role for the same identity: same session name and source identity, so that
// both accounts' logs name the person. Tags go to the target only: a tag set on both hops is an error to AWS.
func (x exchange) throughHub(ctx context.Context) (sts.Credentials, error) {
	hub := exchange{
		broker: x.broker, id: x.id, visitID: x.visitID, hub: nil,
		req: sts.Request{
			Mode: x.hub.Mode, RoleARN: x.hub.ARN, Region: x.hub.Region, SessionName: x.req.SessionName, SourceIdentity: x.req.SourceIdentity,
			Policy: x.hub.Policy, PolicyARNs: x.hub.PolicyARNs, PrincipalARN: x.hub.PrincipalARN, ExternalID: x.hub.ExternalID,
		},
	}
	// The hub session is only ever used by the broker, for one call: it need not end with the person's session.
	hub.life = lifetime{asked: sts.MaxChained, duration: sts.MaxChained, deadline: x.broker.Clock().Add(sts.MaxChained)}
	creds, _, err := hub.run(ctx)
	return creds, err
}

// budget is the token bucket of one account and region, kept below AWS's quota of 600 calls a second.
func (b *Broker) budget(account, region string) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := account + "/" + region
	if b.budgets[key] == nil {
		b.budgets[key] = rate.NewLimiter(rate.Limit(b.STSRate), 2*b.STSRate)
	}
	return b.budgets[key]
}

func outcomeSTS(err error) string {
	if err == nil {
		return "ok"
	}
	return string(fromSTS(err, "").Code)
}

// cachedCredentials is the stored form; the store seals it.
type cachedCredentials struct {
	Key, Secret, Token, ARN, ID, Source, Request string
	Expiration                                   int64
}

func encodeCredentials(c sts.Credentials) []byte {
	b, err := json.Marshal(cachedCredentials{
		c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.AssumedRoleARN, c.AssumedRoleID, c.SourceIdentity, c.RequestID, c.Expiration.Unix(),
	})
	if err != nil {
		panic("broker: strings do not marshal: " + err.Error())
	}
	return b
}

func decodeCredentials(b []byte) (sts.Credentials, error) {
	var c cachedCredentials
	if err := json.Unmarshal(b, &c); err != nil {
		return sts.Credentials{}, err
	}
	return sts.Credentials{
		AccessKeyID: c.Key, SecretAccessKey: secret.New(c.Secret), SessionToken: secret.New(c.Token), Expiration: time.Unix(c.Expiration, 0).UTC(),
		AssumedRoleARN: c.ARN, AssumedRoleID: c.ID, SourceIdentity: c.Source, RequestID: c.Request,
	}, nil
}
