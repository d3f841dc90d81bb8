package client_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestOnlyTheAnswerToThisLoginCounts sends what any page can send a browser to while a login waits; then the right one.
func TestOnlyTheAnswerToThisLoginCounts(t *testing.T) {
	s := newSeat(t)
	o := s.options()
	o.Show = func(address string) error {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		back, state := u.Query().Get("redirect_uri"), u.Query().Get("state")
		for name, c := range hostileCallbacks(back, state) {
			req, err := http.NewRequest(c.method, c.url, nil)
			if err != nil {
				return err
			}
			req.Host = c.host
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				return err
			}
			page, err := io.ReadAll(resp.Body)
			if err != nil || resp.Body.Close() != nil || resp.StatusCode < 400 || strings.Contains(string(page), "evil") {
				t.Errorf("%s: %d %s %v", name, resp.StatusCode, page, err)
			}
			if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
				t.Errorf("%s: policy %q", name, csp)
			}
		}
		return browse(address)
	}
	if err := s.client().Login(t.Context(), o); err != nil {
		t.Error(err)
	}
}

type callbackCase struct{ method, url, host string }

func hostileCallbacks(back, state string) map[string]callbackCase {
	u, _ := url.Parse(back)
	root := "http://" + u.Host
	get := func(url string) callbackCase { return callbackCase{http.MethodGet, url, ""} }
	ok := back + "?state=" + state
	return map[string]callbackCase{
		"no state":          get(back + "?code=evil"),
		"empty state":       get(back + "?state=&code=evil"),
		"another state":     get(back + "?state=evil&code=evil"),
		"state cut":         get(back + "?state=" + state[:len(state)-1] + "&code=evil"),
		"state twice":       get(ok + "&state=" + state + "&code=evil"),
		"no code":           get(ok),
		"empty code":        get(ok + "&code="),
		"code twice":        get(ok + "&code=evil&code=evil"),
		"code and error":    get(ok + "&code=evil&error=evil"),
		"error, no state":   get(back + "?error=evil&error_description=<script>evil</script>"),
		"broken query":      get(ok + "&code=evil&x=%zz"),
		"another path":      get(root + "/?state=" + state + "&code=evil"),
		"path beneath":      get(root + "/oauth/callback/x?state=" + state + "&code=evil"),
		"favicon":           get(root + "/favicon.ico"),
		"POST":              {http.MethodPost, ok + "&code=evil", ""},
		"HEAD":              {http.MethodHead, ok + "&code=evil", ""},
		"rebound host":      {http.MethodGet, ok + "&code=evil", "evil.example.com"},
		"localhost":         {http.MethodGet, ok + "&code=evil", "localhost:" + u.Port()},
		"parameters joined": get(back + "?state=" + state + ";code=evil"),
	}
}

// TestTheVerifierStaysHere: what the browser is sent to is of no use without it, and never the same.
func TestTheVerifierStaysHere(t *testing.T) {
	s := newSeat(t)
	seen := map[string]bool{}
	o := s.options()
	o.Show = func(address string) error {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		q := u.Query()
		for _, name := range []string{"state", "code_challenge"} {
			if v := q.Get(name); len(v) != 43 || seen[v] {
				t.Errorf("%s is %q", name, v)
			}
			seen[q.Get(name)] = true
		}
		if q.Has("code_verifier") || q.Get("code_challenge_method") != "S256" {
			t.Errorf("parameters are %v", q)
		}
		return browse(address)
	}
	for range 2 {
		if err := s.client().Login(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}
