package oidc

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// Set is all workload providers of a configuration. It picks one by the token's unverified iss and aud, compared
// exactly, and that one alone verifies the token. Providers that share an issuer and a fetcher share the keys.
type Set struct {
	byIssuer map[string][]*Workload
}

var _ idp.Verifier = (*Set)(nil)

// NewSet joins workloads; ids must differ, and audiences too where the issuer is shared.
func NewSet(workloads []*Workload) (*Set, error) {
	s := &Set{byIssuer: make(map[string][]*Workload)}
	ids := make(map[string]bool)
	var errs []error
	for _, w := range workloads {
		if ids[w.ID()] {
			errs = append(errs, fmt.Errorf("two identity providers are called %q", w.ID()))
		}
		ids[w.ID()] = true
		joined := *w
		for _, other := range s.byIssuer[w.Issuer()] {
			if aud := shared(w.opts.Audiences, other.opts.Audiences); aud != "" {
				errs = append(errs, fmt.Errorf("%s and %s share the issuer and the audience %q", other.ID(), w.ID(), aud))
			}
			if joined.keys.sameAs(other.keys) {
				joined.keys = other.keys
			}
		}
		s.byIssuer[w.Issuer()] = append(s.byIssuer[w.Issuer()], &joined)
	}
	return s, errors.Join(errs...)
}

func shared(a, b []string) string {
	for _, s := range a {
		if slices.Contains(b, s) {
			return s
		}
	}
	return ""
}

// Verify verifies a token with the one provider that it is meant for. A token whose audiences belong to two
// providers is refused: which of them it is for must not depend on the order of the configuration.
func (s *Set) Verify(ctx context.Context, proof secret.Text) (idp.Identity, error) {
	t, err := parseToken(proof.Reveal())
	if err != nil {
		return idp.Identity{}, err
	}
	candidates := s.byIssuer[t.issuer()]
	if len(candidates) == 0 {
		return idp.Identity{}, idp.Refuse(idp.KindUntrusted, "the token's issuer is not configured", nil)
	}
	auds, err := audiences(t.unverified)
	if err != nil {
		return idp.Identity{}, err
	}
	var chosen *Workload
	for _, w := range candidates {
		if shared(auds, w.opts.Audiences) == "" {
			continue
		}
		if chosen != nil {
			return idp.Identity{}, invalid("the token is meant for two identity providers of ours")
		}
		chosen = w
	}
	if chosen == nil {
		return idp.Identity{}, errAudience()
	}
	return chosen.verify(ctx, t)
}
