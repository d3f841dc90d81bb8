package codeflow_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/internal/codeflow"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func promising() codeflow.Server {
	return codeflow.Server{Issuer: "https://op.example", PromisesIssuer: true}
}

func good() url.Values {
	return url.Values{"state": {"s"}, "code": {"c"}, "iss": {"https://op.example"}, "session_state": {"a", "b"}}
}

func TestCode(t *testing.T) {
	if code, err := codeflow.Code(promising(), "s", good()); err != nil || code != "c" {
		t.Errorf("got %q, %v", code, err)
	}
	for name, tc := range map[string]struct {
		change func(url.Values)
		kind   idp.Kind
	}{
		"a long code":            {func(v url.Values) { v.Set("code", strings.Repeat("x", 8193)) }, idp.KindInvalid},
		"an empty code":          {func(v url.Values) { v.Set("code", "") }, idp.KindInvalid},
		"state in another case":  {func(v url.Values) { v.Set("state", "S") }, idp.KindInvalid},
		"iss with a slash":       {func(v url.Values) { v.Set("iss", "https://op.example/") }, idp.KindInvalid},
		"iss empty":              {func(v url.Values) { v.Set("iss", "") }, idp.KindInvalid},
		"error beside a code":    {func(v url.Values) { v.Set("error", "access_denied") }, idp.KindDenied},
		"an error nobody knows":  {func(v url.Values) { v.Set("error", "\xff\n<b>") }, idp.KindDenied},
		"trouble":                {func(v url.Values) { v.Set("error", "temporarily_unavailable") }, idp.KindUnavailable},
		"error for another":      {func(v url.Values) { v.Set("error", "server_error"); v.Set("state", "x") }, idp.KindInvalid},
		"two errors":             {func(v url.Values) { v["error"] = []string{"a", "b"} }, idp.KindInvalid},
		"two of its description": {func(v url.Values) { v["error_description"] = []string{"a", "b"} }, idp.KindInvalid},
	} {
		v := good()
		tc.change(v)
		code, err := codeflow.Code(promising(), "s", v)
		var refusal *idp.Error
		if !errors.As(err, &refusal) || refusal.Kind != tc.kind || code != "" {
			t.Errorf("%s: %q, %v", name, code, err)
		}
	}
	if _, err := codeflow.Code(promising(), "", url.Values{"state": {""}, "code": {"c"}, "iss": {"https://op.example"}}); err == nil {
		t.Error("an empty state is taken")
	}
	if _, err := codeflow.Code(codeflow.Server{}, "s", url.Values{"state": {"s"}, "code": {"c"}, "iss": {"https://any.example"}}); err != nil {
		t.Errorf("a server without an issuer: %v", err)
	}
}

// TestExchangeFailures: what the token endpoint says goes nowhere, and each way to fail has its kind.
func TestExchangeFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   idp.Kind
	}{
		"used":        {400, `{"error":"invalid_grant","error_description":"canary"}`, idp.KindInvalid},
		"our secret":  {401, `{"error":"invalid_client"}`, idp.KindUnavailable},
		"our client":  {400, `{"error":"unauthorized_client"}`, idp.KindUnavailable},
		"limited":     {429, `canary`, idp.KindUnavailable},
		"down":        {500, `{"error":"invalid_grant"}`, idp.KindUnavailable},
		"a redirect":  {307, ``, idp.KindInvalid},
		"no bearer":   {200, `{"access_token":"canary","token_type":"mac"}`, idp.KindInvalid},
		"no type":     {200, `{"access_token":"canary"}`, idp.KindInvalid},
		"no token":    {200, `{"token_type":"bearer"}`, idp.KindUnavailable},
		"not JSON":    {200, `canary`, idp.KindUnavailable},
		"no verifier": {200, `{"access_token":"canary","token_type":"bearer"}`, idp.KindInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			}))
			defer server.Close()
			verifier := "v"
			if name == "no verifier" {
				verifier = ""
			}
			c := codeflow.Client{ID: "c", Secret: secret.New("s3cret-canary"), HTTP: server.Client()}
			tokens, err := c.Exchange(t.Context(), codeflow.Server{TokenURL: server.URL}, "code-canary", verifier)
			var refusal *idp.Error
			if !errors.As(err, &refusal) || refusal.Kind != tc.kind || strings.Contains(err.Error(), "canary") || !tokens.Access.Empty() {
				t.Errorf("%+v, %v", tokens, err)
			}
		})
	}
	c := codeflow.Client{HTTP: http.DefaultClient}
	if _, err := c.Exchange(t.Context(), codeflow.Server{TokenURL: "http://127.0.0.1:1/"}, "c", "v"); err == nil {
		t.Error("nobody answers, and no error")
	}
}

func TestAuthorizeURL(t *testing.T) {
	c := codeflow.Client{ID: "a&b", RedirectURL: "https://x.example/cb?a=b", Scopes: []string{"one", "two"}}
	s := codeflow.Server{AuthorizeURL: "https://op.example/authorize?tenant=t"}
	u, err := url.Parse(c.AuthorizeURL(s, "st", "verifier", url.Values{"nonce": {"n"}}))
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"tenant": {"t"}, "client_id": {"a&b"}, "redirect_uri": {"https://x.example/cb?a=b"}, "scope": {"one two"}, "state": {"st"}, "nonce": {"n"},
		"response_type": {"code"}, "code_challenge_method": {"S256"}, "code_challenge": {"iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ"},
	}
	if got := u.Query().Encode(); got != want.Encode() {
		t.Errorf("got %s, want %s", got, want.Encode())
	}
}

func TestCheckEndpoint(t *testing.T) {
	for raw, allowed := range map[string][2]bool{
		"https://x.example/a?b": {true, true}, "http://127.0.0.1/": {false, true}, "javascript:alert(1)": {}, "//x.example": {}, "/a": {}, "": {},
		"https://u@x.example": {}, "https://x.example/#f": {}, "https://x.example/#": {}, "ftp://x.example": {}, "https:///a": {}, "%": {},
	} {
		for i, http := range []bool{false, true} {
			if err := codeflow.CheckEndpoint(raw, http); (err == nil) != allowed[i] {
				t.Errorf("%q, http %v: %v", raw, http, err)
			}
		}
	}
}

func TestNoRandomnessNoValue(t *testing.T) {
	if v, err := codeflow.Random(iotest.ErrReader(errors.New("none"))); err == nil || v != "" {
		t.Errorf("got %q, %v", v, err)
	}
}

// FuzzCode: whatever the browser brings, a code comes out only under the right state and iss, and without an error.
func FuzzCode(f *testing.F) {
	f.Add("state=s&code=c&iss=https://op.example")
	f.Add("state=s&state=t&code=c&iss=https://op.example")
	f.Add("error=access_denied&state=s&iss=https://op.example")
	f.Add("state=s;code=c")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		code, err := codeflow.Code(promising(), "s", form)
		if (code == "") != (err != nil) {
			t.Errorf("code %q, error %v", code, err)
		}
		if err == nil && (form.Get("state") != "s" || form.Get("iss") != "https://op.example" || form.Has("error") || len(form["code"]) != 1) {
			t.Errorf("taken: %v", form)
		}
	})
}
