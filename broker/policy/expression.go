package policy

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// expression is a compiled CEL expression. Rules with the same text share one.
type expression struct {
	text    string
	program cel.Program
	output  *cel.Type
	// constant says that no claim is read, so that the value is known before anybody comes.
	constant bool
}

// expressions compiles texts, each different one once.
type expressions struct {
	env   *cel.Env
	known map[string]compiled
}

type compiled struct {
	expr *expression
	err  error
}

func newExpressions(env *cel.Env) *expressions {
	return &expressions{env: env, known: make(map[string]compiled)}
}

func (x *expressions) compile(text string) (*expression, error) {
	if got, ok := x.known[text]; ok {
		return got.expr, got.err
	}
	expr, err := compileExpression(x.env, text)
	x.known[text] = compiled{expr, err}
	return expr, err
}

// condition compiles an expression that must be a condition.
func (x *expressions) condition(text string) (*expression, error) {
	return x.typed(text, cel.BoolType, "true or false")
}

// text compiles an expression that must give a text.
func (x *expressions) text(text string) (*expression, error) {
	return x.typed(text, cel.StringType, "a text; string(…) makes one")
}

func (x *expressions) typed(text string, want *cel.Type, name string) (*expression, error) {
	expr, err := x.compile(text)
	if err != nil {
		return nil, err
	}
	if got := expr.output; !got.IsExactType(want) && !got.IsExactType(cel.DynType) {
		return nil, fmt.Errorf("gives %s where it must give %s", got, name)
	}
	return expr, nil
}

func compileExpression(env *cel.Env, text string) (*expression, error) {
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, issuesError(issues)
	}
	found := inspect(checked.NativeRep().Expr())
	if found.patternFromClaims {
		return nil, errors.New("the pattern of like() must not come from claims: whoever writes the claim would choose what matches")
	}
	estimate, err := env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, fmt.Errorf("its cost cannot be estimated: %w", err)
	}
	if estimate.Max > costLimit {
		return nil, fmt.Errorf("may cost up to %d steps, more than the %d that a rule has", estimate.Max, costLimit)
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit))
	if err != nil {
		return nil, err
	}
	return &expression{text: text, program: program, output: checked.OutputType(), constant: !found.claims}, nil
}

// issuesError puts a compiler's complaints into one line: those that rules are read in have one line per problem.
func issuesError(issues *cel.Issues) error {
	var parts []string
	for _, issue := range issues.Errors() {
		parts = append(parts, fmt.Sprintf("%s (line %d, column %d)", issue.Message, issue.Location.Line(), issue.Location.Column()+1))
	}
	return errors.New(strings.Join(parts, "; "))
}

// holds evaluates a condition. Anything but a boolean is an error.
func (e *expression) holds(v *view) (bool, error) {
	out, _, err := e.program.Eval(claimsValue{v})
	if err != nil {
		return false, err
	}
	truth, ok := out.(types.Bool)
	if !ok {
		return false, fmt.Errorf("gives %s, not true or false", out.Type().TypeName())
	}
	return bool(truth), nil
}

// value evaluates an expression that gives a text. Anything but a text is an error: numbers have more than one.
func (e *expression) value(v *view) (string, error) {
	out, _, err := e.program.Eval(claimsValue{v})
	if err != nil {
		return "", err
	}
	text, ok := out.(types.String)
	if !ok {
		return "", fmt.Errorf("gives %s, not a text", out.Type().TypeName())
	}
	return string(text), nil
}

// findings is what a look at a syntax tree shows.
type findings struct {
	claims            bool // a claim is read anywhere
	patternFromClaims bool // a claim is read by the pattern of a like()
}

func inspect(root ast.Expr) findings {
	var patterns []ast.Expr
	sources := map[string][]ast.Expr{} // what the variables of comprehensions are made from
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.CallKind:
			if call := e.AsCall(); call.FunctionName() == "like" && len(call.Args()) == 2 {
				patterns = append(patterns, call.Args()[1])
			}
		case ast.ComprehensionKind:
			c := e.AsComprehension()
			for _, name := range []string{c.IterVar(), c.IterVar2()} {
				sources[name] = append(sources[name], c.IterRange())
			}
			sources[c.AccuVar()] = append(sources[c.AccuVar()], c.AccuInit(), c.LoopStep())
		}
	}))
	found := findings{claims: readsClaims(root, sources, map[string]bool{})}
	for _, pattern := range patterns {
		found.patternFromClaims = found.patternFromClaims || readsClaims(pattern, sources, map[string]bool{})
	}
	return found
}

// readsClaims follows the variables of comprehensions by name, wherever they are bound: too strict when two
// comprehensions use one name, never too lax.
func readsClaims(e ast.Expr, sources map[string][]ast.Expr, seen map[string]bool) bool {
	reads := false
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if reads || e.Kind() != ast.IdentKind || seen[e.AsIdent()] {
			return
		}
		name := e.AsIdent()
		if name == claimsVariable {
			reads = true
			return
		}
		seen[name] = true
		for _, source := range sources[name] {
			reads = reads || readsClaims(source, sources, seen)
		}
	}))
	return reads
}
