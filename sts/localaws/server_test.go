package localaws_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/fedbroker/fedbroker/sts/localaws"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/idptest"
)

// newRecorder sends a form without a network.
func newRecorder(w *world, body string) reply {
	request := httptest.NewRequest(http.MethodPost, w.url+"/", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, request)
	return reply{status: recorder.Code, body: recorder.Body.String(), header: recorder.Header()}
}

func TestHostIsChecked(t *testing.T) {
	w := newWorld(t, func(o *localaws.Options) { o.AllowedHosts = []string{"localhost:4566"} })
	for host, want := range map[string]int{
		w.hostOf(): 200, strings.ToUpper("localhost:4566"): 200, "localhost": 421, "evil.example.com": 421, "127.0.0.1": 421, "": 421,
		w.hostOf() + ".evil.example.com": 421,
	} {
		for _, path := range []string{"/healthz", "/console/static/console.css"} {
			request := httptest.NewRequest(http.MethodGet, path, nil)
			request.Host = host
			recorder := httptest.NewRecorder()
			w.ServeHTTP(recorder, request)
			equal(t, host+path, recorder.Code, want)
		}
	}
}

func TestPresignedGetCallerIdentity(t *testing.T) {
	w := newWorld(t)
	user := aws.Credentials{AccessKeyID: userKey, SecretAccessKey: userSecret}
	request := httptest.NewRequest(http.MethodGet, w.url+"/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	uri, _, err := v4.NewSigner().PresignHTTP(context.Background(), user, request, emptyHash, "sts", "us-east-1", w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	good := w.get(strings.TrimPrefix(uri, w.url))
	equal(t, "status", good.status, http.StatusOK)
	equal(t, "arn is there", strings.Contains(good.body, "<Arn>arn:aws:iam::"+prod+":user/svc/broker</Arn>"), true)
	equal(t, "another action", w.get(strings.TrimPrefix(strings.Replace(uri, "GetCallerIdentity", "AssumeRole", 1), w.url)).Code, "SignatureDoesNotMatch")
	w.clock.Add(61 * time.Second)
	equal(t, "later", w.get(strings.TrimPrefix(uri, w.url)).Code, "SignatureDoesNotMatch")
}

func TestAWSCLISignsForAnyRegion(t *testing.T) {
	w := newWorld(t)
	for _, region := range []string{"us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1"} {
		client := sts.New(sts.Options{Region: region, BaseEndpoint: aws.String(w.url), Credentials: w.user().Options().Credentials})
		w.whoami(client)
	}
}

func TestProvidersAtRunTime(t *testing.T) {
	w := newWorld(t)
	second := idptest.NewSAML(t, samlEntity, true)
	response := second.Response(t, w.statement())
	equal(t, "before", w.post(w.withSAML(map[string]string{"SAMLAssertion": response})).Code, "InvalidIdentityToken")
	arn, err := w.PutSAMLProvider(prod, "corp", []byte(second.Metadata()))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "arn", arn, samlProvider)
	equal(t, "after", w.post(w.withSAML(map[string]string{"SAMLAssertion": response})).status, http.StatusOK)
	equal(t, "the old key", w.post(w.withSAML(nil)).Code, "InvalidIdentityToken")

	arn, err = w.PutOIDCProvider(dev, localaws.SeedOIDCProvider{URL: w.oidc.URL, ClientIDs: []string{clientID}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "arn", arn, "arn:aws:iam::"+dev+":oidc-provider/"+strings.TrimPrefix(w.oidc.URL, "http://"))
	equal(t, "now the trust policy refuses", w.post(w.webIdentity(map[string]string{"RoleArn": readerRole})).Code, "AccessDenied")

	if _, err := w.PutSAMLProvider("999999999999", "corp", []byte(second.Metadata())); err == nil {
		t.Error("a provider of an account that does not exist")
	}
	if _, err := w.PutSAMLProvider(prod, "corp", []byte("<x/>")); err == nil {
		t.Error("metadata that is none")
	}
	if _, err := w.PutOIDCProvider(prod, localaws.SeedOIDCProvider{URL: "http://idp.example.com"}); err == nil {
		t.Error("http on a host that is not loopback")
	}
}

func TestAccountsAndKeys(t *testing.T) {
	w := newWorld(t)
	equal(t, "accounts", fmt.Sprint(w.Accounts()), "[{111122223333 acme-prod aws} {444455556666 acme-dev aws}]")
	keys := w.AccessKeys()
	equal(t, "keys", len(keys), 3)
	for _, key := range keys {
		for _, printed := range []string{fmt.Sprintf("%v %+v %#v %s", key, key, key, key), slog.AnyValue(key).Resolve().String()} {
			if strings.Contains(printed, key.SecretAccessKey) {
				t.Errorf("a key prints its secret: %s", printed)
			}
		}
	}
}

// Twelve calls with marked secrets, good and bad: nothing of them reaches the log or a refusal.
func TestNoSecretIsLogged(t *testing.T) {
	w := newWorld(t)
	token, assertion := w.token(nil), w.response()
	secrets := []string{token, strings.Split(token, ".")[2], assertion, userSecret}
	answers := []reply{
		w.post(w.webIdentity(map[string]string{"WebIdentityToken": token})),
		w.post(w.withSAML(map[string]string{"SAMLAssertion": assertion})),
	}
	for _, answer := range answers {
		for _, element := range []string{"SecretAccessKey", "SessionToken"} {
			_, rest, _ := strings.Cut(answer.body, "<"+element+">")
			value, _, found := strings.Cut(rest, "</"+element+">")
			if !found {
				t.Fatalf("no %s in %s", element, answer.body)
			}
			secrets = append(secrets, value)
		}
	}
	refused := []reply{
		w.post(w.webIdentity(map[string]string{"WebIdentityToken": token + "x"})),
		w.post(w.webIdentity(map[string]string{"WebIdentityToken": token, "RoleArn": adminRole})),
		w.post(w.withSAML(map[string]string{"SAMLAssertion": assertion + "!"})),
		w.post(w.withSAML(map[string]string{"SAMLAssertion": assertion, "RoleArn": "x"})),
		w.post(url.Values{"Action": {"AssumeRoleWithSAML"}, "Version": {"2011-06-15"}, "SAMLAssertion": {strings.Repeat(assertion, 20)}}),
		w.get("/federation?Action=getSigninToken&Session=" + url.QueryEscape(`{"sessionId":"a","sessionKey":"`+secrets[4]+`","sessionToken":"`+secrets[5]+`"}`)),
	}
	for _, secret := range secrets {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("a secret is in the log: %.20s…", secret)
		}
		for _, answer := range refused {
			if strings.Contains(answer.body, secret) {
				t.Errorf("a secret is in a refusal: %s", answer.body)
			}
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	seed := localaws.Seed{Accounts: []localaws.SeedAccount{{ID: prod}}}
	for _, raw := range []string{"", "ftp://x", "http://", "http://u:p@x", "http://x/path", "http://x?q", "://"} {
		if _, err := localaws.New(localaws.Options{Seed: seed, URL: raw}); err == nil {
			t.Errorf("URL %q is accepted", raw)
		}
	}
	if _, err := localaws.New(localaws.Options{Seed: seed, URL: "http://127.0.0.1:4566"}); err != nil {
		t.Error(err)
	}
	seed.Accounts[0].OIDCProviders = []localaws.SeedOIDCProvider{{URL: "http://localhost:8080"}}
	if _, err := localaws.New(localaws.Options{Seed: seed, URL: "http://127.0.0.1:4566"}); err == nil {
		t.Error("an http provider without AllowInsecureProviders")
	}
}
