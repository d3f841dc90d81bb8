package devidp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func TestWrongPasswordAndUnknownNameAnswerAlike(t *testing.T) {
	s := start(t, nil)
	var answers []string
	for _, who := range []devclient.Person{
		{Username: "alice", Password: secret.New("aaaa-aaaa-aaaa-aaaa")},
		{Username: "nobody", Password: person(t, s, "alice").Password},
		{Username: "alice", Password: secret.New("")},
		{Username: "", Password: secret.New("")},
		{Username: "alice", Password: person(t, s, "bob").Password},
	} {
		form := loginFields(t, s, who)
		answer, body := post(t, s.BaseURL()+"/login", form)
		if answer.StatusCode != http.StatusUnauthorized || len(answer.Cookies()) != 0 {
			t.Errorf("%s: status %d, cookies %v", who.Username, answer.StatusCode, answer.Cookies())
		}
		answers = append(answers, strings.ReplaceAll(body, form.Get("flow"), "FLOW"))
	}
	for _, a := range answers[1:] {
		if a != answers[0] {
			t.Errorf("answers differ:\n%s\n%s", answers[0], a)
		}
	}
}

func TestWrongPasswordsAreThrottled(t *testing.T) {
	now := newClock()
	s := start(t, func(o *devidp.Options) { o.Clock = now.Now })
	bob := person(t, s, "bob")
	for _, name := range []string{"bob", "nobody"} {
		form := loginFields(t, s, devclient.Person{Username: name, Password: secret.New("wrong")})
		for i := range 5 {
			if answer, _ := post(t, s.BaseURL()+"/login", form); answer.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%s, guess %d: status %d", name, i, answer.StatusCode)
			}
		}
		if answer, _ := post(t, s.BaseURL()+"/login", form); answer.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%s: guess 6 answered %d", name, answer.StatusCode)
		}
	}
	right := loginFields(t, s, bob)
	if answer, _ := post(t, s.BaseURL()+"/login", right); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the right password while throttled: %d", answer.StatusCode)
	}
	if answer, _ := post(t, s.BaseURL()+"/login", loginFields(t, s, person(t, s, "carol"))); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("another person is throttled too: %d", answer.StatusCode)
	}
	now.Advance(6 * time.Second)
	if answer, _ := post(t, s.BaseURL()+"/login", right); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("after waiting: %d", answer.StatusCode)
	}
}

func TestRightPasswordsAreNotThrottled(t *testing.T) {
	now := newClock()
	s := start(t, func(o *devidp.Options) { o.Clock = now.Now })
	for i := range 20 {
		if answer, _ := post(t, s.BaseURL()+"/login", loginFields(t, s, person(t, s, "bob"))); answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("sign-in %d: %d", i, answer.StatusCode)
		}
	}
}

func TestSignInFormWorksOnce(t *testing.T) {
	now := newClock()
	s := start(t, func(o *devidp.Options) { o.Clock = now.Now })
	form := loginFields(t, s, person(t, s, "bob"))
	if answer, _ := post(t, s.BaseURL()+"/login", form); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("first: %d", answer.StatusCode)
	}
	if answer, _ := post(t, s.BaseURL()+"/login", form); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("second: %d", answer.StatusCode)
	}
	late := loginFields(t, s, person(t, s, "bob"))
	now.Advance(10 * time.Minute)
	if answer, _ := post(t, s.BaseURL()+"/login", late); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("after ten minutes: %d", answer.StatusCode)
	}
}

func TestForeignPagesCannotSignInOrOut(t *testing.T) {
	s := start(t, nil)
	for _, path := range []string{"/login", "/logout"} {
		for name, header := range map[string][2]string{
			"cross-site":     {"Sec-Fetch-Site", "cross-site"},
			"same-site":      {"Sec-Fetch-Site", "same-site"},
			"foreign origin": {"Origin", "http://evil.example"},
		} {
			r := postRequest(t, s.BaseURL()+path, loginFields(t, s, person(t, s, "bob")))
			r.Header.Set(header[0], header[1])
			if answer, _ := do(t, r); answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s from %s answered %d", path, name, answer.StatusCode)
			}
		}
	}
}

func TestFormIsReadStrictly(t *testing.T) {
	s := start(t, nil)
	form := loginFields(t, s, person(t, s, "bob"))
	twice := url.Values{"flow": form["flow"], "username": {"bob", "alice"}, "password": form["password"]}
	if answer, _ := post(t, s.BaseURL()+"/login", twice); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("two user names: %d", answer.StatusCode)
	}
	huge := url.Values{"flow": form["flow"], "username": {strings.Repeat("x", 1<<20)}}
	if answer, _ := post(t, s.BaseURL()+"/login", huge); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("a megabyte: %d", answer.StatusCode)
	}
	inQuery := s.BaseURL() + "/login?" + form.Encode()
	if answer, _ := post(t, inQuery, nil); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("a password in the query: %d", answer.StatusCode)
	}
}

func TestMarkupIsEscaped(t *testing.T) {
	evil := `"><script>alert(1)</script>`
	s := start(t, func(o *devidp.Options) {
		o.ServiceProviders = []devidp.ServiceProvider{{EntityID: evil, ACS: []string{"http://localhost/acs"}}}
		o.People = []devidp.Person{{Username: evil, Email: evil, Groups: []string{evil}}}
	})
	b := devclient.New(devclient.Options{})
	form, err := b.SAMLForm(t.Context(), s.BaseURL()+"/saml/start?RelayState="+url.QueryEscape(evil)+"&sp="+url.QueryEscape(evil), person(t, s, evil))
	if err != nil {
		t.Fatal(err)
	}
	if form.Fields.Get("RelayState") != evil {
		t.Errorf("RelayState came back as %q", form.Fields.Get("RelayState"))
	}
	for _, path := range []string{"/", "/saml/start?sp=" + url.QueryEscape(evil)} {
		if page := open(t, b, s.BaseURL()+path); strings.Contains(string(page.Body), "<script>alert") {
			t.Errorf("%s: markup got through", path)
		}
	}
}
