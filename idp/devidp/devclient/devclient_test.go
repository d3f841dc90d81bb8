package devclient_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// site serves on 127.0.0.1 and is also reached as localhost: two sites to a browser.
func site(t *testing.T, mux *http.ServeMux) (one, other string) {
	t.Helper()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	return web.URL, strings.Replace(web.URL, "127.0.0.1", "localhost", 1)
}

func open(t *testing.T, b *devclient.Browser, rawURL string) *devclient.Page {
	t.Helper()
	page, err := b.Open(t.Context(), rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func echo(w http.ResponseWriter, r *http.Request) {
	var names []string
	for _, c := range r.Cookies() {
		names = append(names, c.Name+"="+c.Value)
	}
	_, _ = fmt.Fprintf(w, "%s|%s|%s|%s", r.Method, strings.Join(names, ";"), r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin"))
}

func TestCookieRules(t *testing.T) {
	mux := http.NewServeMux()
	one, other := site(t, mux)
	mux.HandleFunc("/set", func(w http.ResponseWriter, _ *http.Request) {
		for _, c := range []string{
			"strict=1; Path=/; SameSite=Strict", "lax=1; Path=/; SameSite=Lax", "plain=1; Path=/", "__Host-none=1; Path=/; Secure; SameSite=None",
			"none=1; Path=/; SameSite=None", "__Host-open=1; Path=/", "__Host-deep=1; Path=/set; Secure", "wide=1; Path=/; Domain=127.0.0.1",
			"deep=1; Path=/deep", "gone=1; Path=/; Max-Age=0", "short=1; Path=/; Max-Age=60",
		} {
			w.Header().Add("Set-Cookie", c)
		}
	})
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/deep/echo", echo)
	mux.HandleFunc("/deeper", echo)
	form := func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `<form method=post action="%s/echo"><input name=x value=y></form>`, one)
	}
	mux.HandleFunc("/form", form)

	now := time.Now()
	b := devclient.New(devclient.Options{Clock: func() time.Time { return now }})
	open(t, b, one+"/set")
	from := open(t, b, other+"/form")
	linked, err := b.Follow(t.Context(), from, one+"/echo")
	if err != nil {
		t.Fatal(err)
	}
	cross, err := from.Form("x")
	if err != nil {
		t.Fatal(err)
	}
	posted, err := b.Submit(t.Context(), cross)
	if err != nil {
		t.Fatal(err)
	}
	same, err := open(t, b, one+"/form").Form("x")
	if err != nil {
		t.Fatal(err)
	}
	own, err := b.Submit(t.Context(), same)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ got, want string }{
		"typed":            {string(open(t, b, one+"/echo").Body), "GET|strict=1;lax=1;plain=1;__Host-none=1;short=1|none|"},
		"deep":             {string(open(t, b, one+"/deep/echo").Body), "GET|strict=1;lax=1;plain=1;__Host-none=1;deep=1;short=1|none|"},
		"deeper":           {string(open(t, b, one+"/deeper").Body), "GET|strict=1;lax=1;plain=1;__Host-none=1;short=1|none|"},
		"other host":       {string(open(t, b, other+"/echo").Body), "GET||none|"},
		"cross-site link":  {string(linked.Body), "GET|lax=1;plain=1;__Host-none=1;short=1|cross-site|"},
		"cross-site form":  {string(posted.Body), "POST|__Host-none=1|cross-site|" + other},
		"same-origin form": {string(own.Body), "POST|strict=1;lax=1;plain=1;__Host-none=1;short=1|same-origin|" + one},
	} {
		if tc.got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", name, tc.got, tc.want)
		}
	}
	now = now.Add(time.Minute)
	if body := string(open(t, b, one+"/echo").Body); strings.Contains(body, "short") {
		t.Errorf("a cookie outlived its Max-Age: %s", body)
	}
}

func TestRedirects(t *testing.T) {
	mux := http.NewServeMux()
	one, other := site(t, mux)
	for path, status := range map[string]int{"/see": http.StatusSeeOther, "/found": http.StatusFound, "/keep": http.StatusTemporaryRedirect} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", status) })
	}
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
	})
	mux.HandleFunc("/there", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other+"/back", http.StatusFound) })
	mux.HandleFunc("/back", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, one+"/echo", http.StatusFound) })
	mux.HandleFunc("/form", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		_, _ = fmt.Fprintf(w, `<form method=POST action="%s"><input name=x value="a&amp;b"></form>`, r.URL.Query().Get("to"))
	})
	b := devclient.New(devclient.Options{})
	for to, want := range map[string]string{"/see": "GET||same-origin|", "/found": "GET||same-origin|", "/keep": "POST||same-origin|null"} {
		form, err := open(t, b, one+"/form?to="+to).Form("x")
		if err != nil {
			t.Fatal(err)
		}
		page, err := b.Submit(t.Context(), form)
		if err != nil || string(page.Body) != want || page.URL.Path != "/echo" {
			t.Errorf("%s: %v, %s", to, err, page.Body)
		}
	}
	page, err := b.Follow(t.Context(), open(t, b, one+"/form"), "/there")
	if err != nil || string(page.Body) != "GET||cross-site|" {
		t.Errorf("there and back again: %v %s", err, page.Body)
	}
	for _, path := range []string{"/loop", "/away"} {
		if _, err := b.Open(t.Context(), one+path); err == nil {
			t.Errorf("%s must fail", path)
		}
	}
}

func TestOnlyLoopback(t *testing.T) {
	b := devclient.New(devclient.Options{})
	for _, target := range []string{"http://192.0.2.1/", "http://example.com/", "ftp://127.0.0.1/", "http://localhost.example.com/", ":"} {
		if _, err := b.Open(t.Context(), target); err == nil {
			t.Errorf("%s must be refused", target)
		}
	}
}

func TestLargePagesAreRefused(t *testing.T) {
	mux := http.NewServeMux()
	one, _ := site(t, mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20+1)) })
	if _, err := devclient.New(devclient.Options{}).Open(t.Context(), one); err == nil {
		t.Error("a page above a megabyte must be refused")
	}
}

func TestForms(t *testing.T) {
	base, _ := url.Parse("http://127.0.0.1/dir/page?q=1")
	page := &devclient.Page{URL: base, Body: []byte(`<!DOCTYPE html><html><head><script>if (1 > 0) { x(); }</script></head><body>
		<input name="outside" value="x"><form><input name=first></form><br>&nbsp;
		<FORM METHOD="Post" ACTION="../do"><INPUT TYPE="hidden" NAME="token" VALUE="a&quot;b"><input type=checkbox name=off value=1>
		<input type=checkbox name=on value=1 checked><input type=submit name=go value=Go><input type="password" name="password"></FORM>
		<input name="after" value="x"></body></html>`)}
	form, err := page.Form("password")
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"token": {`a"b`}, "on": {"1"}, "password": {""}}
	if form.Method != "POST" || form.Action.String() != "http://127.0.0.1/do" || form.Fields.Encode() != want.Encode() {
		t.Errorf("%+v", form)
	}
	if first, err := page.Form("first"); err != nil || first.Method != "GET" || first.Action.String() != base.String() {
		t.Errorf("%+v, %v", first, err)
	}
	for _, name := range []string{"outside", "after", "nothing"} {
		if _, err := page.Form(name); err == nil {
			t.Errorf("%s is in no form", name)
		}
	}
}

func TestSignInSaysWhyNot(t *testing.T) {
	mux := http.NewServeMux()
	one, _ := site(t, mux)
	mux.HandleFunc("/none", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	mux.HandleFunc("/wrong", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<form method=post><input name=password></form>`))
	})
	b := devclient.New(devclient.Options{})
	who := devclient.Person{Username: "alice", Password: secret.New("canary-9f")}
	for path, want := range map[string]string{"/none": "403", "/wrong": "did not sign alice in"} {
		_, err := b.SignIn(t.Context(), one+path, who)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.SAMLForm(ctx, one+"/none", who); err == nil {
		t.Error("a cancelled context must end it")
	}
}

func TestAuthnRequestByPostIsPassedOn(t *testing.T) {
	mux := http.NewServeMux()
	one, _ := site(t, mux)
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<form method=post action="/sso"><input name=SAMLRequest value=abc></form>`))
	})
	mux.HandleFunc("/sso", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("SAMLRequest") == "abc" {
			_, _ = w.Write([]byte(`<form method=post action="/done"><input name=username><input name=password></form>`))
		}
	})
	mux.HandleFunc("/done", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("username") == "alice" && r.FormValue("password") == "pw" {
			_, _ = w.Write([]byte(`<form method=post action="/acs"><input name=SAMLResponse value=xyz></form>`))
		}
	})
	form, err := devclient.New(devclient.Options{}).SAMLForm(t.Context(), one+"/login", devclient.Person{Username: "alice", Password: secret.New("pw")})
	if err != nil || form.Fields.Get("SAMLResponse") != "xyz" || form.Action.Path != "/acs" {
		t.Errorf("%+v, %v", form, err)
	}
}

func TestFetchIsSameOrigin(t *testing.T) {
	mux := http.NewServeMux()
	one, other := site(t, mux)
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "a=1; Path=/; SameSite=Strict")
	})
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	b := devclient.New(devclient.Options{})
	page := open(t, b, one+"/page")
	for method, want := range map[string]string{http.MethodGet: "GET|a=1|same-origin|", http.MethodPost: "POST|a=1|same-origin|" + one} {
		if answer, err := b.Fetch(t.Context(), page, method, "/echo", "{}"); err != nil || string(answer.Body) != want {
			t.Errorf("%s: %v, %+v", method, err, answer)
		}
	}
	if answer, err := b.Fetch(t.Context(), page, http.MethodGet, "/away", ""); err != nil || answer.Status != http.StatusFound {
		t.Errorf("a redirect was followed: %v, %+v", err, answer)
	}
	if _, err := b.Fetch(t.Context(), page, http.MethodGet, other+"/echo", ""); err == nil {
		t.Error("another origin must be refused")
	}
}
