package blackbox

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Who may what: each name has a role of its own, so that a RoleArn says as whom a message was taken.
const (
	victim   = "victim@corp.example"
	attacker = "attacker@corp.example"

	victimSub   = "repo:acme/shop:ref:refs/heads/main"
	attackerSub = "repo:mallory/fork:ref:refs/heads/main"

	account = "111122223333"
	arnBase = "arn:aws:iam::" + account + ":role/"

	audienceCI     = "https://ci.broker.example"
	audiencePinned = "https://pinned.broker.example"
	audienceOnce   = "https://once.broker.example"

	issuerPinned = "https://pinned.issuer.example"
	issuerOnce   = "https://once.issuer.example"

	entityCorp    = "https://idp.corp.example/metadata"
	entityPartner = "https://idp.partner.example/metadata"
)

// awsSeed is an account whose roles trust the nodes, and the benchmarks' node that has keys of its own.
func awsSeed(publicURL, memoryURL string) string {
	host, memory := strings.TrimPrefix(publicURL, "http://"), strings.TrimPrefix(memoryURL, "http://")
	var b strings.Builder
	b.WriteString(strings.NewReplacer("{account}", account, "{url}", publicURL, "{memory}", memoryURL).Replace(`accounts:
  - id: "{account}"
    name: acme
    oidc_providers:
      - {url: "{url}", client_ids: [sts.amazonaws.com]}
      - {url: "{memory}", client_ids: [sts.amazonaws.com]}
    roles:
`))
	for _, role := range []string{"Victim", "Attacker", "Partner", "CIVictim", "CIAttacker"} {
		b.WriteString(strings.NewReplacer("{role}", role).Replace(`      - name: {role}
        max_session_duration: 14400
        trust_policy:
          Version: "2012-10-17"
          Statement:
`))
		for _, issuer := range []string{host, memory} {
			b.WriteString(strings.NewReplacer("{account}", account, "{host}", issuer).Replace(`            - Effect: Allow
              Principal: {Federated: "arn:aws:iam::{account}:oidc-provider/{host}"}
              Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]
              Condition:
                StringEquals: {"{host}:aud": sts.amazonaws.com}
                StringLike: {"{host}:sub": ["corp:*", "partner:*", "ci:*", "pinned:*", "once:*"]}
`))
		}
	}
	return b.String()
}

type nodeOptions struct {
	listen, admin, public string
	redis                 bool
}

// sealingKey is shared by the nodes, and one of the secrets that must show nowhere.
var sealingKey = sync.OnceValue(func() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
})

const nodeYAML = `server: {listen: "{listen}", public_url: "{public}"{admin}}
{store}audit: {file: "{dir}/{name}.audit"}
idps:
  - id: corp
    saml: {metadata_file: "{dir}/corp.xml", direct: true, allow_idp_initiated: true}
  - id: partner
    insecure_http: true
    saml: {metadata_url: "{idps}/partner.xml", direct: true}
  - id: ci
    insecure_http: true
    workload: {issuer: "{idps}", audiences: ["{aud-ci}"], tenant: {tenant: acme}}
  - id: pinned
    jwks_file: "{dir}/jwks.json"
    workload: {issuer: "{issuer-pinned}", audiences: ["{aud-pinned}"], tenant: {tenant: acme}}
  - id: once
    once: true
    jwks_file: "{dir}/jwks.json"
    workload: {issuer: "{issuer-once}", audiences: ["{aud-once}"], tenant: {tenant: acme}}
aws:
  region: eu-central-1
  sts_rate: 100000
  endpoints: {sts: "{aws}", signin: "{aws}", console: "{aws}"}
  accounts: [{id: "{account}", name: acme}]
  roles:
    - {name: victim, arn: "{arn}Victim"}
    - {name: attacker, arn: "{arn}Attacker"}
    - {name: partner, arn: "{arn}Partner"}
    - {name: ci-victim, arn: "{arn}CIVictim"}
    - {name: ci-attacker, arn: "{arn}CIAttacker"}
rules:
  - {name: victim, idp: corp, match: {subject: "{victim}"}, roles: [victim], session: {source_identity: claims.subject}}
  - {name: attacker, idp: corp, match: {subject: "{attacker}"}, roles: [attacker], session: {source_identity: claims.subject}}
  - {name: partner, idp: partner, match: {subject: ["{victim}", "{attacker}"]}, roles: [partner]}
`

const workloadRules = `  - {name: {idp} victim, idp: {idp}, match: {sub: "{victim-sub}"}, roles: [ci-victim]}
  - {name: {idp} attacker, idp: {idp}, match: {sub: "{attacker-sub}"}, roles: [ci-attacker]}
`

func (w *world) writeConfig(name string, o nodeOptions) (string, error) {
	for file, content := range map[string][]byte{
		"corp.xml": metadata(entityCorp, corpKey(), corpECKey()), "jwks.json": jwks(), "sealing": []byte(sealingKey()),
	} {
		if err := os.WriteFile(filepath.Join(w.dir, file), content, 0o600); err != nil {
			return "", err
		}
	}
	admin, store := "", ""
	if o.admin != "" {
		admin = `, admin_listen: "` + strings.TrimPrefix(o.admin, "http://") + `"`
	}
	if o.redis {
		store = `store: {redis: {url: "redis://127.0.0.1:` + w.redisPort + `/0"}}
keys: {sealing: {active: k1, ring: {k1: "file:` + w.dir + `/sealing"}}}
`
	}
	text := nodeYAML
	for _, idp := range []string{"ci", "pinned", "once"} {
		text += strings.ReplaceAll(workloadRules, "{idp}", idp)
	}
	listen := strings.Replace(strings.TrimPrefix(o.listen, "http://"), "localhost", "127.0.0.1", 1)
	text = strings.NewReplacer(
		"{listen}", listen, "{public}", o.public, "{admin}", admin, "{store}", store, "{dir}", w.dir, "{name}", name,
		"{idps}", w.idps.URL, "{aws}", w.awsURL, "{account}", account, "{arn}", arnBase, "{victim}", victim, "{attacker}", attacker,
		"{victim-sub}", victimSub, "{attacker-sub}", attackerSub, "{aud-ci}", audienceCI, "{aud-pinned}", audiencePinned, "{aud-once}", audienceOnce,
		"{issuer-pinned}", issuerPinned, "{issuer-once}", issuerOnce,
	).Replace(text)
	file := filepath.Join(w.dir, name+".yaml")
	return file, os.WriteFile(file, []byte(text), 0o600)
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
