package iampolicy

import "strings"

// operator is one condition operator without its set prefix and IfExists suffix.
type operator struct {
	name string
	// negated operators hold when no value of the document equals the request's, and when the key is absent.
	negated bool
	// compile reads one value of the document.
	compile func(text string, syntax templateSyntax) (value, error)
	// substitutes says that policy variables work in values (IAM user guide: string and ARN operators only).
	substitutes bool
}

const nullOperator = "Null"

// findOperator returns the operator of that exact name.
func findOperator(name string) (operator, bool) {
	positive, negated := positiveForm(name)
	op, ok := positiveOperator(positive)
	op.name, op.negated = name, negated
	return op, ok
}

// positiveForm returns the operator that a negated one turns around. Comparisons, Bool, Binary and Null have no
// negated form.
func positiveForm(name string) (positive string, negated bool) {
	switch name {
	case "StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike", "NumericNotEquals", "DateNotEquals",
		"ArnNotEquals", "ArnNotLike", "NotIpAddress":
		return strings.Replace(name, "Not", "", 1), true
	default:
		return name, false
	}
}

// positiveOperator returns an operator that is not negated.
func positiveOperator(name string) (operator, bool) {
	o := operator{name: name}
	switch name {
	case "StringEquals":
		o.compile, o.substitutes = newText, true
	case "StringEqualsIgnoreCase":
		o.compile, o.substitutes = newFoldedText, true
	case "StringLike":
		o.compile, o.substitutes = newTextPattern, true
	case "ArnEquals", "ArnLike":
		o.compile, o.substitutes = newARNValue, true
	case "NumericEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals":
		o.compile = orderedValue(readNumber, relationOf(name, "Numeric"))
	case "DateEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals":
		o.compile = orderedValue(readDate, relationOf(name, "Date"))
	case "Bool":
		o.compile = newBool
	case "BinaryEquals":
		o.compile = newBinary
	case "IpAddress":
		o.compile = newNetwork
	case nullOperator:
		o.compile = newBool
	default:
		return operator{}, false
	}
	return o, true
}
