package oidc

import (
	"context"
	"fmt"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// Workload verifies the JWTs of one configured issuer for one set of audiences.
type Workload struct {
	opts Options
	keys *keySource
}

var _ idp.Verifier = (*Workload)(nil)

// NewWorkload checks the options. It fetches nothing: the first token does.
func NewWorkload(o Options) (*Workload, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("idp %s: %w", o.ID, err)
	}
	keys, err := newKeySource(o)
	if err != nil {
		return nil, fmt.Errorf("idp %s: %w", o.ID, err)
	}
	return &Workload{opts: o, keys: keys}, nil
}

// ID returns the identity provider's id in the configuration.
func (w *Workload) ID() string { return w.opts.ID }

// Issuer returns the configured issuer.
func (w *Workload) Issuer() string { return w.opts.Issuer }

// Verify verifies a compact JWT. Its proof hash covers the signing input and not the signature: an ECDSA signature
// has a twin that verifies as well, and a twin must not count as another proof.
func (w *Workload) Verify(ctx context.Context, proof secret.Text) (idp.Identity, error) {
	t, err := parseToken(proof.Reveal())
	if err != nil {
		return idp.Identity{}, err
	}
	return w.verify(ctx, t)
}

// verify judges a token that has the right form.
func (w *Workload) verify(ctx context.Context, t *token) (idp.Identity, error) {
	claims, err := w.verified(ctx, t)
	if err != nil {
		return idp.Identity{}, err
	}
	return w.judge(t, claims, w.opts.Clock())
}

// verified returns the claims of a token of our issuer, for us, under a good signature. Issuer and audience come before
// the keys, so that a stranger's token costs no fetch.
func (w *Workload) verified(ctx context.Context, t *token) (idp.Claims, error) {
	if t.issuer() != w.opts.Issuer {
		return idp.Claims{}, idp.Refuse(idp.KindUntrusted, "the token's issuer is not configured", nil)
	}
	if err := checkAudience(t.unverified, w.opts); err != nil {
		return idp.Claims{}, err
	}
	return w.verifySignature(ctx, t)
}

// judge reads verified claims: the pins first, for outside them nobody gets a further explanation.
func (w *Workload) judge(t *token, claims idp.Claims, now time.Time) (idp.Identity, error) {
	if err := checkTenant(claims, w.opts.Tenant); err != nil {
		return idp.Identity{}, err
	}
	times, err := checkTimes(claims, w.opts, now)
	if err != nil {
		return idp.Identity{}, err
	}
	if err := checkRequired(claims, w.opts.RequiredClaims); err != nil {
		return idp.Identity{}, err
	}
	id, err := w.identity(claims)
	if err != nil {
		return idp.Identity{}, err
	}
	if id.Proof, err = proofOf(t, claims, times, w.opts.Once); err != nil {
		return idp.Identity{}, err
	}
	return id, nil
}
