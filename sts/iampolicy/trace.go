package iampolicy

// StatementTrace is what became of one statement.
type StatementTrace struct {
	// Source is the policy's name, Kind what it was attached as.
	Source string
	Kind   Kind
	// Index counts statements from 0; SID is the statement's own name, often empty.
	Index  int
	SID    string
	Effect Effect
	// Matched is set when every element matched, and the effect applies.
	Matched  bool
	Elements []ElementTrace
}

// ElementTrace is one element of a statement against the request.
type ElementTrace struct {
	// Element is Principal, NotPrincipal, Action, NotAction, Resource, NotResource or Condition.
	Element string
	// Operator and Key are set for Condition, as the document spells them.
	Operator, Key string
	// Expected are the document's values, policy variables filled in.
	Expected []string
	// Actual are the request's values; nil with Absent set when the request has no such key.
	Actual  []string
	Absent  bool
	Matched bool
	// Note says what values alone do not, such as a list key under an operator for single values.
	Note string
}
