package iampolicy

import (
	"fmt"
	"strings"
	"testing"
)

// webTrust is a trust policy in an OIDC provider with a Condition.
func webTrust(provider, condition string) string {
	if !strings.HasPrefix(provider, "arn:") && !builtInProvider(provider) {
		provider = "arn:aws:iam::111122223333:oidc-provider/" + provider
	}
	return wrap(`"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":` + condition)
}

// is writes a condition on one key.
func is(operator, key string, values ...string) string {
	return fmt.Sprintf(`{%q:{%q:["%s"]}}`, operator, key, strings.Join(values, `","`))
}

const githubSub = "token.actions.githubusercontent.com:sub"

func TestValidate(t *testing.T) {
	t.Parallel()
	const none = ""
	cases := []struct {
		rule string
		kind Kind
		doc  string
		want string // severity and part of the message; none: no findings
	}{
		{"GitHub: exact subject", Trust, webTrust(github, is("StringEquals", githubSub, "repo:acme/shop:ref:refs/heads/main")), none},
		{"GitHub: anchored pattern", Trust, webTrust(github, is("StringLike", githubSub, "repo:acme/shop:*")), none},
		{"GitHub: ignoring case", Trust, webTrust(github, is("StringEqualsIgnoreCase", githubSub, "repo:acme/shop:ref:refs/heads/main")), none},
		{"GitHub: key in another case", Trust, webTrust(github, is("StringLike", "Token.Actions.githubusercontent.com:SUB", "repo:acme/shop:*")), none},
		{"GitHub: workflow", Trust, webTrust(github, is("StringEquals", "token.actions.githubusercontent.com:job_workflow_ref", "acme/ci/.github/workflows/d.yml@refs/heads/main")), none},
		{"GitHub: with ForAnyValue", Trust, webTrust(github, is("ForAnyValue:StringLike", githubSub, "repo:acme/*")), none},
		{"GitHub: by immutable owner id", Trust, webTrust(github, is("StringLike", githubSub, "repository_owner_id:9919:*")), none},
		{"GitHub: no condition", Trust, webTrust(github, `{}`), "error needs a StringEquals"},
		{"GitHub: audience only", Trust, webTrust(github, is("StringEquals", "token.actions.githubusercontent.com:aud", "sts.amazonaws.com")), "error needs a StringEquals"},
		{"GitHub: another issuer's subject", Trust, webTrust(github, is("StringEquals", "gitlab.com:sub", "x")), "error needs a StringEquals"},
		{"GitHub: star", Trust, webTrust(github, is("StringLike", githubSub, "*")), "error must not begin with a wildcard"},
		{"GitHub: star, literally", Trust, webTrust(github, is("StringEquals", githubSub, "*")), "error must not begin with a wildcard"},
		{"GitHub: leading star", Trust, webTrust(github, is("StringLike", githubSub, "*:ref:refs/heads/main")), "error must not begin with a wildcard"},
		{"GitHub: leading question mark", Trust, webTrust(github, is("StringLike", githubSub, "?epo:acme/*")), "error must not begin with a wildcard"},
		{"GitHub: a variable that is the subject itself", Trust, webTrust(github, is("StringLike", githubSub, "${token.actions.githubusercontent.com:sub}")), "error must not begin with a wildcard"},
		{"GitHub: one good and one open value", Trust, webTrust(github, is("StringLike", githubSub, "repo:acme/*", "*")), "error must not begin with a wildcard"},
		{"GitHub: negated", Trust, webTrust(github, is("StringNotEquals", githubSub, "repo:evil/x")), "error needs a StringEquals"},
		{"GitHub: IfExists", Trust, webTrust(github, is("StringEqualsIfExists", githubSub, "repo:acme/shop:ref:refs/heads/main")), "error needs a StringEquals"},
		{"GitHub: open owner", Trust, webTrust(github, is("StringLike", githubSub, "repo:acme*")), "warning does not write the owner out"},
		{"GitHub: open before any colon", Trust, webTrust(github, is("StringLike", githubSub, "r*")), "warning does not write the owner out"},
		{"GitHub: open owner in a workflow", Trust, webTrust(github, is("StringLike", "token.actions.githubusercontent.com:job_workflow_ref", "acme*/x")), "warning does not write the owner out"},
		{"GitHub: a pattern without wildcards", Trust, webTrust(github, is("StringLike", githubSub, "octocat")), none},
		{"GitHub: any owner", Trust, webTrust(github, is("StringLike", githubSub, "repo:*/shop:ref:refs/heads/main")), "warning does not write the owner out"},
		{"GitHub: enterprise issuer", Trust, webTrust("token.actions.githubusercontent.com/acme", `{}`), "error needs a StringEquals"},
		{"GitHub: data residency", Trust, webTrust("token.actions.acme.ghe.com", `{}`), "error needs a StringEquals"},
		{"GitHub: by wildcard action", Trust, wrap(`"Effect":"Allow","Principal":{"Federated":"` + github + `"},"Action":"sts:Assume*"`), "error needs a StringEquals"},
		{"GitHub: a Deny may be wide", Trust, wrap(`"Effect":"Deny","Principal":{"Federated":"` + github + `"},"Action":"sts:*"`), none},
		{"GitHub: sts:TagSession alone", Trust, wrap(`"Effect":"Allow","Principal":{"Federated":"` + github + `"},"Action":"sts:TagSession"`), none},
		{"GitLab: project", Trust, webTrust("gitlab.com", is("StringLike", "gitlab.com:sub", "project_path:acme/shop:*")), none},
		{"GitLab: nothing", Trust, webTrust("gitlab.com", `{}`), "error needs a StringEquals"},
		{"a path below a shared issuer is another issuer", Trust, webTrust("gitlab.com/own", `{}`), "warning every token of the issuer"},
		{"Terraform: organization", Trust, webTrust("app.terraform.io", is("StringLike", "app.terraform.io:sub", "organization:acme:project:*")), none},
		{"CircleCI: nothing", Trust, webTrust("oidc.circleci.com/org/123", `{}`), "error needs a StringEquals"},
		{"Google: audience", Trust, webTrust("accounts.google.com", is("StringEquals", "accounts.google.com:aud", "123.apps")), none},
		{"Google: nothing", Trust, webTrust("accounts.google.com", `{}`), "error needs a StringEquals"},
		{"Facebook: app", Trust, webTrust("graph.facebook.com", is("StringEquals", "graph.facebook.com:app_id", "1")), none},
		{"own issuer: subject", Trust, webTrust("idp.example.com", is("StringLike", "idp.example.com:sub", "ci:*")), none},
		{"own issuer: nothing", Trust, webTrust("idp.example.com", `{}`), "warning every token of the issuer"},
		{"own issuer: negated only", Trust, webTrust("idp.example.com", is("StringNotEquals", "idp.example.com:sub", "x")), "warning every token of the issuer"},
		{"a look-alike host is not the shared issuer", Trust, webTrust("evil-gitlab.com", is("StringEquals", "evil-gitlab.com:sub", "x")), none},

		{"SAML: audience", Trust, wrap(`"Effect":"Allow","Principal":{"Federated":"` + corpSAML + `"},"Action":"sts:AssumeRoleWithSAML","Condition":` + is("StringEquals", "SAML:aud", "https://signin.aws.amazon.com/saml")), none},
		{"SAML: no audience", Trust, wrap(`"Effect":"Allow","Principal":{"Federated":"` + corpSAML + `"},"Action":"sts:AssumeRoleWithSAML"`), "warning no condition on saml:aud"},
		{"everybody without condition", Trust, trustOf(`{"AWS":"*"}`), "warning everybody"},
		{"everybody with a condition", Trust, wrap(`"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":` + is("StringEquals", "aws:PrincipalOrgID", "o-1")), none},
		{"everybody, but in a list", Trust, trustOf(`{"AWS":["111122223333","*"]}`), "warning everybody"},
		{"Allow with NotPrincipal", Trust, wrap(`"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"`), "warning NotPrincipal"},
		{"exceptions are not trusted", Trust, wrap(`"Effect":"Allow","NotPrincipal":{"Federated":"` + github + `"},"Action":"sts:AssumeRoleWithWebIdentity"`), "warning NotPrincipal"},
		{"an ordinary trust policy", Trust, trustOf(`{"AWS":"111122223333"}`), none},

		{"no number", Identity, wrap(plain + `,"Condition":` + is("NumericEquals", "a:b", "x")), "warning cannot be read"},
		{"no date", Identity, wrap(plain + `,"Condition":` + is("DateLessThan", "a:b", "soon")), "warning cannot be read"},
		{"no Boolean", Identity, wrap(plain + `,"Condition":` + is("Bool", "a:b", "yes")), "warning not a Boolean"},
		{"no Null", Identity, wrap(plain + `,"Condition":` + is("Null", "a:b", "")), "warning not a Boolean"},
		{"no base64", Identity, wrap(plain + `,"Condition":` + is("BinaryEquals", "a:b", "!")), "warning not base64"},
		{"no block", Identity, wrap(plain + `,"Condition":` + is("NotIpAddress", "a:b", "10.0.0.0/40")), "warning not an address"},
		{"no ARN", Identity, wrap(plain + `,"Condition":` + is("ArnLike", "a:b", "*")), "warning not an ARN"},
		{"good values", Identity, wrap(plain + `,"Condition":{"NumericEquals":{"a:b":1},"Bool":{"a:b":true},"IpAddress":{"a:b":"::/0"},"StringLike":{"a:b":"${a:c}"}}`), none},
		{"variable in the old version", Identity, `{"Statement":{` + plain + `,"Condition":` + is("StringLike", "a:b", "${a:c}") + `}}`, "warning need Version"},
		{"list key under a scalar operator", Identity, wrap(plain + `,"Condition":` + is("StringEquals", "aws:TagKeys", "a")), "warning is a list"},
		{"list key of a SAML assertion", Identity, wrap(plain + `,"Condition":` + is("StringEquals", "saml:eduPersonAffiliation", "staff")), "warning is a list"},
		{"amr under a scalar operator", Identity, wrap(plain + `,"Condition":` + is("StringLike", "idp.example.com:amr", "mfa")), "warning is a list"},
		{"list key with ForAnyValue", Identity, wrap(plain + `,"Condition":` + is("ForAnyValue:StringEquals", "aws:TagKeys", "a")), none},
		{"list key with Null", Identity, wrap(plain + `,"Condition":` + is("Null", "aws:TagKeys", "true")), none},
		{"ForAllValues on Allow", Identity, wrap(plain + `,"Condition":` + is("ForAllValues:StringEquals", "aws:TagKeys", "a")), "warning ForAllValues holds"},
		{"ForAllValues on Allow with Null", Identity, wrap(plain + `,"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"AWS:tagkeys":"false"}}`), none},
		{"ForAllValues with the wrong Null", Identity, wrap(plain + `,"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:TagKeys":"true"}}`), "warning ForAllValues holds"},
		{"ForAllValues on Deny", Identity, wrap(`"Effect":"Deny","Action":"*","Resource":"*","Condition":` + is("ForAllValues:StringEquals", "aws:TagKeys", "a")), none},
	}
	for _, tc := range cases {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			found := parse(t, tc.doc, tc.kind).Validate()
			if tc.want == none {
				if len(found) > 0 {
					t.Errorf("found %v, want nothing", found)
				}
				return
			}
			severity, message, _ := strings.Cut(tc.want, " ")
			if len(found) != 1 || found[0].Severity.String() != severity || !strings.Contains(found[0].Message, message) {
				t.Errorf("found %v, want one %s …%s…", found, severity, message)
			}
		})
	}
}

// A finding points at the condition when there is one, else at the statement.
func TestValidatePlaces(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		webTrust(github, `{}`):                                 "$.Statement[0]",
		webTrust(github, is("StringLike", githubSub, "*")):     `$.Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"]`,
		webTrust(github, is("StringLike", githubSub, "repo*")): `$.Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"]`,
	}
	for doc, want := range cases {
		found := parse(t, doc, Trust).Validate()
		if len(found) != 1 || found[0].Place != want {
			t.Errorf("%s: found %v, want one at %s", doc, found, want)
		}
	}
}

// Every shared issuer is refused without a condition and taken with one on any of its keys.
func TestSharedIssuers(t *testing.T) {
	t.Parallel()
	for _, issuer := range sharedIssuers() {
		if found := parse(t, webTrust(issuer.host, `{}`), Trust).Validate(); len(found) != 1 || found[0].Severity != Error {
			t.Errorf("%s without condition: %v", issuer.host, found)
		}
		for _, key := range issuer.keys(issuer.host) {
			if found := parse(t, webTrust(issuer.host, is("StringEquals", key, "x")), Trust).Validate(); len(found) > 0 {
				t.Errorf("%s with %s: %v", issuer.host, key, found)
			}
		}
	}
}
