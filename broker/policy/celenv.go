package policy

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
)

// Limits of one expression. A cost unit is roughly one step of the interpreter, tens of nanoseconds, so that the limit
// is some ten milliseconds. It is the same for the estimate, which assumes claims of assumedSize, and at run time, when
// claims may be larger.
const (
	maxExpression  = 4096 // code points
	maxExpressions = 1000 // nodes after macro expansion
	costLimit      = 250_000
	assumedSize    = 256 // elements of a list, characters of a text
)

// newEnvironment makes the language of rules: CEL's standard library without matches(), whose patterns are not
// anchored, the string extensions, like and join.
func newEnvironment() (*cel.Env, error) {
	return cel.NewCustomEnv(
		cel.StdLib(cel.StdLibSubset(&env.LibrarySubset{ExcludeFunctions: []*env.Function{env.NewFunction("matches")}})),
		// The version is fixed: functions that a later release brings are looked at before rules get them.
		ext.Strings(ext.StringsVersion(5)),
		cel.EnableMacroCallTracking(), // so that explanations can print parts of an expression
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ExpressionNodeLimit(maxExpressions),
		cel.Variable(claimsVariable, cel.MapType(cel.StringType, cel.DynType)),
		cel.Function("like",
			cel.Overload("like_string_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
				cel.BinaryBinding(celLike))),
		// The same join in both spellings; the extensions' own, which would take any element, is replaced.
		cel.Function("join",
			cel.Overload("join_list_string", []*cel.Type{cel.ListType(cel.StringType), cel.StringType}, cel.StringType,
				cel.BinaryBinding(celJoin)),
			cel.MemberOverload("list_join_string", []*cel.Type{cel.ListType(cel.StringType), cel.StringType}, cel.StringType,
				cel.BinaryBinding(celJoin)),
			cel.MemberOverload("list_join", []*cel.Type{cel.ListType(cel.StringType)}, cel.StringType,
				cel.UnaryBinding(func(list ref.Val) ref.Val { return celJoin(list, types.String("")) }))),
		cel.CostModel(
			cost.Overload("like_string_string",
				cost.EvalCost(cost.Sum(cost.Const(cost.CallCost),
					cost.StringScan(cost.Mul(cost.Length(cost.Arg(0)), cost.Length(cost.Arg(1))))))),
			cost.Overload("join_list_string",
				cost.EvalCost(cost.Sum(cost.Const(cost.CallCost), cost.Length(cost.Arg(0)), cost.StringScan(cost.Length(cost.Result())))),
				cost.ResultSize(cost.AtMost(cost.Sum(
					cost.ElemTotal(cost.Arg(0)), cost.Mul(cost.Length(cost.Arg(0)), cost.Arg(1)))))),
		),
	)
}

func celLike(s, pattern ref.Val) ref.Val {
	text, ok := s.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(s)
	}
	wanted, ok := pattern.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(pattern)
	}
	return types.Bool(like(string(text), string(wanted)))
}

// celJoin puts texts together so that they can be told apart again: no element may contain the delimiter.
func celJoin(list, delimiter ref.Val) ref.Val {
	elements, ok := list.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(list)
	}
	sep, ok := delimiter.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(delimiter)
	}
	if sep == "" {
		return types.NewErr("join needs a delimiter")
	}
	var parts []string
	for it := elements.Iterator(); it.HasNext() == types.True; {
		part, ok := it.Next().(types.String)
		if !ok {
			return types.NewErr("join takes texts only")
		}
		if strings.Contains(string(part), string(sep)) {
			return types.NewErr("join: an element contains the delimiter %q", string(sep))
		}
		parts = append(parts, string(part))
	}
	return types.String(strings.Join(parts, string(sep)))
}

// sizes tells the cost estimate how large a claim is taken to be. Nothing else is known of it before somebody comes.
type sizes struct{}

var _ cost.Estimator = sizes{}

// EstimateSize bounds every value whose size cannot be computed.
func (sizes) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if node.ComputedSize() != nil {
		return nil
	}
	return &cost.SizeEstimate{Min: 0, Max: assumedSize}
}

// EstimateCallCost leaves functions to their own models.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
