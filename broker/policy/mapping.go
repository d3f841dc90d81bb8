package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

// Test is one mapping test of a configuration: what somebody with these claims gets.
type Test struct {
	Name string
	IdP  string
	// Claims are the claims of a proof, as encoding/json would decode them or as YAML does (integers, booleans, maps).
	Claims map[string]any
	Expect Expect
}

// Expect is what a Test wants: exactly these roles, in any order, and of the first of them a session like this. Session
// values that are empty are not compared, nor are tags that are not named.
type Expect struct {
	Roles          []string
	SessionName    string
	SourceIdentity string
	Tags           map[string]string
}

// Identify turns a proof's claims into the identity that the provider would make of them, without verifying anything.
type Identify func(provider string, claims idp.Claims) (idp.Identity, error)

// RunTest runs one mapping test. The error has one line for each difference between what was expected and what came,
// with the reason.
func (p *Policy) RunTest(t Test, identify Identify, now time.Time) error {
	if p.idps[t.IdP] == nil {
		return fmt.Errorf("there is no identity provider %q", t.IdP)
	}
	doc, err := json.Marshal(t.Claims)
	if err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	claims, err := idp.ParseClaims(doc)
	if err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	id, err := identify(t.IdP, claims)
	if err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	if id.Provider != t.IdP {
		return fmt.Errorf("the claims became an identity of %q, not of %q", id.Provider, t.IdP)
	}
	grants := p.Decide(&id, now).Grants
	missing := func(role string) string { return p.reason(role, &id, now) }
	return errors.Join(append(p.compareRoles(t.Expect.Roles, grants, missing), compareSession(t.Expect, grants)...)...)
}

// compareRoles finds roles that are expected and not granted, for which missing says why, and those granted unexpectedly.
func (p *Policy) compareRoles(want []string, grants []broker.Grant, missing func(role string) string) []error {
	granted := func(role string) bool {
		return slices.ContainsFunc(grants, func(g broker.Grant) bool { return g.Role.Name == role })
	}
	var differences []error
	for _, role := range want {
		switch n, ok := p.byName[role]; {
		case !ok || p.roles[n].Name != role:
			differences = append(differences, fmt.Errorf("expected %s: there is no such role", role))
		case !granted(role):
			differences = append(differences, fmt.Errorf("expected %s, which is not granted: %s", role, missing(role)))
		}
	}
	for _, g := range grants {
		if !slices.Contains(want, g.Role.Name) {
			differences = append(differences, fmt.Errorf("got %s, which is not expected: granted by rule %q", g.Role.Name, g.Rule))
		}
	}
	return differences
}

// reason says why a role is not granted, with the conditions that are not met.
func (p *Policy) reason(role string, id *idp.Identity, now time.Time) string {
	e := p.Explain(id, role, now)
	var parts []string
	for _, r := range e.Roles {
		parts = append(parts, strings.TrimSuffix(r.Reason, "."))
	}
	for _, r := range e.Rules {
		for _, c := range r.Conditions {
			if !c.Met && r.Effect == effectAllow {
				parts = append(parts, fmt.Sprintf("rule %q, %s: wanted %s, got %s",
					r.Rule, strings.TrimSpace(c.Kind+" "+c.Key), oneLine(c.Expected), oneLine(c.Actual)))
			}
		}
	}
	return strings.Join(parts, "; ")
}

// compareSession compares what is expected of the session of the first expected role.
func compareSession(want Expect, grants []broker.Grant) []error {
	i := slices.IndexFunc(grants, func(g broker.Grant) bool { return len(want.Roles) > 0 && g.Role.Name == want.Roles[0] })
	if i < 0 {
		return nil
	}
	g := grants[i]
	var differences []error
	differ := func(what, want, got string) {
		if want != got {
			differences = append(differences, fmt.Errorf("%s: expected %s %q, got %q", g.Role.Name, what, want, got))
		}
	}
	if want.SessionName != "" {
		differ("session name", want.SessionName, g.SessionName)
	}
	if want.SourceIdentity != "" {
		differ("source identity", want.SourceIdentity, g.SourceIdentity)
	}
	got := tagMap(g.Tags)
	for _, key := range slices.Sorted(maps.Keys(want.Tags)) {
		if value, ok := got[key]; ok {
			differ("tag "+key, want.Tags[key], value)
		} else {
			differences = append(differences, fmt.Errorf("%s: expected tag %s %q, got none", g.Role.Name, key, want.Tags[key]))
		}
	}
	return differences
}
