package broker

import (
	"context"
	"errors"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// markMargin keeps a one-use mark beyond the proof's own end, for clocks that differ (skew is at most 5 minutes).
const markMargin = 10 * time.Minute

// AuthenticateWorkload verifies a bearer token of a machine.
func (v *Visit) AuthenticateWorkload(ctx context.Context, token secret.Text) error {
	if v.broker.Workload == nil {
		return Refuse(CodeUntrustedIssuer, "no issuer of workload tokens is configured", nil)
	}
	return v.Authenticate(ctx, idp.ProofJWT, func(ctx context.Context) (idp.Identity, error) {
		return v.broker.Workload.Verify(ctx, token)
	})
}

// AuthenticateSAML verifies a SAML Response that comes outside a browser flow.
func (v *Visit) AuthenticateSAML(ctx context.Context, response secret.Text) error {
	if v.broker.Direct == nil {
		return Refuse(CodeUntrustedIssuer, "no identity provider is configured with saml.direct", nil)
	}
	return v.Authenticate(ctx, idp.ProofSAML, func(ctx context.Context) (idp.Identity, error) {
		return v.broker.Direct.Verify(ctx, response)
	})
}

// Authenticate runs a provider's verification and then the checks that no provider can skip: the identity is whole,
// and a one-use proof was never seen before by any node.
func (v *Visit) Authenticate(ctx context.Context, kind idp.ProofKind, verify func(context.Context) (idp.Identity, error)) (err error) {
	start := v.broker.Clock()
	defer func() {
		v.broker.Observer.Authentication(kind, outcome(err), v.broker.Clock().Sub(start))
	}()
	id, err := verify(ctx)
	if err != nil {
		return fromIdP(err)
	}
	if id.Provider == "" || id.Issuer == "" || id.Subject == "" || id.Proof.Hash == "" {
		return Refuse(CodeInvalidToken, "the proof names nobody", errors.New("a provider returned an identity without provider, issuer, subject or proof hash"))
	}
	v.know(&id)
	if id.Proof.Once {
		return v.useOnce(ctx, "", id.Provider, id.Issuer, id.Proof)
	}
	return nil
}

// Resume continues with the identity of a login session that ends at end.
func (v *Visit) Resume(id *idp.Identity, sessionHash string, end time.Time) {
	v.know(id)
	v.event.Session = sessionHash
	v.sessionEnd = end
}

// know puts an identity on the visit and on its record.
func (v *Visit) know(id *idp.Identity) {
	v.id = id
	v.event.Provider, v.event.Issuer, v.event.Subject = id.Provider, id.Issuer, id.Subject
	v.event.Username, v.event.ProofHash = id.Username, id.Proof.Hash
}

// useOnce sets the one-use mark before any effect. The floor travels in the same round trip. purpose keeps messages of
// other kinds apart, whose ids are their own; sign-ins have none.
func (v *Visit) useOnce(ctx context.Context, purpose, provider, issuer string, proof idp.Proof) error {
	name := proof.ID
	if name == "" {
		name = proof.Hash
	}
	mark := "once:" + purpose + Digest(provider, issuer, name)
	ttl := max(proof.Expires.Sub(v.broker.Clock()), 0) + markMargin
	results, err := v.broker.Store.Do(ctx,
		v.broker.floorOp(),
		Op{Kind: OpAdd, Key: mark, Value: []byte{1}, TTL: ttl},
	)
	if err != nil {
		return storeUnavailable(err)
	}
	if results[1].Found {
		return Refuse(CodeReplayed, "this proof was used before", nil)
	}
	if proof.IssuedAt.Before(v.broker.floor(results[0])) {
		return Refuse(CodeReplayed, "this proof is older than the broker's memory; sign in again", nil)
	}
	v.mark = mark
	return nil
}

// fromIdP maps the kinds of package idp to codes.
func fromIdP(err error) *Error {
	var e *idp.Error
	if !errors.As(err, &e) {
		return Refuse(CodeInternal, "something went wrong in the broker", err)
	}
	codes := map[idp.Kind]Code{
		idp.KindInvalid: CodeInvalidToken, idp.KindUntrusted: CodeUntrustedIssuer, idp.KindExpired: CodeExpiredToken,
		idp.KindReplayed: CodeReplayed, idp.KindDenied: CodeLoginRequired, idp.KindUnavailable: CodeUpstreamUnavailable,
	}
	code, known := codes[e.Kind]
	if !known {
		code = CodeInvalidToken
	}
	return Refuse(code, e.Reason, e.Err)
}

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return string(asError(err).Code)
}
