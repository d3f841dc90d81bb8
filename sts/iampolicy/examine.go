package iampolicy

// examine compares a statement with the request, all of its elements even when one has failed: the trace is to say
// everything that is in the way. The grade is how the statement names the caller.
func (e *evaluation) examine(s statement, kind Kind) (StatementTrace, grade) {
	t := StatementTrace{Kind: kind, SID: s.sid, Effect: s.effect, Matched: true}
	principal, named := e.examinePrincipal(s, kind)
	t.add(principal...)
	t.add(e.examineAction(s))
	if len(s.resources) > 0 {
		t.add(e.examineResource(s))
	}
	for _, c := range s.conditions {
		t.add(e.examineCondition(c))
	}
	return t, named
}

// add appends elements; the statement matches while all of them do.
func (t *StatementTrace) add(elements ...ElementTrace) {
	for _, element := range elements {
		t.Elements = append(t.Elements, element)
		t.Matched = t.Matched && element.Matched
	}
}

// examinePrincipal asks whom the statement is about. Policies that hang on the caller name nobody. A policy in a
// place that it was not parsed for (a trust policy among identity policies, say) allows nothing there and denies
// whoever comes.
func (e *evaluation) examinePrincipal(s statement, kind Kind) ([]ElementTrace, grade) {
	names := len(s.principals) > 0
	if !names && !kind.namesPrincipals() {
		return nil, bySelf
	}
	t := ElementTrace{Element: "Principal", Actual: e.in.Principal.forms()}
	if s.notPrincipal {
		t.Element = "NotPrincipal"
	}
	for _, p := range s.principals {
		t.Expected = append(t.Expected, p.text)
	}
	if names != kind.namesPrincipals() {
		t.Matched, t.Note = s.effect == Deny, "the policy was not written for this place"
		return []ElementTrace{t}, bySelf
	}
	named := s.names(e.in.Principal)
	t.Matched = named != notNamed
	return []ElementTrace{t}, named
}

// forms lists what a policy may call the principal.
func (p Principal) forms() []string {
	var forms []string
	for _, form := range []string{p.ARN, p.RoleARN, p.UniqueID, p.Provider, p.Service, p.CanonicalUserID, p.AccountID} {
		if form != "" {
			forms = append(forms, form)
		}
	}
	return forms
}

func (e *evaluation) examineAction(s statement) ElementTrace {
	t := ElementTrace{Element: "Action", Actual: []string{e.in.Action}, Matched: s.matchesAction(e.action)}
	if s.notAction {
		t.Element = "NotAction"
	}
	for _, a := range s.actions {
		t.Expected = append(t.Expected, a.source)
	}
	return t
}

func (e *evaluation) examineResource(s statement) ElementTrace {
	t := ElementTrace{Element: "Resource", Actual: []string{e.in.Resource}}
	if s.notResource {
		t.Element = "NotResource"
	}
	listed := false
	for _, r := range s.resources {
		t.Expected = append(t.Expected, r.show(e.in.Context))
		listed = listed || r.match(e.in.Resource, e.in.Context)
	}
	t.Matched = listed != s.notResource
	return t
}

func (e *evaluation) examineCondition(c condition) ElementTrace {
	t := ElementTrace{Element: "Condition", Operator: c.operator, Key: c.key}
	actual, present := e.in.Context.find(c.folded)
	t.Actual, t.Absent = actual.Values, !present
	t.Matched, t.Note = c.holds(actual, present, e.in.Context)
	for _, v := range c.values {
		text, note := v.show(e.in.Context)
		t.Expected = append(t.Expected, text)
		if t.Note == "" {
			t.Note = note
		}
	}
	return t
}
