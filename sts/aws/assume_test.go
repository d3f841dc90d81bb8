package aws_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/aws"
)

// What each mode puts on the wire, parameter by parameter: nothing more, nothing less.
func TestWireForm(t *testing.T) {
	common := map[string]string{
		"Version": "2011-06-15", "RoleArn": string(role), "DurationSeconds": "3600",
		"Policy": `{"Version":"2012-10-17"}`, "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
	}
	for _, c := range []struct {
		name   string
		req    sts.Request
		want   map[string]string
		signed bool
	}{
		{"web identity", webIdentity(), map[string]string{
			"Action": "AssumeRoleWithWebIdentity", "RoleSessionName": "gha-1", "WebIdentityToken": canary,
		}, false},
		{"SAML", withSAML(), map[string]string{
			"Action": "AssumeRoleWithSAML", "PrincipalArn": provider, "SAMLAssertion": canary,
		}, false},
		{"AssumeRole", assumeRole(), map[string]string{
			"Action": "AssumeRole", "RoleSessionName": "alice", "ExternalId": "acme-7f3", "SourceIdentity": "alice",
			"Tags.member.1.Key": "repository", "Tags.member.1.Value": "acme/shop", "TransitiveTagKeys.member.1": "repository",
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := newFake(t, nil)
			req := c.req
			req.Policy, req.PolicyARNs = common["Policy"], []string{common["PolicyArns.member.1.arn"]}
			req.ExternalID, req.SourceIdentity = "acme-7f3", "alice"
			req.Tags, req.TransitiveTags = []sts.Tag{{Key: "repository", Value: "acme/shop"}}, []string{"repository"}
			got, err := newAssumer(t, fake.URL+"/").Assume(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			sent := map[string]string{}
			for name, values := range fake.seen()[0].form {
				sent[name] = strings.Join(values, "|")
			}
			want := maps.Clone(common)
			maps.Copy(want, c.want)
			if !maps.Equal(sent, want) {
				t.Errorf("sent %v\nwant %v", slices.Sorted(maps.Keys(sent)), slices.Sorted(maps.Keys(want)))
			}
			auth := fake.seen()[0].header.Get("Authorization")
			if (auth != "") != c.signed || (c.signed && !strings.Contains(auth, "Credential=AKIAEXAMPLEOWN/") || c.signed && !strings.Contains(auth, "/"+region+"/sts/")) {
				t.Errorf("authorization %q", auth)
			}
			if got.AccessKeyID != "ASIAEXAMPLE0123456789" || got.SecretAccessKey.Reveal() != "made-secret" || got.SessionToken.Reveal() != "made-session" ||
				!got.Expiration.Equal(time.Date(2026, 11, 25, 13, 0, 0, 0, time.UTC)) || got.SourceIdentity != "alice" ||
				got.RequestID != "req-1" || !strings.HasPrefix(got.AssumedRoleARN, "arn:aws:sts::111122223333:assumed-role/Deploy/") {
				t.Errorf("credentials %+v", got)
			}
		})
	}
}

func TestAHubsCredentialsSignInsteadOfTheBrokersOwn(t *testing.T) {
	fake := newFake(t, nil)
	req := assumeRole()
	req.Caller = &sts.Credentials{AccessKeyID: "ASIAHUB", SecretAccessKey: secret.New("hub-secret"), SessionToken: secret.New("hub-session")}
	if _, err := newAssumer(t, fake.URL).Assume(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	h := fake.seen()[0].header
	if !strings.Contains(h.Get("Authorization"), "Credential=ASIAHUB/") || h.Get("X-Amz-Security-Token") != "hub-session" {
		t.Errorf("signed as %q", h.Get("Authorization"))
	}
}

func TestCallerIdentity(t *testing.T) {
	fake := newFake(t, nil)
	a := newAssumer(t, fake.URL)
	creds := sts.Credentials{AccessKeyID: "ASIAMADE", SecretAccessKey: secret.New("made"), SessionToken: secret.New("session")}
	arn, account, id, err := a.CallerIdentity(t.Context(), creds, region)
	if err != nil || arn != "arn:aws:sts::111122223333:assumed-role/Deploy/alice" || account != "111122223333" || id != "AROAEXAMPLE:alice" {
		t.Errorf("%s %s %s %v", arn, account, id, err)
	}
	if _, _, _, err := a.CallerIdentity(t.Context(), sts.Credentials{}, region); err != nil {
		t.Error(err)
	}
	calls := fake.seen()
	if !strings.Contains(calls[0].header.Get("Authorization"), "ASIAMADE") || !strings.Contains(calls[1].header.Get("Authorization"), "AKIAEXAMPLEOWN") {
		t.Error("signed with other credentials than the ones asked about")
	}
	if _, _, _, err := a.CallerIdentity(t.Context(), creds, "mars"); stsError(t, err).Kind != sts.KindConfig {
		t.Error(err)
	}
	echo := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(envelope("GetCallerIdentity", "<Arn>"+r.Header.Get("X-Amz-Security-Token")+"</Arn>")))
	})
	creds.SessionToken = secret.New(canary)
	if arn, _, _, err := newAssumer(t, echo.URL).CallerIdentity(t.Context(), creds, region); err != nil || strings.Contains(arn, canary[:16]) {
		t.Errorf("%s %v", arn, err)
	}
	denied := newAssumer(t, newFake(t, failure("InvalidClientTokenId", "no such key", 403)).URL)
	if _, _, _, err := denied.CallerIdentity(t.Context(), creds, region); stsError(t, err).Code != "InvalidClientTokenId" {
		t.Error(err)
	}
}

// Pass-through sends an upstream proof untouched, by the call that fits it.
func TestPassThrough(t *testing.T) {
	fake := newFake(t, nil)
	a := newAssumer(t, fake.URL, func(o *aws.Options) { o.InsecureEndpoint = true })
	jwt, saml := webIdentity(), withSAML()
	jwt.Mode, saml.Mode = sts.ModePassThrough, sts.ModePassThrough
	for _, req := range []sts.Request{jwt, saml} {
		if _, err := a.Assume(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	if c := fake.seen(); c[0].form.Get("Action") != "AssumeRoleWithWebIdentity" || c[1].form.Get("Action") != "AssumeRoleWithSAML" {
		t.Errorf("%v", c)
	}
}

func TestWhatMustNotLeaveTheProcess(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sts.Request)
		kind   sts.Kind
	}{
		"no role":                     {func(r *sts.Request) { r.RoleARN = "" }, sts.KindConfig},
		"a wildcard role":             {func(r *sts.Request) { r.RoleARN = "arn:aws:iam::111122223333:role/*" }, sts.KindConfig},
		"no region":                   {func(r *sts.Request) { r.Region = "" }, sts.KindConfig},
		"a Chinese region":            {func(r *sts.Request) { r.Region = "cn-north-1" }, sts.KindConfig},
		"a GovCloud region":           {func(r *sts.Request) { r.Region = "us-gov-west-1" }, sts.KindConfig},
		"an isolated region":          {func(r *sts.Request) { r.Region = "us-iso-east-1" }, sts.KindConfig},
		"a Chinese role":              {func(r *sts.Request) { r.RoleARN = "arn:aws-cn:iam::111122223333:role/Deploy" }, sts.KindConfig},
		"a region that is a host":     {func(r *sts.Request) { r.Region = "evil.example.com/" }, sts.KindConfig},
		"a region with a dot":         {func(r *sts.Request) { r.Region = "eu-central-1.evil" }, sts.KindConfig},
		"pass-through to local AWS":   {func(r *sts.Request) { r.Mode = sts.ModePassThrough }, sts.KindConfig},
		"no mode":                     {func(r *sts.Request) { r.Mode = "" }, sts.KindConfig},
		"no proof":                    {func(r *sts.Request) { r.WebIdentityToken = secret.Text{} }, sts.KindConfig},
		"two proofs":                  {func(r *sts.Request) { r.SAMLResponse = secret.New(canary) }, sts.KindConfig},
		"a JWT in SAML mode":          {func(r *sts.Request) { r.Mode = sts.ModeSAML }, sts.KindConfig},
		"a JWT in AssumeRole":         {func(r *sts.Request) { r.Mode = sts.ModeAssumeRole }, sts.KindConfig},
		"a caller in web identity":    {func(r *sts.Request) { r.Caller = new(sts.Credentials) }, sts.KindConfig},
		"SAML without its provider":   {func(r *sts.Request) { *r = withSAML(); r.PrincipalARN = "" }, sts.KindConfig},
		"no duration":                 {func(r *sts.Request) { r.Duration = 0 }, sts.KindInvalid},
		"a duration below 15 minutes": {func(r *sts.Request) { r.Duration = 15*time.Minute - time.Second }, sts.KindInvalid},
		"a duration above 12 hours":   {func(r *sts.Request) { r.Duration = 12*time.Hour + time.Second }, sts.KindInvalid},
		"half a second":               {func(r *sts.Request) { r.Duration = time.Hour + time.Second/2 }, sts.KindInvalid},
		"51 tags":                     {func(r *sts.Request) { r.Tags = make([]sts.Tag, 51) }, sts.KindInvalid},
		"11 policy ARNs":              {func(r *sts.Request) { r.PolicyARNs = make([]string, 11) }, sts.KindInvalid},
		"policy and ARNs of 2049 chars": {func(r *sts.Request) {
			r.Policy, r.PolicyARNs = strings.Repeat("x", 2000), []string{strings.Repeat("y", 49)}
		}, sts.KindInvalid},
	} {
		fake := newFake(t, nil)
		req := webIdentity()
		c.change(&req)
		_, err := newAssumer(t, fake.URL).Assume(t.Context(), req)
		if err == nil || len(fake.seen()) != 0 {
			t.Errorf("%s: sent", name)
			continue
		}
		if got := stsError(t, err); got.Kind != c.kind {
			t.Errorf("%s: kind %d, want %d (%v)", name, got.Kind, c.kind, err)
		}
	}
}

func TestAnswersThatAreNotBelieved(t *testing.T) {
	for name, result := range map[string]string{
		"nothing":                    "",
		"no credentials":             user("Deploy", "gha-1"),
		"no user":                    credentials,
		"no expiration":              strings.Replace(credentials, "<Expiration>2026-11-25T13:00:00Z</Expiration>", "", 1) + user("Deploy", "gha-1"),
		"no session token":           strings.Replace(credentials, "made-session", "", 1) + user("Deploy", "gha-1"),
		"no secret":                  strings.Replace(credentials, "made-secret", "", 1) + user("Deploy", "gha-1"),
		"no key id":                  strings.Replace(credentials, "ASIAEXAMPLE0123456789", "", 1) + user("Deploy", "gha-1"),
		"a key id that is our token": strings.Replace(credentials, "ASIAEXAMPLE0123456789", canary, 1) + user("Deploy", "gha-1"),
		"another role":               credentials + user("Admin", "gha-1"),
		"a longer role":              credentials + user("Deploy2", "gha-1"),
		"another account":            credentials + strings.Replace(user("Deploy", "gha-1"), "111122223333", "444455556666", 1),
		"another session":            credentials + user("Deploy", "root"),
		"source identity of markup":  credentials + user("Deploy", "gha-1") + "<SourceIdentity>&lt;b&gt;</SourceIdentity>",
		"source identity our token":  credentials + user("Deploy", "gha-1") + "<SourceIdentity>" + canary + strings.Repeat("x", 30) + "</SourceIdentity>",
		"a role id with a blank":     credentials + strings.Replace(user("Deploy", "gha-1"), "AROAEXAMPLE:", "AROA EXAMPLE:", 1),
		"an unreadable expiration":   strings.Replace(credentials, "2026-11-25T13:00:00Z", "tomorrow", 1) + user("Deploy", "gha-1"),
	} {
		fake := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(envelope(r.PostForm.Get("Action"), result)))
		})
		got, err := newAssumer(t, fake.URL).Assume(t.Context(), webIdentity())
		if err == nil || got.AccessKeyID != "" {
			t.Errorf("%s: believed", name)
			continue
		}
		if what := "another role"; strings.Contains(name, "another account") && !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v, want %q", name, err, what)
		}
		if e := stsError(t, err); e.Kind != sts.KindUnavailable || strings.Contains(e.Error(), "made-") || strings.Contains(e.Error(), canary[:20]) {
			t.Errorf("%s: %v", name, e)
		}
	}
}
