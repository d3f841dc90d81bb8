package iampolicy

import (
	"errors"
	"testing"
)

// parseAndEvaluate checks what holds for any input: errors have a place, decisions are consistent, refusals stay
// refusals of the same document.
func parseAndEvaluate(t *testing.T, doc []byte, kind Kind, value string) {
	t.Helper()
	p, err := Parse(doc, kind)
	if err != nil {
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Place == "" || p != nil {
			t.Fatalf("Parse = %v, %v; want a SyntaxError with a place", p, err)
		}
		return
	}
	p.Validate()
	in := Input{Principal: alice(), Action: assumeRole, Resource: roleARN, ResourceAccount: account}
	in.Context.Set("a:b", value)
	in.Context.SetMulti("c:d", value, "x")
	s := Source{Name: "fuzz", Policy: p}
	if kind.namesPrincipals() {
		in.ResourcePolicy = &s
	} else {
		in.Identity = []Source{s}
	}
	checkDecision(t, in, Evaluate(in))
	in.Principal = NewFederated(github)
	checkDecision(t, in, Evaluate(in))
}

func FuzzParse(f *testing.F) {
	for _, doc := range []string{wrap(plain), wrap(plainTrust), githubTrust, resourceFor("Deny", "*"), `{"Statement":[{}]}`, `[[[[`, "\xff"} {
		f.Add([]byte(doc), 1)
		f.Add([]byte(doc), 3)
	}
	for _, tc := range conditionCases {
		f.Add([]byte(wrap(plain+`,"Condition":`+tc.condition)), 1)
	}
	f.Fuzz(func(t *testing.T, doc []byte, kind int) {
		parseAndEvaluate(t, doc, Kind(kind), "x")
	})
}

// FuzzEvaluate varies one operator, the document's value and the request's.
func FuzzEvaluate(f *testing.F) {
	f.Add("StringLike", "a*?${a:b}", "abc")
	f.Add("ArnNotLike", "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:role/x")
	f.Add("NotIpAddress", "2001:db8::/32", "::ffff:1.2.3.4")
	f.Add("NumericLessThan", "-0.5", "00.50")
	f.Add("DateGreaterThan", "2026-01-01T00:00:00.5+01:00", "1767225600.001")
	f.Add("ForAllValues:StringNotEqualsIgnoreCaseIfExists", "${x:y, 'z'}", "Z")
	f.Fuzz(func(t *testing.T, operator, expected, actual string) {
		doc := wrap(plain + `,"Condition":{` + quote(operator) + `:{"a:b":[` + quote(expected) + `],"c:d":` + quote(expected) + `}}`)
		parseAndEvaluate(t, []byte(doc), Identity, actual)
	})
}
