package oauth_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRegistrationsThatAreRefused(t *testing.T) {
	with := func(name string, value any) map[string]any {
		body := map[string]any{"clientName": "x", "clientType": "public", "redirectUris": []string{redirectBase}}
		if body[name] = value; value == nil {
			delete(body, name)
		}
		return body
	}
	many := make([]string, 17)
	for i := range many {
		many[i] = "sso:account:access"
	}
	s := newSite(t)
	for name, c := range map[string]struct {
		body       map[string]any
		shape, err string
	}{
		"no name":             {with("clientName", nil), "InvalidRequestException", "invalid_request"},
		"no type":             {with("clientType", nil), "InvalidRequestException", "invalid_request"},
		"empty name":          {with("clientName", ""), "InvalidRequestException", "invalid_request"},
		"name not text":       {with("clientName", 7), "InvalidRequestException", "invalid_request"},
		"name with NUL":       {with("clientName", "a\x00b"), "InvalidRequestException", "invalid_request"},
		"name, two lines":     {with("clientName", "a\nClient: b"), "InvalidClientMetadataException", "invalid_client_metadata"},
		"name, right to left": {with("clientName", "a\u202etxt"), "InvalidClientMetadataException", "invalid_client_metadata"},
		"name, zero width":    {with("clientName", "a\u200bb"), "InvalidClientMetadataException", "invalid_client_metadata"},
		"name too long":       {with("clientName", strings.Repeat("x", 129)), "InvalidClientMetadataException", "invalid_client_metadata"},
		"confidential":        {with("clientType", "confidential"), "InvalidClientMetadataException", "invalid_client_metadata"},
		"another scope":       {with("scopes", []string{"sso:account:access", "openid"}), "InvalidScopeException", "invalid_scope"},
		"scopes not a list":   {with("scopes", "sso:account:access"), "InvalidRequestException", "invalid_request"},
		"many scopes":         {with("scopes", many), "InvalidRequestException", "invalid_request"},
		"a list of numbers":   {with("redirectUris", []int{1}), "InvalidRequestException", "invalid_request"},
		"another grant":       {with("grantTypes", []string{"client_credentials"}), "UnsupportedGrantTypeException", "unsupported_grant_type"},
		"password grant":      {with("grantTypes", []string{"authorization_code", "password"}), "UnsupportedGrantTypeException", "unsupported_grant_type"},
		"unknown member":      {with("jwks_uri", "https://evil.test/"), "InvalidRequestException", "invalid_request"},
		"many URIs":           {with("redirectUris", []string{redirectBase, redirectBase, redirectBase, redirectBase, redirectBase, redirectBase}), "InvalidRedirectUriException", "invalid_redirect_uri"},
		"one URI of two bad":  {with("redirectUris", []string{redirectBase, "https://evil.test/"}), "InvalidRedirectUriException", "invalid_redirect_uri"},
	} {
		t.Run(name, func(t *testing.T) {
			s.Pass(time.Second)
			wantFault(t, s.call("/client/register", c.body), 400, c.shape, c.err)
		})
	}
}

// badRedirects are not loopback, or not in the one spelling that is taken.
var badRedirects = []string{
	"", "http://127.0.0.1", "http://127.0.0.1:80", "https://127.0.0.1/cb", "http://localhost/cb", "http://127.0.0.2/cb", "http://127.1/cb", "http://2130706433/cb",
	"http://0x7f.0.0.1/cb", "http://0.0.0.0/cb", "http://127.0.0.1.evil.test/cb", "http://127.0.0.1@evil.test/cb", "http://evil.test@127.0.0.1/cb", "http://evil.test/cb",
	"http://127.0.0.1:99999/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:080/cb", "http://127.0.0.1:/cb", "http://127.0.0.1/cb?x=1", "http://127.0.0.1/cb#x",
	"http://127.0.0.1/../cb", "http://127.0.0.1/.", "http://127.0.0.1//evil.test", "http://127.0.0.1\\@evil.test/cb", "http://127.0.0.1/cb\r\nX: y", "http://127.0.0.1/c%0d",
	"http://127.0.0.1/cb\n", " http://127.0.0.1/cb", "HTTP://127.0.0.1/cb", "http:/127.0.0.1/cb", "//127.0.0.1/cb", "javascript://127.0.0.1/%0aalert(1)", "http://[::1]:99999/cb",
	"http://[::ffff:127.0.0.1]/cb", "http://[0:0:0:0:0:0:0:1]/cb", "http://[::1%25lo]/cb", "myapp://cb", "http://127.0.0.1;evil/cb", "http://127.0.0.1/cb;a", "http://127.0.0.1/cb'\"",
	"http://127.0.0.1/" + strings.Repeat("x", 200), "urn:ietf:wg:oauth:2.0:oob",
}

func TestRedirectsLeadToLoopbackOnly(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	for _, uri := range append([]string{
		"http://127.0.0.1:43117/other", "http://127.0.0.1:43117/oauth/callback/", "http://127.0.0.1:43117/oauth", "http://[::1]:43117/oauth/callback", "http://127.0.0.1:43117/OAUTH/callback",
	}, badRedirects...) {
		s.Pass(time.Second)
		request := c.request("s")
		request.Set("redirect_uri", uri)
		if w := p.get("/authorize?" + request.Encode()); w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
			t.Errorf("%q: %d to %q", uri, w.Code, w.Header().Get("Location"))
		}
		request.Set("session", p.login.ID)
		request.Set("decision", "approve")
		if w := p.post("/authorize", request); w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
			t.Errorf("%q, posted: %d to %q", uri, w.Code, w.Header().Get("Location"))
		}
	}
	for _, uri := range badRedirects {
		s.Pass(time.Second)
		body := map[string]any{"clientName": "x", "clientType": "public", "redirectUris": []string{uri}}
		wantFault(t, s.call("/client/register", body), 400, "InvalidRedirectUriException", "invalid_redirect_uri")
	}
	for registered, asked := range map[string]string{
		"http://127.0.0.1/": "http://127.0.0.1:65535/", "http://[::1]/cb": "http://[::1]:8400/cb", "http://127.0.0.1:5000/cb": "http://127.0.0.1:6000/cb", "http://127.0.0.1:5000/a/b.c_d~e": "http://127.0.0.1/a/b.c_d~e",
	} {
		s.Pass(time.Second)
		c := s.register(map[string]any{"clientName": "x", "clientType": "public", "redirectUris": []string{registered}})
		request := c.request("s")
		request.Set("redirect_uri", asked)
		if w := p.get("/authorize?" + request.Encode()); w.Code != http.StatusOK {
			t.Errorf("%q for %q: %d", asked, registered, w.Code)
		}
	}
}

// altered are spellings of a text that are not it: every prefix, every bit, and more.
func altered(s string) []string {
	out := []string{"", s + "A", s + "=", " " + s, s + "\n", s + s, strings.ToUpper(s), strings.ToLower(s)}
	for i := range s {
		out = append(out, s[:i])
		for bit := range 7 {
			b := []byte(s)
			b[i] ^= 1 << bit
			out = append(out, string(b))
		}
	}
	last := s[:len(s)-1]
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" { // bits that a lax decoder ignores
		if last+string(c) != s {
			out = append(out, last+string(c))
		}
	}
	return out
}

// TestNoByteOfARegistrationIsFree: an id or a secret that was altered is nobody's.
func TestNoByteOfARegistrationIsFree(t *testing.T) {
	s := newSite(t)
	c := s.headless()
	try := func(id, proof string) {
		t.Helper()
		s.Pass(time.Second)
		w := s.call("/device_authorization", map[string]any{"clientId": id, "clientSecret": proof, "startUrl": "x"})
		if shape := w.Header().Get("X-Amzn-Errortype"); w.Code != 401 && (id != "" && proof != "") || shape != "InvalidClientException" && shape != "InvalidRequestException" {
			t.Fatalf("%q with %q: %d %s", id, proof, w.Code, w.Body)
		}
	}
	for _, id := range altered(c.id) {
		try(id, c.secret)
	}
	for _, proof := range altered(c.secret) {
		try(c.id, proof)
	}
	other := s.headless()
	try(c.id, other.secret)
	try("fbi_", c.secret)
	try("fbi_"+strings.Repeat("A", 4000), c.secret)
}

// TestOneRegistrationHasOneSpelling: the id alone, as it is in links, opens nothing when it is altered.
func TestOneRegistrationHasOneSpelling(t *testing.T) {
	s := newSite(t)
	p := s.person("alice")
	for _, name := range []string{"x", "xx", "xxx"} { // whatever is left over of three bytes
		c := s.register(map[string]any{"clientName": name, "clientType": "public", "redirectUris": []string{redirectBase}})
		for _, id := range altered(c.id) {
			request := c.request("s")
			request.Set("client_id", id)
			if w := p.get("/authorize?" + request.Encode()); w.Code == http.StatusOK {
				t.Fatalf("%q opens as %q", id, c.id)
			}
		}
	}
}

func TestRegistrationsEnd(t *testing.T) {
	s := newSite(t)
	c := s.headless()
	s.Pass(30*24*time.Hour - time.Second)
	c.start()
	s.Pass(time.Second)
	w := s.call("/device_authorization", map[string]any{"clientId": c.id, "clientSecret": c.secret, "startUrl": "x"})
	wantFault(t, w, 401, "InvalidClientException", "invalid_client")
	if w := s.person("alice").get("/authorize?" + c.request("s").Encode()); w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
}

// TestAClientDoesWhatItRegisteredFor: nothing more.
func TestAClientDoesWhatItRegisteredFor(t *testing.T) {
	s := newSite(t)
	browser, device, p := s.terminal(), s.headless(), s.person("alice")
	w := s.call("/device_authorization", map[string]any{"clientId": browser.id, "clientSecret": browser.secret, "startUrl": "x"})
	wantFault(t, w, 400, "UnauthorizedClientException", "unauthorized_client")
	wantFault(t, browser.token(deviceGrant, map[string]any{"deviceCode": device.start().device}), 400, "UnauthorizedClientException", "unauthorized_client")
	wantFault(t, device.redeem(p.approve(browser)), 400, "UnauthorizedClientException", "unauthorized_client")
	if w := p.get("/authorize?" + device.request("s").Encode()); w.Code != http.StatusBadRequest {
		t.Errorf("no redirect URI: %d", w.Code)
	}
	noCode := s.register(map[string]any{"clientName": "x", "clientType": "public", "redirectUris": []string{redirectBase}, "grantTypes": []string{deviceGrant}})
	if w := p.get("/authorize?" + noCode.request("s").Encode()); w.Code != http.StatusBadRequest {
		t.Errorf("no code grant: %d", w.Code)
	}
	noRefresh := s.register(map[string]any{"clientName": "x", "clientType": "public", "redirectUris": []string{redirectBase}, "grantTypes": []string{"authorization_code"}})
	wantFault(t, noRefresh.refresh(noRefresh.login(p).refresh), 400, "UnauthorizedClientException", "unauthorized_client")
	wantFault(t, device.token("urn:ietf:params:oauth:grant-type:jwt-bearer", map[string]any{"code": "x"}), 400, "UnsupportedGrantTypeException", "unsupported_grant_type")
	wantFault(t, device.token("password", nil), 400, "UnsupportedGrantTypeException", "unsupported_grant_type")
	wantFault(t, device.token("refresh_token", map[string]any{"refreshToken": "x", "scope": []string{"admin"}}), 400, "InvalidScopeException", "invalid_scope")
}

// TestBodies: JSON only, once each, bounded.
func TestBodies(t *testing.T) {
	s := newSite(t)
	asJSON := header("Content-Type", "application/json")
	good := `{"clientName":"x","clientType":"public"}`
	for name, c := range map[string]struct {
		body  string
		edits []edit
	}{
		"twice":             {`{"clientName":"x","clientType":"public","clientName":"y"}`, []edit{asJSON}},
		"twice, escaped":    {`{"clientName":"x","clientType":"public","client\u004eame":"y"}`, []edit{asJSON}},
		"folded case":       {`{"clientname":"x","clientType":"public"}`, []edit{asJSON}},
		"snake case":        {`{"client_name":"x","clientType":"public"}`, []edit{asJSON}},
		"an array":          {`[` + good + `]`, []edit{asJSON}},
		"two documents":     {good + good, []edit{asJSON}},
		"null":              {`{"clientName":"x","clientType":"public","scopes":null}`, []edit{asJSON}},
		"nothing":           {``, []edit{asJSON}},
		"too large":         {`{"clientName":"x","clientType":"public","issuerUrl":"` + strings.Repeat("x", 16<<10) + `"}`, []edit{asJSON}},
		"a bomb":            {strings.Repeat(`{"a":`, 5000), []edit{asJSON}},
		"a form":            {`clientName=x&clientType=public`, []edit{header("Content-Type", "application/x-www-form-urlencoded")}},
		"JSON called text":  {good, []edit{header("Content-Type", "text/plain")}},
		"JSON without type": {good, nil},
		"in the URL":        {good, []edit{asJSON, func(r *http.Request) { r.URL.RawQuery = "clientName=y" }}},
		"with IAM":          {good, []edit{asJSON, func(r *http.Request) { r.URL.RawQuery = "aws_iam=t" }}},
	} {
		t.Run(name, func(t *testing.T) {
			wantFault(t, s.send("POST", "/client/register", c.body, c.edits...), 400, "InvalidRequestException", "invalid_request")
		})
	}
	for _, path := range []string{"/client/register", "/device_authorization", "/token"} {
		if w := s.send("GET", path, ""); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
}

// TestMissingMembers: every required member of AWS's models is.
func TestMissingMembers(t *testing.T) {
	s := newSite(t)
	c := s.register(map[string]any{"clientName": "x", "clientType": "public", "redirectUris": []string{redirectBase}})
	whole := map[string]map[string]any{
		"/device_authorization":     {"clientId": c.id, "clientSecret": c.secret, "startUrl": "x"},
		"/token#authorization_code": {"clientId": c.id, "clientSecret": c.secret, "grantType": "authorization_code", "code": "x", "redirectUri": redirectURI, "codeVerifier": verifier},
		"/token#refresh_token":      {"clientId": c.id, "clientSecret": c.secret, "grantType": "refresh_token", "refreshToken": "x"},
		"/token#device_code":        {"clientId": c.id, "clientSecret": c.secret, "grantType": deviceGrant, "deviceCode": "x"},
	}
	for path, body := range whole {
		path, _, _ = strings.Cut(path, "#")
		for name := range body {
			for _, missing := range []bool{true, false} {
				cut := map[string]any{}
				for k, v := range body {
					cut[k] = v
				}
				if cut[name] = ""; missing {
					delete(cut, name)
				}
				wantFault(t, s.call(path, cut), 400, "InvalidRequestException", "invalid_request")
			}
		}
	}
}

// TestTheLargestRegistrationOpens: what may be registered fits into the limits of every later request.
func TestTheLargestRegistrationOpens(t *testing.T) {
	for _, letter := range []string{"<", `"`, "é"} {
		s := newSite(t)
		var uris []string
		for i := range 5 {
			uris = append(uris, fmt.Sprintf("http://127.0.0.1:65535/%d%s", i, strings.Repeat("x", 176)))
		}
		c := s.register(map[string]any{"clientName": strings.Repeat(letter, 128/len(letter)), "clientType": "public", "redirectUris": uris})
		c.start()
		request := c.request(strings.Repeat("s", 512))
		request.Set("redirect_uri", uris[4])
		target := "/authorize?" + request.Encode()
		if w := s.send("GET", target, ""); w.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", letter, w.Code, w.Body)
		} else if _, landed := s.signIn(w.Header().Get("Location")); landed != target {
			t.Errorf("%s: a target of %d bytes is lost on the way through the login", letter, len(target))
		}
	}
}

// TestLongTexts: what we do not use is bounded as well.
func TestLongTexts(t *testing.T) {
	s := newSite(t)
	c := s.headless()
	w := s.call("/device_authorization", map[string]any{"clientId": c.id, "clientSecret": c.secret, "startUrl": strings.Repeat("x", 2049)})
	wantFault(t, w, 400, "InvalidRequestException", "invalid_request")
	if w := s.person("alice").get("/device?user_code=" + strings.Repeat("B", 3072)); w.Code != http.StatusBadRequest {
		t.Errorf("a long link: %d", w.Code)
	}
}

// TestStrangersAreBounded: what costs work before anybody is known is allowed so often from one address.
func TestStrangersAreBounded(t *testing.T) {
	for path, most := range map[string]int{"/client/register": 30, "/device_authorization": 30, "/token": 100} {
		s := newSite(t)
		slow := 0
		for range most + 20 {
			if w := s.call(path, map[string]any{}); w.Header().Get("X-Amzn-Errortype") == "SlowDownException" {
				slow++
			}
		}
		if slow != 20 {
			t.Errorf("%s: %d of %d were told to slow down", path, slow, most+20)
		}
		if w := s.call(path, map[string]any{}, from("198.51.100.7")); w.Header().Get("X-Amzn-Errortype") == "SlowDownException" {
			t.Errorf("%s: another address pays", path)
		}
	}
}

// TestNothingSecretIsRecorded: codes, tokens and secrets stay out of the audit log.
func TestNothingSecretIsRecorded(t *testing.T) {
	s := newSite(t)
	c, p := s.terminal(), s.person("alice")
	code := p.approve(c)
	mine := tokensOf(t, c.redeem(code))
	c.redeem(code)
	c.refresh(mine.refresh)
	s.works(mine.access)
	d := s.headless()
	started := d.start()
	d.poll(started)
	p.post("/device", map[string][]string{"code": {started.user}})
	log := fmt.Sprintf("%+v %+v", s.Audit.Events(), s.Strangers.Events())
	for _, canary := range []string{code, mine.access, mine.refresh, c.secret, c.id, started.device, started.user, strings.ReplaceAll(started.user, "-", ""), p.token.Reveal(), verifier} {
		if strings.Contains(log, canary) {
			t.Errorf("the log has %s", canary)
		}
	}
	if len(s.Audit.Events()) < 5 {
		t.Error("nothing was recorded")
	}
}
