package interop_test

import (
	"strings"
	"testing"
	"time"
)

func TestAWSCommandLineAssumesRoles(t *testing.T) {
	t.Parallel()
	issuer, foreign := startOIDCProvider(t), startOIDCProvider(t)
	w := startWorld(t, nil, issuer)
	if arn := w.user.whoAmI(t); arn != "arn:aws:iam::"+account+":user/ops" {
		t.Errorf("the user is %s", arn)
	}
	nobody := awsCLI{endpoint: w.awsURL}

	webIdentity := func(token string) []string {
		return []string{
			"sts", "assume-role-with-web-identity", "--role-arn", "arn:aws:iam::" + account + ":role/Direct",
			"--role-session-name", "build-7", "--web-identity-token", token,
		}
	}
	token := issuer.token(t, "job", "https://sts.amazonaws.com")
	var direct assumed
	nobody.call(t, &direct, webIdentity(token)...)
	if arn := nobody.as(direct.Credentials).whoAmI(t); arn != "arn:aws:sts::"+account+":assumed-role/Direct/build-7" || arn != direct.AssumedRoleUser.Arn {
		t.Errorf("the keys are %s, the answer said %s", arn, direct.AssumedRoleUser.Arn)
	}

	assumeRole := func(externalID string) []string {
		return []string{
			"sts", "assume-role", "--role-arn", "arn:aws:iam::" + other + ":role/CrossAccount", "--role-session-name", "hop",
			"--external-id", externalID,
		}
	}
	var hop assumed
	w.user.call(t, &hop, assumeRole("acme-7f3")...)
	if arn := w.user.as(hop.Credentials).whoAmI(t); arn != "arn:aws:sts::"+other+":assumed-role/CrossAccount/hop" {
		t.Errorf("the keys are %s", arn)
	}

	t.Run("refusals", func(t *testing.T) {
		last := strings.LastIndex(token, ".")
		nobody.refused(t, "InvalidIdentityToken", webIdentity(token[:last+1]+tampered(token[last+1:]))...)
		nobody.refused(t, "ExpiredTokenException", webIdentity(issuer.token(t, "late", "https://sts.amazonaws.com"))...)
		nobody.refused(t, "InvalidIdentityToken", webIdentity(foreign.token(t, "job", "https://sts.amazonaws.com"))...)
		nobody.refused(t, "InvalidIdentityToken", webIdentity(issuer.token(t, "job", w.brokerURL))...)
		w.user.refused(t, "AccessDenied", assumeRole("another")...)
		w.user.as(direct.Credentials).refused(t, "AccessDenied", assumeRole("acme-7f3")...)

		good := direct.Credentials
		secret, session, id, foreignKey := good, good, good, good
		secret.SecretAccessKey = tampered(secret.SecretAccessKey)
		session.SessionToken = tampered(session.SessionToken)
		id.AccessKeyID = hop.Credentials.AccessKeyID
		foreignKey = keys{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
		nobody.as(secret).refused(t, "SignatureDoesNotMatch", "sts", "get-caller-identity")
		nobody.as(session).refused(t, "InvalidClientTokenId", "sts", "get-caller-identity")
		nobody.as(id).refused(t, "InvalidClientTokenId", "sts", "get-caller-identity")
		nobody.as(foreignKey).refused(t, "InvalidClientTokenId", "sts", "get-caller-identity")
	})
}

// TestCredentialsEnd needs a session that ends soon. AWS gives none below fifteen minutes but for one: an assertion's
// SessionNotOnOrAfter bounds it further.
func TestCredentialsEnd(t *testing.T) {
	t.Parallel()
	ssp := startSimpleSAMLphp(t, people())
	w := startWorld(t, ssp, oidcProvider{})
	ssp.register(t, awsParty(w))
	nobody := awsCLI{endpoint: w.awsURL}
	withSAML := func(response string) []string {
		return []string{
			"sts", "assume-role-with-saml", "--role-arn", "arn:aws:iam::" + account + ":role/FromSAML", "--principal-arn", provider,
			"--saml-assertion", response,
		}
	}
	const life = 30 * time.Second
	ssp.sessionsLast(t, life)
	var got assumed
	nobody.call(t, &got, withSAML(samlAssertion(t, ssp))...)
	if left := time.Until(got.Credentials.Expiration); left > life {
		t.Fatalf("the session lasts %s longer than the assertion allows", left-life)
	}
	alice := nobody.as(got.Credentials)
	if arn := alice.whoAmI(t); arn != "arn:aws:sts::"+account+":assumed-role/FromSAML/alice" {
		t.Errorf("the keys are %s", arn)
	}
	time.Sleep(time.Until(got.Credentials.Expiration) + time.Second) // the end is the server's; nothing announces it
	alice.refused(t, "ExpiredToken", "sts", "get-caller-identity")
	nobody.refused(t, "InvalidIdentityToken", withSAML(otherAttribute(t, samlAssertion(t, ssp)))...)
}
