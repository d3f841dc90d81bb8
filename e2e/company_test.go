package e2e_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/idptest"
)

// company is a broker with every kind of login, and local AWS behind it.
type company struct {
	URL, AWS string
	Listen   string // of the broker
	people   *devidp.Server
	openID   *idptest.OpenID
	gitHub   *idptest.GitHub

	// for the configuration
	Dir, SAML, OIDC, GitHub, LDAPS string
}

const directoryPassword = "correct horse battery"

// startCompany starts everything on loopback. The broker is at localhost, the others at 127.0.0.1: two sites.
func startCompany(t *testing.T) *company {
	t.Helper()
	c := &company{Dir: t.TempDir(), Listen: freeAddress(t)}
	_, port, _ := strings.Cut(c.Listen, ":")
	c.URL = "http://localhost:" + port
	c.openID = idptest.NewOpenID(t, "portal", "secret-of-portal", c.URL+"/oidc/auth0/callback")
	c.openID.SetClaims(map[string]any{"sub": "auth0|5", "email": "olga@example.com", "groups": []string{"developers"}})
	c.gitHub = idptest.NewGitHub(t, "portal", "secret-of-portal", c.URL+"/oidc/gh/callback")
	c.gitHub.SetList(idptest.GitHubTeams, idptest.Team("octo-org", "developers", 7))
	directory := idptest.NewActiveDirectory(t, time.Now)
	directory.Person(idptest.ADPerson{Name: "dora", Password: directoryPassword})
	server := idptest.NewLDAPServer(t, idptest.LDAPS, directory)
	writeFile(t, filepath.Join(c.Dir, "ca.pem"), string(server.CA))
	writeFile(t, filepath.Join(c.Dir, "logo.svg"), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#0b6" d="M12 2 22 20H2z"/></svg>`)
	writeFile(t, filepath.Join(c.Dir, "secret.txt"), "secret-of-portal")
	writeFile(t, filepath.Join(c.Dir, "bind.txt"), idptest.ADServicePassword)
	c.startPeople(t)
	c.OIDC, c.GitHub, c.LDAPS = c.openID.URL, c.gitHub.URL, "ldaps://"+server.Address
	c.startAWS(t)
	start(t, c.URL+"/readyz", "serve", "-c", c.file(t, "broker.yaml", brokerFile))
	c.trust(t)
	return c
}

// startPeople starts the SAML identity provider.
func (c *company) startPeople(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.people, err = devidp.New(devidp.Options{BaseURL: "http://" + l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	c.SAML = c.people.EntityID()
	server := &http.Server{Handler: c.people, ReadHeaderTimeout: patience}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}

// trust tells the SAML identity provider of the broker.
func (c *company) trust(t *testing.T) {
	t.Helper()
	answer, err := http.Get(c.URL + "/saml/corp/metadata")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	metadata, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	party, err := devidp.ParseServiceProvider(metadata)
	if err == nil {
		err = c.people.AddServiceProvider(party)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (c *company) startAWS(t *testing.T) {
	t.Helper()
	address := freeAddress(t)
	c.AWS = "http://" + address
	start(t, c.AWS+"/healthz", "local-aws", "-c", c.file(t, "aws.yaml", awsFile), "--listen", address, "--insecure-providers")
}

// Host is the broker's, as IAM names its provider.
func (c *company) Host() string { return strings.TrimPrefix(c.URL, "http://") }

func (c *company) file(t *testing.T, name, content string) string {
	t.Helper()
	var out strings.Builder
	if err := template.Must(template.New(name).Parse(content)).Execute(&out, c); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(c.Dir, name)
	writeFile(t, path, out.String())
	return path
}

// password is alice's or another's at the SAML identity provider.
func (c *company) password(name string) string {
	for _, account := range c.people.People() {
		if account.Username == name {
			return account.Password.Reveal()
		}
	}
	return ""
}

// signIn goes through the SAML identity provider's form, which the browser is at or comes to.
func (c *company) signIn(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	do(t, ctx,
		visible("input[name=password]"),
		chromedp.SendKeys(chromedp.CSS("input[name=username]"), name),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), c.password(name)+"\r"),
	)
}

// open goes to a path of the broker.
func (c *company) open(t *testing.T, ctx context.Context, path string) {
	t.Helper()
	do(t, ctx, chromedp.Navigate(c.URL+path), chromedp.WaitReady(chromedp.CSS("body")))
}

const brokerFile = `
server: {listen: "{{.Listen}}", public_url: "{{.URL}}"}
audit: {file: "{{.Dir}}/audit.jsonl"}
branding: {name: Acme, logo: "file:logo.svg", accent: "#0b6", contact: cloud-team@example.com}
idps:
  - {id: corp, name: Acme AD FS, domains: [acme.example], insecure_http: true, saml: {metadata_url: "{{.SAML}}"}}
  - {id: auth0, name: Auth0, domains: [bücher.example], insecure_http: true, oidc: {issuer: "{{.OIDC}}", client_id: portal, client_secret: "file:secret.txt", scopes: [openid, email]}}
  - {id: gh, name: GitHub, insecure_http: true, oauth2: {preset: github-enterprise, base_url: "{{.GitHub}}", client_id: portal, client_secret: "file:secret.txt"}}
  - {id: ad, name: Windows account, private_network: true, ldap: {url: "{{.LDAPS}}", ca: "file:ca.pem", base_dn: "DC=corp,DC=example,DC=com", bind_dn: "CN=broker,OU=Services,DC=corp,DC=example,DC=com", bind_password: "file:bind.txt"}}
aws:
  region: eu-central-1
  endpoints: {sts: "{{.AWS}}", signin: "{{.AWS}}", console: "{{.AWS}}"}
  accounts:
    - {id: "111122223333", name: prod}
    - {id: "444455556666", name: dev}
  roles:
    - {name: prod/admin, arn: "arn:aws:iam::111122223333:role/Admin", max_duration: 4h}
    - {name: prod/reader, arn: "arn:aws:iam::111122223333:role/Reader"}
    - {name: dev/developer, arn: "arn:aws:iam::444455556666:role/Developer", max_duration: 8h}
rules:
  - {name: administrators, idp: corp, match: {groups: aws-admins}, roles: [prod/admin, prod/reader]}
  - {name: developers at AD FS, idp: corp, match: {groups: developers}, roles: [dev/developer]}
  - {name: developers at Auth0, idp: auth0, match: {groups: developers}, roles: [dev/developer]}
  - {name: developers at GitHub, idp: gh, match: {groups: octo-org/developers}, roles: [dev/developer]}
  - {name: developers in the directory, idp: ad, match: {groups: Domain Users}, roles: [dev/developer]}
`

const awsFile = `
accounts:
  - id: "111122223333"
    name: acme-prod
    oidc_providers: [{url: "{{.URL}}", client_ids: [sts.amazonaws.com]}]
    roles:
      - {name: Admin, max_session_duration: 14400, trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::111122223333:oidc-provider/{{.Host}}"}, Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"], Condition: {StringEquals: {"{{.Host}}:aud": sts.amazonaws.com}}}]}}
      - {name: Reader, trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::111122223333:oidc-provider/{{.Host}}"}, Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"], Condition: {StringEquals: {"{{.Host}}:aud": sts.amazonaws.com}}}]}}
  - id: "444455556666"
    name: acme-dev
    oidc_providers: [{url: "{{.URL}}", client_ids: [sts.amazonaws.com]}]
    roles:
      - {name: Developer, max_session_duration: 28800, trust_policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: "arn:aws:iam::444455556666:oidc-provider/{{.Host}}"}, Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"], Condition: {StringEquals: {"{{.Host}}:aud": sts.amazonaws.com}}}]}}
`
