package daemon

import (
	"fmt"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp"
)

// Checked is a configuration whose rules compile.
type Checked struct {
	File   *configs.File
	Policy *policy.Policy
}

// TestResult is what one mapping test gave; Err lists the differences.
type TestResult struct {
	Name string
	Err  error
}

// Check compiles a loaded file's rules without reaching for anything outside.
func Check(f *configs.File) (*Checked, error) {
	compiled, problems := compile(f, roles(f))
	if len(problems) > 0 {
		return nil, problems
	}
	return &Checked{f, compiled}, nil
}

// RunTests runs the file's mapping tests.
func (c *Checked) RunTests(now time.Time) []TestResult {
	out := make([]TestResult, 0, len(c.File.Tests))
	for i, t := range c.File.Tests {
		want := policy.Expect{Roles: t.Expect.Roles}
		if s := t.Expect.Session; s != nil {
			want.SessionName, want.SourceIdentity, want.Tags = s.Name, s.SourceIdentity, s.Tags
		}
		err := c.Policy.RunTest(policy.Test{Name: t.Name, IdP: t.IdP, Claims: t.Claims, Expect: want}, c.identify(now), now)
		if err != nil {
			err = fmt.Errorf("%s: %w", c.File.Place(fmt.Sprintf("tests[%d]", i)), err)
		}
		out = append(out, TestResult{t.Name, err})
	}
	return out
}

// Explain says what claims that a provider made would lead to. Nothing is verified: the file's owner asks.
func (c *Checked) Explain(provider string, claims map[string]any, role string, now time.Time) (broker.Explanation, error) {
	id, err := c.identify(now)(provider, idp.NewClaims(claims))
	if err != nil {
		return broker.Explanation{}, err
	}
	return c.Policy.Explain(&id, role, now), nil
}

// identify makes the identity that a provider would make of claims. Claims of a test may also use the normalised
// names, and may leave the subject out.
func (c *Checked) identify(now time.Time) policy.Identify {
	return func(provider string, claims idp.Claims) (idp.Identity, error) {
		for i := range c.File.IdPs {
			if p := &c.File.IdPs[i]; p.ID == provider {
				return claimed(p, claims, now), nil
			}
		}
		return idp.Identity{}, fmt.Errorf("there is no idp %q", provider)
	}
}

func claimed(p *configs.IdP, claims idp.Claims, now time.Time) idp.Identity {
	id := idp.Identity{Provider: p.ID, Claims: claims, AMR: texts(claims, "amr"), ACR: first(claims, "acr")}
	var names configs.Claims
	if p.SAML != nil {
		id.Issuer, names = p.SAML.MetadataURL, p.SAML.Claims
		id.Subject = first(claims, "name_id", "subject")
	} else {
		id.Issuer, names = p.Workload.Issuer, p.Workload.Claims
		id.Subject = first(claims, "sub", "subject")
	}
	if id.Subject == "" {
		id.Subject = "test"
	}
	id.Username = first(claims, names.Username, "username", "preferred_username")
	id.Email = first(claims, names.Email, "email")
	for _, name := range []string{names.Groups, "groups"} {
		if id.Groups = texts(claims, name); id.Groups != nil {
			break
		}
	}
	if at, ok := claims.Get("auth_time"); ok {
		if seconds, ok := at.(int64); ok {
			id.AuthTime = time.Unix(seconds, 0)
		}
	}
	id.Proof.IssuedAt = now
	return id
}

// texts reads a claim that is one string or a list of strings.
func texts(claims idp.Claims, name string) []string {
	value, _ := claims.Get(name)
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
