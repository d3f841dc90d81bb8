package iampolicy

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// generator builds small random policies and requests over few words, so that statements often match.
type generator struct{ *rand.Rand }

func (g generator) pick(words ...string) string { return words[g.IntN(len(words))] }

func (g generator) statement(effect string, kind Kind) string {
	members := []string{`"Effect":"` + effect + `"`}
	add := func(format string, args ...any) { members = append(members, fmt.Sprintf(format, args...)) }
	add(`%q:[%q,%q]`, g.pick("Action", "Action", "NotAction"), g.pick("*", "sts:*", "sts:AssumeRole", "s3:*"), g.pick("s3:Get*", "sts:TagSession"))
	add(`%q:%q`, g.pick("Resource", "Resource", "NotResource"), g.pick("*", roleARN, "arn:aws:iam::*:role/*", "arn:aws:s3:::${x:a}"))
	if kind == Resource {
		add(`%q:{"AWS":[%q]}`, g.pick("Principal", "Principal", "NotPrincipal"), g.pick("*", account, stranger, byUserARN, byRoleARN, bySessionARN))
	}
	if g.IntN(2) == 0 {
		add(`"Condition":{%q:{"x:a":[%q,%q]}}`, g.operator(), g.pick("1", "a*", "${x:b}", "true"), g.pick("2", "arn:aws:iam::1:x/*", "10.0.0.0/8"))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (g generator) operator() string {
	return g.pick("", "ForAnyValue:", "ForAllValues:") + g.pick("StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "NumericLessThan",
		"NumericNotEquals", "Bool", "IpAddress", "NotIpAddress", "ArnLike", "ArnNotLike", "DateNotEquals") + g.pick("", "IfExists")
}

func (g generator) policy(t *testing.T, kind Kind) Source {
	var statements []string
	for range 1 + g.IntN(3) {
		statements = append(statements, g.statement(g.pick("Allow", "Allow", "Allow", "Deny"), kind))
	}
	return source(t, document(statements), kind)
}

func document(statements []string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func (g generator) input(t *testing.T) Input {
	callers := []Principal{alice(), session(), federatedUser(), root(), {}, NewFederated(github), abroad(alice()), abroad(session())}
	in := Input{
		Principal: callers[g.IntN(len(callers))], Action: g.pick(assumeRole, "sts:TagSession", "s3:GetObject"),
		Resource: g.pick(roleARN, "arn:aws:s3:::1", "*"), ResourceAccount: account, MustAllow: g.IntN(2) == 0,
	}
	for range g.IntN(3) {
		in.Identity = append(in.Identity, g.policy(t, Identity))
	}
	if g.IntN(3) == 0 {
		b := g.policy(t, Boundary)
		in.Boundary = &b
	}
	if g.IntN(3) == 0 {
		in.Session = append(in.Session, g.policy(t, Session))
	}
	if g.IntN(2) == 0 {
		r := g.policy(t, Resource)
		in.ResourcePolicy = &r
	}
	for _, key := range []string{"x:a", "x:b"} {
		switch g.IntN(4) {
		case 0:
			in.Context.Set(key, g.pick("1", "a", "*", "true", "arn:aws:iam::1:x/y", "10.1.2.3"))
		case 1:
			in.Context.SetMulti(key, []string{"1", "a"}[:g.IntN(3)]...)
		}
	}
	return in
}

// with returns the source with one statement more, in a policy of its own: the old one stays as it is.
func (g generator) with(t *testing.T, s Source, effect string, kind Kind) Source {
	extra := source(t, document([]string{g.statement(effect, kind)}), kind).Policy
	both := *s.Policy
	both.statements = append(append([]statement(nil), s.Policy.statements...), extra.statements...)
	return Source{Name: s.Name, Policy: &both}
}

// grow adds one statement somewhere among the policies that are there, or a new identity policy.
func (g generator) grow(t *testing.T, in Input, effect string) Input {
	switch {
	case in.ResourcePolicy != nil && g.IntN(2) == 0:
		r := g.with(t, *in.ResourcePolicy, effect, Resource)
		in.ResourcePolicy = &r
	case in.Boundary != nil && g.IntN(2) == 0:
		b := g.with(t, *in.Boundary, effect, Boundary)
		in.Boundary = &b
	case len(in.Session) > 0 && g.IntN(2) == 0:
		in.Session = []Source{g.with(t, in.Session[0], effect, Session)}
	default:
		extra := source(t, document([]string{g.statement(effect, Identity)}), Identity)
		in.Identity = append(append([]Source(nil), in.Identity...), extra)
	}
	return in
}

func TestAddingADenyNeverGrants(t *testing.T) {
	t.Parallel()
	g := generator{rand.New(rand.NewPCG(1, 1))}
	refused, changed := 0, 0
	for range 1500 {
		in := g.input(t)
		before := Evaluate(in)
		after := Evaluate(g.grow(t, in, "Deny"))
		if !before.Allowed {
			refused++
			if after.Allowed {
				t.Fatalf("a Deny granted: %+v", in)
			}
		} else if !after.Allowed {
			changed++
		}
	}
	if refused < 100 || changed < 10 {
		t.Errorf("the generator is one-sided: %d refused before, %d newly refused", refused, changed)
	}
}

func TestAddingAnAllowNeverTakesAway(t *testing.T) {
	t.Parallel()
	g := generator{rand.New(rand.NewPCG(2, 2))}
	allowed, changed := 0, 0
	for range 1500 {
		in := g.input(t)
		before := Evaluate(in)
		after := Evaluate(g.grow(t, in, "Allow"))
		if before.Allowed {
			allowed++
			if !after.Allowed {
				t.Fatalf("an Allow took away: %+v", in)
			}
		} else if after.Allowed {
			changed++
		}
	}
	if allowed < 80 || changed < 10 {
		t.Errorf("the generator is one-sided: %d allowed before, %d newly allowed", allowed, changed)
	}
}

// Session policies and boundary narrow: what is allowed with them is allowed without.
func TestCapsOnlyNarrow(t *testing.T) {
	t.Parallel()
	g := generator{rand.New(rand.NewPCG(3, 3))}
	for range 1000 {
		in := g.input(t)
		if in.Principal.Kind == FederatedUser || !Evaluate(in).Allowed {
			continue
		}
		in.Boundary, in.Session = nil, nil
		if !Evaluate(in).Allowed {
			t.Fatalf("removing the caps refused: %+v", in)
		}
	}
}

// A decision's parts agree with each other and with the trace.
func TestDecisionsAreConsistent(t *testing.T) {
	t.Parallel()
	g := generator{rand.New(rand.NewPCG(4, 4))}
	for range 1000 {
		in := g.input(t)
		checkDecision(t, in, Evaluate(in))
	}
}

func checkDecision(t *testing.T, in Input, d Decision) {
	t.Helper()
	denied := false
	for _, s := range d.Trace {
		denied = denied || s.Matched && s.Effect == Deny
		if s.Matched != (len(s.Failed()) == 0) {
			t.Fatalf("a statement that matched %v has failed elements %v", s.Matched, s.Failed())
		}
	}
	switch {
	case denied != (d.Reason == ExplicitDeny), d.Allowed != (d.Reason == Allowed), d.Allowed != (d.Because == ""), d.Allowed != (d.By == 0):
		t.Fatalf("inconsistent decision for %+v: %+v", in, d)
	}
}

// Every JSON value whatever parses or is refused with a place, and evaluates without panic.
func TestAnyJSON(t *testing.T) {
	t.Parallel()
	g := generator{rand.New(rand.NewPCG(5, 5))}
	for range 1500 {
		doc, err := json.Marshal(g.value(5))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []Kind{Identity, Resource, Trust, Boundary, Session} {
			parseAndEvaluate(t, doc, kind, "x")
		}
	}
}

// value is a random JSON value in which the words of the grammar are likely.
func (g generator) value(depth int) any {
	if depth == 0 || g.IntN(4) == 0 {
		return []any{nil, true, 1.5, g.pick("Allow", "*", "sts:AssumeRole", "2012-10-17", "${", "arn:aws:s3:::x", "é")}[g.IntN(4)]
	}
	if g.IntN(4) == 0 {
		return []any{g.value(depth - 1), g.value(depth - 1)}[:g.IntN(3)]
	}
	object := map[string]any{}
	for range g.IntN(6) {
		name := g.pick("Version", "Statement", "Effect", "Action", "Resource", "Principal", "AWS", "Condition", "Bool", "StringLike", "a:b", "Sid")
		object[name] = g.value(depth - 1)
	}
	return object
}
