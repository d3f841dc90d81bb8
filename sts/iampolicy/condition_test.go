package iampolicy

import (
	"strings"
	"testing"
)

// Every case names the rule of the IAM user guide (or what AWS is seen to do) that it holds the evaluator to.
var conditionCases = []struct {
	rule      string
	condition string
	request   keys
	want      bool
}{
	// Strings.
	{"StringEquals is exact", `{"StringEquals":{"aws:username":"alice"}}`, keys{"aws:username": "alice"}, true},
	{"StringEquals is case-sensitive", `{"StringEquals":{"aws:username":"alice"}}`, keys{"aws:username": "Alice"}, false},
	{"StringEquals knows no wildcards", `{"StringEquals":{"aws:username":"al*"}}`, keys{"aws:username": "alice"}, false},
	{"StringEquals takes a star literally", `{"StringEquals":{"aws:username":"al*"}}`, keys{"aws:username": "al*"}, true},
	{"StringEquals is anchored at the start", `{"StringEquals":{"aws:username":"alice"}}`, keys{"aws:username": "xalice"}, false},
	{"StringEquals is anchored at the end", `{"StringEquals":{"aws:username":"alice"}}`, keys{"aws:username": "alicex"}, false},
	{"several values are alternatives", `{"StringEquals":{"aws:username":["bob","alice"]}}`, keys{"aws:username": "alice"}, true},
	{"several keys must all match", `{"StringEquals":{"aws:username":"alice","aws:userid":"AIDA"}}`, keys{"aws:username": "alice", "aws:userid": "AROA"}, false},
	{"several operators must all match", `{"StringEquals":{"aws:username":"alice"},"Bool":{"aws:SecureTransport":"true"}}`, keys{"aws:username": "alice", "aws:SecureTransport": "false"}, false},
	{"all of several operators match", `{"StringEquals":{"aws:username":"alice"},"Bool":{"aws:SecureTransport":"true"}}`, keys{"aws:username": "alice", "aws:SecureTransport": "true"}, true},
	{"an empty string is a value", `{"StringEquals":{"aws:PrincipalTag/a":""}}`, keys{"aws:PrincipalTag/a": ""}, true},
	{"a number literal is text to a string operator", `{"StringEquals":{"aws:PrincipalTag/n":42}}`, keys{"aws:PrincipalTag/n": "42"}, true},
	{"a boolean literal is text to a string operator", `{"StringEquals":{"aws:PrincipalTag/b":true}}`, keys{"aws:PrincipalTag/b": "true"}, true},
	{"StringNotEquals: another value", `{"StringNotEquals":{"aws:username":"alice"}}`, keys{"aws:username": "bob"}, true},
	{"StringNotEquals: the same value", `{"StringNotEquals":{"aws:username":"alice"}}`, keys{"aws:username": "alice"}, false},
	{"negated operators are NOR over values", `{"StringNotEquals":{"aws:username":["alice","bob"]}}`, keys{"aws:username": "bob"}, false},
	{"negated NOR: none of the values", `{"StringNotEquals":{"aws:username":["alice","bob"]}}`, keys{"aws:username": "carol"}, true},
	{"StringEqualsIgnoreCase", `{"StringEqualsIgnoreCase":{"aws:username":"ALICE"}}`, keys{"aws:username": "alice"}, true},
	{"StringEqualsIgnoreCase is no pattern", `{"StringEqualsIgnoreCase":{"aws:username":"AL*"}}`, keys{"aws:username": "alice"}, false},
	{"StringEqualsIgnoreCase: the Kelvin sign is not a k", `{"StringEqualsIgnoreCase":{"aws:username":"kate"}}`, keys{"aws:username": "\u212Aate"}, false},
	{"StringEqualsIgnoreCase: dotted capital I is not an i", `{"StringEqualsIgnoreCase":{"aws:username":"ivy"}}`, keys{"aws:username": "\u0130vy"}, false},
	{"StringEqualsIgnoreCase folds Latin-1", `{"StringEqualsIgnoreCase":{"aws:username":"ÄNNE"}}`, keys{"aws:username": "änne"}, true},
	{"StringNotEqualsIgnoreCase", `{"StringNotEqualsIgnoreCase":{"aws:username":"ALICE"}}`, keys{"aws:username": "alice"}, false},
	{"StringNotEqualsIgnoreCase: another", `{"StringNotEqualsIgnoreCase":{"aws:username":"ALICE"}}`, keys{"aws:username": "bob"}, true},
	{"StringLike: star is any run", `{"StringLike":{"x:sub":"repo:acme/*:ref:refs/heads/main"}}`, keys{"x:sub": "repo:acme/shop:ref:refs/heads/main"}, true},
	{"StringLike: star is the empty run", `{"StringLike":{"x:sub":"repo:acme/*"}}`, keys{"x:sub": "repo:acme/"}, true},
	{"StringLike: the fixed part is fixed", `{"StringLike":{"x:sub":"repo:acme/*"}}`, keys{"x:sub": "repo:acme-evil/shop"}, false},
	{"StringLike is anchored at the end", `{"StringLike":{"x:sub":"repo:acme/*:ref:refs/heads/main"}}`, keys{"x:sub": "repo:acme/shop:ref:refs/heads/main2"}, false},
	{"StringLike is anchored at the start", `{"StringLike":{"x:sub":"repo:acme/*"}}`, keys{"x:sub": "xrepo:acme/a"}, false},
	{"StringLike is case-sensitive", `{"StringLike":{"x:sub":"repo:acme/*"}}`, keys{"x:sub": "repo:ACME/shop"}, false},
	{"StringLike: ? is one character", `{"StringLike":{"x:sub":"v?"}}`, keys{"x:sub": "v1"}, true},
	{"StringLike: ? is not none", `{"StringLike":{"x:sub":"v?"}}`, keys{"x:sub": "v"}, false},
	{"StringLike: ? is not two", `{"StringLike":{"x:sub":"v?"}}`, keys{"x:sub": "v12"}, false},
	{"StringLike: ? is one UTF-16 unit, an emoji two", `{"StringLike":{"x:sub":"v??"}}`, keys{"x:sub": "v\U0001F600"}, true},
	{"StringLike: one ? is not an emoji", `{"StringLike":{"x:sub":"v?"}}`, keys{"x:sub": "v\U0001F600"}, false},
	{"StringLike: ? is one unit of a two-byte letter", `{"StringLike":{"x:sub":"v?"}}`, keys{"x:sub": "vä"}, true},
	{"StringLike without wildcards is equality", `{"StringLike":{"x:sub":"a"}}`, keys{"x:sub": "ab"}, false},
	{"StringNotLike", `{"StringNotLike":{"x:sub":"repo:acme/*"}}`, keys{"x:sub": "repo:evil/x"}, true},
	{"StringNotLike: matching", `{"StringNotLike":{"x:sub":"repo:acme/*"}}`, keys{"x:sub": "repo:acme/x"}, false},

	// Key names.
	{"key names ignore case", `{"StringEquals":{"SAML:AUD":"u"}}`, keys{"saml:aud": "u"}, true},
	{"tag keys ignore case", `{"StringEquals":{"aws:PrincipalTag/TEAM":"u"}}`, keys{"aws:principaltag/team": "u"}, true},
	{"a longer key is another key", `{"StringEquals":{"aws:PrincipalTag/team":"u"}}`, keys{"aws:PrincipalTag/team2": "u"}, false},
	{"the Kelvin sign in a tag key is not a k", `{"StringEquals":{"aws:RequestTag/key":"u"}}`, keys{"aws:RequestTag/\u212Aey": "u"}, false},

	// Missing keys.
	{"absent: positive is false", `{"StringEquals":{"x:a":"1"}}`, nil, false},
	{"absent: StringLike * is false", `{"StringLike":{"x:a":"*"}}`, nil, false},
	{"absent: StringNotEquals is true", `{"StringNotEquals":{"x:a":"1"}}`, nil, true},
	{"absent: StringNotLike is true", `{"StringNotLike":{"x:a":"*"}}`, nil, true},
	{"absent: NumericNotEquals is true", `{"NumericNotEquals":{"x:a":"1"}}`, nil, true},
	{"absent: NumericLessThan is false", `{"NumericLessThan":{"x:a":"1"}}`, nil, false},
	{"absent: DateNotEquals is true", `{"DateNotEquals":{"x:a":"2026-01-01"}}`, nil, true},
	{"absent: NotIpAddress is true", `{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, nil, true},
	{"absent: IpAddress is false", `{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, nil, false},
	{"absent: ArnNotLike is true", `{"ArnNotLike":{"aws:SourceArn":"arn:aws:s3:::x"}}`, nil, true},
	{"absent: Bool is false", `{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`, nil, false},
	{"absent: BinaryEquals is false", `{"BinaryEquals":{"x:b":"QQ=="}}`, nil, false},

	// IfExists.
	{"IfExists: absent is true", `{"StringEqualsIfExists":{"x:a":"1"}}`, nil, true},
	{"IfExists: present and equal", `{"StringEqualsIfExists":{"x:a":"1"}}`, keys{"x:a": "1"}, true},
	{"IfExists: present and different", `{"StringEqualsIfExists":{"x:a":"1"}}`, keys{"x:a": "2"}, false},
	{"BoolIfExists: absent", `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, nil, true},
	{"BoolIfExists: present", `{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, keys{"aws:MultiFactorAuthPresent": "true"}, false},
	{"IfExists on a negated operator", `{"StringNotEqualsIfExists":{"x:a":"1"}}`, keys{"x:a": "1"}, false},
	{"NumericLessThanEqualsIfExists: absent", `{"NumericLessThanEqualsIfExists":{"x:a":"1"}}`, nil, true},
	{"IpAddressIfExists: absent", `{"IpAddressIfExists":{"aws:SourceIp":"10.0.0.0/8"}}`, nil, true},

	// Null.
	{"Null true: absent", `{"Null":{"x:a":"true"}}`, nil, true},
	{"Null true: present", `{"Null":{"x:a":"true"}}`, keys{"x:a": "1"}, false},
	{"Null false: present", `{"Null":{"x:a":"false"}}`, keys{"x:a": "1"}, true},
	{"Null false: absent", `{"Null":{"x:a":"false"}}`, nil, false},
	{"Null takes a JSON boolean", `{"Null":{"x:a":true}}`, nil, true},
	{"Null: an empty tag is present", `{"Null":{"aws:PrincipalTag/a":"false"}}`, keys{"aws:PrincipalTag/a": ""}, true},
	{"Null works on list keys", `{"Null":{"aws:TagKeys":"false"}}`, keys{"aws:TagKeys": []string{"a"}}, true},
	{"Null: an empty list is null", `{"Null":{"aws:TagKeys":"false"}}`, keys{"aws:TagKeys": []string{}}, false},
	{"Null: any other word never matches", `{"Null":{"x:a":"yes"}}`, nil, false},

	// Numbers.
	{"NumericEquals ignores leading zeros", `{"NumericEquals":{"x:n":"007"}}`, keys{"x:n": "7"}, true},
	{"NumericEquals: decimals", `{"NumericEquals":{"x:n":"1.50"}}`, keys{"x:n": "1.5"}, true},
	{"NumericEquals is exact beyond float64", `{"NumericEquals":{"x:n":"9007199254740993"}}`, keys{"x:n": "9007199254740992"}, false},
	{"NumericEquals: minus zero is zero", `{"NumericEquals":{"x:n":"-0"}}`, keys{"x:n": "0"}, true},
	{"NumericEquals takes a JSON number", `{"NumericEquals":{"x:n":3}}`, keys{"x:n": "3"}, true},
	{"NumericEquals: no number is false", `{"NumericEquals":{"x:n":"abc"}}`, keys{"x:n": "abc"}, false},
	{"NumericEquals: no number in the document is not zero", `{"NumericEquals":{"x:n":"abc"}}`, keys{"x:n": "0"}, false},
	{"NumericNotEquals: no number counts as different", `{"NumericNotEquals":{"x:n":"1"}}`, keys{"x:n": "abc"}, true},
	{"NumericNotEquals: equal", `{"NumericNotEquals":{"x:n":"1"}}`, keys{"x:n": "1.0"}, false},
	{"NumericLessThan", `{"NumericLessThan":{"x:n":"10"}}`, keys{"x:n": "9"}, true},
	{"NumericLessThan is strict", `{"NumericLessThan":{"x:n":"10"}}`, keys{"x:n": "10"}, false},
	{"NumericLessThan compares numbers, not text", `{"NumericLessThan":{"x:n":"9"}}`, keys{"x:n": "10"}, false},
	{"NumericLessThanEquals", `{"NumericLessThanEquals":{"aws:MultiFactorAuthAge":"3600"}}`, keys{"aws:MultiFactorAuthAge": "3600"}, true},
	{"NumericLessThanEquals: more", `{"NumericLessThanEquals":{"aws:MultiFactorAuthAge":"3600"}}`, keys{"aws:MultiFactorAuthAge": "3601"}, false},
	{"NumericGreaterThan", `{"NumericGreaterThan":{"x:n":"-2"}}`, keys{"x:n": "-1"}, true},
	{"NumericLessThan: of negatives the larger magnitude is less", `{"NumericLessThan":{"x:n":"-10"}}`, keys{"x:n": "-11"}, true},
	{"NumericGreaterThan: any positive above any negative", `{"NumericGreaterThan":{"x:n":"-100"}}`, keys{"x:n": "1"}, true},
	{"NumericLessThan: any negative below any positive", `{"NumericLessThan":{"x:n":"1"}}`, keys{"x:n": "-100"}, true},
	{"NumericLessThan: fractions", `{"NumericLessThan":{"x:n":"0.5"}}`, keys{"x:n": "0.45"}, true},
	{"numbers have at most 64 characters", `{"NumericGreaterThan":{"x:n":"1"}}`, keys{"x:n": strings.Repeat("9", 65)}, false},
	{"dates have at most 64 characters", `{"DateGreaterThan":{"x:n":"2000"}}`, keys{"x:n": "2026-01-01T00:00:00." + strings.Repeat("0", 64) + "Z"}, false},
	{"NumericGreaterThan is strict", `{"NumericGreaterThan":{"x:n":"1"}}`, keys{"x:n": "1"}, false},
	{"NumericGreaterThanEquals", `{"NumericGreaterThanEquals":{"x:n":"1.25"}}`, keys{"x:n": "1.3"}, true},
	{"NumericLessThan: no number is false", `{"NumericLessThan":{"x:n":"10"}}`, keys{"x:n": ""}, false},
	{"numbers have no exponent", `{"NumericLessThan":{"x:n":"1e9"}}`, keys{"x:n": "5"}, false},
	{"numbers have no wildcards", `{"NumericEquals":{"x:n":"*"}}`, keys{"x:n": "5"}, false},

	// Dates.
	{"DateLessThan", `{"DateLessThan":{"aws:CurrentTime":"2026-12-31T23:59:59Z"}}`, keys{"aws:CurrentTime": "2026-11-25T12:00:00Z"}, true},
	{"DateLessThan is strict", `{"DateLessThan":{"aws:CurrentTime":"2026-11-25T12:00:00Z"}}`, keys{"aws:CurrentTime": "2026-11-25T12:00:00Z"}, false},
	{"DateLessThanEquals", `{"DateLessThanEquals":{"aws:CurrentTime":"2026-11-25T12:00:00Z"}}`, keys{"aws:CurrentTime": "2026-11-25T12:00:00Z"}, true},
	{"DateGreaterThan with an offset", `{"DateGreaterThan":{"aws:CurrentTime":"2026-11-25T14:00:00+02:00"}}`, keys{"aws:CurrentTime": "2026-11-25T12:00:01Z"}, true},
	{"DateGreaterThanEquals", `{"DateGreaterThanEquals":{"aws:TokenIssueTime":"2026-11-25"}}`, keys{"aws:TokenIssueTime": "2026-11-25T00:00:00Z"}, true},
	{"DateEquals compares epoch and ISO", `{"DateEquals":{"aws:EpochTime":"2026-01-01T00:00:00Z"}}`, keys{"aws:EpochTime": "1767225600"}, true},
	{"DateEquals: milliseconds count", `{"DateEquals":{"aws:CurrentTime":"2026-01-01T00:00:00.001Z"}}`, keys{"aws:CurrentTime": "2026-01-01T00:00:00.002Z"}, false},
	{"DateEquals: less than milliseconds does not", `{"DateEquals":{"aws:CurrentTime":"2026-01-01T00:00:00.0011Z"}}`, keys{"aws:CurrentTime": "2026-01-01T00:00:00.0019Z"}, true},
	{"DateEquals: epoch milliseconds", `{"DateEquals":{"aws:EpochTime":"1767225600.5"}}`, keys{"aws:EpochTime": "1767225600.5009"}, true},
	{"DateEquals: year alone", `{"DateEquals":{"aws:CurrentTime":"2026"}}`, keys{"aws:CurrentTime": "2026-01-01T00:00:00Z"}, true},
	{"DateNotEquals", `{"DateNotEquals":{"aws:CurrentTime":"2026-01-01"}}`, keys{"aws:CurrentTime": "2026-01-02"}, true},
	{"DateLessThan: no date is false", `{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}`, keys{"aws:CurrentTime": "2026-01-02"}, false},
	{"dates have no wildcards", `{"DateEquals":{"aws:CurrentTime":"2026-*"}}`, keys{"aws:CurrentTime": "2026-01-02"}, false},

	// Bool.
	{"Bool true", `{"Bool":{"aws:SecureTransport":"true"}}`, keys{"aws:SecureTransport": "true"}, true},
	{"Bool ignores case", `{"Bool":{"aws:SecureTransport":"TRUE"}}`, keys{"aws:SecureTransport": "True"}, true},
	{"Bool: everything but true is false", `{"Bool":{"x:b":"false"}}`, keys{"x:b": "banana"}, true},
	{"Bool: 1 is not true", `{"Bool":{"x:b":"true"}}`, keys{"x:b": "1"}, false},
	{"Bool: another word never matches", `{"Bool":{"x:b":"no"}}`, keys{"x:b": "false"}, false},
	{"Bool takes a JSON boolean", `{"Bool":{"sts:RoleAuthorizedByIdp":true}}`, keys{"sts:RoleAuthorizedByIdp": "true"}, true},

	// Binary.
	{"BinaryEquals compares bytes", `{"BinaryEquals":{"x:b":"AAEC"}}`, keys{"x:b": "\x00\x01\x02"}, true},
	{"BinaryEquals: other bytes", `{"BinaryEquals":{"x:b":"AAEC"}}`, keys{"x:b": "\x00\x01\x03"}, false},
	{"BinaryEquals: not base64", `{"BinaryEquals":{"x:b":"!!"}}`, keys{"x:b": ""}, false},

	// Addresses.
	{"IpAddress: in the block", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, keys{"aws:SourceIp": "203.0.113.9"}, true},
	{"IpAddress: outside", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, keys{"aws:SourceIp": "203.0.114.9"}, false},
	{"IpAddress: a bare address is /32", `{"IpAddress":{"aws:SourceIp":"203.0.113.9"}}`, keys{"aws:SourceIp": "203.0.113.9"}, true},
	{"IpAddress: /32 is one host", `{"IpAddress":{"aws:SourceIp":"203.0.113.9"}}`, keys{"aws:SourceIp": "203.0.113.8"}, false},
	{"IpAddress: IPv6 block", `{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}`, keys{"aws:SourceIp": "2001:db8::1"}, true},
	{"IpAddress: IPv6 bare is /128", `{"IpAddress":{"aws:SourceIp":"2001:db8::1"}}`, keys{"aws:SourceIp": "2001:DB8:0::1"}, true},
	{"IpAddress: IPv6 with host bits never matches", `{"IpAddress":{"aws:SourceIp":"2001:db8::1/32"}}`, keys{"aws:SourceIp": "2001:db8::1"}, false},
	{"NotIpAddress: IPv6 with host bits never matches", `{"NotIpAddress":{"aws:SourceIp":"2001:db8::1/32"}}`, keys{"aws:SourceIp": "2001:db9::1"}, false},
	{"IpAddress: IPv4 host bits are masked", `{"IpAddress":{"aws:SourceIp":"203.0.113.77/24"}}`, keys{"aws:SourceIp": "203.0.113.9"}, true},
	{"IpAddress: a mapped address is its IPv4 host", `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, keys{"aws:SourceIp": "::ffff:10.1.2.3"}, true},
	{"IpAddress: a malformed block never matches", `{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}`, keys{"aws:SourceIp": "10.0.0.1"}, false},
	{"NotIpAddress: a malformed block never matches", `{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/33"}}`, keys{"aws:SourceIp": "10.0.0.1"}, false},
	{"NotIpAddress: a malformed address never matches", `{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, keys{"aws:SourceIp": "localhost"}, false},
	{"NotIpAddress: a zone is no address", `{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, keys{"aws:SourceIp": "fe80::1%eth0"}, false},
	{"NotIpAddress: a block of mapped addresses is malformed", `{"NotIpAddress":{"aws:SourceIp":"::ffff:10.0.0.0/104"}}`, keys{"aws:SourceIp": "203.0.113.9"}, false},
	{"NotIpAddress: outside", `{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.0.0/16"]}}`, keys{"aws:SourceIp": "203.0.113.9"}, true},
	{"NotIpAddress: in one of the blocks", `{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.0.0/16"]}}`, keys{"aws:SourceIp": "192.168.1.1"}, false},
	{"IpAddress: a zone is no address", `{"IpAddress":{"aws:SourceIp":"fe80::/10"}}`, keys{"aws:SourceIp": "fe80::1%eth0"}, false},

	// ARNs.
	{"ArnEquals: the same", `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/a"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/a"}, true},
	{"ArnEquals takes wildcards like ArnLike", `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/a*"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ab"}, true},
	{"ArnLike: star stays within its component", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam:*:role/a"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/a"}, false},
	{"ArnLike: star crosses slashes", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/a/b/c"}, true},
	{"ArnLike: the last component holds colons", `{"ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111122223333:a*"}}`, keys{"aws:SourceArn": "arn:aws:sns:eu-west-1:111122223333:a:b"}, true},
	{"ArnLike: ? in an account", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::11112222333?:role/a"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223334:role/a"}, true},
	{"ArnLike is case-sensitive", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/A"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/a"}, false},
	{"ArnLike: a malformed request value never matches", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:*"}}`, keys{"aws:PrincipalArn": "role/a"}, false},
	{"ArnNotLike: a malformed request value never matches", `{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:*"}}`, keys{"aws:PrincipalArn": "role/a"}, false},
	{"ArnLike: a malformed pattern never matches", `{"ArnLike":{"aws:PrincipalArn":"*"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/a"}, false},
	{"ArnNotEquals: a malformed pattern never matches", `{"ArnNotEquals":{"aws:PrincipalArn":"role/b"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/a"}, false},
	{"ArnNotLike: another", `{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/b"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/a"}, true},
	{"ArnNotEquals: the same", `{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}`, keys{"aws:PrincipalArn": "arn:aws:iam::111122223333:role/a"}, false},

	// Sets.
	{"ForAnyValue: one matches", `{"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}}`, keys{"aws:TagKeys": []string{"x", "b"}}, true},
	{"ForAnyValue: none matches", `{"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}}`, keys{"aws:TagKeys": []string{"x", "y"}}, false},
	{"ForAnyValue: absent is false", `{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}`, nil, false},
	{"ForAnyValue: empty is false", `{"ForAnyValue:StringEquals":{"aws:TagKeys":"a"}}`, keys{"aws:TagKeys": []string{}}, false},
	{"ForAnyValue with a pattern", `{"ForAnyValue:StringLike":{"x:amr":"mf?"}}`, keys{"x:amr": []string{"pwd", "mfa"}}, true},
	{"ForAnyValue works on a single value", `{"ForAnyValue:StringEquals":{"x:sub":"a"}}`, keys{"x:sub": "a"}, true},
	{"ForAnyValue:StringNotEquals: some value differs from all", `{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}}`, keys{"aws:TagKeys": []string{"a", "c"}}, true},
	{"ForAnyValue:StringNotEquals: no value differs", `{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}}`, keys{"aws:TagKeys": []string{"a", "b"}}, false},
	{"ForAnyValue:StringNotEquals: absent is false", `{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"a"}}`, nil, false},
	{"ForAnyValue…IfExists: absent is true", `{"ForAnyValue:StringLikeIfExists":{"aws:TagKeys":"a"}}`, nil, true},
	{"ForAnyValue…IfExists: empty is false", `{"ForAnyValue:StringLikeIfExists":{"aws:TagKeys":"a"}}`, keys{"aws:TagKeys": []string{}}, false},
	{"ForAllValues: all match", `{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}`, keys{"aws:TagKeys": []string{"b", "a"}}, true},
	{"ForAllValues: one does not", `{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}`, keys{"aws:TagKeys": []string{"a", "c"}}, false},
	{"ForAllValues: absent is true", `{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}`, nil, true},
	{"ForAllValues: empty is true", `{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}`, keys{"aws:TagKeys": []string{}}, true},
	{"ForAllValues:StringNotEquals: no value equals any", `{"ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}}`, keys{"aws:TagKeys": []string{"c", "d"}}, true},
	{"ForAllValues:StringNotEquals: one equals", `{"ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}}`, keys{"aws:TagKeys": []string{"c", "a"}}, false},
	{"ForAllValues with addresses", `{"ForAllValues:IpAddress":{"x:ips":"10.0.0.0/8"}}`, keys{"x:ips": []string{"10.1.1.1", "10.2.2.2"}}, true},
	{"a list key never matches StringEquals", `{"StringEquals":{"aws:TagKeys":"a"}}`, keys{"aws:TagKeys": []string{"a"}}, false},
	{"a list key never matches StringNotEquals", `{"StringNotEquals":{"aws:TagKeys":"b"}}`, keys{"aws:TagKeys": []string{"a"}}, false},
	{"a list key never matches …IfExists", `{"StringEqualsIfExists":{"aws:TagKeys":"a"}}`, keys{"aws:TagKeys": []string{"a"}}, false},
	{"an empty list key never matches …IfExists", `{"StringNotEqualsIfExists":{"aws:TagKeys":"a"}}`, keys{"aws:TagKeys": []string{}}, false},

	// Policy variables.
	{"a variable inserts the request's value", `{"StringEquals":{"x:a":"${aws:username}"}}`, keys{"x:a": "alice", "aws:username": "alice"}, true},
	{"a variable within text", `{"StringLike":{"x:a":"home/${aws:username}/*"}}`, keys{"x:a": "home/alice/x", "aws:username": "alice"}, true},
	{"a variable's key ignores case", `{"StringEquals":{"x:a":"${AWS:UserName}"}}`, keys{"x:a": "alice", "aws:username": "alice"}, true},
	{"a variable without value: positive is false", `{"StringEquals":{"x:a":"${aws:username}"}}`, keys{"x:a": ""}, false},
	{"a variable without value is not its own text", `{"StringEquals":{"x:a":"${aws:username}"}}`, keys{"x:a": "${aws:username}"}, false},
	{"a variable without value: negated is true", `{"StringNotEquals":{"x:a":"${aws:username}"}}`, keys{"x:a": "z"}, true},
	{"a default replaces a missing value", `{"StringEquals":{"x:a":"${aws:PrincipalTag/team, 'all'}"}}`, keys{"x:a": "all"}, true},
	{"a value goes before the default", `{"StringEquals":{"x:a":"${aws:PrincipalTag/team, 'all'}"}}`, keys{"x:a": "all", "aws:PrincipalTag/team": "red"}, false},
	{"a default may hold a brace", `{"StringEquals":{"x:a":"${aws:PrincipalTag/team, 'a}b'}"}}`, keys{"x:a": "a}b"}, true},
	{"a default's star is text", `{"StringLike":{"x:a":"${aws:PrincipalTag/team, '*'}"}}`, keys{"x:a": "red"}, false},
	{"${*} is a star", `{"StringLike":{"x:a":"a${*}b"}}`, keys{"x:a": "a*b"}, true},
	{"${*} is no wildcard", `{"StringLike":{"x:a":"a${*}b"}}`, keys{"x:a": "axb"}, false},
	{"${?} is a question mark", `{"StringLike":{"x:a":"${?}"}}`, keys{"x:a": "?"}, true},
	{"${?} is no wildcard", `{"StringLike":{"x:a":"${?}"}}`, keys{"x:a": "x"}, false},
	{"${$} is a dollar sign", `{"StringEquals":{"x:a":"${$}{x}"}}`, keys{"x:a": "${x}"}, true},
	{"a star in a variable's value is text", `{"StringLike":{"x:a":"${aws:PrincipalTag/t}"}}`, keys{"x:a": "anything", "aws:PrincipalTag/t": "*"}, false},
	{"a ? in a variable's value is text", `{"StringLike":{"x:a":"${aws:PrincipalTag/t}"}}`, keys{"x:a": "x", "aws:PrincipalTag/t": "?"}, false},
	{"a variable's value is not expanded again", `{"StringEquals":{"x:a":"${aws:PrincipalTag/t}"}}`, keys{"x:a": "alice", "aws:PrincipalTag/t": "${aws:username}", "aws:username": "alice"}, false},
	{"our own wildcard bytes in a value are no wildcards", `{"StringLike":{"x:a":"${aws:PrincipalTag/t}"}}`, keys{"x:a": "anything", "aws:PrincipalTag/t": "\xff"}, false},
	{"a list key has no variable", `{"StringEquals":{"x:a":"${aws:TagKeys}"}}`, keys{"x:a": "a", "aws:TagKeys": []string{"a"}}, false},
	{"variables work in ARN operators", `{"ArnLike":{"aws:SourceArn":"arn:aws:iam::${aws:PrincipalAccount}:role/*"}}`, keys{"aws:SourceArn": "arn:aws:iam::111122223333:role/a", "aws:PrincipalAccount": account}, true},
	{"colons in a variable's value stay in its component", `{"ArnLike":{"aws:SourceArn":"arn:aws:iam::${x:v}:role/a"}}`, keys{"aws:SourceArn": "arn:aws:iam::1:role/a:role/a", "x:v": "1:role/a"}, false},
	{"variables ignore case with StringEqualsIgnoreCase", `{"StringEqualsIgnoreCase":{"x:a":"${aws:username}"}}`, keys{"x:a": "ALICE", "aws:username": "alice"}, true},
	{"variables do not work in numbers", `{"NumericEquals":{"x:n":"${x:m}"}}`, keys{"x:n": "1", "x:m": "1"}, false},
	{"variables do not work in addresses", `{"IpAddress":{"aws:SourceIp":"${x:ip}"}}`, keys{"aws:SourceIp": "10.0.0.1", "x:ip": "10.0.0.1"}, false},

	// No conditions.
	{"an empty Condition asks nothing", `{}`, nil, true},
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for _, tc := range conditionCases {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			if got := conditionHolds(t, version2012, tc.condition, tc.request); got != tc.want {
				t.Errorf("%s with %v: allowed %v, want %v", tc.condition, tc.request, got, tc.want)
			}
		})
	}
}

// In documents of the old version a variable is the text that it is written as.
func TestOldVersionTakesVariablesLiterally(t *testing.T) {
	t.Parallel()
	const condition = `{"StringEquals":{"x:a":"${aws:username}"}}`
	if conditionHolds(t, version2008, condition, keys{"x:a": "alice", "aws:username": "alice"}) {
		t.Error("a 2008-10-17 document expanded a policy variable")
	}
	if !conditionHolds(t, version2008, condition, keys{"x:a": "${aws:username}"}) {
		t.Error("a 2008-10-17 document does not compare the variable's own text")
	}
}

func conditionHolds(t *testing.T, version, condition string, request keys) bool {
	t.Helper()
	doc := `{"Version":"` + version + `","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + condition + `}}`
	return Evaluate(Input{
		Principal: alice(), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: account,
		Context: request.context(), Identity: []Source{source(t, doc, Identity)},
	}).Allowed
}
