package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

// futureAuthTime is how far ahead of our clock a provider's may be when it says when somebody signed in.
const futureAuthTime = time.Minute

// demand is one thing that a rule requires of the login, with what it wanted and found for an explanation.
type demand struct {
	key              string // as in the configuration: mfa, max_auth_age, acr
	expected, actual string
	met              bool
}

// satisfied reports whether the login is as strong and as fresh as required.
func satisfied(r broker.Require, p *IdP, id *idp.Identity, now time.Time) bool {
	return (!r.MFA || p.MFA.by(id)) &&
		(r.MaxAuthAge == 0 || fresh(r.MaxAuthAge, id.AuthTime, now)) &&
		(len(r.ACR) == 0 || id.ACR != "" && slices.Contains(r.ACR, id.ACR))
}

// by reports whether the identity used what counts as a second factor at its provider.
func (m MFA) by(id *idp.Identity) bool {
	if id.ACR != "" && slices.Contains(m.ACR, id.ACR) {
		return true
	}
	return slices.ContainsFunc(id.AMR, func(method string) bool { return method != "" && slices.Contains(m.AMR, method) })
}

// fresh reports whether the person proved themselves at most so long ago. A time that the provider did not give and one
// in the future beyond the difference of clocks are not fresh: "minus ten years old" must not pass for young.
func fresh(most time.Duration, authTime, now time.Time) bool {
	if authTime.IsZero() || authTime.After(now.Add(futureAuthTime)) {
		return false
	}
	return now.Sub(authTime) <= most
}

// demands lists what a rule requires in a fixed order, for an explanation.
func demands(r broker.Require, p *IdP, id *idp.Identity, now time.Time) []demand {
	var out []demand
	if r.MFA {
		out = append(out, demand{"mfa", p.MFA.String(), methods(id), p.MFA.by(id)})
	}
	if r.MaxAuthAge > 0 {
		out = append(out, demand{
			"max_auth_age", "signed in at most " + shortDuration(r.MaxAuthAge) + " ago",
			authAge(id.AuthTime, now), fresh(r.MaxAuthAge, id.AuthTime, now),
		})
	}
	if len(r.ACR) > 0 {
		only := broker.Require{ACR: r.ACR}
		out = append(out, demand{"acr", anyOf(r.ACR), orAbsent(id.ACR), satisfied(only, p, id, now)})
	}
	return out
}

// String says what counts.
func (m MFA) String() string {
	var parts []string
	if len(m.AMR) > 0 {
		parts = append(parts, "amr "+anyOf(m.AMR))
	}
	if len(m.ACR) > 0 {
		parts = append(parts, "acr "+anyOf(m.ACR))
	}
	return strings.Join(parts, ", or ")
}

func methods(id *idp.Identity) string {
	var parts []string
	if len(id.AMR) > 0 {
		parts = append(parts, "amr "+printable(anys(id.AMR)))
	}
	if id.ACR != "" {
		parts = append(parts, "acr "+printable(id.ACR))
	}
	return orAbsent(strings.Join(parts, ", "))
}

func authAge(authTime, now time.Time) string {
	if authTime.IsZero() {
		return absent
	}
	if authTime.After(now) {
		return shortDuration(authTime.Sub(now)) + " in the future"
	}
	return shortDuration(now.Sub(authTime)) + " ago"
}

// capability is what a kind of provider can say about a login.
type capability struct{ mfa, authTime, acr bool }

// capabilities of a kind. A workload token speaks of a machine, an OAuth 2.0 user-info API of an account, neither of how
// somebody signed in; a directory is asked at the moment of the login and knows no second factor.
func capabilities(kind string) capability {
	switch kind {
	case KindSAML, KindOIDC:
		return capability{mfa: true, authTime: true, acr: true}
	case KindLDAP:
		return capability{authTime: true}
	}
	return capability{}
}

// unmet leaves of a requirement what the login does not satisfy.
func unmet(r broker.Require, p *IdP, id *idp.Identity, now time.Time) broker.Require {
	if p.MFA.by(id) {
		r.MFA = false
	}
	if fresh(r.MaxAuthAge, id.AuthTime, now) {
		r.MaxAuthAge = 0
	}
	if satisfied(broker.Require{ACR: r.ACR}, p, id, now) {
		r.ACR = nil
	}
	return r
}

// requirement says in words what a fresh login must satisfy.
func requirement(r broker.Require) string {
	var parts []string
	if r.MFA {
		parts = append(parts, "a second factor")
	}
	if r.MaxAuthAge > 0 {
		parts = append(parts, "a login younger than "+shortDuration(r.MaxAuthAge))
	}
	if len(r.ACR) > 0 {
		parts = append(parts, "a login of another class")
	}
	return strings.Join(parts, " and ")
}
