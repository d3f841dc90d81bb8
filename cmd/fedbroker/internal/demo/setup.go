package demo

import (
	"strings"

	"github.com/fedbroker/fedbroker/sts/localaws"
)

const (
	prodAccount  = "111122223333"
	devAccount   = "444455556666"
	providerName = "fedbroker"
	externalID   = "acme-7f3"
	secretName   = "DEMO_SECRET_ACCESS_KEY"

	oidcClient       = "fedbroker"
	clientSecretName = "DEMO_CLIENT_SECRET"
)

// seedFor is what local AWS holds: two accounts, roles with real trust policies, the broker as an OIDC provider and as
// an IAM user. The SAML provider is added when the broker has its metadata.
func seedFor(u URLs) (localaws.Seed, error) {
	return localaws.LoadSeed([]byte(fill(seedYAML, u, "")))
}

// configFor is the broker's configuration, as it would stand in a file.
func configFor(u URLs, accessKeyID string) []byte { return []byte(fill(brokerYAML, u, accessKeyID)) }

func fill(text string, u URLs, accessKeyID string) string {
	return strings.NewReplacer(
		"{broker}", u.Broker, "{broker-host}", strings.TrimPrefix(u.Broker, "http://"), "{aws}", u.AWS, "{idp}", u.IdP,
		"{prod}", prodAccount, "{dev}", devAccount, "{key}", accessKeyID, "{external-id}", externalID,
		"{provider}", providerName, "{secret}", secretName,
		"{oidc-client}", oidcClient, "{client-secret}", clientSecretName,
	).Replace(text)
}

const seedYAML = `
accounts:
  - id: "{prod}"
    name: acme-prod
    oidc_providers:
      - {url: "{broker}", client_ids: [sts.amazonaws.com]}
    users:
      - name: fedbroker
        access_keys: [{generate: true}]
        policies:
          - name: hub-only
            document:
              Version: "2012-10-17"
              Statement: [{Effect: Allow, Action: ["sts:AssumeRole", "sts:SetSourceIdentity"], Resource: "arn:aws:iam::{prod}:role/Hub"}]
    roles:
      - name: Deploy
        max_session_duration: 14400
        trust_policy:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {Federated: "arn:aws:iam::{prod}:oidc-provider/{broker-host}"}
              Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]
              Condition:
                StringEquals:
                  "{broker-host}:aud": sts.amazonaws.com
                  "aws:RequestTag/environment": prod
                StringLike: {"{broker-host}:sub": "ci:repo%3Aacme*"}
      - name: Admin
        max_session_duration: 14400
        trust_policy:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {Federated: "arn:aws:iam::{prod}:saml-provider/{provider}"}
              Action: ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"]
              Condition: {StringEquals: {"saml:aud": "{aws}/saml"}}
      - name: Reader
        trust_policy:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {Federated: "arn:aws:iam::{prod}:saml-provider/{provider}"}
              Action: ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"]
              Condition: {StringEquals: {"saml:aud": "{aws}/saml"}}
      - name: Hub
        trust_policy:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {AWS: "arn:aws:iam::{prod}:user/fedbroker"}
              Action: ["sts:AssumeRole", "sts:SetSourceIdentity"]
        policies:
          - name: hop
            document:
              Version: "2012-10-17"
              Statement: [{Effect: Allow, Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], Resource: "arn:aws:iam::{dev}:role/*"}]
  - id: "{dev}"
    name: acme-dev
    roles:
      - name: Analyst
        trust_policy:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {AWS: "arn:aws:iam::{prod}:role/Hub"}
              Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
              Condition: {StringEquals: {"sts:ExternalId": "{external-id}"}}
`

const brokerYAML = `
server: {listen: "127.0.0.1:0", public_url: "{broker}"}
branding: {name: Acme (demo)}
idps:
  - id: dev
    name: Development identity provider
    insecure_http: true
    saml: {metadata_url: "{idp}/saml/metadata"}
    mfa: {acr: ["https://refeds.org/profile/mfa"]}
  - id: dev-oidc
    name: Development identity provider, by OpenID Connect
    insecure_http: true
    oidc: {issuer: "{idp}", client_id: "{oidc-client}", client_secret: "env:{client-secret}", scopes: [profile, email, groups]}
    mfa: {acr: ["https://refeds.org/profile/mfa"]}
  - id: ci
    name: CI
    insecure_http: true
    workload: {issuer: "{idp}/ci", audiences: ["{broker}"], tenant: {repository_owner_id: "9919"}}
aws:
  region: eu-central-1
  endpoints: {sts: "{aws}", signin: "{aws}", console: "{aws}"}
  credentials: {access_key_id: "{key}", secret_access_key: "env:{secret}"}
  accounts:
    - {id: "{prod}", name: acme-prod, saml_provider: {provider}}
    - {id: "{dev}", name: acme-dev}
  roles:
    - {name: prod/deploy, arn: "arn:aws:iam::{prod}:role/Deploy", max_duration: 4h}
    - {name: prod/admin, arn: "arn:aws:iam::{prod}:role/Admin", mode: saml, max_duration: 4h}
    - {name: prod/reader, arn: "arn:aws:iam::{prod}:role/Reader", mode: saml}
    - {name: prod/hub, arn: "arn:aws:iam::{prod}:role/Hub", mode: assume-role}
    - {name: dev/analyst, arn: "arn:aws:iam::{dev}:role/Analyst", mode: assume-role, through: prod/hub, external_id: "{external-id}"}
rules:
  - name: the shop deploys from main
    idp: ci
    match: {repository_id: "1296269", ref: refs/heads/main}
    when: claims.event_name != "pull_request"
    roles: [prod/deploy]
    session:
      name: '"gha-" + string(claims.run_id)'
      source_identity: string(claims.actor_id)
      tags: {repository: claims.repository, environment: '"prod"'}
      transitive: [repository]
  - name: administrators
    idp: dev
    match: {groups: aws-admins}
    roles: [prod/admin]
    session: {source_identity: claims.username, tags: {team: '"platform"'}}
  - name: everybody reads
    idp: dev
    match: {groups: [aws-admins, developers, auditors]}
    roles: [prod/reader]
    session: {source_identity: claims.username}
  - name: developers analyse in the other account
    idp: dev
    match: {groups: [aws-admins, developers]}
    roles: [dev/analyst]
    session: {source_identity: claims.username, tags: {team: '"platform"'}}
  - name: administrators, by OIDC
    idp: dev-oidc
    match: {groups: aws-admins}
    roles: [prod/admin]
    session: {source_identity: claims.username, tags: {team: '"platform"'}}
  - name: everybody reads, by OIDC
    idp: dev-oidc
    match: {groups: [aws-admins, developers, auditors]}
    roles: [prod/reader]
    session: {source_identity: claims.username}
  - name: developers analyse in the other account, by OIDC
    idp: dev-oidc
    match: {groups: [aws-admins, developers]}
    roles: [dev/analyst]
    session: {source_identity: claims.username, tags: {team: '"platform"'}}
tests:
  - name: main deploys
    idp: ci
    claims: {repository_id: "1296269", repository: acme/shop, ref: refs/heads/main, event_name: push, run_id: "7", actor_id: "583231"}
    expect: {roles: [prod/deploy]}
  - name: a pull request never deploys
    idp: ci
    claims: {repository_id: "1296269", ref: refs/heads/main, event_name: pull_request}
    expect: {roles: []}
`
