package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/fedbroker/fedbroker/broker/store/storetest"
	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
)

// TestNoSecretIsToldToAnybody sends marked secrets through every door, right and wrong, and looks for them in all that
// the broker writes (invariants 4 and 6).
func TestNoSecretIsToldToAnybody(t *testing.T) {
	w := newWorld(t)
	redis := storetest.StartRedis(t)
	admin := freeAddr(t)
	w.env["AWS_SECRET"] = "marked-aws-secret-access-key-0123456789"
	people := w.startPeople()
	name := w.config("f", parts{
		server: `, admin_listen: "` + admin + `"`, extra: w.withRedis(redis),
		idps:  ciIdP + corpIdP + `  - {id: dev, insecure_http: true, saml: {metadata_url: "` + people.EntityID() + `"}}` + "\n",
		rules: "  - {name: main, idp: ci, roles: [prod/deploy, prod/refuses, prod/upstream, prod/hub]}\n  - {name: people, idp: corp, roles: [prod/deploy]}\n  - {name: dev, idp: dev, roles: [prod/deploy]}\n",
	})
	w.rewrite(name, "  roles:\n", `  credentials: {access_key_id: AKIAIOSFODNN7EXAMPLE, secret_access_key: "env:AWS_SECRET"}
  roles:
    - {name: prod/hub, arn: "arn:aws:iam::111122223333:role/Hub", mode: assume-role}
`)
	n := w.serve(name)
	secrets := map[string]string{"the sealing key": sealingKey, "AWS's secret key": w.env["AWS_SECRET"]}

	w.visitWithTokens(n, secrets)
	w.visitWithAssertions(n, secrets)
	w.visitWithABrowser(n, people, secrets)

	metrics := n.at("http://" + admin).get("/metrics").body
	places := map[string]string{"standard output": n.stdout.String(), "metrics": metrics, "Redis": everything(t, redis)}
	n.stop()
	places["standard error"], places["the audit log"] = n.stderr.String(), w.read("f.audit")
	for place, text := range places {
		for what, secret := range secrets {
			if len(secret) < 12 {
				t.Fatalf("%s is no secret: %q", what, secret)
			}
			if strings.Contains(text, secret) {
				t.Errorf("%s is in %s", what, place)
			}
		}
	}
	if !strings.Contains(places["the audit log"], `"outcome":"ok"`) || !strings.Contains(metrics, "fedbroker_") || places["Redis"] == "" {
		t.Error("nothing was written where secrets were looked for")
	}
}

// visitWithTokens uses tokens, good and bad, at everything that takes one.
func (w *world) visitWithTokens(n *node, secrets map[string]string) {
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"MarkedClientPolicy","Effect":"Allow","Action":"*","Resource":"*"}]}`
	secrets["a client's policy"] = "MarkedClientPolicy"
	good := w.token()
	signature := func(token string) string { return token[strings.LastIndexByte(token, '.')+1:] }
	secrets["a token"], secrets["a token's signature"] = good, signature(good)
	stranger := w.issuer.Token(map[string]any{"sub": "job", "iss": "https://stranger.example.com", "aud": audience})
	expired := w.issuer.Token(map[string]any{"sub": "job", "aud": audience, "exp": 1})
	secrets["a stranger's token"], secrets["an expired token"] = signature(stranger), signature(expired)
	opaque := "marked-opaque-bearer-token"
	secrets["an opaque token"] = opaque

	for _, token := range []string{good, stranger, expired, opaque} {
		for _, path := range []string{"/api/v1/credentials", "/api/v1/console", "/api/v1/explain", "/nowhere"} {
			for _, body := range []string{
				`{"role": "prod/deploy"}`, `{"role": "prod/refuses"}`, `{"role": "prod/upstream"}`, `{"role": "prod/hub"}`, "{",
				fmt.Sprintf(`{"role": "prod/deploy", "policy": %q}`, policy), fmt.Sprintf(`{"role": "prod/deploy", "policy": %q}`, policy[:50]+"x"),
			} {
				a := n.do(n.request(http.MethodPost, path, body, "Authorization", "Bearer "+token, "Content-Type", "application/json"))
				w.keep(a, path+body, secrets)
			}
		}
		for _, path := range []string{"/api/v1/roles", "/api/v1/whoami", "/", "/api/v1/roles?access_token=" + token, "/oidc/ci/callback?code=" + token} {
			n.do(n.request(http.MethodGet, path, "", "Authorization", "Bearer "+token))
		}
		n.do(n.request(http.MethodPost, "/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&WebIdentityToken="+token, "Content-Type", "application/x-www-form-urlencoded"))
	}
}

// keep adds the secrets of an answer.
func (w *world) keep(a answer, what string, secrets map[string]string) {
	if a.SecretAccessKey != "" {
		secrets["the secret key of "+what], secrets["the session token of "+what] = a.SecretAccessKey, a.SessionToken
	}
	if u, err := url.Parse(field(a.body, "SignInURL")); err == nil && u.Query().Get("SigninToken") != "" {
		secrets["the sign-in token of "+what] = u.Query().Get("SigninToken")
	}
}

func field(body, name string) string {
	_, after, _ := strings.Cut(body, `"`+name+`":"`)
	value, _, _ := strings.Cut(after, `"`)
	return strings.ReplaceAll(value, `\u0026`, "&")
}

// visitWithAssertions uses SAML Responses outside a browser.
func (w *world) visitWithAssertions(n *node, secrets map[string]string) {
	good := w.response(w.saml)
	xml, _ := base64.StdEncoding.DecodeString(good)
	secrets["a SAMLResponse"] = good
	_, after, _ := strings.Cut(string(xml), "SignatureValue>")
	secrets["an assertion's signature"] = after[:80]
	w.keep(n.direct(good, "prod/deploy"), "an assertion", secrets)
	n.direct(good, "prod/deploy") // replayed
	n.direct(good[:len(good)/2], "prod/deploy")
	n.do(n.request(http.MethodPost, "/saml/corp/acs", "SAMLResponse="+url.QueryEscape(good)+"&RelayState=marked-relay-state", "Content-Type", "application/x-www-form-urlencoded"))
	n.do(n.request(http.MethodPost, "/", "Action=AssumeRoleWithSAML&Version=2011-06-15&SAMLAssertion="+url.QueryEscape(good), "Content-Type", "application/x-www-form-urlencoded"))
	n.get("/api/v1/roles?SAMLResponse=" + url.QueryEscape(good))
}

// visitWithABrowser signs a person in and uses the session, and a wrong one.
func (w *world) visitWithABrowser(n *node, people *devidp.Server, secrets map[string]string) {
	w.t.Helper()
	party, err := devidp.ParseServiceProvider([]byte(n.get("/saml/dev/metadata").body))
	if err == nil {
		err = people.AddServiceProvider(party)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	watch := &cookieWatch{}
	browser := devclient.New(devclient.Options{Transport: watch})
	ctx := context.Background()
	alice := people.People()[0]
	secrets["a person's password"] = alice.Password.Reveal()
	form, err := browser.SAMLForm(ctx, n.url+"/login/dev", devclient.Person{Username: alice.Username, Password: alice.Password})
	if err != nil {
		w.t.Fatal(err)
	}
	secrets["a person's SAMLResponse"] = form.Fields.Get("SAMLResponse")
	portal, err := browser.Submit(ctx, form)
	if err != nil || portal.Status != http.StatusOK {
		w.t.Fatalf("the portal answers %+v, %v", portal, err)
	}
	for _, path := range []string{"/api/v1/credentials", "/api/v1/console", "/api/v1/explain"} {
		page, err := browser.Fetch(ctx, portal, http.MethodPost, path, `{"role": "prod/deploy"}`)
		if err != nil || page.Status != http.StatusOK {
			w.t.Fatalf("%s for a session: %v, %s", path, err, page.Body)
		}
		w.keep(answerOf(page), path, secrets)
	}
	for i, cookie := range watch.all() {
		if !strings.HasPrefix(cookie.Name, "__Host-") || cookie.Value == "" {
			continue
		}
		if cookie.Name == "__Host-idp" {
			continue // which provider was chosen; it lets nobody in
		}
		secrets[fmt.Sprintf("cookie %d, %.14s", i, cookie.Name)] = cookie.Value
	}
	if len(watch.all()) == 0 {
		w.t.Fatal("no cookie was set")
	}
	w.keysOnAPage(n, watch, secrets)
	secrets["a wrong session cookie"] = "marked-session-cookie-marked-session"
	n.do(n.request(http.MethodGet, "/", "", "Cookie", "__Host-session="+secrets["a wrong session cookie"]))
	n.do(n.request(http.MethodGet, "/api/v1/roles", "", "Cookie", "__Host-session="+secrets["a wrong session cookie"]))
}

// keysOnAPage has the portal show credentials.
func (w *world) keysOnAPage(n *node, watch *cookieWatch, secrets map[string]string) {
	w.t.Helper()
	var cookies []string
	for _, c := range watch.all() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	page := n.do(n.request(http.MethodPost, "/credentials", "role=prod/deploy&duration=45m", "Content-Type", "application/x-www-form-urlencoded",
		"Cookie", strings.Join(cookies, "; "), "Origin", n.url, "Sec-Fetch-Site", "same-origin"))
	text := html.UnescapeString(page.body)
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		_, after, _ := strings.Cut(text, "export "+name+"='")
		secrets[name+" on a page"], _, _ = strings.Cut(after, "'")
	}
}

// startPeople serves the development identity provider.
func (w *world) startPeople() *devidp.Server {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	people, err := devidp.New(devidp.Options{BaseURL: "http://" + l.Addr().String()})
	if err != nil {
		w.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(people)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	w.t.Cleanup(server.Close)
	return people
}

func answerOf(page *devclient.Page) answer {
	a := answer{status: page.Status, body: string(page.Body)}
	a.SecretAccessKey, a.SessionToken = field(a.body, "SecretAccessKey"), field(a.body, "SessionToken")
	return a
}

// cookieWatch remembers every cookie that was set.
type cookieWatch struct {
	mu      sync.Mutex
	cookies []*http.Cookie
}

func (c *cookieWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.cookies = append(c.cookies, resp.Cookies()...)
	}
	return resp, err
}

func (c *cookieWatch) all() []*http.Cookie {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cookies
}

// everything is all names and values on a server.
func everything(t *testing.T, redis *storetest.Server) string {
	t.Helper()
	var b strings.Builder
	for _, key := range redis.Keys() {
		value, err := redis.Client().Get(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, key, value)
	}
	return b.String()
}
