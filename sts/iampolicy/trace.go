package iampolicy

import (
	"strconv"
	"strings"
)

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

// String is one line: what was wanted and what was there.
func (t ElementTrace) String() string {
	name := t.Element
	if t.Element == "Condition" {
		name = t.Operator + " " + t.Key
	}
	found := "absent"
	if !t.Absent {
		found = quoteAll(t.Actual, " and ")
	}
	line := name + ": expected " + quoteAll(t.Expected, " or ") + ", found " + found
	if t.Note != "" {
		line += " (" + t.Note + ")"
	}
	return line
}

func quoteAll(values []string, conjunction string) string {
	if len(values) == 0 {
		return "nothing"
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	return strings.Join(quoted, conjunction)
}

// Failed returns the elements that kept the statement from applying.
func (t StatementTrace) Failed() []ElementTrace {
	var failed []ElementTrace
	for _, element := range t.Elements {
		if !element.Matched {
			failed = append(failed, element)
		}
	}
	return failed
}
