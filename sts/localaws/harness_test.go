package localaws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/fedbroker/fedbroker/sts/localaws"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/idptest"
)

const (
	prod = "111122223333"
	dev  = "444455556666"

	deployRole = "arn:aws:iam::" + prod + ":role/ci/Deploy"
	adminRole  = "arn:aws:iam::" + prod + ":role/Admin"
	hubRole    = "arn:aws:iam::" + prod + ":role/Hub"
	readerRole = "arn:aws:iam::" + dev + ":role/Reader"

	samlProvider = "arn:aws:iam::" + prod + ":saml-provider/corp"
	samlEntity   = "https://idp.example.com/saml"
	signinURL    = "https://signin.aws.amazon.com/saml"

	userKey    = "AKIAIOSFODNN7EXAMPLE"
	userSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	plainKey   = "AKIAI44QH8DHBEXAMPLE"
	clientID   = "sts.amazonaws.com"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a local AWS over HTTP with an OIDC issuer and a SAML identity provider.
type world struct {
	*localaws.Server
	t     testing.TB
	url   string
	oidc  *idptest.OIDC
	saml  *idptest.SAML
	clock *clock
	log   *bytes.Buffer
}

func newWorld(t testing.TB, edits ...func(*localaws.Options)) *world {
	t.Helper()
	w := &world{
		t: t, oidc: idptest.NewOIDC(t), saml: idptest.NewSAML(t, samlEntity, false),
		clock: &clock{now: time.Now().Truncate(time.Second)}, log: &bytes.Buffer{},
	}
	var handler http.Handler
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	w.url = "http://" + server.Listener.Addr().String()
	options := localaws.Options{
		Seed: w.seed(), URL: w.url, Clock: w.clock.Now, AllowInsecureProviders: true,
		Logger: slog.New(slog.NewTextHandler(&lockedWriter{w: w.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, edit := range edits {
		edit(&options)
	}
	s, err := localaws.New(options)
	if err != nil {
		t.Fatal(err)
	}
	w.Server, handler = s, s
	server.Start()
	t.Cleanup(server.Close)
	return w
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func (w *world) seed() localaws.Seed {
	prefix := strings.TrimPrefix(w.oidc.URL, "http://")
	provider := "arn:aws:iam::" + prod + ":oidc-provider/" + prefix
	deployTrust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Federated":%q},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"],
		 "Condition":{"StringEquals":{%q:%q},"StringLike":{%q:"repo:acme/*"}}}]}`, provider, prefix+":aud", clientID, prefix+":sub")
	adminTrust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Federated":%q},"Action":["sts:AssumeRoleWithSAML","sts:TagSession","sts:SetSourceIdentity"],
		 "Condition":{"StringEquals":{"saml:aud":%q}}}]}`, samlProvider, signinURL)
	hubTrust := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + prod + `:user/svc/broker"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`
	readerTrust := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":["` + hubRole + `","` + prod + `"]},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"acme-7f3"}}},
		{"Effect":"Allow","Principal":{"AWS":["` + hubRole + `","` + prod + `"]},"Action":["sts:TagSession","sts:SetSourceIdentity"]}]}`
	mayAssume := json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}]}`)
	return localaws.Seed{Accounts: []localaws.SeedAccount{
		{
			ID: prod, Name: "acme-prod",
			Users: []localaws.SeedUser{
				{
					Name: "broker", Path: "/svc/", AccessKeys: []localaws.SeedAccessKey{{ID: userKey, Secret: userSecret}, {Generate: true}},
					Policies: []localaws.SeedPolicy{{Name: "assume", Document: mayAssume}}, Tags: map[string]string{"team": "platform"},
				},
				{Name: "plain", AccessKeys: []localaws.SeedAccessKey{{ID: plainKey, Secret: userSecret}}},
			},
			Roles: []localaws.SeedRole{
				{Name: "Deploy", Path: "/ci/", TrustPolicy: json.RawMessage(deployTrust), MaxSessionDuration: 7200},
				{Name: "Admin", TrustPolicy: json.RawMessage(adminTrust), MaxSessionDuration: 43200},
				{Name: "Hub", TrustPolicy: json.RawMessage(hubTrust), Policies: []localaws.SeedPolicy{{Name: "hop", Document: mayAssume}}},
			},
			OIDCProviders: []localaws.SeedOIDCProvider{{URL: w.oidc.URL, ClientIDs: []string{clientID, "second-client"}}},
			SAMLProviders: []localaws.SeedSAMLProvider{{Name: "corp", Metadata: w.saml.Metadata()}},
		},
		{ID: dev, Name: "acme-dev", Roles: []localaws.SeedRole{{Name: "Reader", TrustPolicy: json.RawMessage(readerTrust), Tags: map[string]string{"env": "dev"}}}},
	}}
}

// claims are those of a good CI token, changed by edits.
func (w *world) claims(edits map[string]any) map[string]any {
	now := w.clock.Now()
	out := map[string]any{
		"iss": w.oidc.URL, "sub": "repo:acme/shop:ref:refs/heads/main", "aud": clientID,
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": "1",
	}
	for name, value := range edits {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = value
	}
	return out
}

func (w *world) token(edits map[string]any) string { return w.oidc.Mint(w.t, w.claims(edits)) }

func (w *world) statement(edits ...func(*idptest.Statement)) idptest.Statement {
	s := idptest.Statement{Now: w.clock.Now(), Recipient: signinURL, Roles: []string{idptest.Pair(adminRole, samlProvider)}, Session: "alice"}
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

func (w *world) response(edits ...func(*idptest.Statement)) string {
	return w.saml.Response(w.t, w.statement(edits...))
}

// client is AWS's own SDK against this server.
func (w *world) client(provider aws.CredentialsProvider) *sts.Client {
	return sts.New(sts.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(w.url), Credentials: provider, RetryMaxAttempts: 1,
	})
}

func (w *world) user() *sts.Client {
	return w.client(credentials.NewStaticCredentialsProvider(userKey, userSecret, ""))
}

// reply is an answer of the Query API.
type reply struct {
	status  int
	header  http.Header
	body    string
	Code    string
	Message string
	Type    string
}

// post sends an unsigned form.
func (w *world) post(form url.Values) reply {
	w.t.Helper()
	return w.raw(form.Encode())
}

func (w *world) raw(body string) reply {
	w.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.url+"/", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return w.do(request)
}

func (w *world) do(request *http.Request) reply {
	w.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	out := reply{status: response.StatusCode, header: response.Header, body: string(body)}
	var envelope struct {
		Error struct{ Type, Code, Message string }
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/xml") {
		if err := xml.Unmarshal(body, &envelope); err != nil {
			w.t.Fatalf("answer is not XML: %v\n%s", err, body)
		}
	}
	out.Type, out.Code, out.Message = envelope.Error.Type, envelope.Error.Code, envelope.Error.Message
	return out
}

// webIdentity is a good call, changed by edits; an empty value removes a parameter.
func (w *world) webIdentity(edits map[string]string) url.Values {
	return edited(url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {deployRole},
		"RoleSessionName": {"gha-1"}, "WebIdentityToken": {w.token(nil)},
	}, edits)
}

func (w *world) withSAML(edits map[string]string) url.Values {
	return edited(url.Values{
		"Action": {"AssumeRoleWithSAML"}, "Version": {"2011-06-15"}, "RoleArn": {adminRole}, "PrincipalArn": {samlProvider},
		"SAMLAssertion": {w.response()},
	}, edits)
}

func edited(form url.Values, edits map[string]string) url.Values {
	for name, value := range edits {
		if value == "" {
			form.Del(name)
			continue
		}
		form.Set(name, value)
	}
	return form
}

// hostOf is the host and port of the server.
func (w *world) hostOf() string {
	u, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, _, err := net.SplitHostPort(u.Host); err != nil {
		w.t.Fatal(err)
	}
	return u.Host
}

// withoutExtras takes sts:TagSession and sts:SetSourceIdentity out of every trust policy.
func withoutExtras(o *localaws.Options) {
	for _, account := range o.Seed.Accounts {
		for i := range account.Roles {
			trust := strings.ReplaceAll(string(account.Roles[i].TrustPolicy), `,"sts:TagSession","sts:SetSourceIdentity"`, "")
			account.Roles[i].TrustPolicy = json.RawMessage(trust)
		}
	}
}

// endingIn is a SAML call whose session ends soon.
func (w *world) endingIn(d time.Duration) *sts.AssumeRoleWithSAMLInput {
	response := w.response(func(s *idptest.Statement) { s.SessionEnd = s.Now.Add(d) })
	return &sts.AssumeRoleWithSAMLInput{RoleArn: aws.String(adminRole), PrincipalArn: aws.String(samlProvider), SAMLAssertion: &response}
}
