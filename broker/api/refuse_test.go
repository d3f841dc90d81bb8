package api_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// TestProofs: exactly one, and well-formed.
func TestProofs(t *testing.T) {
	d := newDoor(t)
	token, session := d.Token(), d.login()
	for name, c := range map[string]struct {
		edits  []edit
		status int
		code   broker.Code
	}{
		"none":                            {nil, 401, broker.CodeLoginRequired},
		"cookie of nobody":                {[]edit{cookie(secret.New("nonsense"))}, 401, broker.CodeLoginRequired},
		"cookie of an unknown session":    {[]edit{cookie(secret.New(strings.Repeat("A", 43)))}, 401, broker.CodeLoginRequired},
		"cookie of another name":          {[]edit{header("Cookie", "session="+session.Reveal())}, 401, broker.CodeLoginRequired},
		"two session cookies":             {[]edit{cookie(session), cookie(session)}, 401, broker.CodeLoginRequired},
		"bearer and cookie":               {[]edit{bearer(token), cookie(session)}, 400, broker.CodeInvalidRequest},
		"two bearers":                     {[]edit{bearer(token), bearer(token)}, 400, broker.CodeInvalidRequest},
		"two bearers in one header":       {[]edit{bearer(token + ", Bearer " + token)}, 400, broker.CodeInvalidRequest},
		"bearer without a token":          {[]edit{header("Authorization", "Bearer")}, 400, broker.CodeInvalidRequest},
		"bearer with an empty token":      {[]edit{header("Authorization", "Bearer ")}, 400, broker.CodeInvalidRequest},
		"basic":                           {[]edit{header("Authorization", "Basic "+token)}, 400, broker.CodeInvalidRequest},
		"empty Authorization":             {[]edit{header("Authorization", "")}, 400, broker.CodeInvalidRequest},
		"a tab":                           {[]edit{header("Authorization", "Bearer\t"+token)}, 400, broker.CodeInvalidRequest},
		"two blanks":                      {[]edit{header("Authorization", "Bearer  "+token)}, 400, broker.CodeInvalidRequest},
		"a session's token as bearer":     {[]edit{bearer(session.Reveal())}, 401, broker.CodeInvalidToken},
		"not a JWT":                       {[]edit{bearer("x.y.z")}, 401, broker.CodeInvalidToken},
		"a JWT cut short":                 {[]edit{bearer(token[:len(token)-2])}, 401, broker.CodeInvalidToken},
		"a JWT of a stranger":             {[]edit{bearer(idptest.NewIssuer(t).Token(map[string]any{"aud": doortest.PublicURL, "sub": "x"}))}, 401, broker.CodeUntrustedIssuer},
		"a JWT for somebody else":         {[]edit{bearer(d.CI.Token(map[string]any{"aud": "https://else.example", "sub": "x"}))}, 401, broker.CodeInvalidToken},
		"an old JWT":                      {[]edit{bearer(d.CI.Token(map[string]any{"aud": doortest.PublicURL, "sub": "x", "iat": d.Now().Add(-2 * time.Hour).Unix(), "exp": d.Now().Add(-time.Hour).Unix()}))}, 401, broker.CodeExpiredToken},
		"forwarded identity is no proof":  {[]edit{header("X-Forwarded-User", "alice"), header("X-Forwarded-Email", "alice@corp.example")}, 401, broker.CodeLoginRequired},
		"proxy authorization is no proof": {[]edit{header("Proxy-Authorization", "Bearer "+token)}, 401, broker.CodeLoginRequired},
	} {
		for _, route := range []string{roles, whoami, credentials, explain} {
			w := d.send(route, "", append([]edit{ownPage}, c.edits...)...)
			t.Run(name+"/"+route[strings.LastIndex(route, "/")+1:], func(t *testing.T) { wantProblem(t, w, c.status, c.code) })
		}
	}
	for _, query := range []string{"access_token=" + token, "token=" + token, "SAMLResponse=x"} {
		wantProblem(t, d.send(roles+"?"+query, ""), 401, broker.CodeLoginRequired)
	}
	if len(d.STS.Calls()) > 0 {
		t.Error("STS was called")
	}
}

// TestCookieNeedsOurOwnPage is the CSRF table (invariant 8).
func TestCookieNeedsOurOwnPage(t *testing.T) {
	d := newDoor(t)
	session := d.login()
	for name, c := range map[string]struct {
		headers map[string]string
		good    bool
	}{
		"our page":                      {map[string]string{"Origin": doortest.PublicURL, "Sec-Fetch-Site": "same-origin"}, true},
		"our page, an older browser":    {map[string]string{"Origin": doortest.PublicURL}, true},
		"nothing said":                  {nil, false},
		"a neighbour":                   {map[string]string{"Origin": "https://evil.broker.test", "Sec-Fetch-Site": "same-site"}, false},
		"another site":                  {map[string]string{"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}, false},
		"our origin, another site":      {map[string]string{"Origin": doortest.PublicURL, "Sec-Fetch-Site": "cross-site"}, false},
		"null":                          {map[string]string{"Origin": "null"}, false},
		"http":                          {map[string]string{"Origin": "http://broker.test"}, false},
		"another port":                  {map[string]string{"Origin": doortest.PublicURL + ":8443"}, false},
		"prefix":                        {map[string]string{"Origin": doortest.PublicURL + ".evil.test"}, false},
		"typed by hand":                 {map[string]string{"Sec-Fetch-Site": "none"}, false},
		"referer only":                  {map[string]string{"Referer": doortest.PublicURL + "/"}, false},
		"the host says so":              {map[string]string{"Origin": "https://evil.test", "X-Forwarded-Host": "evil.test", "Host": "evil.test"}, false},
		"a header that anybody can add": {map[string]string{"X-Requested-With": "XMLHttpRequest"}, false},
	} {
		var edits []edit
		for name, value := range c.headers {
			edits = append(edits, header(name, value))
		}
		for _, route := range []string{credentials, console, explain} {
			for _, body := range []string{"", `{"role":"prod/reader"}`} {
				w := d.send(route, body, append(edits, cookie(session))...)
				t.Run(name, func(t *testing.T) {
					switch {
					case !c.good:
						wantProblem(t, w, 400, broker.CodeInvalidRequest)
					case w.Code != http.StatusOK && body != "":
						t.Errorf("%s: %d %s", route, w.Code, w.Body)
					}
				})
			}
		}
	}
}

// TestFormIsNoPages: a SAML Response comes alone, and from no page.
func TestFormIsNoPages(t *testing.T) {
	d := newDoor(t)
	session := d.login()
	response := d.response(nil)
	for name, c := range map[string]struct {
		body  string
		edits []edit
	}{
		"Origin":                     {response, []edit{header("Origin", "https://evil.test")}},
		"our own Origin":             {response, []edit{ownPage}},
		"Origin: null":               {response, []edit{header("Origin", "null")}},
		"a navigation":               {response, []edit{header("Sec-Fetch-Mode", "navigate")}},
		"with a cookie":              {response, []edit{cookie(session)}},
		"with a bearer":              {response, []edit{bearer(d.Token())}},
		"cookie instead":             {"role=prod%2Freader", []edit{cookie(session)}},
		"bearer instead":             {"role=prod%2Fdeploy", []edit{bearer(d.Token())}},
		"empty":                      {"SAMLResponse=", nil},
		"nothing":                    {"", nil},
		"twice":                      {response + "&" + response, nil},
		"two roles":                  {response + "&role=a&role=b", nil},
		"a session policy":           {response + "&policy=%7B%7D", nil},
		"a destination":              {response + "&destination=https%3A%2F%2Fconsole.aws.amazon.com%2F", nil},
		"a region":                   {response + "&region=eu-west-1", nil},
		"RelayState":                 {response + "&RelayState=x", nil},
		"SAMLRequest":                {response + "&SAMLRequest=x", nil},
		"another field":              {response + "&x=y", nil},
		"broken escape":              {response + "&role=%zz", nil},
		"semicolon":                  {response + ";role=x", nil},
		"hundred fields":             {response + strings.Repeat("&a", 100), nil},
		"huge":                       {response + "&role=" + strings.Repeat("x", 300<<10), nil},
		"bad duration":               {response + "&duration=0", nil},
		"the form's length in query": {"", []edit{func(r *http.Request) { r.URL.RawQuery = response }}},
	} {
		w := d.send(credentials, c.body, append([]edit{asForm}, c.edits...)...)
		t.Run(name, func(t *testing.T) { wantProblem(t, w, 400, broker.CodeInvalidRequest) })
	}
	if len(d.STS.Calls()) > 0 {
		t.Error("STS was called")
	}
	w := d.send(explain, response, asForm)
	wantProblem(t, w, 400, broker.CodeInvalidRequest)
	// None of that used the Response up.
	decode[api.Credentials](t, d.send(credentials, response+"&role=prod%2Freader", asForm))
	wantProblem(t, d.send(credentials, response+"&role=prod%2Freader", asForm), 401, broker.CodeReplayed)
}

func TestResponseBuysOneRole(t *testing.T) {
	d := newDoor(t)
	response := d.response(nil)
	wantProblem(t, d.send(credentials, response+"&role=prod%2Fnone", asForm), 403, broker.CodeRoleNotGranted)
	wantProblem(t, d.send(credentials, response+"&role=prod%2Freader", asForm), 401, broker.CodeReplayed)
	forged := url.Values{"SAMLResponse": {d.Corp.Respond(t, func() idptest.SAMLAnswer {
		a := doortest.Answer("corp", "alice", "")
		a.Signature.Key = idptest.RSAKey(3)
		return a
	}())}}
	wantProblem(t, d.send(credentials, forged.Encode(), asForm), 401, broker.CodeInvalidToken)
	other := url.Values{"SAMLResponse": {d.Other.Respond(t, doortest.Answer("other", "alice", ""))}}
	if w := d.send(credentials, other.Encode(), asForm); w.Code != http.StatusUnauthorized {
		t.Errorf("an answer of a provider that is not direct: %d", w.Code)
	}
}

// TestBodies holds the JSON bodies to what the contract takes.
func TestBodies(t *testing.T) {
	d := newDoor(t)
	token := bearer(d.Token())
	for name, body := range map[string]string{
		"array": `[]`, "text": `"x"`, "null": `null`, "blank": ` `, "cut": `{"role":`, "two": `{}{}`, "trailing": `{} x`, "byte order mark": "\ufeff{}",
		"member twice": `{"role":"prod/deploy","role":"prod/legacy"}`, "member twice, escaped": `{"role":"prod/deploy","\u0072ole":"prod/legacy"}`,
		"member in other case": `{"Role":"prod/deploy"}`, "unknown member": `{"role":"prod/deploy","wish":1}`, "long s": `{"role":"prod/deploy","duration\u017f":1}`,
		"role a number": `{"role":1}`, "role null": `{"role":null}`, "role a list": `{"role":["prod/deploy"]}`, "role with NUL": `{"role":"prod/deploy\u0000"}`,
		"policy an object": `{"role":"prod/deploy","policy":{}}`, "arns a text": `{"role":"prod/deploy","policy_arns":"x"}`, "arns of numbers": `{"role":"prod/deploy","policy_arns":[1]}`,
		"arns null": `{"role":"prod/deploy","policy_arns":null}`, "eleven arns": `{"role":"prod/deploy","policy_arns":["1","2","3","4","5","6","7","8","9","10","11"]}`,
		"policy too long": `{"role":"prod/deploy","policy":"` + strings.Repeat("x", 2049) + `"}`, "destination": `{"role":"prod/deploy","destination":"https://console.aws.amazon.com/"}`, "region": `{"role":"prod/deploy","region":"eu-west-1"}`,
		"SAMLResponse": `{"role":"prod/deploy","SAMLResponse":"x"}`, "not UTF-8": "{\"role\":\"\xff\"}", "lone surrogate": `{"role":"\ud800"}`,
		"deep": strings.Repeat("[", 100000), "deep member": `{"role":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		"huge": `{"role":"` + strings.Repeat("x", 33<<10) + `"}`, "huge member": `{"` + strings.Repeat("x", 20<<10) + `":1}`, "proto": `{"__proto__":{}}`, "no name": `{"":1}`,
	} {
		w := d.send(credentials, body, token)
		t.Run(name, func(t *testing.T) {
			wantProblem(t, w, 400, broker.CodeInvalidRequest)
			if w.Body.Len() > 1000 {
				t.Errorf("a refusal of %d bytes", w.Body.Len())
			}
		})
	}
	for _, kind := range []string{"", "text/plain", "application/json; charset", "multipart/form-data", "application/x-www-form-urlencodedx", "application/json, text/plain", "text/json"} {
		w := d.send(credentials, `{"role":"prod/deploy"}`, token, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		wantProblem(t, w, 400, broker.CodeInvalidRequest)
	}
	for _, member := range []string{"duration", "policy", "policy_arns", "destination", "region"} {
		wantProblem(t, d.send(explain, `{"`+member+`":"1h"}`, token), 400, broker.CodeInvalidRequest)
	}
	for _, text := range []string{`{"role":"x","hello!":1}`, `{"` + base64.StdEncoding.EncodeToString([]byte("some secret")) + `":1}`} {
		if w := d.send(credentials, text, token); strings.Contains(w.Body.String(), "hello!") || strings.Contains(w.Body.String(), "c29t") {
			t.Errorf("what is no member's name is repeated: %s", w.Body)
		}
	}
	if len(d.STS.Calls()) > 0 {
		t.Error("STS was called")
	}
	// An empty body is an empty object.
	w := d.send(credentials, "", token)
	wantProblem(t, w, 400, broker.CodeAmbiguousRole)
}

// TestRefusals takes each code of the contract through the door.
func TestRefusals(t *testing.T) {
	aws := func(kind sts.Kind) func(*door) {
		return func(d *door) { d.STS.Err = &sts.Error{Kind: kind, Code: "Some", Message: "said so"} }
	}
	const deploy = `{"role":"prod/deploy"}`
	for name, c := range map[string]struct {
		prepare func(*door)
		route   string
		body    string
		status  int
		code    broker.Code
	}{
		"ambiguous role":     {nil, credentials, `{}`, 400, broker.CodeAmbiguousRole},
		"unknown role":       {nil, credentials, `{"role":"prod/none"}`, 403, broker.CodeRoleNotGranted},
		"role of others":     {nil, credentials, `{"role":"prod/reader"}`, 403, broker.CodeRoleNotGranted},
		"AWS denies":         {aws(sts.KindDenied), credentials, deploy, 403, broker.CodeUpstreamDenied},
		"AWS throttles":      {aws(sts.KindThrottled), credentials, deploy, 429, broker.CodeThrottled},
		"AWS is away":        {aws(sts.KindUnavailable), credentials, deploy, 503, broker.CodeUpstreamUnavailable},
		"AWS finds fault":    {aws(sts.KindInvalid), credentials, deploy, 400, broker.CodeInvalidRequest},
		"we are misused":     {aws(sts.KindConfig), credentials, deploy, 500, broker.CodeInternal},
		"the store is away":  {func(d *door) { d.Store.Break(0) }, credentials, deploy, 503, broker.CodeStoreUnavailable},
		"audit cannot write": {func(d *door) { d.Audit.Break() }, credentials, deploy, 503, broker.CodeStoreUnavailable},
		"audit, roles":       {func(d *door) { d.Audit.Break() }, roles, "", 503, broker.CodeStoreUnavailable},
		"sign-in is away":    {func(d *door) { d.SignIn.Err = &sts.Error{Kind: sts.KindUnavailable} }, console, deploy, 503, broker.CodeUpstreamUnavailable},
		"a bad destination":  {func(d *door) { d.SignIn.Err = &sts.Error{Kind: sts.KindInvalid} }, console, deploy, 400, broker.CodeInvalidRequest},
		"our own mistake":    {func(d *door) { d.SignIn.Err = errors.New("canary-cause") }, console, deploy, 500, broker.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			token := d.Token()
			if c.prepare != nil {
				c.prepare(d)
			}
			w := d.do(c.route, c.body, bearer(token))
			wantProblem(t, w, c.status, c.code)
			for _, canary := range []string{"canary", token, doortest.SecretKey} {
				if bytes.Contains(w.Body.Bytes(), []byte(canary)) {
					t.Errorf("the refusal shows %q: %s", canary, w.Body)
				}
			}
		})
	}
}

func TestMFARequired(t *testing.T) {
	d := newDoor(t)
	w := d.send(credentials, `{"role":"prod/admin"}`, cookie(d.login()), ownPage)
	wantProblem(t, w, 403, broker.CodeMFARequired)
	w = d.send(credentials, `{"role":"prod/legacy"}`, cookie(d.login()), ownPage)
	wantProblem(t, w, 401, broker.CodeLoginRequired) // pass-through without the proof
}

func TestSessionOutage(t *testing.T) {
	d := newDoor(t)
	session := d.login()
	for after := range 4 {
		d.Store.Break(after)
		w := d.send(credentials, `{"role":"prod/reader"}`, cookie(session), ownPage)
		if d.Store.Mend(); w.Code == http.StatusOK {
			t.Logf("credentials after %d round trips", after)
			continue
		}
		wantProblem(t, w, 503, broker.CodeStoreUnavailable)
	}
	d.Pass(2 * time.Hour)
	wantProblem(t, d.send(roles, "", cookie(session)), 401, broker.CodeLoginRequired)
}

func TestMethods(t *testing.T) {
	d := newDoor(t)
	for _, route := range []string{credentials, console, explain, roles, whoami} {
		right, path, _ := strings.Cut(route, " ")
		for _, method := range methods {
			if method == right {
				continue
			}
			w := d.do(method+" "+path, "", bearer(d.Token()))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
	// HEAD is GET without its body, a cookie included.
	if w := d.send("HEAD /api/v1/roles", "", cookie(d.login())); w.Code != http.StatusOK {
		t.Errorf("HEAD: %d", w.Code)
	}
	for _, path := range []string{
		"/api/v1/roles/", "/api/v1/", "/api/v1/roles%2f", "/api/v2/roles", "/API/v1/roles", "/api/v1/roles;x", "/api/v1/who/AKIA", "/api/v1/sessions/", "/api/v1/..%2froles",
	} {
		if w := d.do("GET "+path, "", bearer(d.Token())); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestSecretsStayInTheAnswer: nothing secret is in a record.
func TestSecretsStayInTheAnswer(t *testing.T) {
	d := newDoor(t)
	token, session, response := d.Token(), d.login(), d.response(url.Values{"role": {"prod/reader"}})
	d.send(credentials, `{"role":"prod/deploy"}`, bearer(token))
	d.send(console, `{"role":"prod/reader"}`, cookie(session), ownPage)
	d.send(credentials, response, asForm)
	d.send(credentials, `{"role":"x"}`, bearer(token), cookie(session))
	form, err := url.ParseQuery(response)
	if err != nil {
		t.Fatal(err)
	}
	records, err := json.Marshal(append(d.Audit.Events(), d.Strangers.Events()...))
	if err != nil {
		t.Fatal(err)
	}
	for name, canary := range map[string]string{
		"token": token, "session": session.Reveal(), "response": form.Get("SAMLResponse"), "key": doortest.SecretKey,
		"session token": doortest.SessionToken, "sign-in URL": "canary-signin",
	} {
		if bytes.Contains(records, []byte(canary)) {
			t.Errorf("the %s is on record", name)
		}
	}
	if len(d.Audit.Events()) != 3 || len(d.Strangers.Events()) != 1 {
		t.Errorf("%d and %d records", len(d.Audit.Events()), len(d.Strangers.Events()))
	}
}

func TestNewRefuses(t *testing.T) {
	d := newDoor(t)
	good := api.Options{Broker: d.Broker, Sessions: d.Sessions, Tokens: d.Tokens, Cookies: d.Cookies, PublicURL: doortest.PublicURL}
	for i, change := range []func(*api.Options){
		func(o *api.Options) { o.Broker = nil }, func(o *api.Options) { o.Sessions = nil }, func(o *api.Options) { o.PublicURL = "" },
		func(o *api.Options) { o.Tokens = nil },
		func(o *api.Options) { o.Cookies = api.Options{}.Cookies },
	} {
		o := good
		change(&o)
		if _, err := api.New(o); err == nil {
			t.Errorf("options %d are accepted", i)
		}
	}
}
