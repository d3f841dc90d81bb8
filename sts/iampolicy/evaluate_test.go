package iampolicy

import (
	"reflect"
	"strings"
	"testing"
)

const (
	allowAssume = `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}`
	denyAssume  = `{"Statement":{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}}`
	allowOther  = `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`
)

// resourceFor is a resource policy with one statement about sts:AssumeRole on anything.
func resourceFor(effect, principal string) string {
	return `{"Statement":{"Effect":"` + effect + `","Action":"sts:AssumeRole","Resource":"*","Principal":{"AWS":"` + principal + `"}}}`
}

const (
	byAccountARN = "arn:aws:iam::111122223333:root"
	byUserARN    = "arn:aws:iam::111122223333:user/alice"
	byRoleARN    = "arn:aws:iam::111122223333:role/team/hub"
	bySessionARN = "arn:aws:sts::111122223333:assumed-role/hub/ci"
	byFedUserARN = "arn:aws:sts::111122223333:federated-user/bob"
)

// combinations hold the order of policies to section 3 of the fact sheet (IAM user guide, policy evaluation logic).
// An empty document means that there is no such policy.
var combinations = []struct {
	rule                                  string
	caller                                Principal
	identity, boundary, session, resource string
	mustAllow                             bool
	reason                                Reason
	by                                    Kind
}{
	// The caller's own policies.
	{rule: "nothing allows", caller: alice(), reason: ImplicitDeny, by: Identity},
	{rule: "identity allows", caller: alice(), identity: allowAssume, reason: Allowed},
	{rule: "identity allows something else", caller: alice(), identity: allowOther, reason: ImplicitDeny, by: Identity},
	{rule: "identity denies", caller: alice(), identity: denyAssume, reason: ExplicitDeny, by: Identity},
	{rule: "boundary caps", caller: alice(), identity: allowAssume, boundary: allowOther, reason: ImplicitDeny, by: Boundary},
	{rule: "boundary allows too", caller: alice(), identity: allowAssume, boundary: allowAssume, reason: Allowed},
	{rule: "boundary grants nothing", caller: alice(), boundary: allowAssume, reason: ImplicitDeny, by: Identity},
	{rule: "boundary denies", caller: alice(), identity: allowAssume, boundary: denyAssume, reason: ExplicitDeny, by: Boundary},
	{rule: "session policy caps", caller: session(), identity: allowAssume, session: allowOther, reason: ImplicitDeny, by: Session},
	{rule: "session policy allows too", caller: session(), identity: allowAssume, session: allowAssume, reason: Allowed},
	{rule: "session policy grants nothing", caller: session(), session: allowAssume, reason: ImplicitDeny, by: Identity},
	{rule: "session policy denies", caller: session(), identity: allowAssume, session: denyAssume, reason: ExplicitDeny, by: Session},
	{rule: "role session without session policy", caller: session(), identity: allowAssume, reason: Allowed},
	{rule: "federated user without session policy has nothing", caller: federatedUser(), identity: allowAssume, reason: ImplicitDeny, by: Session},
	{rule: "federated user: intersection", caller: federatedUser(), identity: allowAssume, session: allowAssume, reason: Allowed},
	{rule: "root needs no identity policy", caller: root(), reason: Allowed},
	{rule: "root is not capped by a boundary", caller: root(), boundary: allowOther, reason: Allowed},
	{rule: "an anonymous caller has no identity policy", caller: Principal{}, identity: allowAssume, reason: ImplicitDeny, by: Resource},
	{rule: "identity deny wins over every allow", caller: alice(), identity: denyAssume, boundary: allowAssume, resource: resourceFor("Allow", byUserARN), reason: ExplicitDeny, by: Identity},

	// Resource policies in the same account.
	{rule: "resource names the user: enough", caller: alice(), resource: resourceFor("Allow", byUserARN), reason: Allowed},
	{rule: "resource names the user: no cap by boundary", caller: alice(), boundary: allowOther, resource: resourceFor("Allow", byUserARN), reason: Allowed},
	{rule: "resource names the user: boundary may still deny", caller: alice(), boundary: denyAssume, resource: resourceFor("Allow", byUserARN), reason: ExplicitDeny, by: Boundary},
	{rule: "resource names the session: enough", caller: session(), resource: resourceFor("Allow", bySessionARN), reason: Allowed},
	{rule: "resource names the session: no cap by session policy", caller: session(), session: allowOther, resource: resourceFor("Allow", bySessionARN), reason: Allowed},
	{rule: "resource names the federated user: enough", caller: federatedUser(), resource: resourceFor("Allow", byFedUserARN), reason: Allowed},
	{rule: "resource names the role: as good as identity", caller: session(), resource: resourceFor("Allow", byRoleARN), reason: Allowed},
	{rule: "resource names the role: boundary caps", caller: session(), boundary: allowOther, resource: resourceFor("Allow", byRoleARN), reason: ImplicitDeny, by: Boundary},
	{rule: "resource names the role: session policy caps", caller: session(), session: allowOther, resource: resourceFor("Allow", byRoleARN), reason: ImplicitDeny, by: Session},
	{rule: "resource names the account: delegates", caller: alice(), resource: resourceFor("Allow", byAccountARN), reason: ImplicitDeny, by: Identity},
	{rule: "resource names the account, identity allows", caller: alice(), identity: allowAssume, resource: resourceFor("Allow", byAccountARN), reason: Allowed},
	{rule: "resource names everybody: enough", caller: session(), session: allowOther, resource: resourceFor("Allow", "*"), reason: Allowed},
	{rule: "resource denies", caller: alice(), identity: allowAssume, resource: resourceFor("Deny", byAccountARN), reason: ExplicitDeny, by: Resource},
	{rule: "resource is silent, identity allows", caller: alice(), identity: allowAssume, resource: resourceFor("Allow", "444455556666"), reason: Allowed},
	{rule: "anonymous by a public resource", caller: Principal{}, resource: resourceFor("Allow", "*"), reason: Allowed},

	// Another account's resource: both must allow.
	{rule: "abroad: identity alone", caller: abroad(alice()), identity: allowAssume, reason: ImplicitDeny, by: Resource},
	{rule: "abroad: resource alone", caller: abroad(alice()), resource: resourceFor("Allow", byUserARN), reason: ImplicitDeny, by: Identity},
	{rule: "abroad: both", caller: abroad(alice()), identity: allowAssume, resource: resourceFor("Allow", byUserARN), reason: Allowed},
	{rule: "abroad: both by account", caller: abroad(alice()), identity: allowAssume, resource: resourceFor("Allow", stranger), reason: Allowed},
	{rule: "abroad: naming the session does not replace identity", caller: abroad(session()), resource: resourceFor("Allow", bySessionARN), reason: ImplicitDeny, by: Identity},
	{rule: "abroad: naming the session does not lift the boundary", caller: abroad(session()), identity: allowAssume, boundary: allowOther, resource: resourceFor("Allow", bySessionARN), reason: ImplicitDeny, by: Boundary},
	{rule: "abroad: naming the role does not replace identity", caller: abroad(session()), resource: resourceFor("Allow", byRoleARN), reason: ImplicitDeny, by: Identity},
	{rule: "abroad: session policy caps", caller: abroad(session()), identity: allowAssume, session: allowOther, resource: resourceFor("Allow", byRoleARN), reason: ImplicitDeny, by: Session},
	{rule: "abroad: resource denies", caller: abroad(alice()), identity: allowAssume, resource: resourceFor("Deny", "*"), reason: ExplicitDeny, by: Resource},
	{rule: "abroad: everybody still needs identity", caller: abroad(alice()), resource: resourceFor("Allow", "*"), reason: ImplicitDeny, by: Identity},
	{rule: "abroad: root needs the resource", caller: abroad(root()), reason: ImplicitDeny, by: Resource},
	{rule: "no account is never the same account", caller: Principal{Kind: User, ARN: byUserARN}, identity: allowAssume, reason: ImplicitDeny, by: Resource},

	// Resources that must allow.
	{rule: "must allow: identity alone", caller: alice(), identity: allowAssume, mustAllow: true, reason: ImplicitDeny, by: Resource},
	{rule: "must allow: root alone", caller: root(), mustAllow: true, reason: ImplicitDeny, by: Resource},
	{rule: "must allow: account and identity", caller: alice(), identity: allowAssume, resource: resourceFor("Allow", byAccountARN), mustAllow: true, reason: Allowed},
	{rule: "must allow: account without identity", caller: alice(), resource: resourceFor("Allow", byAccountARN), mustAllow: true, reason: ImplicitDeny, by: Identity},
	{rule: "must allow: the user by name", caller: alice(), resource: resourceFor("Allow", byUserARN), mustAllow: true, reason: Allowed},
	{rule: "must allow: the role by name", caller: session(), resource: resourceFor("Allow", byRoleARN), mustAllow: true, reason: Allowed},
}

func TestCombinations(t *testing.T) {
	t.Parallel()
	for _, tc := range combinations {
		t.Run(tc.rule, func(t *testing.T) {
			t.Parallel()
			in := Input{Principal: tc.caller, Action: assumeRole, Resource: roleARN, ResourceAccount: account, MustAllow: tc.mustAllow}
			in.Identity = maybe(t, tc.identity, Identity)
			in.Session = maybe(t, tc.session, Session)
			if s := maybe(t, tc.boundary, Boundary); s != nil {
				in.Boundary = &s[0]
			}
			if s := maybe(t, tc.resource, Resource); s != nil {
				in.ResourcePolicy = &s[0]
			}
			d := Evaluate(in)
			if d.Reason != tc.reason || d.By != tc.by || d.Allowed != (tc.reason == Allowed) {
				t.Errorf("%v by %v (allowed %v), want %v by %v", d.Reason, d.By, d.Allowed, tc.reason, tc.by)
			}
		})
	}
}

func maybe(t *testing.T, doc string, kind Kind) []Source {
	t.Helper()
	if doc == "" {
		return nil
	}
	return []Source{source(t, doc, kind)}
}

// S3 knows accounts by 64 digits; naming one delegates like naming the account.
func TestCanonicalUserNamesAnAccount(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 64)
	in := Input{Principal: alice(), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: account, MustAllow: true}
	in.ResourcePolicy = &maybe(t, wrap(`"Principal":{"CanonicalUser":"`+id+`"},`+plain), Resource)[0]
	in.Identity = maybe(t, wrap(plain), Identity)
	if Evaluate(in).Allowed {
		t.Error("an account without canonical id is named by one")
	}
	in.Principal.CanonicalUserID = id
	if !Evaluate(in).Allowed {
		t.Error("the account's canonical id and an identity policy: refused")
	}
	in.Identity = nil
	if d := Evaluate(in); d.By != Identity {
		t.Errorf("the canonical id alone: refused by %v, want identity", d.By)
	}
}

// Several session policies are one union, then intersected with the rest.
func TestSessionPoliciesUnite(t *testing.T) {
	t.Parallel()
	in := Input{Principal: session(), Action: assumeRole, Resource: roleARN, ResourceAccount: account}
	in.Identity = maybe(t, allowAssume, Identity)
	in.Session = []Source{source(t, allowOther, Session), source(t, allowAssume, Identity)}
	if !Evaluate(in).Allowed {
		t.Error("one of two session policies allows, refused")
	}
}

// A policy that never parsed, or hangs in a place that it was not written for, must not grant.
func TestMisplacedPolicies(t *testing.T) {
	t.Parallel()
	in := Input{Principal: alice(), Action: assumeRole, Resource: roleARN, ResourceAccount: account}
	trust := source(t, wrap(plainTrust), Trust)
	resource := Source{"identity in place of a resource policy", parse(t, allowAssume, Identity)}
	cases := map[string]func(*Input){
		"trust policy among identity policies": func(in *Input) { in.Identity = []Source{trust} },
		"identity policy as resource policy":   func(in *Input) { in.ResourcePolicy, in.MustAllow = &resource, true },
		"nil identity policy":                  func(in *Input) { in.Identity = []Source{{Name: "nil"}} },
		"nil boundary":                         func(in *Input) { in.Identity, in.Boundary = maybe(t, allowAssume, Identity), &Source{} },
		"nil session policy":                   func(in *Input) { in.Identity, in.Session = maybe(t, allowAssume, Identity), []Source{{}} },
		"nil resource policy":                  func(in *Input) { in.ResourcePolicy, in.MustAllow = &Source{}, true },
	}
	for name, change := range cases {
		misplaced := in
		change(&misplaced)
		if d := Evaluate(misplaced); d.Allowed {
			t.Errorf("%s: allowed", name)
		}
	}
	deny := source(t, `{"Statement":{"Effect":"Deny","Principal":{"AWS":"444455556666"},"Action":"sts:*"}}`, Trust)
	in.Identity = []Source{source(t, allowAssume, Identity), deny}
	if d := Evaluate(in); d.Reason != ExplicitDeny {
		t.Errorf("misplaced Deny: %v, want explicitDeny", d.Reason)
	}
}

func TestZeroValuesRefuse(t *testing.T) {
	t.Parallel()
	var zero Decision
	if zero.Allowed || zero.Reason == Allowed {
		t.Error("the zero Decision allows")
	}
	if Evaluate(Input{}).Allowed {
		t.Error("the zero Input is allowed")
	}
	unknown := Input{Principal: Principal{Kind: User, ARN: byUserARN}, Action: assumeRole, Resource: roleARN, Identity: maybe(t, allowAssume, Identity)}
	if Evaluate(unknown).Allowed {
		t.Error("two unknown accounts are the same account")
	}
	if EvaluateTrust(TrustInput{}).Allowed {
		t.Error("the zero TrustInput is allowed")
	}
}

func TestBecauseIsAWSWording(t *testing.T) {
	t.Parallel()
	cases := []struct {
		change func(*Input)
		want   string
	}{
		{func(*Input) {}, "because no identity-based policy allows the sts:AssumeRole action"},
		{func(in *Input) { in.MustAllow = true }, "because no resource-based policy allows the sts:AssumeRole action"},
		{func(in *Input) {
			in.Identity, in.Boundary = maybe(t, allowAssume, Identity), &maybe(t, allowOther, Boundary)[0]
		}, "because no permissions boundary allows the sts:AssumeRole action"},
		{func(in *Input) {
			in.Identity, in.Session = maybe(t, allowAssume, Identity), maybe(t, allowOther, Session)
		}, "because no session policy allows the sts:AssumeRole action"},
		{func(in *Input) { in.Identity = maybe(t, denyAssume, Identity) }, "with an explicit deny in an identity-based policy"},
		{func(in *Input) { in.Boundary = &maybe(t, denyAssume, Boundary)[0] }, "with an explicit deny in a permissions boundary"},
		{func(in *Input) { in.Session = maybe(t, denyAssume, Session) }, "with an explicit deny in a session policy"},
		{func(in *Input) { in.ResourcePolicy = &maybe(t, resourceFor("Deny", "*"), Resource)[0] }, "with an explicit deny in a resource-based policy"},
	}
	for _, tc := range cases {
		in := Input{Principal: session(), Action: assumeRole, Resource: roleARN, ResourceAccount: account}
		tc.change(&in)
		d := Evaluate(in)
		if d.Because != tc.want {
			t.Errorf("Because = %q, want %q", d.Because, tc.want)
		}
		want := "User: " + in.Principal.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + roleARN + " " + tc.want
		if got := d.Message(in.Principal.ARN, in.Action, in.Resource); got != want {
			t.Errorf("Message = %q, want %q", got, want)
		}
	}
	if got := (Decision{}).Message("A", "b:C", "D"); got != "User: A is not authorized to perform: b:C on resource: D" {
		t.Errorf("Message without reason = %q", got)
	}
}

func TestTraceSaysWhatFailed(t *testing.T) {
	t.Parallel()
	doc := wrap(`"Sid":"ci","Effect":"Allow","Principal":{"Federated":"` + github + `"},"Action":"sts:AssumeRoleWithWebIdentity",` +
		`"Condition":{"StringLike":{"token.actions.githubusercontent.com:sub":["repo:acme/shop:*","repo:acme/${aws:PrincipalTag/t}"]},` +
		`"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"},"ForAnyValue:StringEquals":{"x:amr":"mfa"}}`)
	request := keys{"token.actions.githubusercontent.com:sub": "repo:evil/shop:ref", "x:amr": []string{"pwd", "otp"}}
	d := EvaluateTrust(TrustInput{
		RoleARN: roleARN, TrustPolicy: source(t, doc, Trust), Action: webIdentity,
		Principal: NewFederated(github), Context: request.context(),
	})
	if d.Allowed || len(d.Trace) != 1 {
		t.Fatalf("allowed %v with %d statements", d.Allowed, len(d.Trace))
	}
	s := d.Trace[0]
	if s.SID != "ci" || s.Index != 0 || s.Source != Trust.String() || s.Kind != Resource || s.Effect != Allow || s.Matched {
		t.Errorf("statement: %+v", s)
	}
	want := []ElementTrace{
		{
			Element: "Condition", Operator: "StringLike", Key: "token.actions.githubusercontent.com:sub",
			Expected: []string{"repo:acme/shop:*", "repo:acme/${aws:PrincipalTag/t}"}, Actual: []string{"repo:evil/shop:ref"},
			Note: "a policy variable has no value",
		},
		{
			Element: "Condition", Operator: "StringEquals", Key: "token.actions.githubusercontent.com:aud",
			Expected: []string{"sts.amazonaws.com"}, Absent: true,
		},
		{Element: "Condition", Operator: "ForAnyValue:StringEquals", Key: "x:amr", Expected: []string{"mfa"}, Actual: []string{"pwd", "otp"}},
	}
	if got := s.Failed(); !reflect.DeepEqual(got, want) {
		t.Errorf("Failed() = %+v\nwant %+v", got, want)
	}
	lines := []string{
		`StringLike token.actions.githubusercontent.com:sub: expected "repo:acme/shop:*" or "repo:acme/${aws:PrincipalTag/t}", found "repo:evil/shop:ref" (a policy variable has no value)`,
		`StringEquals token.actions.githubusercontent.com:aud: expected "sts.amazonaws.com", found absent`,
		`ForAnyValue:StringEquals x:amr: expected "mfa", found "pwd" and "otp"`,
	}
	for i, element := range s.Failed() {
		if element.String() != lines[i] {
			t.Errorf("String() = %s\nwant %s", element, lines[i])
		}
	}
}

// Every element of every statement is looked at, in order, with the values that it was compared with.
func TestTraceIsComplete(t *testing.T) {
	t.Parallel()
	in := Input{Principal: alice(), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: account}
	in.Context.Set("aws:username", "alice")
	in.Identity = []Source{
		{"one", parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotAction":"s3:*","NotResource":["arn:aws:s3:::${aws:username}*","*"]},{"Sid":"b",`+plain+`}]}`, Identity)},
		{"two", parse(t, wrap(plain+`,"Condition":{"StringNotEquals":{"aws:TagKeys":"x"}}`), Identity)},
	}
	in.Context.SetMulti("aws:TagKeys", "x")
	resource := Source{"three", parse(t, `{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"*"},"Action":"s3:*","Resource":"*"}}`, Resource)}
	in.ResourcePolicy = &resource
	var got []string
	for _, s := range Evaluate(in).Trace {
		for _, e := range s.Elements {
			got = append(got, s.Source+" "+e.String())
		}
	}
	want := []string{
		`one NotAction: expected "s3:*", found "s3:GetObject"`,
		`one NotResource: expected "arn:aws:s3:::alice*" or "*", found "arn:aws:s3:::b/k"`,
		`one Action: expected "s3:GetObject", found "s3:GetObject"`,
		`one Resource: expected "*", found "arn:aws:s3:::b/k"`,
		`two Action: expected "s3:GetObject", found "s3:GetObject"`,
		`two Resource: expected "*", found "arn:aws:s3:::b/k"`,
		`two StringNotEquals aws:TagKeys: expected "x", found "x" (a list key matches no operator without ForAnyValue or ForAllValues)`,
		`three NotPrincipal: expected "*", found "arn:aws:iam::111122223333:user/alice" and "AIDAEXAMPLEALICE00001" and "111122223333"`,
		`three Action: expected "s3:*", found "s3:GetObject"`,
		`three Resource: expected "*", found "arn:aws:s3:::b/k"`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("trace:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	got := []string{
		ImplicitDeny.String(), ExplicitDeny.String(), Allowed.String(), Kind(9).String(),
		Error.String(), Warning.String(), ElementTrace{Element: "Principal"}.String(),
		Finding{Severity: Warning, Place: "$", Message: "m"}.String(),
	}
	want := []string{
		"implicitDeny", "explicitDeny", "allowed", "policy of unknown kind", "error", "warning",
		"Principal: expected nothing, found nothing", "warning $: m",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
