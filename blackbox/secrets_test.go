package blackbox

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// marks are secrets to look for, by what they are.
type marks map[string]string

// Marked secrets go through every door, good and bad. Then nothing that the program writes has any of them: logs, audit,
// metrics, and everything in Redis.
func TestSecretsShowNowhere(t *testing.T) {
	found := marks{"the sealing key": sealingKey()}
	found.goodTraffic(t)
	found.badTraffic(t)
	for name, secret := range found {
		if len(secret) < 16 {
			t.Fatalf("%s is too short to look for", name)
		}
	}
	places := written(t)
	if !strings.Contains(places["node0.audit"], victim) {
		t.Error("the audit log does not name the victim: the search looks in the wrong place")
	}
	for place, content := range places {
		for name, secret := range found {
			for form, text := range forms(secret) {
				if strings.Contains(content, text) {
					t.Errorf("secret: %s shows in %s (%s)", name, place, form)
				}
			}
		}
	}
	t.Logf("%d secrets looked for in %d places", len(found), len(places))
}

// forms are how a secret may have been written.
func forms(secret string) map[string]string {
	out := map[string]string{"as it is": secret, "escaped": url.QueryEscape(secret), "base64": base64.StdEncoding.EncodeToString([]byte(secret)), "hex": hex.EncodeToString([]byte(secret))}
	if raw, err := base64.StdEncoding.DecodeString(secret); err == nil && len(raw) >= 16 {
		out["decoded"] = string(raw)
	}
	return out
}

// signatureOf is the part of a token that makes it one; the rest may be known.
func signatureOf(token string) string { return token[strings.LastIndexByte(token, '.')+1:] }

// valueOf is a SAML Response's SignatureValue.
func valueOf(response string) string {
	text := string(fromBase64(response))
	start, end := strings.Index(text, "<ds:SignatureValue>")+len("<ds:SignatureValue>"), strings.Index(text, "</ds:SignatureValue>")
	return text[start:end]
}

func (m marks) goodTraffic(t *testing.T) {
	t.Helper()
	corp := &target{idp: "corp", entity: entityCorp}
	for i, node := range w.nodeURLs {
		for _, idp := range []string{"ci", "pinned", "once"} {
			token := workload(idp, victimSub).string()
			m[fmt.Sprintf("token of %s, node %d", idp, i)] = signatureOf(token)
			m.credentials(t, fmt.Sprintf("token of %s, node %d", idp, i), func() (answer, error) { return bearer(node, token) })
		}
		response := good(corp, victim).form()
		m[fmt.Sprintf("assertion, node %d", i)] = valueOf(response)
		m.credentials(t, fmt.Sprintf("assertion, node %d", i), func() (answer, error) { return direct(node, response) })
		m.login(t, i, node)
		m.console(t, i, node)
	}
}

func (m marks) credentials(t *testing.T, name string, try attempt) {
	t.Helper()
	a, err := try()
	var c struct{ SecretAccessKey, SessionToken string }
	if err != nil || a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &c) != nil {
		t.Fatalf("%s: %d %s, %v", name, a.status, a.body, err)
	}
	m["secret key for "+name], m["session token for "+name] = c.SecretAccessKey, c.SessionToken
}

func (m marks) login(t *testing.T, i int, node string) {
	t.Helper()
	p, err := begin(node, "corp")
	if err != nil {
		t.Fatal(err)
	}
	response := good(&target{idp: "corp", entity: entityCorp, inResponseTo: p.requestID}, victim).form()
	a, err := acs(node, "corp", response, p)
	if err != nil || a.status != http.StatusSeeOther {
		t.Fatalf("login: %d %s, %v", a.status, a.body, err)
	}
	m[fmt.Sprintf("login's assertion, node %d", i)] = valueOf(response)
	m[fmt.Sprintf("login cookie, node %d", i)] = p.cookie[strings.IndexByte(p.cookie, '=')+1:]
	for _, c := range a.cookies {
		if strings.HasPrefix(c.Name, "__Host-session") {
			m[fmt.Sprintf("session cookie, node %d", i)] = c.Value
		}
	}
}

func (m marks) console(t *testing.T, i int, node string) {
	t.Helper()
	token := workload("ci", victimSub).string()
	a, err := post(node+"/api/v1/console", "application/json", "{}", "Authorization", "Bearer "+token)
	var doc struct{ SignInURL string }
	if err != nil || a.status != http.StatusOK || json.Unmarshal([]byte(a.body), &doc) != nil {
		t.Fatalf("console: %d %s, %v", a.status, a.body, err)
	}
	u, err := url.Parse(doc.SignInURL)
	if err != nil || u.Query().Get("SigninToken") == "" {
		t.Fatalf("a sign-in URL without a token: %v", err)
	}
	m[fmt.Sprintf("sign-in token, node %d", i)] = u.Query().Get("SigninToken")
	m[fmt.Sprintf("console's token, node %d", i)] = signatureOf(token)
}

// badTraffic puts a mark of its own wherever a client may put a secret by mistake.
func (m marks) badTraffic(t *testing.T) {
	t.Helper()
	mark := func(name string) string {
		m[name] = "marked-" + randomID()
		return m[name]
	}
	node := w.nodeURLs[0]
	api := node + "/api/v1/credentials"
	altered := workload("pinned", attackerSub)
	altered.key = keysOfIssuers().foreignRSA
	token := altered.string()
	m["forged token"] = signatureOf(token)
	claimed := workload("pinned", attackerSub).with("password", mark("a claim nobody maps")).string()
	unsigned := good(&target{idp: "corp", entity: entityCorp}, mark("an unverified name"))
	unsigned.signA = &signature{key: foreignKey()}
	secretAttribute := good(&target{idp: "corp", entity: entityCorp}, attacker)
	secretAttribute.attributes = `<saml:AttributeStatement><saml:Attribute Name="pin"><saml:AttributeValue>` + mark("an attribute nobody maps") + `</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`
	for name, try := range map[string]attempt{
		"forged":      func() (answer, error) { return bearer(node, token) },
		"claim":       func() (answer, error) { return bearer(node, claimed) },
		"not a token": func() (answer, error) { return bearer(node, mark("a bearer that is no token")) },
		"Basic": func() (answer, error) {
			return post(api, "", "", "Authorization", "Basic "+mark("a password by Basic"))
		},
		"query": func() (answer, error) {
			return post(api+"?token="+mark("a token in the query"), "application/json", "{}")
		},
		"cookie": func() (answer, error) {
			return post(api, "", "", "Cookie", "__Host-session="+mark("a stale session cookie"))
		},
		"member": func() (answer, error) {
			return post(api, "application/json", `{"secret":"`+mark("an unknown member")+`"}`, "Authorization", "Bearer "+workload("ci", attackerSub).string())
		},
		"policy": func() (answer, error) {
			return post(api, "application/json", `{"policy":"`+mark("a broken policy")+`"}`, "Authorization", "Bearer "+workload("ci", attackerSub).string())
		},
		"unsigned":   func() (answer, error) { return direct(node, unsigned.form()) },
		"attribute":  func() (answer, error) { return direct(node, secretAttribute.form()) },
		"not base64": func() (answer, error) { return direct(node, mark("a SAMLResponse that is none")) },
		"RelayState": func() (answer, error) {
			return acs(node, "corp", "AAAA", pending{relayState: mark("a RelayState"), cookie: "x=" + mark("a strange cookie")})
		},
		"form field": func() (answer, error) { return post(api, formType, "password="+mark("an unknown field")) },
		"STS door": func() (answer, error) {
			return post(node+"/", formType, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken="+mark("a token at the STS door"))
		},
		"header": func() (answer, error) {
			return post(api, "", "", "X-Amz-Security-Token", mark("a session token in a header"))
		},
		"login's page": func() (answer, error) {
			return post(node+"/login/corp?return="+mark("a return target"), formType, "handle="+mark("a handle"))
		},
	} {
		if a, err := try(); err != nil || a.status >= 500 {
			t.Errorf("%s: %d, %v", name, a.status, err)
		}
	}
}

// written is everything that the program wrote, by place.
func written(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.stdout", "*.stderr", "*.audit"} {
		files, err := filepath.Glob(filepath.Join(w.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasPrefix(filepath.Base(file), "redis") {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(file)] = string(b)
		}
	}
	for i, admin := range w.adminURLs {
		resp, err := client.Get(admin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil || !strings.Contains(string(b), "fedbroker") {
			t.Fatalf("no metrics: %d, %v", resp.StatusCode, err)
		}
		out[fmt.Sprintf("metrics of node %d", i)] = string(b)
	}
	for key, value := range inRedis(t) {
		out["redis "+key] = key + "\n" + value
	}
	return out
}

// inRedis reads all keys and values.
func inRedis(t *testing.T) map[string]string {
	t.Helper()
	ctx := context.Background()
	out := map[string]string{}
	keys := w.store.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		value, err := w.store.Get(ctx, keys.Val()).Result()
		if errors.Is(err, redis.Nil) {
			continue // it has just ended
		}
		if err != nil {
			t.Fatalf("%s: %v", keys.Val(), err)
		}
		out[keys.Val()] = value
	}
	if err := keys.Err(); err != nil || len(out) == 0 {
		t.Fatalf("redis holds %d entries, %v", len(out), err)
	}
	return out
}
