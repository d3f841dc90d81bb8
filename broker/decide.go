package broker

import (
	"errors"
	"fmt"
	"strings"
)

// Decide asks the rules what the identity may have.
func (v *Visit) Decide() (Decision, error) {
	if err := v.standing(); err != nil {
		return Decision{}, err
	}
	return v.broker.Policy.Decide(v.id, v.broker.Clock()), nil
}

// standing refuses to decide for nobody, and for an identity whose provider no longer vouches for it.
func (v *Visit) standing() error {
	switch {
	case v.id == nil:
		return errors.New("a decision before the identity is known")
	case v.broker.Speaks != nil && !v.broker.Speaks(v.id.Provider, v.id.Issuer):
		return Refuse(CodeLoginRequired, "your identity provider is no longer the one that you signed in with; sign in again", nil)
	}
	return nil
}

// Explain tells the identity how its own decision came about; role narrows the answer when not empty.
func (v *Visit) Explain(role string) (Explanation, error) {
	if err := v.standing(); err != nil {
		return Explanation{}, err
	}
	e := v.broker.Policy.Explain(v.id, role, v.broker.Clock())
	for i := range e.Rules {
		e.Rules[i].Place = "" // where the rule stands in the broker's files is the operator's business
	}
	return e, nil
}

// Grant picks the grant of a role by alias or ARN; with exactly one grant the name may be empty. A role that does not
// exist and one that is not granted are refused in the same words.
func (d Decision) Grant(name string) (*Grant, error) {
	if name == "" {
		return d.only()
	}
	for i := range d.Grants {
		if r := d.Grants[i].Role; r.Name == name || string(r.ARN) == name {
			return &d.Grants[i], nil
		}
	}
	for _, w := range d.Withheld {
		if w.Role.Name == name || string(w.Role.ARN) == name {
			return nil, w.refusal()
		}
	}
	return nil, Refuse(CodeRoleNotGranted, "this role is not granted to you; POST /api/v1/explain says why", nil)
}

func (w Withheld) refusal() *Error {
	e := Refuse(w.Code, w.Detail, nil)
	e.Require = w.Require
	return e
}

func (d Decision) only() (*Grant, error) {
	switch {
	case len(d.Grants) == 1:
		return &d.Grants[0], nil
	case len(d.Grants) == 0 && len(d.Withheld) == 1:
		return nil, d.Withheld[0].refusal()
	case len(d.Grants) == 0:
		return nil, Refuse(CodeNotAuthorized, "no role is granted to you", nil)
	}
	names := make([]string, 0, len(d.Grants))
	for _, g := range d.Grants {
		names = append(names, g.Role.Name)
	}
	const most = 20
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return nil, Refuse(CodeAmbiguousRole, fmt.Sprintf("say which role: %s", strings.Join(names, ", ")), nil)
}
