package ststest_test

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/aws"
	"github.com/fedbroker/fedbroker/sts/console"
	"github.com/fedbroker/fedbroker/sts/ststest"
)

// TestTheBrokersOwnWay goes the way that the broker goes: mint, assume, ask who that is, sign in to the console.
func TestTheBrokersOwnWay(t *testing.T) {
	local := newLocal(t)
	assumer, err := aws.New(aws.Options{
		Endpoint: local.url, Principal: aws.Principal{AccessKeyID: local.key.AccessKeyID, SecretAccessKey: secret.New(local.key.SecretAccessKey)},
	})
	if err != nil {
		t.Fatal(err)
	}
	role := func(name string) sts.RoleARN {
		return sts.RoleARN("arn:aws:iam::" + account + ":role" + ststest.RolePath + name)
	}
	base := sts.Request{Region: "eu-central-1", SessionName: "gha-4711", Duration: time.Hour}
	mint := func(name string) broker.MintRequest {
		now := time.Now()
		return broker.MintRequest{
			ID: "audit." + name, Subject: "ci:one", RoleARN: role(name), PrincipalARN: local.provider, SessionName: base.SessionName,
			SourceIdentity: "alice", Tags: []sts.Tag{{Key: "team", Value: "blue"}}, TransitiveTags: []string{"team"},
			Now: now, Deadline: now.Add(time.Hour), Duration: time.Hour,
		}
	}
	for mode, request := range map[sts.Mode]func() sts.Request{
		sts.ModeWebIdentity: func() sts.Request {
			r := base
			r.RoleARN, r.WebIdentityToken = role("web"), must(local.issuer.WebIdentityToken(t.Context(), mint("web")))
			return r
		},
		sts.ModeSAML: func() sts.Request {
			r := base
			r.RoleARN, r.PrincipalARN = role("saml"), local.provider
			r.SAMLResponse = must(local.issuer.SAMLResponse(t.Context(), mint("saml")))
			return r
		},
		sts.ModeAssumeRole: func() sts.Request {
			r := base
			r.RoleARN, r.ExternalID, r.SourceIdentity = role("external"), "acme-7f3", "alice"
			return r
		},
	} {
		t.Run(string(mode), func(t *testing.T) {
			r := request()
			r.Mode = mode
			creds, err := assumer.Assume(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if creds.SourceIdentity != "alice" || creds.RequestID == "" {
				t.Errorf("source identity %q, request id %q", creds.SourceIdentity, creds.RequestID)
			}
			arn, id, _, err := assumer.CallerIdentity(t.Context(), creds, r.Region)
			if err != nil || arn != creds.AssumedRoleARN || arn != r.RoleARN.AssumedRoleARN("gha-4711") || id != account {
				t.Errorf("%s in %s: %v", arn, id, err)
			}
			opensTheConsole(t, local, creds)
		})
	}
	t.Run("through a hub", func(t *testing.T) {
		hub := base
		hub.Mode, hub.RoleARN = sts.ModeAssumeRole, role("hub")
		creds, err := assumer.Assume(t.Context(), hub)
		if err != nil {
			t.Fatal(err)
		}
		spoke := base
		spoke.Mode, spoke.RoleARN, spoke.Caller = sts.ModeAssumeRole, role("spoke"), &creds
		if _, err := assumer.Assume(t.Context(), spoke); err != nil {
			t.Error(err)
		}
		spoke.Duration = 2 * time.Hour
		if _, err := assumer.Assume(t.Context(), spoke); kind(err) != sts.KindInvalid {
			t.Errorf("two hours through a hub: %v", err)
		}
	})
}

func kind(err error) sts.Kind {
	if e, ok := err.(*sts.Error); ok {
		return e.Kind
	}
	return -1
}

func opensTheConsole(t *testing.T, local *local, creds sts.Credentials) {
	t.Helper()
	federation, err := console.New(console.Options{SignIn: local.url, Console: local.url})
	if err != nil {
		t.Fatal(err)
	}
	signIn, err := federation.SignIn(t.Context(), console.Request{
		Credentials: creds, Partition: sts.PartitionAWS, Region: "eu-central-1", Issuer: issuerURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, signIn.URL.Reveal(), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Jar: jar}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || strings.Contains(resp.Request.URL.String(), "SigninToken") {
		t.Errorf("the console answered %d at %s", resp.StatusCode, resp.Request.URL.Path)
	}
}
