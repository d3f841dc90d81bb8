package localaws_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/idptest"
)

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

const (
	notValidated = "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements."
	deniedWeb    = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
	deniedSAML   = "Not authorized to perform sts:AssumeRoleWithSAML"
	samlSuffix   = " (Service: AWSOpenIdDiscoveryService; Status Code: 400; Error Code: AuthSamlInvalidSamlResponseException)"
	onePolicy    = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
)

type refusal struct {
	name    string
	call    func(w *world) reply
	status  int
	code    string
	message string // exact, or a prefix when it ends with …
}

func web(edits map[string]string) func(*world) reply {
	return func(w *world) reply { return w.post(w.webIdentity(edits)) }
}

func webClaims(claims map[string]any) func(*world) reply {
	return func(w *world) reply {
		return w.post(w.webIdentity(map[string]string{"WebIdentityToken": w.token(claims)}))
	}
}

func withAssertion(edits ...func(*idptest.Statement)) func(*world) reply {
	return func(w *world) reply {
		return w.post(w.withSAML(map[string]string{"SAMLAssertion": w.response(edits...)}))
	}
}

func samlForm(edits map[string]string) func(*world) reply {
	return func(w *world) reply { return w.post(w.withSAML(edits)) }
}

func attribute(name string, values ...string) func(*idptest.Statement) {
	return func(s *idptest.Statement) {
		s.Attributes = map[string][]string{idptest.AttributePrefix + name: values}
	}
}

func tagsClaim(tags map[string]any, transitive ...string) map[string]any {
	return map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": tags, "transitive_tag_keys": transitive}}
}

func manyTags(n int) map[string]any {
	tags := map[string]any{}
	for i := range n {
		tags[fmt.Sprintf("key%d", i)] = []string{"v"}
	}
	return tags
}

// bigTags are tags whose values do not compress.
func bigTags() map[string]any {
	random := rand.New(rand.NewPCG(1, 2))
	tags := map[string]any{}
	for i := range 30 {
		value := make([]byte, 256)
		for j := range value {
			value[j] = "abcdefghijklmnopqrstuvwxyz0123456789"[random.IntN(36)]
		}
		tags[fmt.Sprintf("k%d", i)] = []string{string(value)}
	}
	return tags
}

// refusals is what AWS answers to calls that it does not serve (sts, SAML and OIDC fact sheets).
func refusals() []refusal {
	return append(append(protocolRefusals(), webIdentityRefusals()...), samlRefusals()...)
}

func protocolRefusals() []refusal {
	raw := func(body string) func(*world) reply { return func(w *world) reply { return w.raw(body) } }
	return []refusal{
		{"no action", raw("Version=2011-06-15"), 400, "MissingAction", "…"},
		{"no version", raw("Action=GetCallerIdentity"), 400, "InvalidAction", "Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED"},
		{"IAM's version", raw("Action=GetCallerIdentity&Version=2010-05-08"), 400, "InvalidAction", "Could not find operation GetCallerIdentity for version 2010-05-08"},
		{"unknown action", raw("Action=Nope&Version=2011-06-15"), 400, "InvalidAction", "Could not find operation Nope for version 2011-06-15"},
		{"action in another case", raw("Action=getcalleridentity&Version=2011-06-15"), 400, "InvalidAction", "…"},
		{"an action of a later issue", raw("Action=GetSessionToken&Version=2011-06-15"), 400, "InvalidAction", "…"},
		{"action twice", raw("Action=GetCallerIdentity&Action=AssumeRole&Version=2011-06-15"), 400, "MalformedInput", "a parameter is present more than once: Action"},
		{"parameter twice", raw("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=a&RoleArn=b"), 400, "MalformedInput", "…"},
		{"bad escape", raw("Action=%zz&Version=2011-06-15"), 404, "MalformedQueryString", "…"},
		{"semicolons", raw("Action=GetCallerIdentity;Version=2011-06-15"), 404, "MalformedQueryString", "…"},
		{"not UTF-8", raw("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=%ff"), 400, "MalformedInput", "…"},
		{"too many parameters", raw("Action=A&Version=2011-06-15" + strings.Repeat("&a=b", 600)), 400, "MalformedInput", "…"},
		{"a body that is too large", raw("Action=A&Version=2011-06-15&x=" + strings.Repeat("a", 600<<10)), 413, "RequestEntityTooLarge", "…"},
		{"JSON", func(w *world) reply { return w.typed("application/json", `{}`) }, 400, "MalformedInput", "…"},
		{"no content type", func(w *world) reply { return w.typed("", "Action=GetCallerIdentity&Version=2011-06-15") }, 400, "MalformedInput", "…"},
		{"another charset", func(w *world) reply {
			return w.typed("application/x-www-form-urlencoded; charset=utf-16", "Action=GetCallerIdentity&Version=2011-06-15")
		}, 400, "MalformedInput", "…"},
		{"unsigned GetCallerIdentity", raw("Action=GetCallerIdentity&Version=2011-06-15"), 403, "MissingAuthenticationToken", "Request is missing Authentication Token"},
		{"unsigned AssumeRole", raw("Action=AssumeRole&Version=2011-06-15"), 403, "MissingAuthenticationToken", "Request is missing Authentication Token"},
		{"a token in a URL", func(w *world) reply { return w.get("/?" + w.webIdentity(nil).Encode()) }, 400, "ValidationError", "AssumeRoleWithWebIdentity is taken by POST only…"},
		{"a PUT", func(w *world) reply { return w.method(http.MethodPut, "/") }, 405, "MethodNotAllowed", "…"},
		{"parameters in a POST's URL", func(w *world) reply { return w.method(http.MethodPost, "/?Action=GetCallerIdentity") }, 404, "MalformedQueryString", "…"},
	}
}

func webIdentityRefusals() []refusal {
	return []refusal{
		{"no role", web(map[string]string{"RoleArn": ""}), 400, "ValidationError", "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null"},
		{"a short role", web(map[string]string{"RoleArn": "x"}), 400, "ValidationError", "1 validation error detected: Value 'x' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		{"a user's ARN", web(map[string]string{"RoleArn": "arn:aws:iam::111122223333:user/broker"}), 400, "ValidationError", "Request ARN is invalid"},
		{"a role pattern", web(map[string]string{"RoleArn": "arn:aws:iam::111122223333:role/*"}), 400, "ValidationError", "Request ARN is invalid"},
		{"no session name", web(map[string]string{"RoleSessionName": ""}), 400, "ValidationError", "1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null"},
		{"a blank in the session name", web(map[string]string{"RoleSessionName": "a b"}), 400, "ValidationError", `1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`},
		{"a session name of 65", web(map[string]string{"RoleSessionName": strings.Repeat("a", 65)}), 400, "ValidationError", "1 validation error detected: Value '" + strings.Repeat("a", 65) + "' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"two problems", web(map[string]string{"RoleSessionName": "a", "DurationSeconds": "899"}), 400, "ValidationError", "2 validation errors detected: …"},
		{"no token", web(map[string]string{"WebIdentityToken": ""}), 400, "ValidationError", "1 validation error detected: Value null at 'webIdentityToken' failed to satisfy constraint: Member must not be null"},
		{"a token of 20001, unrepeated", web(map[string]string{"WebIdentityToken": strings.Repeat("a", 20001)}), 400, "ValidationError", "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length less than or equal to 20000"},
		{"899 seconds", web(map[string]string{"DurationSeconds": "899"}), 400, "ValidationError", "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"43201 seconds", web(map[string]string{"DurationSeconds": "43201"}), 400, "ValidationError", "1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{"half a second", web(map[string]string{"DurationSeconds": "900.5"}), 400, "MalformedInput", "…"},
		{"seconds beyond 32 bits", web(map[string]string{"DurationSeconds": "4294967296"}), 400, "MalformedInput", "…"},
		{"more than the role's maximum", web(map[string]string{"DurationSeconds": "7201"}), 400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		{"an OAuth provider", web(map[string]string{"ProviderId": "example.com"}), 403, "AccessDenied", "Unrecognized OAuth provider. Do not include a provider parameter when submitting OpenIDConnect ID tokens"},
		{"a JWT as Amazon's", web(map[string]string{"ProviderId": "www.amazon.com"}), 400, "InvalidIdentityToken", notValidated},
		{"a session policy of 2049", web(map[string]string{"Policy": strings.Repeat("a", 2049)}), 400, "ValidationError", "…"},
		{"a session policy that is none", web(map[string]string{"Policy": "{}"}), 400, "MalformedPolicyDocument", "…"},
		{"a session policy with a principal", web(map[string]string{"Policy": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`}), 400, "MalformedPolicyDocument", "…"},
		{"eleven policy ARNs", func(w *world) reply { return w.post(manyPolicies(w.webIdentity(nil), 11)) }, 400, "ValidationError", "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"},
		{"a policy that does not exist", web(map[string]string{"PolicyArns.member.1.arn": "arn:aws:iam::111122223333:policy/Nope"}), 400, "InvalidParameterValue", "…"},
		{"a list that begins at 12", web(map[string]string{"PolicyArns.member.12.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}), 400, "MalformedInput", "…"},
		{"a list member twice", web(map[string]string{"PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "PolicyArns.member.01.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}), 400, "MalformedInput", "…"},
		{"a role that does not exist", web(map[string]string{"RoleArn": "arn:aws:iam::111122223333:role/ci/Nope"}), 403, "AccessDenied", deniedWeb},
		{"the role without its path", web(map[string]string{"RoleArn": "arn:aws:iam::111122223333:role/Deploy"}), 403, "AccessDenied", deniedWeb},
		{"the role in another case", web(map[string]string{"RoleArn": "arn:aws:iam::111122223333:role/ci/deploy"}), 403, "AccessDenied", deniedWeb},
		{"the role in another partition", web(map[string]string{"RoleArn": "arn:aws-cn:iam::111122223333:role/ci/Deploy"}), 403, "AccessDenied", deniedWeb},
		{"a role that trusts SAML only", web(map[string]string{"RoleArn": adminRole}), 403, "AccessDenied", deniedWeb},
		{"a pull request", webClaims(map[string]any{"sub": "repo:evil/shop:pull_request"}), 403, "AccessDenied", deniedWeb},
		{"a registered audience that the role does not take", webClaims(map[string]any{"aud": "second-client"}), 403, "AccessDenied", deniedWeb},
		{"a role of an account without the provider", func(w *world) reply {
			return w.post(w.webIdentity(map[string]string{"RoleArn": readerRole}))
		}, 400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for http://…"},
		{"a wrong audience", webClaims(map[string]any{"aud": "other"}), 400, "InvalidIdentityToken", "Incorrect token audience"},
		{"two audiences", webClaims(map[string]any{"aud": []string{clientID, "other"}}), 400, "InvalidIdentityToken", "Token audience contains more than one audience while authorized party is not present"},
		{"a foreign azp", webClaims(map[string]any{"azp": "other"}), 400, "InvalidIdentityToken", notValidated},
		{"no sub", webClaims(map[string]any{"sub": nil}), 400, "InvalidIdentityToken", "Missing a required claim: sub"},
		{"no exp", webClaims(map[string]any{"exp": nil}), 400, "InvalidIdentityToken", "Missing a required claim: exp"},
		{"no iat", webClaims(map[string]any{"iat": nil}), 400, "InvalidIdentityToken", "Missing a required claim: iat"},
		{"no aud", webClaims(map[string]any{"aud": nil}), 400, "InvalidIdentityToken", "Missing a required claim: aud"},
		{"expired", func(w *world) reply {
			token := w.token(nil)
			w.clock.Add(10*time.Minute + time.Second)
			return w.post(w.webIdentity(map[string]string{"WebIdentityToken": token}))
		}, 400, "ExpiredTokenException", "Token expired: current date/time …"},
		{"a role that the roles claim lacks", webClaims(map[string]any{"https://aws.amazon.com/roles": adminRole}), 400, "InvalidIdentityToken", "The target role ARN is not present in the roles claim of the identity token"},
		{"an empty roles claim", webClaims(map[string]any{"https://aws.amazon.com/roles": []string{}}), 400, "InvalidIdentityToken", "The target role ARN is not present in the roles claim of the identity token"},
		{"51 tags", webClaims(tagsClaim(manyTags(51))), 400, "ValidationError", "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"},
		{"a tag with two values", webClaims(tagsClaim(map[string]any{"a": []string{"b", "c"}})), 400, "InvalidIdentityToken", notValidated},
		{"a nested tag that is a string", webClaims(tagsClaim(map[string]any{"a": "b"})), 400, "InvalidIdentityToken", notValidated},
		{"tags equal but for case", webClaims(tagsClaim(map[string]any{"a": []string{"b"}, "A": []string{"b"}})), 400, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"a reserved tag", webClaims(tagsClaim(map[string]any{"Aws:x": []string{"b"}})), 400, "InvalidParameterValue", "…"},
		{"a transitive key without its tag", webClaims(tagsClaim(map[string]any{"a": []string{"b"}}, "c")), 400, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."},
		{"tags that do not fit", webClaims(tagsClaim(bigTags())), 400, "PackedPolicyTooLarge", "Packed size of session policies and session tags consumes …"},
		{"a source identity with a slash", webClaims(map[string]any{"https://aws.amazon.com/source_identity": "a/b"}), 400, "InvalidIdentityToken", `Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`},
	}
}

func samlRefusals() []refusal {
	return []refusal{
		{"no provider", samlForm(map[string]string{"PrincipalArn": ""}), 400, "ValidationError", "1 validation error detected: Value null at 'principalArn' failed to satisfy constraint: Member must not be null"},
		{"an unknown provider", samlForm(map[string]string{"PrincipalArn": samlProvider + "x"}), 400, "InvalidIdentityToken", "Specified provider doesn't exist."},
		{"a provider of another account", samlForm(map[string]string{"RoleArn": readerRole}), 400, "InvalidIdentityToken", "Specified provider doesn't exist."},
		{"no assertion", samlForm(map[string]string{"SAMLAssertion": ""}), 400, "ValidationError", "…"},
		{"an assertion of 100001", samlForm(map[string]string{"SAMLAssertion": strings.Repeat("a", 100001)}), 400, "ValidationError", "1 validation error detected: Value at 'SAMLAssertion' failed to satisfy constraint: Member must have length less than or equal to 100000"},
		{"not base64", samlForm(map[string]string{"SAMLAssertion": "!!!!"}), 400, "InvalidIdentityToken", "Invalid base64 SAMLResponse" + samlSuffix},
		{"not XML", samlForm(map[string]string{"SAMLAssertion": base64.StdEncoding.EncodeToString([]byte("hello"))}), 400, "InvalidIdentityToken", "Invalid base64 SAMLResponse" + samlSuffix},
		{"unsigned", func(w *world) reply {
			return w.post(w.withSAML(map[string]string{"SAMLAssertion": idptest.Encode(idptest.Envelope(w.saml.Assertion(w.statement())))}))
		}, 400, "InvalidIdentityToken", "Response (with optional signature) must contain an assertion with a mandatory signature" + samlSuffix},
		{"a foreign key", func(w *world) reply {
			other := idptest.NewSAML(w.t, samlEntity, true)
			return w.post(w.withSAML(map[string]string{"SAMLAssertion": other.Response(w.t, w.statement())}))
		}, 400, "InvalidIdentityToken", "Response signature invalid" + samlSuffix},
		{"a foreign issuer", withAssertion(func(s *idptest.Statement) { s.Issuer = "https://evil.example.com" }), 400, "InvalidIdentityToken", "Issuer not present in specified provider" + samlSuffix},
		{"six minutes old", func(w *world) reply {
			response := w.response(func(s *idptest.Statement) { s.Edit = farEnds })
			w.clock.Add(5*time.Minute + time.Second)
			return w.post(w.withSAML(map[string]string{"SAMLAssertion": response}))
		}, 400, "ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance"},
		{"ended", withAssertion(func(s *idptest.Statement) { s.SessionEnd = s.Now }), 400, "ExpiredTokenException", "Response has expired"},
		{"no session name", withAssertion(func(s *idptest.Statement) { s.Session = "" }), 400, "InvalidIdentityToken", "RoleSessionName is required in AuthnResponse"},
		{"a bad session name", withAssertion(func(s *idptest.Statement) { s.Session = "a b" }), 400, "InvalidIdentityToken", "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"},
		{"two session names", withAssertion(attribute("RoleSessionName", "alice", "bob")), 400, "InvalidIdentityToken", "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"},
		{"another role's pair", withAssertion(func(s *idptest.Statement) { s.Roles = []string{idptest.Pair(hubRole, samlProvider)} }), 400, "InvalidIdentityToken", "SAML Assertion doesn't contain the requested Role and Metadata in the attributes"},
		{"another provider's pair", withAssertion(func(s *idptest.Statement) { s.Roles = []string{idptest.Pair(adminRole, samlProvider+"2")} }), 400, "InvalidIdentityToken", "SAML Assertion doesn't contain the requested Role and Metadata in the attributes"},
		{"the role alone", withAssertion(func(s *idptest.Statement) { s.Roles = []string{adminRole} }), 400, "InvalidIdentityToken", "SAML Assertion doesn't contain the requested Role and Metadata in the attributes"},
		{"a recipient that the role does not take", withAssertion(func(s *idptest.Statement) { s.Recipient = "https://evil.example.com/" }), 403, "AccessDenied", deniedSAML},
		{"a role that does not exist", func(w *world) reply {
			return w.post(w.withSAML(map[string]string{"RoleArn": adminRole + "x", "SAMLAssertion": w.response(func(s *idptest.Statement) { s.Roles = []string{idptest.Pair(adminRole+"x", samlProvider)} })}))
		}, 403, "AccessDenied", deniedSAML},
		{"a role that trusts web identity only", func(w *world) reply {
			return w.post(w.withSAML(map[string]string{"RoleArn": deployRole, "SAMLAssertion": w.response(func(s *idptest.Statement) { s.Roles = []string{idptest.Pair(deployRole, samlProvider)} })}))
		}, 403, "AccessDenied", deniedSAML},
		{"a short SessionDuration", withAssertion(attribute("SessionDuration", "899")), 400, "InvalidIdentityToken", "…"},
		{"a tag with two values", withAssertion(attribute("PrincipalTag:a", "b", "c")), 400, "InvalidIdentityToken", "…"},
		{"a transitive key without its tag", withAssertion(attribute("TransitiveTagKeys", "a")), 400, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."},
		{"a reserved source identity", withAssertion(attribute("SourceIdentity", "aws:x")), 400, "InvalidIdentityToken", `Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`},
		{"a failed sign-in", func(w *world) reply {
			failed := strings.Replace(idptest.Envelope(""), "status:Success", "status:Responder", 1)
			return w.post(w.withSAML(map[string]string{"SAMLAssertion": idptest.Encode(failed)}))
		}, 403, "IDPRejectedClaim", "…"},
		{"more than the role's maximum", func(w *world) reply {
			return w.post(w.withSAML(map[string]string{"DurationSeconds": "43201"}))
		}, 400, "ValidationError", "…"},
	}
}

// farEnds puts every NotOnOrAfter far away.
func farEnds(s string) string {
	parts := strings.Split(s, `NotOnOrAfter="`)
	for i, part := range parts[1:] {
		parts[i+1] = "2099-01-01T00:00:00Z" + part[strings.Index(part, `"`):]
	}
	return strings.Join(parts, `NotOnOrAfter="`)
}

func manyPolicies(form url.Values, n int) url.Values {
	for i := range n {
		form.Set(fmt.Sprintf("PolicyArns.member.%d.arn", i+1), "arn:aws:iam::aws:policy/ReadOnlyAccess")
	}
	return form
}

func (w *world) typed(contentType, body string) reply {
	request, err := http.NewRequest(http.MethodPost, w.url+"/", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return w.do(request)
}

func (w *world) method(method, path string) reply {
	request, err := http.NewRequest(method, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return w.do(request)
}

func (w *world) get(path string) reply { return w.method(http.MethodGet, path) }

func TestRefusals(t *testing.T) {
	all := refusals()
	if len(all) < 60 {
		t.Fatalf("only %d cases", len(all))
	}
	for _, test := range all {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			got := test.call(w)
			if got.status != test.status || got.Code != test.code || !matches(got.Message, test.message) {
				t.Errorf("got %d %s %q\nwant %d %s %q\nlog: %s", got.status, got.Code, got.Message, test.status, test.code, test.message, w.log)
			}
			equal(t, "type", got.Type, "Sender")
			equal(t, "content type", got.header.Get("Content-Type"), "text/xml")
			if got.header.Get("X-Amzn-Requestid") == "" || !strings.Contains(got.body, got.header.Get("X-Amzn-Requestid")) {
				t.Error("the request id is not in header and body")
			}
		})
	}
}

func matches(got, want string) bool {
	if prefix, open := strings.CutSuffix(want, "…"); open {
		return got != "" && strings.HasPrefix(got, prefix)
	}
	return got == want
}

func TestAcceptedEdges(t *testing.T) {
	for name, call := range map[string]func(*world) reply{
		"leading zeros and plus":     web(map[string]string{"DurationSeconds": "+0900"}),
		"an empty list":              web(map[string]string{"Tags": " "}),
		"ten policy ARNs":            func(w *world) reply { return w.post(manyPolicies(w.webIdentity(nil), 10)) },
		"a session policy":           web(map[string]string{"Policy": onePolicy}),
		"50 tags":                    webClaims(tagsClaim(manyTags(50))),
		"flattened tags":             webClaims(map[string]any{"https://aws.amazon.com/tags/principal_tags/a": "b", "https://aws.amazon.com/tags/transitive_tag_keys": []string{"A"}}),
		"a roles claim of two":       webClaims(map[string]any{"https://aws.amazon.com/roles": adminRole + ";" + deployRole}),
		"a null roles claim":         func(w *world) reply { return w.nullRoles() },
		"azp in place of aud":        webClaims(map[string]any{"aud": []string{"x", "y"}, "azp": clientID}),
		"times as strings":           func(w *world) reply { return w.stringTimes() },
		"a reversed pair":            withAssertion(func(s *idptest.Statement) { s.Roles = []string{samlProvider + ", " + adminRole} }),
		"a session end before 900 s": withAssertion(func(s *idptest.Statement) { s.SessionEnd = s.Now.Add(598 * time.Second) }),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if got := call(w); got.status != http.StatusOK {
				t.Errorf("refused: %d %s %s", got.status, got.Code, got.Message)
			}
		})
	}
}

func (w *world) nullRoles() reply {
	claims := w.claims(nil)
	claims["https://aws.amazon.com/roles"] = nil
	return w.post(w.webIdentity(map[string]string{"WebIdentityToken": w.oidc.Mint(w.t, claims)}))
}

func (w *world) stringTimes() reply {
	now := w.clock.Now().Unix()
	return w.post(w.webIdentity(map[string]string{"WebIdentityToken": w.token(map[string]any{"iat": fmt.Sprint(now), "exp": fmt.Sprint(now + 60)})}))
}

// Tags and a source identity need their own permissions in the trust policy.
func TestTrustMustAllowTagsAndSourceIdentity(t *testing.T) {
	for name, claims := range map[string]map[string]any{
		"tags":            tagsClaim(map[string]any{"a": []string{"b"}}),
		"source identity": {"https://aws.amazon.com/source_identity": "alice"},
	} {
		w := newWorld(t, withoutExtras)
		if got := webClaims(nil)(w); got.status != http.StatusOK {
			t.Fatalf("plain: %d %s", got.status, got.Message)
		}
		got := webClaims(claims)(w)
		equal(t, name, got.Code+" "+got.Message, "AccessDenied "+deniedWeb)
	}
}

func messageOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}
