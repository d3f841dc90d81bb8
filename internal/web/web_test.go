package web_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/internal/web"
)

func TestRemoteBelievesConfiguredProxiesOnly(t *testing.T) {
	for name, c := range map[string]struct {
		proxies []string
		peer    string
		xff     []string
		want    string
	}{
		"nobody is trusted":             {nil, "10.0.0.1:5", []string{"1.2.3.4"}, "10.0.0.1"},
		"a proxy is":                    {[]string{"10.0.0.0/8"}, "10.0.0.1:5", []string{"1.2.3.4"}, "1.2.3.4"},
		"the client writes its own":     {[]string{"10.0.0.0/8"}, "10.0.0.1:5", []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4"},
		"in a header of its own":        {[]string{"10.0.0.0/8"}, "10.0.0.1:5", []string{"6.6.6.6", "1.2.3.4"}, "1.2.3.4"},
		"two proxies":                   {[]string{"10.0.0.1", "10.0.0.2"}, "10.0.0.1:5", []string{"1.2.3.4, 10.0.0.2"}, "1.2.3.4"},
		"rubbish stops the walk":        {[]string{"10.0.0.1"}, "10.0.0.1:5", []string{"x"}, "10.0.0.1"},
		"an untrusted peer is believed": {[]string{"10.0.0.1"}, "9.9.9.9:1", []string{"1.2.3.4"}, "9.9.9.9"},
		"IPv6":                          {[]string{"::1"}, "[::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
	} {
		t.Run(name, func(t *testing.T) {
			rm, err := web.NewRemote(c.proxies)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.xff
			if got := rm.Addr(r); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestSameOrigin(t *testing.T) {
	const ours = "https://aws.example.com"
	for name, c := range map[string]struct {
		origin, site []string
		want         bool
	}{
		"our page":                  {[]string{ours}, []string{"same-origin"}, true},
		"our page, old browser":     {[]string{ours}, nil, true},
		"our page, no Origin":       {nil, []string{"same-origin"}, true},
		"neither header":            {nil, nil, false},
		"another site":              {[]string{"https://evil.example"}, []string{"cross-site"}, false},
		"a sibling":                 {[]string{"https://x.example.com"}, []string{"same-site"}, false},
		"a sibling without Origin":  {nil, []string{"same-site"}, false},
		"an opaque origin":          {[]string{"null"}, nil, false},
		"other port":                {[]string{ours + ":444"}, nil, false},
		"typed in the address bar":  {nil, []string{"none"}, false},
		"two origins":               {[]string{ours, "https://evil.example"}, nil, false},
		"ours but said cross-site":  {[]string{ours}, []string{"cross-site"}, false},
		"http instead of https":     {[]string{"http://aws.example.com"}, nil, false},
		"theirs but said our site":  {[]string{"https://evil.example"}, []string{"same-origin"}, false},
		"suffix of our name":        {[]string{ours + ".evil.example"}, nil, false},
		"upper case is not a match": {[]string{"https://AWS.example.com"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", nil)
			r.Header["Origin"], r.Header["Sec-Fetch-Site"] = c.origin, c.site
			if got := web.SameOrigin(r, ours); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
}

func TestFormIsBoundedAndUnambiguous(t *testing.T) {
	const plain = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		contentType, body string
		ok                bool
	}{
		"good":             {plain, "a=1&b=2", true},
		"with charset":     {plain + "; charset=utf-8", "a=1", true},
		"a field twice":    {plain, "a=1&a=2", false},
		"twice, encoded":   {plain, "a=1&%61=2", false},
		"too large":        {plain, "a=" + strings.Repeat("x", 400), false},
		"many fields":      {plain, manyFields(), false},
		"JSON":             {"application/json", "{}", false},
		"no type":          {"", "a=1", false},
		"broken encoding":  {plain, "a=%zz", false},
		"semicolons":       {plain, "a=1;b=2", false},
		"multipart":        {"multipart/form-data; boundary=x", "--x--", false},
		"plain text":       {"text/plain", "a=1", false},
		"two media types":  {plain + ", text/plain", "a=1", false},
		"upper-case media": {"Application/X-WWW-Form-Urlencoded", "a=1", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/?q=1", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			form, err := web.Form(httptest.NewRecorder(), r, 300)
			if (err == nil) != c.ok {
				t.Fatalf("got error %v", err)
			}
			if form.Has("q") {
				t.Error("the URL's parameters are mixed in")
			}
		})
	}
}

func manyFields() string {
	var b strings.Builder
	for i := range 70 {
		b.WriteByte(byte('A' + i%26))
		b.WriteByte(byte('a' + i/26))
		b.WriteByte('&')
	}
	return b.String()
}
