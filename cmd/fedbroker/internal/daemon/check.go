package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp"
)

// Checked is a configuration that a broker could be built from.
type Checked struct {
	file   *configs.File
	policy *policy.Policy
}

// TestResult is what one mapping test gave; Differences are between what it expects and what came, none when it passed.
type TestResult struct {
	Name        string
	Place       configs.Place
	Differences []string
}

// Check looks at a loaded file and at all that it names on this machine (rules, keys, certificates, metadata files),
// without reaching for anything outside. The error is [configs.Problems]. Clock and Rand of the options are used.
func Check(f *configs.File, o Options) (*Checked, error) {
	sp, err := standInSPKey(o.Clock(), o.Rand)
	if err != nil {
		return nil, err
	}
	plan, err := prepare(f, makings{opts: o, clients: newClients(o.Version), sp: sp, life: context.Background()})
	problems, _ := err.(configs.Problems) //nolint:errorlint // prepare returns it bare
	problems = append(problems, checkIssuerKeys(f, o)...)
	problems = append(problems, issuerProblems(f)...)
	if len(problems) > 0 {
		return nil, inOrder(problems)
	}
	return &Checked{f, plan.policy}, nil
}

// checkIssuerKeys looks at the keys that the file brings; others are made at the first start.
func checkIssuerKeys(f *configs.File, o Options) configs.Problems {
	var problems configs.Problems
	if f.Issuer.SigningKey.Given() {
		if _, err := jwtKeys(f, nil, o); err != nil {
			problems = append(problems, problemAt(f, "issuer.signing_key", err)...)
		}
	}
	if f.Issuer.SAMLKey.Given() {
		if _, err := samlKeys(f, nil, o); err != nil {
			problems = append(problems, problemAt(f, "issuer.saml_key", err)...)
		}
	}
	return problems
}

// RunTests runs the file's mapping tests.
func (c *Checked) RunTests(now time.Time) []TestResult {
	out := make([]TestResult, 0, len(c.file.Tests))
	for i, t := range c.file.Tests {
		want := policy.Expect{Roles: t.Expect.Roles}
		if s := t.Expect.Session; s != nil {
			want.SessionName, want.SourceIdentity, want.Tags = s.Name, s.SourceIdentity, s.Tags
		}
		result := TestResult{Name: t.Name, Place: c.file.Place(fmt.Sprintf("tests[%d]", i))}
		if err := c.policy.RunTest(policy.Test{Name: t.Name, IdP: t.IdP, Claims: t.Claims, Expect: want}, c.identify(now), now); err != nil {
			result.Differences = strings.Split(err.Error(), "\n")
		}
		out = append(out, result)
	}
	return out
}

// Explain says what claims that a provider made would lead to. Nothing is verified: the file's owner asks.
func (c *Checked) Explain(provider string, claims idp.Claims, role string, now time.Time) (broker.Explanation, error) {
	id, err := c.identify(now)(provider, claims)
	if err != nil {
		return broker.Explanation{}, err
	}
	if role != "" && !slices.ContainsFunc(c.file.AWS.Roles, func(r configs.Role) bool { return r.Name == role || r.ARN == role }) {
		return broker.Explanation{}, fmt.Errorf("%s has no role %q under aws.roles, neither as a name nor as an ARN", c.file.Name, role)
	}
	return c.policy.Explain(&id, role, now), nil
}

// identify makes the identity that a provider would make of claims. Claims of a test may also use the normalised
// names, and may leave the subject out.
func (c *Checked) identify(now time.Time) policy.Identify {
	return func(provider string, claims idp.Claims) (idp.Identity, error) {
		var known []string
		for i := range c.file.IdPs {
			p := &c.file.IdPs[i]
			if p.ID == provider {
				return claimed(p, claims, now), nil
			}
			known = append(known, p.ID)
		}
		return idp.Identity{}, fmt.Errorf("%s has no idp %q; it has: %s", c.file.Name, provider, strings.Join(known, ", "))
	}
}

func claimed(p *configs.IdP, claims idp.Claims, now time.Time) idp.Identity {
	id := idp.Identity{Provider: p.ID, Claims: claims, AMR: texts(claims, "amr"), ACR: first(claims, "acr")}
	var names configs.Claims
	id.Issuer, id.Subject, names = spoken(p, claims)
	if id.Subject == "" {
		id.Subject = "test"
	}
	id.Username = first(claims, names.Username, "username", "preferred_username")
	id.Email = first(claims, names.Email, "email")
	if id.Groups = texts(claims, names.Groups); id.Groups == nil {
		id.Groups = texts(claims, "groups")
	}
	if at, ok := claims.Get("auth_time"); ok {
		if seconds, ok := at.(int64); ok {
			id.AuthTime = time.Unix(seconds, 0)
		}
	}
	id.Proof.IssuedAt = now
	return id
}

// spoken is who speaks in the claims, of whom, and under which names.
func spoken(p *configs.IdP, claims idp.Claims) (issuer, subject string, names configs.Claims) {
	switch {
	case p.SAML != nil:
		return p.SAML.MetadataURL, first(claims, "name_id", "subject"), p.SAML.Claims
	case p.OIDC != nil:
		return p.OIDC.Issuer, first(claims, "sub", "subject"), p.OIDC.Claims
	case p.OAuth2 != nil:
		service, _ := serviceOf(p.OAuth2) // prepare has looked at it
		f := service.Fields
		subject = first(claims, f.Subject, "subject")
		if number, _ := claims.At(f.Subject); subject == "" && number != nil {
			subject = fmt.Sprint(number)
		}
		return service.Issuer, subject, configs.Claims{Username: f.Username, Email: f.Email, Groups: f.Groups}
	}
	return p.Workload.Issuer, first(claims, "sub", "subject"), p.Workload.Claims
}

// texts reads a claim that is one string or a list of strings; a name may be a JSON Pointer, as in the configuration.
func texts(claims idp.Claims, name string) []string {
	value, _ := claims.At(name)
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func first(claims idp.Claims, names ...string) string {
	for _, name := range names {
		if list := texts(claims, name); len(list) == 1 {
			return list[0]
		}
	}
	return ""
}
