package policy

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/fedbroker/fedbroker/broker"
)

// when shows the condition of a rule. A conjunction is taken apart, so that the failing part stands out; every part says
// which claims it read.
func (x *explainer) when(r *rule) []broker.ExplainedCondition {
	if r.when == nil {
		return nil
	}
	parts, ok := x.parts[r.when]
	if !ok {
		parts = x.conjuncts(r.when)
		x.parts[r.when] = parts
	}
	out := make([]broker.ExplainedCondition, 0, len(parts))
	for _, part := range parts {
		out = append(out, x.part(part, r.src.Deny))
	}
	return out
}

// part evaluates a part of a condition. In a deny rule an error counts as met, as it does when deciding.
func (x *explainer) part(part conjunct, deny bool) broker.ExplainedCondition {
	holds, err := part.expr.holds(x.view)
	actual := fmt.Sprint(holds)
	if err != nil {
		actual = "error: " + err.Error()
		if deny {
			actual += " (in a deny rule an error denies)"
		}
	}
	for _, name := range part.claims {
		value, found := x.view.claim(name)
		shown := absent
		if found {
			shown = printable(value)
		}
		actual += fmt.Sprintf("; claims.%s is %s", name, shown)
	}
	return broker.ExplainedCondition{
		Kind: "when", Expected: part.expr.text, Actual: cut(actual), Met: holds || (err != nil && deny),
	}
}

// conjunct is a part of a condition that must hold by itself, and the claims it names.
type conjunct struct {
	expr   *expression
	claims []string
}

// conjuncts takes a condition apart at its outermost &&. A condition that cannot be taken apart stays whole.
func (x *explainer) conjuncts(whole *expression) []conjunct {
	env := x.policy.env
	checked, issues := env.Compile(whole.text)
	if issues.Err() != nil {
		return []conjunct{{expr: whole}}
	}
	rep := checked.NativeRep()
	asOne := []conjunct{{expr: whole, claims: namedClaims(rep.Expr())}}
	roots := split(rep.Expr(), nil)
	if len(roots) == 1 {
		return asOne
	}
	parts := make([]conjunct, 0, len(roots))
	for _, root := range roots {
		text, err := cel.ExprToString(root, rep.SourceInfo())
		if err != nil {
			return asOne
		}
		expr, err := compileExpression(env, text)
		if err != nil {
			return asOne
		}
		parts = append(parts, conjunct{expr: expr, claims: namedClaims(root)})
	}
	return parts
}

func split(e ast.Expr, out []ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		for _, arg := range e.AsCall().Args() {
			out = split(arg, out)
		}
		return out
	}
	return append(out, e)
}

// namedClaims lists the claims that an expression names: claims.x, has(claims.x), claims["x"], "x" in claims.
func namedClaims(root ast.Expr) []string {
	var names []string
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if name, ok := namedClaim(e); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}))
	return names
}

func namedClaim(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.SelectKind:
		if isClaims(e.AsSelect().Operand()) {
			return e.AsSelect().FieldName(), true
		}
	case ast.CallKind:
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Index:
			if isClaims(args[0]) {
				return literalText(args[1])
			}
		case operators.In:
			if isClaims(args[1]) {
				return literalText(args[0])
			}
		}
	}
	return "", false
}

func isClaims(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == claimsVariable }

func literalText(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok && !strings.ContainsAny(string(text), "\r\n")
}
