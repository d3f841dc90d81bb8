package iampolicy

import "testing"

// principalCases ask a resource policy with MustAllow whether it names the caller at all: the caller's own policies
// allow everything.
var principalCases = []struct {
	rule      string
	principal string // Principal element, or a whole pair
	caller    Principal
	want      bool
}{
	{"bare account", `"Principal":{"AWS":"111122223333"}`, alice(), true},
	{"account ARN means the same", `"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`, alice(), true},
	{"another account", `"Principal":{"AWS":"444455556666"}`, alice(), false},
	{"account: a role's session", `"Principal":{"AWS":"111122223333"}`, session(), true},
	{"account: a federated user", `"Principal":{"AWS":"111122223333"}`, federatedUser(), true},
	{"account: root", `"Principal":{"AWS":"111122223333"}`, root(), true},
	{"account: nobody's account", `"Principal":{"AWS":"111122223333"}`, Principal{Kind: User, ARN: "arn:aws:iam::111122223333:user/x"}, false},
	{"account does not take in federation", `"Principal":{"AWS":"111122223333"}`, NewFederated(github), false},
	{"user ARN", `"Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}`, alice(), true},
	{"user names are case-sensitive", `"Principal":{"AWS":"arn:aws:iam::111122223333:user/Alice"}`, alice(), false},
	{"another user", `"Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"}`, alice(), false},
	{"a user's path is part of the ARN", `"Principal":{"AWS":"arn:aws:iam::111122223333:user/x/alice"}`, alice(), false},
	{"user by unique id", `"Principal":{"AWS":"AIDAEXAMPLEALICE00001"}`, alice(), true},
	{"the id of a deleted user", `"Principal":{"AWS":"AIDAEXAMPLEALICE00002"}`, alice(), false},
	{"role ARN takes in its sessions", `"Principal":{"AWS":"arn:aws:iam::111122223333:role/team/hub"}`, session(), true},
	{"role ARN without its path", `"Principal":{"AWS":"arn:aws:iam::111122223333:role/hub"}`, session(), false},
	{"role by unique id", `"Principal":{"AWS":"AROAEXAMPLEHUB0000001"}`, session(), true},
	{"session ARN", `"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/hub/ci"}`, session(), true},
	{"another session of the role", `"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/hub/cd"}`, session(), false},
	{"federated-user ARN", `"Principal":{"AWS":"arn:aws:sts::111122223333:federated-user/bob"}`, federatedUser(), true},
	{"a federated user is not the user who made it", `"Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"}`, federatedUser(), false},
	{"everybody takes in users", `"Principal":{"AWS":"*"}`, alice(), true},
	{"everybody takes in anonymous callers", `"Principal":{"AWS":"*"}`, Principal{}, true},
	{"everybody does not take in federation", `"Principal":{"AWS":"*"}`, NewFederated(github), false},
	{"everybody does not take in services", `"Principal":{"AWS":"*"}`, Principal{Kind: ServicePrincipal, Service: "ec2.amazonaws.com"}, false},
	{"OIDC provider", `"Principal":{"Federated":"` + github + `"}`, NewFederated(github), true},
	{"another provider", `"Principal":{"Federated":"` + corpSAML + `"}`, NewFederated(github), false},
	{"SAML provider", `"Principal":{"Federated":"` + corpSAML + `"}`, NewFederated(corpSAML), true},
	{"built-in domain", `"Principal":{"Federated":"accounts.google.com"}`, NewFederated("accounts.google.com"), true},
	{"a provider does not take in AWS callers", `"Principal":{"Federated":"` + github + `"}`, alice(), false},
	{"service", `"Principal":{"Service":"ec2.amazonaws.com"}`, Principal{Kind: ServicePrincipal, Service: "ec2.amazonaws.com"}, true},
	{"another service", `"Principal":{"Service":"ec2.amazonaws.com"}`, Principal{Kind: ServicePrincipal, Service: "lambda.amazonaws.com"}, false},
	{"any of several kinds", `"Principal":{"Service":"ec2.amazonaws.com","AWS":["444455556666","111122223333"]}`, alice(), true},
	{"anonymous is no account", `"Principal":{"AWS":"111122223333"}`, Principal{AccountID: account}, false},

	{"Allow NotPrincipal: listed", `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/alice"}`, alice(), false},
	{"Allow NotPrincipal: not listed", `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/bob"}`, alice(), true},
	{"Allow NotPrincipal: a listed account takes its users out", `"NotPrincipal":{"AWS":"111122223333"}`, alice(), false},
	{"Allow NotPrincipal does not take in federation", `"NotPrincipal":{"AWS":"111122223333"}`, NewFederated(github), false},
	{"Allow NotPrincipal does not take in anonymous callers", `"NotPrincipal":{"AWS":"111122223333"}`, Principal{}, false},
}

// permissive is a request for which every policy of the caller allows everything.
func permissive(t *testing.T, caller Principal, policy Source) Input {
	t.Helper()
	everything := wrap(`"Effect":"Allow","Action":"*","Resource":"*"`)
	return Input{
		Principal: caller, Action: assumeRole, Resource: roleARN, ResourceAccount: account, MustAllow: true,
		Identity: []Source{source(t, everything, Identity)}, Session: []Source{source(t, everything, Session)},
		ResourcePolicy: &policy,
	}
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	for _, tc := range principalCases {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			trust := source(t, wrap(`"Effect":"Allow","Action":"sts:AssumeRole",`+tc.principal), Trust)
			if d := Evaluate(permissive(t, tc.caller, trust)); d.Allowed != tc.want {
				t.Errorf("allowed %v, want %v: %v", d.Allowed, tc.want, d.Trace)
			}
		})
	}
}

// Deny statements err against the caller where AWS leaves room.
func TestDenyPrincipals(t *testing.T) {
	t.Parallel()
	const allowAll = `{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*","Federated":"` + github + `","Service":"ec2.amazonaws.com"}}`
	cases := []struct {
		rule   string
		deny   string
		caller Principal
		denied bool
	}{
		{"the user", `"Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}`, alice(), true},
		{"another user", `"Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"}`, alice(), false},
		{"the account", `"Principal":{"AWS":"111122223333"}`, session(), true},
		{"everybody", `"Principal":{"AWS":"*"}`, alice(), true},
		{"everybody includes federation", `"Principal":{"AWS":"*"}`, NewFederated(github), true},
		{"everybody includes services", `"Principal":{"AWS":"*"}`, Principal{Kind: ServicePrincipal, Service: "ec2.amazonaws.com"}, true},
		{"all but the user: the user", `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/alice"}`, alice(), false},
		{"all but the user: another", `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/bob"}`, alice(), true},
		{"all but the role: a session", `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/team/hub"}`, session(), false},
		{"all but the account: its users are not excepted by name", `"NotPrincipal":{"AWS":"111122223333"}`, alice(), true},
		{"all but the account: its root user is", `"NotPrincipal":{"AWS":"111122223333"}`, root(), false},
		{"all but the provider", `"NotPrincipal":{"Federated":"` + github + `"}`, NewFederated(github), false},
		{"all but another provider", `"NotPrincipal":{"Federated":"` + corpSAML + `"}`, NewFederated(github), true},
	}
	for _, tc := range cases {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			doc := `{"Statement":[` + allowAll + `,{"Effect":"Deny","Action":"sts:*",` + tc.deny + `}]}`
			d := Evaluate(permissive(t, tc.caller, source(t, doc, Trust)))
			if got := d.Reason == ExplicitDeny; got != tc.denied || d.Allowed == tc.denied {
				t.Errorf("%v (allowed %v), want denied %v", d.Reason, d.Allowed, tc.denied)
			}
		})
	}
}
