package broker

import (
	"context"
	"errors"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// Want is what a caller asks for.
type Want struct {
	// Role is an alias or an ARN; empty means the only one.
	Role string
	// Duration is 0 when the caller does not say.
	Duration time.Duration
	// Policy and PolicyARNs narrow the session further.
	Policy     string
	PolicyARNs []string
	// Proof is the upstream proof of this very request, for pass-through.
	Proof secret.Text
}

// Issued is a grant that became credentials.
type Issued struct {
	Grant       *Grant
	Credentials sts.Credentials
	// Cached says that STS was not called for this request.
	Cached bool
}

// Issue turns one grant of the visit's identity into credentials:
// limits, cache, coalescing, budget, and only then STS.
func (v *Visit) Issue(ctx context.Context, want Want) (Issued, error) {
	return v.issue(ctx, want, func(*Grant) error { return nil })
}

// issue is Issue where more than the grant may stand in the way.
func (v *Visit) issue(ctx context.Context, want Want, check func(*Grant) error) (issued Issued, err error) {
	start := v.broker.Clock()
	mode := sts.Mode("")
	defer func() {
		v.broker.Observer.Exchange(mode, outcome(err), issued.Cached, v.broker.Clock().Sub(start))
	}()
	decision, err := v.Decide()
	if err != nil {
		return Issued{}, err
	}
	grant, err := decision.Grant(want.Role)
	if err != nil {
		v.event.Role = v.broker.knownName(want.Role)
		return Issued{}, err
	}
	mode = grant.Role.Mode
	v.noteGrant(grant)
	if err := check(grant); err != nil {
		return Issued{}, err
	}
	policy, arns, err := narrowed(grant, want)
	if err != nil {
		return Issued{}, err
	}
	life, err := v.broker.lifetimeOf(grant, want.Duration, v.sessionEnd, v.id.SessionExpiry)
	if err != nil {
		return Issued{}, err
	}
	x := exchange{
		broker: v.broker, id: v.id, visitID: v.ID(), life: life, hub: grant.Role.Through, proof: want.Proof,
		req: sts.Request{
			Mode: grant.Role.Mode, RoleARN: grant.Role.ARN, Region: grant.Role.Region,
			SessionName: grant.SessionName, SourceIdentity: grant.SourceIdentity, Tags: grant.Tags, TransitiveTags: grant.TransitiveTags,
			Policy: policy, PolicyARNs: arns, PrincipalARN: grant.Role.PrincipalARN, ExternalID: grant.Role.ExternalID,
		},
	}
	creds, cached, err := x.run(ctx)
	if err != nil {
		return Issued{}, err
	}
	v.event.AccessKeyID, v.event.AWSRequestID = creds.AccessKeyID, creds.RequestID
	v.event.Expiration, v.event.Cached = creds.Expiration, cached
	return Issued{Grant: grant, Credentials: creds, Cached: cached}, nil
}

// knownName keeps what a client typed out of the audit log unless it is a role of ours.
func (b *Broker) knownName(name string) string {
	if r := b.roles[name]; r != nil {
		return r.Name
	}
	return ""
}

func (v *Visit) noteGrant(g *Grant) {
	e := &v.event
	e.Role, e.RoleARN, e.Rule = g.Role.Name, string(g.Role.ARN), g.Rule
	e.SessionName, e.SourceIdentity, e.STSAction = g.SessionName, g.SourceIdentity, g.Role.Mode.Action()
	e.Tags = map[string]string{}
	for _, t := range g.Tags {
		e.Tags[t.Key] = t.Value
	}
}

// narrowed picks the session policies. A client's may only narrow, and where the configuration sets its own the
// client may set none: AWS unites them, so one more would widen.
func narrowed(g *Grant, want Want) (policy string, arns []string, err error) {
	policy, arns = g.Policy, g.PolicyARNs
	if policy == "" && len(arns) == 0 {
		policy, arns = g.Role.Policy, g.Role.PolicyARNs
	}
	ours, theirs := policy != "" || len(arns) > 0, want.Policy != "" || len(want.PolicyARNs) > 0
	switch {
	case ours && theirs:
		return "", nil, Refuse(CodeInvalidRequest, "this role already has a session policy; AWS would add yours to it, not narrow it", nil)
	case theirs && (len([]rune(want.Policy)) > sts.MaxPolicyLength || len(want.PolicyARNs) > sts.MaxPolicyARNs):
		return "", nil, Refuse(CodeInvalidRequest, "a session policy has at most 2048 characters and 10 policy ARNs", nil)
	case theirs:
		return want.Policy, want.PolicyARNs, nil
	}
	return policy, arns, nil
}

// fromSTS maps the kinds of package sts to codes. AWS's message may be shown: the role is granted to whoever asks. An
// error without a code of AWS's is a sentence of ours and must not read as if AWS had been asked.
func fromSTS(err error, mode sts.Mode) *Error {
	var e *sts.Error
	if !errors.As(err, &e) {
		return asError(err)
	}
	ours := e.Code == "" && e.Message != ""
	detail := "AWS: " + e.Code + ": " + e.Message
	if ours {
		detail = e.Message
	}
	switch e.Kind {
	case sts.KindExpired:
		if mode == sts.ModePassThrough {
			return Refuse(CodeExpiredToken, detail, e)
		}
		return Refuse(CodeInternal, "AWS took the broker's own proof for expired; its clock may be wrong", e)
	case sts.KindInvalid:
		return Refuse(CodeInvalidRequest, detail, e)
	case sts.KindThrottled:
		return Refuse(CodeThrottled, "AWS is throttling this account; try again in a moment", e)
	case sts.KindUnavailable:
		if ours {
			return Refuse(CodeUpstreamUnavailable, detail, e)
		}
		return Refuse(CodeUpstreamUnavailable, "AWS STS cannot be reached; try again", e)
	case sts.KindConfig:
		return Refuse(CodeInternal, "the broker cannot call AWS as it is configured", e)
	}
	return Refuse(CodeUpstreamDenied, detail, e)
}
