package iampolicy

import (
	"strings"
	"testing"
)

// statementCases hold single statements of an identity policy to the matching rules of actions and resources.
var statementCases = []struct {
	rule             string
	members          string // besides Effect
	action, resource string
	request          keys
	want             bool
}{
	{"action: exact", `"Action":"s3:GetObject","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, true},
	{"action: prefix and name ignore case", `"Action":"S3:getobject","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, true},
	{"action: another", `"Action":"s3:PutObject","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, false},
	{"action: another service", `"Action":"s3:*","Resource":"*"`, "s3express:GetObject", "arn:aws:s3:::b/k", nil, false},
	{"action: star in the name", `"Action":"s3:Get*","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, true},
	{"action: star in the middle", `"Action":"s3:*Object","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, true},
	{"action: ? is one character", `"Action":"s3:?etObject","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, true},
	{"action: star alone is everything", `"Action":"*","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, true},
	{"action: *:* is everything", `"Action":"*:*","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, true},
	{"action: any of a list", `"Action":["ec2:*","s3:*"],"Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, true},
	{"action: a name without service is refused", `"Action":"*","Resource":"*"`, "GetObject", "arn:aws:s3:::b/k", nil, false},
	{"action: no name is refused", `"Action":"*","Resource":"*"`, "", "arn:aws:s3:::b/k", nil, false},
	{"NotAction: listed", `"NotAction":"s3:*","Resource":"*"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, false},
	{"NotAction: not listed", `"NotAction":["s3:*","iam:*"],"Resource":"*"`, "ec2:RunInstances", "*", nil, true},
	{"NotAction: listed as second", `"NotAction":["s3:*","iam:*"],"Resource":"*"`, "iam:GetRole", "*", nil, false},
	{"NotAction does not reach beyond Resource", `"NotAction":"iam:*","Resource":"arn:aws:s3:::b"`, "ec2:RunInstances", "arn:aws:ec2:eu-west-1:111122223333:instance/i", nil, false},

	{"resource: exact", `"Action":"*","Resource":"arn:aws:s3:::b/k"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, true},
	{"resource: case-sensitive", `"Action":"*","Resource":"arn:aws:s3:::B/k"`, "s3:GetObject", "arn:aws:s3:::b/k", nil, false},
	{"resource: star crosses slashes", `"Action":"*","Resource":"arn:aws:s3:::b/*"`, "s3:GetObject", "arn:aws:s3:::b/x/y", nil, true},
	{"resource: star in the last part crosses colons", `"Action":"*","Resource":"arn:aws:logs:eu-west-1:111122223333:*"`, "logs:Put", "arn:aws:logs:eu-west-1:111122223333:log-group:a", nil, true},
	{"resource: star stays within its part", `"Action":"*","Resource":"arn:aws:logs:*:111122223333:x"`, "logs:Get", "arn:aws:logs:eu-west-1:444455556666:111122223333:x", nil, false},
	{"resource: star for the account", `"Action":"*","Resource":"arn:aws:iam::*:role/x"`, "iam:GetRole", "arn:aws:iam::111122223333:role/x", nil, true},
	{"resource: star for the partition", `"Action":"*","Resource":"arn:*:iam::111122223333:role/x"`, "iam:GetRole", "arn:aws-cn:iam::111122223333:role/x", nil, true},
	{"resource: ? in the account", `"Action":"*","Resource":"arn:aws:iam::11112222333?:role/x"`, "iam:GetRole", "arn:aws:iam::111122223333:role/x", nil, true},
	{"resource: anchored at the end", `"Action":"*","Resource":"arn:aws:iam::111122223333:role/x"`, "iam:GetRole", "arn:aws:iam::111122223333:role/xy", nil, false},
	{"resource: incomplete ARN ends in a star", `"Action":"*","Resource":"arn:aws:iam::*"`, "iam:GetRole", "arn:aws:iam::111122223333:role/x", nil, true},
	{"resource: incomplete ARN, another service", `"Action":"*","Resource":"arn:aws:iam::*"`, "s3:Get", "arn:aws:s3:::x", nil, false},
	{"resource: an action without resource needs *", `"Action":"*","Resource":"arn:aws:iam::111122223333:*"`, "iam:ListRoles", "*", nil, false},
	{"resource: * takes an action without resource", `"Action":"*","Resource":"*"`, "iam:ListRoles", "*", nil, true},
	{"resource: none is refused", `"Action":"*","Resource":"*"`, "iam:ListRoles", "", nil, false},
	{"resource: any of a list", `"Action":"*","Resource":["arn:aws:s3:::a","arn:aws:s3:::b"]`, "s3:Get", "arn:aws:s3:::b", nil, true},
	{"resource: a variable", `"Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*"`, "s3:Get", "arn:aws:s3:::home/alice/x", keys{"aws:username": "alice"}, true},
	{"resource: a variable without value matches nothing", `"Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*"`, "s3:Get", "arn:aws:s3:::home/${aws:username}/x", nil, false},
	{"resource: a variable without value is not the empty text", `"Action":"*","Resource":"arn:aws:s3:::${aws:username}"`, "s3:Get", "arn:aws:s3:::", nil, false},
	{"resource: a variable's star is text", `"Action":"*","Resource":"arn:aws:s3:::home/${aws:PrincipalTag/t}/*"`, "s3:Get", "arn:aws:s3:::home/bob/x", keys{"aws:PrincipalTag/t": "*"}, false},
	{"resource: a variable with colons in its name", `"Action":"*","Resource":"arn:aws:s3:::${saml:doc}"`, "s3:Get", "arn:aws:s3:::111122223333/corp", keys{"saml:doc": "111122223333/corp"}, true},
	{"NotResource: listed", `"Action":"*","NotResource":"arn:aws:s3:::b/*"`, "s3:Get", "arn:aws:s3:::b/k", nil, false},
	{"NotResource: not listed", `"Action":"*","NotResource":["arn:aws:s3:::b/*","arn:aws:s3:::c"]`, "s3:Get", "arn:aws:s3:::d", nil, true},
	{"NotResource: *", `"Action":"*","NotResource":"*"`, "s3:Get", "arn:aws:s3:::d", nil, false},
}

func TestStatements(t *testing.T) {
	t.Parallel()
	for _, tc := range statementCases {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			d := Evaluate(Input{
				Principal: alice(), Action: tc.action, Resource: tc.resource, ResourceAccount: account, Context: tc.request.context(),
				Identity: []Source{source(t, wrap(`"Effect":"Allow",`+tc.members), Identity)},
			})
			if d.Allowed != tc.want {
				t.Errorf("allowed %v, want %v: %v", d.Allowed, tc.want, d.Trace)
			}
		})
	}
}

func TestGlob(t *testing.T) {
	t.Parallel()
	cases := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**", "a", true},
		{"a*b*c", "abbbc", true},
		{"a*b*c", "ac", false},
		{"ab*ba", "aba", false}, // prefix and suffix do not share characters
		{"*ab", "aab", true},
		{"*a?", "aab", true},
		{"?*", "", false},
		{"?*?", "a", false},
		{"?*?", "ab", true},
		{"*?*", "\U0001F600", true},
		{"???", "\U0001F600", false},
		{"*ab?", "abxabab", false},
		{"*ab?", "abxababc", true},
		{"a?c*", "abc", true},
		{"ä*ö?", "ä--öü", true},
	}
	for _, tc := range cases {
		if got := newGlob(tc.pattern).match(tc.text); got != tc.want {
			t.Errorf("%q matches %q: %v, want %v", tc.pattern, tc.text, got, tc.want)
		}
	}
}

// The two matchers must agree; a naive recursive one says what is right.
func TestGlobAgreesWithDefinition(t *testing.T) {
	t.Parallel()
	for _, pattern := range words("ab*?", 5) {
		g := newGlob(pattern)
		for _, text := range words("ab", 5) {
			want := naive(pattern, text)
			if got := g.match(text); got != want {
				t.Fatalf("%q matches %q: %v, want %v", pattern, text, got, want)
			}
			if got := matchUnits(patternUnits(string(g)), units(text)); got != want {
				t.Fatalf("by units, %q matches %q: %v, want %v", pattern, text, got, want)
			}
		}
	}
}

func naive(p, s string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*':
		return naive(p[1:], s) || s != "" && naive(p, s[1:])
	default:
		return s != "" && (p[0] == '?' || p[0] == s[0]) && naive(p[1:], s[1:])
	}
}

// words lists all words over the letters up to a length.
func words(letters string, length int) []string {
	all := []string{""}
	for from := 0; length > 0; length-- {
		to := len(all)
		for _, w := range all[from:to] {
			for _, l := range letters {
				all = append(all, w+string(l))
			}
		}
		from = to
	}
	return all
}

func units(s string) []uint16 {
	u := make([]uint16, 0, len(s))
	for _, r := range s {
		u = append(u, uint16(r))
	}
	return u
}

// A pattern built to make backtracking matchers explode must be answered at once. The number of steps is bounded by
// construction; the test would not end if it were not.
func TestGlobDoesNotExplode(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a", 20000)
	for _, pattern := range []string{strings.Repeat("a*", 1000) + "b", strings.Repeat("*a?", 600) + "b"} {
		if newGlob(pattern).match(text) {
			t.Errorf("%.20s… matched", pattern)
		}
	}
}
