package iampolicy

import (
	"fmt"
	"strings"
)

// Severity says what a finding means to a write.
type Severity int

// The severities.
const (
	Error   Severity = iota // IAM refuses the write: MalformedPolicyDocument
	Warning                 // taken, but it does not do what it seems to
)

// String returns error or warning.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Finding is one thing that is wrong with a document that parses.
type Finding struct {
	Severity Severity
	Place    string
	Message  string
}

// String is one line with the place.
func (f Finding) String() string { return f.Severity.String() + " " + f.Place + ": " + f.Message }

// Validate checks what IAM checks when a policy is written, and warns of what IAM takes although it hardly does what
// its author meant. Findings come in document order. A document that real AWS holds may have Errors: rules for
// shared issuers apply to writes only.
func (p *Policy) Validate() []Finding {
	var found []Finding
	for _, s := range p.statements {
		if p.kind == Trust && s.effect == Allow && !s.notPrincipal {
			found = append(found, s.checkTrust()...)
		}
		if s.notPrincipal && s.effect == Allow {
			found = append(found, warn(s.place, "Allow with NotPrincipal lets in everyone that is not listed"))
		}
		for _, c := range s.conditions {
			found = append(found, p.checkCondition(s, c)...)
		}
	}
	return found
}

func warn(place, format string, args ...any) Finding {
	return Finding{Severity: Warning, Place: place, Message: fmt.Sprintf(format, args...)}
}

// checkCondition warns of values and combinations that never match, or always.
func (p *Policy) checkCondition(s statement, c condition) []Finding {
	var found []Finding
	for i, v := range c.values {
		// Without variables a note can only be about the value itself.
		if _, note := v.show(Context{}); note != "" && !strings.Contains(c.texts[i], "${") {
			found = append(found, warn(c.place, "%q never matches: %s", c.texts[i], note))
		}
		if p.version == version2008 && c.op.substitutes && strings.Contains(c.texts[i], "${") {
			found = append(found, warn(c.place, "policy variables need Version %s; %q is taken literally", version2012, c.texts[i]))
		}
	}
	if c.set == scalar && c.op.name != nullOperator && IsListKey(c.key) {
		found = append(found, warn(c.place, "%s is a list: without ForAnyValue or ForAllValues it never matches", c.key))
	}
	if c.set == forAllValues && s.effect == Allow && !s.demandsPresence(c.key) {
		found = append(found, warn(c.place, "ForAllValues holds when %s is absent: add Null %q", c.key, "false"))
	}
	return found
}

// demandsPresence reports whether a Null condition makes the key mandatory.
func (s statement) demandsPresence(key string) bool {
	for _, c := range s.conditions {
		if c.op.name == nullOperator && c.folded == foldKey(key) && c.accepts("false", Context{}) && !c.accepts("true", Context{}) {
			return true
		}
	}
	return false
}
