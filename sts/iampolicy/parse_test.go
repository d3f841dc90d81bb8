package iampolicy

import (
	"errors"
	"strings"
	"testing"
)

// wrap puts a statement's members into a document.
func wrap(members string) string {
	return `{"Version":"2012-10-17","Statement":[{` + members + `}]}`
}

const (
	plain      = `"Effect":"Allow","Action":"s3:GetObject","Resource":"*"`
	plainTrust = `"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"`
)

// trustOf is a trust policy with one principal.
func trustOf(principal string) string {
	return wrap(`"Effect":"Allow","Action":"sts:AssumeRole","Principal":` + principal)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule  string
		kind  Kind
		doc   string
		place string
		want  string // part of the reason
	}{
		{"unknown kind", Kind(0), wrap(plain), "$", "unknown kind"},
		{"nothing", Identity, ``, "$", "valid JSON"},
		{"not JSON", Identity, `{"Statement":`, "$", "valid JSON"},
		{"trailing text", Identity, wrap(plain) + `{}`, "$", "valid JSON"},
		{"byte order mark", Identity, "\ufeff" + wrap(plain), "$", "valid JSON"},
		{"not UTF-8", Identity, "{\"Id\":\"\xff\"}", "$", "UTF-8"},
		{"not an object", Identity, `[]`, "$", "want an object"},
		{"null", Identity, `null`, "$", "want an object"},
		{"no statement", Identity, `{"Version":"2012-10-17"}`, "$", "Statement is missing"},
		{"no statements", Identity, `{"Statement":[]}`, "$.Statement", "must contain actions"},
		{"statement is no object", Identity, `{"Statement":["x"]}`, "$.Statement[0]", "want an object"},
		{"unknown version", Identity, `{"Version":"2020-01-01","Statement":{` + plain + `}}`, "$.Version", "2012-10-17"},
		{"version is no string", Identity, `{"Version":2012,"Statement":{` + plain + `}}`, "$.Version", "2012-10-17"},
		{"unknown top element", Identity, `{"Statement":{` + plain + `},"Foo":1}`, "$.Foo", "unknown element"},
		{"element names are case-sensitive", Identity, `{"statement":{` + plain + `}}`, "$.statement", "unknown element"},
		{"Id in an identity policy", Identity, `{"Id":"x","Statement":{` + plain + `}}`, "$.Id", "prohibited"},
		{"Id is no string", Resource, `{"Id":1,"Statement":{"Principal":"*",` + plain + `}}`, "$.Id", "want a string"},

		{"duplicate top element", Identity, `{"Statement":{` + plain + `},"Statement":{` + plain + `}}`, "$.Statement", "twice"},
		{"duplicate statement element", Identity, wrap(plain + `,"Effect":"Deny"`), "$.Statement[0].Effect", "twice"},
		{"duplicate by escape", Identity, wrap(plain + `,"\u0045ffect":"Deny"`), "$.Statement[0].Effect", "twice"},
		{"duplicate operator", Identity, wrap(plain + `,"Condition":{"Bool":{"a:b":"true"},"Bool":{"a:b":"true"}}`), "$.Statement[0].Condition.Bool", "twice"},
		{"duplicate condition key", Identity, wrap(plain + `,"Condition":{"Bool":{"a:b":"true","a:b":"false"}}`), `$.Statement[0].Condition.Bool["a:b"]`, "twice"},
		{"duplicate condition key in another case", Identity, wrap(plain + `,"Condition":{"Bool":{"a:b":"true","A:B":"false"}}`), `$.Statement[0].Condition.Bool["A:B"]`, "twice"},
		{"duplicate principal kind", Trust, trustOf(`{"AWS":"111122223333","AWS":"*"}`), "$.Statement[0].Principal.AWS", "twice"},

		{"unknown statement element", Identity, wrap(plain + `,"Priority":1`), "$.Statement[0].Priority", "unknown element"},
		{"effect in another case", Identity, wrap(`"Effect":"allow","Action":"*","Resource":"*"`), "$.Statement[0].Effect", "Allow"},
		{"no effect", Identity, wrap(`"Action":"*","Resource":"*"`), "$.Statement[0]", "Effect is missing"},
		{"no action", Identity, wrap(`"Effect":"Allow","Resource":"*"`), "$.Statement[0]", "must contain actions"},
		{"empty action list", Identity, wrap(`"Effect":"Allow","Action":[],"Resource":"*"`), "$.Statement[0].Action", "empty"},
		{"both actions", Identity, wrap(plain + `,"NotAction":"s3:*"`), "$.Statement[0].NotAction", "both"},
		{"no resource", Identity, wrap(`"Effect":"Allow","Action":"*"`), "$.Statement[0]", "must contain resources"},
		{"both resources", Identity, wrap(plain + `,"NotResource":"*"`), "$.Statement[0].NotResource", "both"},
		{"principal in an identity policy", Identity, wrap(plain + `,"Principal":"*"`), "$.Statement[0].Principal", "should not specify a principal"},
		{"principal in a session policy", Session, wrap(plain + `,"Principal":"*"`), "$.Statement[0].Principal", "should not specify a principal"},
		{"principal in a boundary", Boundary, wrap(plain + `,"NotPrincipal":{"AWS":"*"}`), "$.Statement[0].NotPrincipal", "should not specify a principal"},
		{"no principal in a resource policy", Resource, wrap(plain), "$.Statement[0]", "Missing required field Principal"},
		{"both principals", Trust, wrap(plainTrust + `,"NotPrincipal":{"AWS":"*"}`), "$.Statement[0].NotPrincipal", "both"},
		{"sid with a blank", Identity, wrap(plain + `,"Sid":"a b"`), "$.Statement[0].Sid", "alpha-numeric"},
		{"sid twice", Identity, `{"Statement":[{"Sid":"a",` + plain + `},{"Sid":"a",` + plain + `}]}`, "$.Statement[1].Sid", "unique"},

		{"action without service", Identity, wrap(`"Effect":"Allow","Action":"GetObject","Resource":"*"`), "$.Statement[0].Action", "vendor"},
		{"wildcard in the service", Identity, wrap(`"Effect":"Allow","Action":"s*:Get*","Resource":"*"`), "$.Statement[0].Action", "vendor"},
		{"action with a blank", Identity, wrap(`"Effect":"Allow","Action":"s3:Get Object","Resource":"*"`), "$.Statement[0].Action", "vendor"},
		{"action with a variable", Identity, wrap(`"Effect":"Allow","Action":"s3:${aws:username}","Resource":"*"`), "$.Statement[0].Action", "vendor"},
		{"action is no string", Identity, wrap(`"Effect":"Allow","Action":["s3:*",1],"Resource":"*"`), "$.Statement[0].Action[1]", "want a string"},

		{"resource is no ARN", Identity, wrap(`"Effect":"Allow","Action":"*","Resource":"bucket"`), "$.Statement[0].Resource", "ARN format"},
		{"wildcard in a resource's service", Identity, wrap(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s*:::x"`), "$.Statement[0].Resource", "service"},
		{"resource that stops early", Identity, wrap(`"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::111122223333"`), "$.Statement[0].Resource", "incomplete"},
		{"resource without a service", Identity, wrap(`"Effect":"Allow","Action":"*","Resource":"arn:aws:*"`), "$.Statement[0].Resource", "ARN format"},
		{"variable in a resource's account", Identity, wrap(`"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::${aws:PrincipalAccount}:role/x"`), "$.Statement[0].Resource", "after the fifth colon"},
		{"variable not closed", Identity, wrap(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username"`), "$.Statement[0].Resource", "not closed"},

		{"trust with a resource", Trust, wrap(plainTrust + `,"Resource":"*"`), "$.Statement[0].Resource", "Has prohibited field Resource"},
		{"trust with NotResource", Trust, wrap(plainTrust + `,"NotResource":"*"`), "$.Statement[0].NotResource", "Has prohibited field Resource"},
		{"trust with another service's action", Trust, wrap(`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sts:AssumeRole","iam:PassRole"]`), "$.Statement[0].Action[1]", "STS AssumeRole"},
		{"trust with every action", Trust, wrap(`"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*"`), "$.Statement[0].Action", "STS AssumeRole"},
		{"trust with NotAction", Trust, wrap(`"Effect":"Allow","Principal":{"AWS":"*"},"NotAction":"sts:TagSession"`), "$.Statement[0].NotAction", "STS AssumeRole"},
		{"trust in everybody, short form", Trust, trustOf(`"*"`), "$.Statement[0].Principal", `"STAR":"*"`},
		{"trust in any federation", Trust, trustOf(`{"Federated":"*"}`), "$.Statement[0].Principal.Federated", "valid domain names"},
		{"trust in an unknown domain", Trust, trustOf(`{"Federated":"evil.example.com"}`), "$.Statement[0].Principal.Federated", "valid domain names"},
		{"trust in a role as federation", Trust, trustOf(`{"Federated":"arn:aws:iam::111122223333:role/x"}`), "$.Statement[0].Principal.Federated", "valid domain names"},
		{"trust in providers by wildcard", Trust, trustOf(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/*"}`), "$.Statement[0].Principal.Federated", "valid domain names"},
		{"partial wildcard in a principal", Trust, trustOf(`{"AWS":"arn:aws:iam::111122223333:role/a*"}`), "$.Statement[0].Principal.AWS", "Invalid principal in policy"},
		{"wildcard account", Trust, trustOf(`{"AWS":"arn:aws:iam::*:root"}`), "$.Statement[0].Principal.AWS", "Invalid principal in policy"},
		{"short account", Trust, trustOf(`{"AWS":"11112222333"}`), "$.Statement[0].Principal.AWS", "Invalid principal in policy"},
		{"account ARN without root", Trust, trustOf(`{"AWS":"arn:aws:iam::111122223333"}`), "$.Statement[0].Principal.AWS", "Invalid principal in policy"},
		{"a group is no principal", Trust, trustOf(`{"AWS":"arn:aws:iam::111122223333:group/a"}`), "$.Statement[0].Principal.AWS", "Invalid principal in policy"},
		{"any service", Trust, trustOf(`{"Service":"*"}`), "$.Statement[0].Principal.Service", "Invalid principal in policy"},
		{"canonical user in a trust policy", Trust, trustOf(`{"CanonicalUser":"` + strings.Repeat("a", 64) + `"}`), "$.Statement[0].Principal.CanonicalUser", "Invalid principal in policy"},
		{"unknown kind of principal", Trust, trustOf(`{"aws":"*"}`), "$.Statement[0].Principal.aws", "unknown kind"},
		{"no principals", Trust, trustOf(`{}`), "$.Statement[0].Principal", "want an object"},
		{"empty principal list", Trust, trustOf(`{"AWS":[]}`), "$.Statement[0].Principal.AWS", "empty"},
		{"principal list", Trust, trustOf(`["*"]`), "$.Statement[0].Principal", "want an object"},

		{"condition is no object", Identity, wrap(plain + `,"Condition":[]`), "$.Statement[0].Condition", "want an object"},
		{"operator is no object", Identity, wrap(plain + `,"Condition":{"Bool":"x"}`), "$.Statement[0].Condition.Bool", "want an object"},
		{"operator without keys", Identity, wrap(plain + `,"Condition":{"Bool":{}}`), "$.Statement[0].Condition.Bool", "want an object"},
		{"unknown operator", Identity, wrap(plain + `,"Condition":{"StringMatches":{"a:b":"c"}}`), "$.Statement[0].Condition.StringMatches", "unknown condition operator"},
		{"operator names are case-sensitive", Identity, wrap(plain + `,"Condition":{"stringEquals":{"a:b":"c"}}`), "$.Statement[0].Condition.stringEquals", "unknown condition operator"},
		{"Not in the wrong place", Identity, wrap(plain + `,"Condition":{"NotStringEquals":{"a:b":"c"}}`), "$.Statement[0].Condition.NotStringEquals", "unknown condition operator"},
		{"no negated comparison", Identity, wrap(plain + `,"Condition":{"NumericNotLessThan":{"a:b":"1"}}`), "$.Statement[0].Condition.NumericNotLessThan", "unknown condition operator"},
		{"no negated Bool", Identity, wrap(plain + `,"Condition":{"NotBool":{"a:b":"true"}}`), "$.Statement[0].Condition.NotBool", "unknown condition operator"},
		{"NullIfExists", Identity, wrap(plain + `,"Condition":{"NullIfExists":{"a:b":"true"}}`), "$.Statement[0].Condition.NullIfExists", "unknown condition operator"},
		{"ForAnyValue:Null", Identity, wrap(plain + `,"Condition":{"ForAnyValue:Null":{"a:b":"true"}}`), `$.Statement[0].Condition["ForAnyValue:Null"]`, "unknown condition operator"},
		{"two set prefixes", Identity, wrap(plain + `,"Condition":{"ForAnyValue:ForAllValues:StringLike":{"a:b":"true"}}`), `$.Statement[0].Condition["ForAnyValue:ForAllValues:StringLike"]`, "unknown condition operator"},
		{"suffix twice", Identity, wrap(plain + `,"Condition":{"BoolIfExistsIfExists":{"a:b":"true"}}`), "$.Statement[0].Condition.BoolIfExistsIfExists", "unknown condition operator"},
		{"key without prefix", Identity, wrap(plain + `,"Condition":{"Bool":{"secure":"true"}}`), "$.Statement[0].Condition.Bool.secure", "vendor"},
		{"empty value list", Identity, wrap(plain + `,"Condition":{"StringNotEquals":{"a:b":[]}}`), `$.Statement[0].Condition.StringNotEquals["a:b"]`, "empty"},
		{"null value", Identity, wrap(plain + `,"Condition":{"StringEquals":{"a:b":null}}`), `$.Statement[0].Condition.StringEquals["a:b"]`, "want a string"},
		{"object value", Identity, wrap(plain + `,"Condition":{"StringEquals":{"a:b":[{}]}}`), `$.Statement[0].Condition.StringEquals["a:b"][0]`, "want a string"},
		{"variable without name", Identity, wrap(plain + `,"Condition":{"StringEquals":{"a:b":"${}"}}`), `$.Statement[0].Condition.StringEquals["a:b"]`, "proper name"},
		{"variable in a variable", Identity, wrap(plain + `,"Condition":{"StringEquals":{"a:b":"${a${b}}"}}`), `$.Statement[0].Condition.StringEquals["a:b"]`, "proper name"},
		{"variable not closed in a value", Identity, wrap(plain + `,"Condition":{"StringLike":{"a:b":"x${a:b"}}`), `$.Statement[0].Condition.StringLike["a:b"]`, "not closed"},
		{"default without quotes", Identity, wrap(plain + `,"Condition":{"StringLike":{"a:b":"${a:b, x}"}}`), `$.Statement[0].Condition.StringLike["a:b"]`, "single quotes"},
		{"default not closed", Identity, wrap(plain + `,"Condition":{"StringLike":{"a:b":"${a:b, 'x}"}}`), `$.Statement[0].Condition.StringLike["a:b"]`, "not closed"},

		{"character above U+00FF", Identity, wrap(plain + `,"Condition":{"StringEquals":{"a:b":"` + "\u0100" + `"}}`), "$", "U+0100"},
		{"character above U+00FF, escaped", Identity, wrap(plain + `,"Condition":{"StringEquals":{"a:b":"\u0100"}}`), `$.Statement[0].Condition.StringEquals["a:b"]`, "U+0100"},
		{"control character, escaped", Identity, wrap(plain + `,"Sid":"\u0000"`), "$.Statement[0].Sid", "U+0000"},
		{"member name above U+00FF, escaped", Identity, wrap(plain + `,"\u212A":"x"`), "$.Statement[0]", "U+212A"},
		{"nested too deep", Identity, wrap(plain + `,"Condition":` + strings.Repeat(`[`, 12) + strings.Repeat(`]`, 12)), "", "nested deeper"},
	}
	for _, tc := range cases {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			p, err := Parse([]byte(tc.doc), tc.kind)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || p != nil {
				t.Fatalf("Parse = %v, %v; want a SyntaxError", p, err)
			}
			if tc.place != "" && syntax.Place != tc.place || !strings.Contains(syntax.Reason, tc.want) {
				t.Errorf("at %s: %q; want at %s: …%s…", syntax.Place, syntax.Reason, tc.place, tc.want)
			}
			if !strings.HasPrefix(err.Error(), syntax.Place+": ") {
				t.Errorf("Error() = %q does not begin with the place", err)
			}
		})
	}
}

func TestParseTakes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule string
		kind Kind
		doc  string
	}{
		{"one statement without array", Identity, `{"Statement":{` + plain + `}}`},
		{"blocks in any order", Identity, `{"Statement":{"Resource":"*","Action":"s3:*","Effect":"Deny","Sid":"A1"},"Version":"2012-10-17"}`},
		{"several unnamed statements", Identity, `{"Statement":[{"Sid":"",` + plain + `},{"Sid":"",` + plain + `},{` + plain + `}]}`},
		{"old version", Boundary, `{"Version":"2008-10-17","Statement":{` + plain + `}}`},
		{"session policy", Session, wrap(plain)},
		{"every action", Identity, wrap(`"Effect":"Allow","Action":["*","*:*"],"NotResource":["arn:aws:s3:::x","arn:aws:iam::*"]`)},
		{"Id in a resource policy", Resource, `{"Id":"any text","Statement":{"Sid":"any text","Principal":"*",` + plain + `}}`},
		{"canonical user", Resource, wrap(`"Principal":{"CanonicalUser":"` + strings.Repeat("a", 64) + `"},` + plain)},
		{"variables with odd names", Identity, wrap(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${saml:doc}/${aws:PrincipalTag/a b, 'x:y'}/${*}"`)},
		{"variables of the old version are text", Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${broken"}}`},
		{"white space", Identity, "\t{\r\n \"Statement\" : {" + plain + "} }\n"},
		{"Latin-1", Identity, wrap(plain + `,"Condition":{"StringEquals":{"a:b":"ÿé"}}`)},
		{"empty condition", Identity, wrap(plain + `,"Condition":{}`)},
		{"trust: bare account", Trust, trustOf(`{"AWS":"111122223333"}`)},
		{"trust: account ARN", Trust, trustOf(`{"AWS":"arn:aws-cn:iam::111122223333:root"}`)},
		{"trust: everybody", Trust, trustOf(`{"AWS":"*"}`)},
		{"trust: user with path", Trust, trustOf(`{"AWS":["arn:aws:iam::111122223333:user/a/b/c","arn:aws:iam::111122223333:role/x"]}`)},
		{"trust: sessions", Trust, trustOf(`{"AWS":["arn:aws:sts::111122223333:assumed-role/r/s@x","arn:aws:sts::111122223333:federated-user/bob"]}`)},
		{"trust: unique ids", Trust, trustOf(`{"AWS":["AIDAEXAMPLEALICE00001","AROAEXAMPLEHUB0000001"]}`)},
		{"trust: services", Trust, trustOf(`{"Service":["ec2.amazonaws.com","monitoring.rds.amazonaws.com"]}`)},
		{"trust: providers", Trust, trustOf(`{"Federated":["` + github + `","` + corpSAML + `","arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/ABC","arn:aws:iam::111122223333:oidc-provider/localhost:8443","accounts.google.com"]}`)},
		{"trust: NotPrincipal", Trust, wrap(`"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"STS:assumerole"`)},
		{"trust: wildcard within sts", Trust, wrap(`"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"`)},
	}
	for _, tc := range cases {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse([]byte(tc.doc), tc.kind); err != nil {
				t.Error(err)
			}
		})
	}
}

// Every operator is known in all its forms, and its name alone decides which.
func TestParseKnowsEveryOperator(t *testing.T) {
	t.Parallel()
	operators := []string{
		"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
		"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
		"Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike",
	}
	for _, name := range operators {
		for _, prefix := range []string{"", "ForAnyValue:", "ForAllValues:"} {
			for _, suffix := range []string{"", "IfExists"} {
				parse(t, wrap(plain+`,"Condition":{"`+prefix+name+suffix+`":{"a:b":"1"}}`), Identity)
			}
		}
	}
	parse(t, wrap(plain+`,"Condition":{"Null":{"a:b":"true"}}`), Identity)
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	// fill makes a document of exactly n characters for its quota.
	fill := func(n int) string {
		doc := wrap(plain + `,"Sid":""`)
		return strings.Replace(doc, `"Sid":""`, `"Sid":"`+strings.Repeat("a", n-len(doc))+`"`, 1)
	}
	for _, kind := range []Kind{Identity, Boundary, Session} {
		most := kind.maxCharacters()
		if p, err := Parse([]byte(fill(most)), kind); err != nil || p.Size() != most {
			t.Errorf("%v of %d characters: %v", kind, most, err)
		}
		if _, err := Parse([]byte(fill(most+1)), kind); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%v of %d characters: %v, want ErrTooLarge", kind, most+1, err)
		}
		if _, err := Parse([]byte(fill(most)+strings.Repeat(" ", 1000)), kind); err != nil {
			t.Errorf("%v: white space counts: %v", kind, err)
		}
	}
	if _, err := Parse([]byte(wrap(plain)+strings.Repeat(" ", maxBytes)), Identity); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d blanks: %v, want ErrTooLarge", maxBytes, err)
	}
}

func TestSizeLeavesWhiteSpaceOut(t *testing.T) {
	t.Parallel()
	dense := parse(t, `{"Id":"a b\" c","Statement":{"Principal":"*",`+plain+`}}`, Resource)
	loose := parse(t, "{ \"Id\" :\t\"a b\\\" c\",\r\n\"Statement\":{\"Principal\":\"*\","+plain+"} }", Resource)
	if dense.Size() != loose.Size() {
		t.Errorf("Size() = %d dense, %d loose", dense.Size(), loose.Size())
	}
	if want := len(`{"Id":"a b\" c","Statement":{"Principal":"*",` + plain + `}}`); dense.Size() != want {
		t.Errorf("Size() = %d, want %d: blanks within strings count", dense.Size(), want)
	}
	if dense.ID() != `a b" c` || dense.Version() != version2008 || dense.Kind() != Resource {
		t.Errorf("ID %q, Version %q, Kind %v", dense.ID(), dense.Version(), dense.Kind())
	}
}
