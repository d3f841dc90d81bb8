package iampolicy

import "testing"

const githubTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + github + `"},` +
	`"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"},` +
	`"StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/shop:ref:refs/heads/*"}}}]}`

func githubRequest() keys {
	return keys{
		"token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
		"token.actions.githubusercontent.com:sub": "repo:acme/shop:ref:refs/heads/main",
	}
}

// Fourteen subjects that look like the trusted ones and are not.
func TestLookAlikeSubjectsAreRefused(t *testing.T) {
	t.Parallel()
	subjects := []string{
		"repo:acme/shop:pull_request", "repo:acme/shop-evil:ref:refs/heads/main", "repo:acme-evil/shop:ref:refs/heads/main",
		"repo:ACME/shop:ref:refs/heads/main", "repo:acme/Shop:ref:refs/heads/main", "repo:acme/shop:ref:refs/tags/main",
		"repo:acme/shop:ref:refs/head/main", " repo:acme/shop:ref:refs/heads/main", "xrepo:acme/shop:ref:refs/heads/main",
		"repo:acme/shop:environment:prod", "repo:аcme/shop:ref:refs/heads/main", "repo:acme/shop\n:ref:refs/heads/main",
		"repo:acme%2Fshop:ref:refs/heads/main", "*",
	}
	trust := source(t, githubTrust, Trust)
	for _, subject := range subjects {
		request := githubRequest()
		request["token.actions.githubusercontent.com:sub"] = subject
		d := EvaluateTrust(TrustInput{RoleARN: roleARN, TrustPolicy: trust, Action: webIdentity, Principal: NewFederated(github), Context: request.context()})
		if d.Allowed {
			t.Errorf("%q may assume the role", subject)
		}
	}
}

// trustCases cite sections 8, 9 and 11 of the sts fact sheet.
var trustCases = []struct {
	rule      string
	trust     string
	action    string
	caller    Principal
	request   keys
	identity  string
	want      bool
	refusedBy Kind
}{
	{rule: "web identity", trust: githubTrust, action: webIdentity, caller: NewFederated(github), request: githubRequest(), want: true},
	{rule: "another provider", trust: githubTrust, action: webIdentity, caller: NewFederated("arn:aws:iam::111122223333:oidc-provider/gitlab.com"), request: githubRequest(), refusedBy: Resource},
	{rule: "the provider of another account", trust: githubTrust, action: webIdentity, caller: NewFederated("arn:aws:iam::444455556666:oidc-provider/token.actions.githubusercontent.com"), request: githubRequest(), refusedBy: Resource},
	{rule: "no subject in the request", trust: githubTrust, action: webIdentity, caller: NewFederated(github), refusedBy: Resource},
	{rule: "identity policies do not help a federated caller", trust: githubTrust, action: webIdentity, caller: NewFederated(github), identity: `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, refusedBy: Resource},
	{rule: "web identity does not imply SAML", trust: githubTrust, action: "sts:AssumeRoleWithSAML", caller: NewFederated(github), request: githubRequest(), refusedBy: Resource},
	{rule: "session tags need sts:TagSession", trust: githubTrust, action: "sts:TagSession", caller: NewFederated(github), request: githubRequest(), refusedBy: Resource},
	{rule: "source identity needs sts:SetSourceIdentity", trust: githubTrust, action: "sts:SetSourceIdentity", caller: NewFederated(github), request: githubRequest(), refusedBy: Resource},
	{
		rule: "sts:TagSession granted", action: "sts:TagSession", caller: NewFederated(corpSAML), want: true,
		trust: wrap(`"Effect":"Allow","Principal":{"Federated":"` + corpSAML + `"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession"]`),
	},
	{
		rule: "SAML by audience", action: "sts:AssumeRoleWithSAML", caller: NewFederated(corpSAML), want: true,
		request: keys{"SAML:aud": "https://signin.aws.amazon.com/saml"},
		trust:   wrap(`"Effect":"Allow","Principal":{"Federated":"` + corpSAML + `"},"Action":"sts:AssumeRoleWithSAML","Condition":{"StringEquals":{"saml:aud":"https://signin.aws.amazon.com/saml"}}`),
	},
	{rule: "federation is not in the account", trust: trustWith(webIdentity, account), action: webIdentity, caller: NewFederated(github), refusedBy: Resource},
	{rule: "federation is not everybody", trust: trustWith(webIdentity, "*"), action: webIdentity, caller: NewFederated(github), refusedBy: Resource},
	{rule: "same account, user named: enough", trust: trustWith(assumeRole, byUserARN), action: assumeRole, caller: alice(), want: true},
	{rule: "same account, account named: identity needed", trust: trustWith(assumeRole, account), action: assumeRole, caller: alice(), refusedBy: Identity},
	{rule: "same account, account named and identity", trust: trustWith(assumeRole, account), action: assumeRole, caller: alice(), identity: allowAssume, want: true},
	{rule: "same account, trust silent: identity is not enough", trust: trustWith(assumeRole, stranger), action: assumeRole, caller: alice(), identity: allowAssume, refusedBy: Resource},
	{rule: "same account, role named: enough for its session", trust: trustWith(assumeRole, byRoleARN), action: assumeRole, caller: session(), want: true},
	{rule: "same account, session named: enough", trust: trustWith(assumeRole, bySessionARN), action: assumeRole, caller: session(), want: true},
	{rule: "abroad, user named: identity needed", trust: trustWith(assumeRole, byUserARN), action: assumeRole, caller: abroad(alice()), refusedBy: Identity},
	{rule: "abroad, both", trust: trustWith(assumeRole, byUserARN), action: assumeRole, caller: abroad(alice()), identity: allowAssume, want: true},
	{rule: "abroad, identity alone", trust: trustWith(assumeRole, account), action: assumeRole, caller: abroad(alice()), identity: allowAssume, refusedBy: Resource},
	{rule: "abroad, sts:TagSession needs identity too", trust: trustWith("sts:TagSession", byUserARN), action: "sts:TagSession", caller: abroad(alice()), identity: allowAssume, refusedBy: Identity},
	{rule: "identity policy for another role", trust: trustWith(assumeRole, account), action: assumeRole, caller: alice(), identity: `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::111122223333:role/other"}}`, refusedBy: Identity},
	{rule: "identity policy for this role", trust: trustWith(assumeRole, account), action: assumeRole, caller: alice(), identity: `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + roleARN + `"}}`, want: true},
	{
		rule: "external id: right", action: assumeRole, caller: alice(), request: keys{"sts:ExternalId": "acme-7f3"}, want: true,
		trust: wrap(`"Effect":"Allow","Principal":{"AWS":"` + byUserARN + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"acme-7f3"}}`),
	},
	{
		rule: "external id: absent", action: assumeRole, caller: alice(), refusedBy: Resource,
		trust: wrap(`"Effect":"Allow","Principal":{"AWS":"` + byUserARN + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"acme-7f3"}}`),
	},
	{
		rule: "a role by condition on the account", action: assumeRole, caller: session(), identity: allowAssume, want: true, request: keys{"aws:PrincipalArn": byRoleARN},
		trust: wrap(`"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole","Condition":{"ArnEquals":{"aws:PrincipalArn":"` + byRoleARN + `"}}`),
	},
	{rule: "service", trust: wrap(`"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"`), action: assumeRole, caller: Principal{Kind: ServicePrincipal, Service: "ec2.amazonaws.com"}, want: true},
}

func trustWith(action, principal string) string {
	return wrap(`"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"` + action + `"`)
}

func TestEvaluateTrust(t *testing.T) {
	t.Parallel()
	for _, tc := range trustCases {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			d := EvaluateTrust(TrustInput{
				RoleARN: roleARN, TrustPolicy: source(t, tc.trust, Trust), Action: tc.action, Principal: tc.caller,
				Context: tc.request.context(), Identity: maybe(t, tc.identity, Identity),
			})
			if d.Allowed != tc.want || d.By != tc.refusedBy {
				t.Errorf("allowed %v by %v, want %v by %v", d.Allowed, d.By, tc.want, tc.refusedBy)
			}
		})
	}
}

func TestEvaluateTrustTakesTheCallersCaps(t *testing.T) {
	t.Parallel()
	in := TrustInput{RoleARN: roleARN, TrustPolicy: source(t, trustWith(assumeRole, byRoleARN), Trust), Action: assumeRole, Principal: session()}
	in.Boundary = &maybe(t, allowOther, Boundary)[0]
	if d := EvaluateTrust(in); d.By != Boundary {
		t.Errorf("refused by %v, want the boundary", d.By)
	}
	in.Boundary, in.Session = nil, maybe(t, allowOther, Session)
	if d := EvaluateTrust(in); d.By != Session {
		t.Errorf("refused by %v, want the session policy", d.By)
	}
}
