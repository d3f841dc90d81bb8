package oauth_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// FuzzTokenRequest: whatever is sent to /token gets an answer that AWS's clients can read, and tokens only for the one
// code that was approved.
func FuzzTokenRequest(f *testing.F) {
	s := newSite(f)
	c, p := s.terminal(), s.person("alice")
	code := p.approve(c)
	seed := func(body map[string]any) {
		b, err := json.Marshal(body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b), "application/json")
	}
	seed(map[string]any{"clientId": c.id, "clientSecret": c.secret, "grantType": "authorization_code", "code": code, "redirectUri": redirectURI, "codeVerifier": "x" + verifier})
	seed(map[string]any{"clientId": c.id, "clientSecret": c.secret, "grantType": "refresh_token", "refreshToken": "fbr_x", "scope": []string{"sso:account:access"}})
	seed(map[string]any{"clientId": c.id, "clientSecret": "fbs_x", "grantType": deviceGrant, "deviceCode": "fbd_x"})
	f.Add(`{"grantType":"password","grantType":"refresh_token"}`, "application/json; charset=utf-8")
	f.Add("grantType=refresh_token", "application/x-www-form-urlencoded")
	f.Add("{\"clientId\":\"\\u0000\",\"scope\":[[[[]]]]}", "")
	f.Fuzz(func(t *testing.T, body, kind string) {
		s.t = t
		s.Pass(100 * time.Millisecond)
		w := s.send("POST", "/token", body, func(r *http.Request) { r.Header["Content-Type"] = []string{kind} })
		got := answerOf(t, w)
		if w.Code == http.StatusOK || w.Code >= 500 || got["error"] == "" || w.Header().Get("X-Amzn-Errortype") == "" || got["accessToken"] != nil {
			t.Errorf("%d %v", w.Code, got)
		}
	})
}
