package portal_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/sts/console/consoletest"
)

var (
	roleField = regexp.MustCompile(`<input type="hidden" name="role" value="([^"]*)">`)
	pageField = regexp.MustCompile(`<input type="text" name="destination" value="([^"]*)"`)
)

func values(pattern *regexp.Regexp, page string) (out []string) {
	for _, m := range pattern.FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	return out
}

func TestLinks(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	reader := "arn:aws:iam::111122223333:role/Reader"
	for name, c := range map[string]struct {
		query string
		roles []string
		opens string
	}{
		"an alias":                {"role=prod/reader", []string{"prod/reader"}, ""},
		"an alias, escaped":       {"role=prod%2Freader&utm_source=wiki", []string{"prod/reader"}, ""},
		"a role's ARN":            {"arn=" + reader, []string{"prod/reader"}, ""},
		"a role's ARN as role":    {"role=" + reader, []string{"prod/reader"}, ""},
		"a role and a service":    {"role=prod/reader&service=s3", []string{"prod/reader"}, "https://eu-central-1.console.aws.amazon.com/s3/home?region=eu-central-1"},
		"in a region":             {"role=prod/reader&service=s3&region=eu-west-1", []string{"prod/reader"}, "https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1"},
		"a region":                {"role=prod/reader&region=eu-west-1", []string{"prod/reader"}, "https://eu-west-1.console.aws.amazon.com/"},
		"a role and an address":   {"role=prod/reader&destination=" + url.QueryEscape("https://console.aws.amazon.com/s3/home?a=b#c"), []string{"prod/reader"}, "https://console.aws.amazon.com/s3/home?a=b#c"},
		"a role and its own page": {"role=prod/reader&arn=" + reader, []string{"prod/reader"}, "https://console.aws.amazon.com/go/view?arn=" + url.QueryEscape(reader)},
		"a role's ARN, and more":  {"service=iam&arn=" + reader, []string{"prod/reader"}, "https://console.aws.amazon.com/iam/home"},
		"what is in one account":  {"arn=arn:aws:lambda:eu-central-1:444455556666:function:f", []string{"dev/analyst"}, "https://console.aws.amazon.com/go/view?arn=arn%3Aaws%3Alambda%3Aeu-central-1%3A444455556666%3Afunction%3Af"},
		"what is in no account":   {"arn=arn:aws:s3:::bucket", []string{"prod/reader", "dev/analyst"}, "https://console.aws.amazon.com/go/view?arn=arn%3Aaws%3As3%3A%3A%3Abucket"},
		"a service":               {"service=sqs", []string{"prod/reader", "dev/analyst"}, "https://eu-central-1.console.aws.amazon.com/sqs/v3/home?region=eu-central-1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := b.get("/?" + c.query)
			page := w.Body.String()
			got := values(roleField, page)
			slices.Sort(got)
			slices.Sort(c.roles)
			if w.Code != http.StatusOK || !slices.Equal(got, c.roles) || strings.Contains(page, "The console opens at") != (c.opens != "") ||
				!strings.Contains(page, `<span class="id">`+strings.ReplaceAll(c.opens, "&", "&amp;")+`</span>`) && c.opens != "" {
				t.Errorf("%d, roles %v: %s", w.Code, got, page)
			}
			if n := strings.Count(page, " autofocus>"); n != 1 || !strings.Contains(page, `<a class="button plain" href="/">All your roles</a>`) {
				t.Errorf("%d focuses: %s", n, page)
			}
		})
	}
	golden(t, "link", b.get("/?role=prod/reader&service=s3"))
	if len(b.STS.Calls()) > 0 {
		t.Error("a link issued something")
	}
}

// TestALinkOpensWhatItSays: the button of its page sends what the link said.
func TestALinkOpensWhatItSays(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	page := b.get("/?role=prod/reader&arn=" + url.QueryEscape("arn:aws:s3:::a&b")).Body.String()
	if got := values(pageField, page); len(got) != 1 || got[0] != "arn:aws:s3:::a&amp;b" {
		t.Errorf("destination %v", got)
	}
	link := regexp.MustCompile(`data-copy="` + doortest.PublicURL + `([^"]*)"`).FindStringSubmatch(page)
	if link == nil || link[1] != "/?role=prod/reader&amp;destination=arn%3Aaws%3As3%3A%3A%3Aa%26b" {
		t.Fatalf("link %q", link)
	}
	if again := b.get(html.UnescapeString(link[1])).Body.String(); again != page {
		t.Errorf("the page's own link leads to another: %s", again)
	}
}

func TestLinksThatLeadNowhere(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	for query, want := range map[string]string{
		"role=prod/deploy": "403 role_not_granted", "role=prod/none": "403 role_not_granted", "role=arn:aws:iam::111122223333:role/Deploy": "403 role_not_granted",
		"arn=arn:aws:iam::999999999999:role/None": "403 role_not_granted", "arn=arn:aws:iam::111122223333:role/Deploy": "403 role_not_granted",
		"arn=arn:aws:sqs:eu-central-1:999999999999:q": "403 not_authorized", "role=prod/admin": "403 mfa_required",
		"role=prod/reader&role=dev/analyst": "400 invalid_request", "role=prod/reader&service=s3&arn=arn:aws:s3:::b": "400 invalid_request",
		"role=prod/reader&service=nothing": "400 invalid_request", "service=nothing": "400 invalid_request", "arn=bucket": "400 invalid_request",
		"arn=arn:aws-cn:s3:::b": "400 invalid_request", "role=prod/reader&region=cn-north-1": "400 invalid_request", "role=" + strings.Repeat("x", 5000): "403 role_not_granted",
	} {
		status, code, _ := strings.Cut(want, " ")
		w := b.get("/?" + query)
		t.Run(query[:min(len(query), 60)], func(t *testing.T) {
			wantRefusal(t, w, map[string]int{"400": 400, "403": 403}[status], code)
		})
	}
	// What is not there and what is not granted read alike, but for the request id.
	id := regexp.MustCompile(`fb[0-9a-f]{32}`)
	none, deploy := b.get("/?role=prod/none").Body.String(), b.get("/?role=prod/deploy").Body.String()
	if id.ReplaceAllString(none, "") != id.ReplaceAllString(strings.ReplaceAll(deploy, "prod/deploy", "prod/none"), "") {
		t.Errorf("they differ:\n%s\n%s", none, deploy)
	}
	for _, destination := range consoletest.Hostile() {
		for _, name := range []string{"destination", "service", "arn"} {
			w := b.get("/?role=prod/reader&" + url.Values{name: {destination}}.Encode())
			if wantRefusal(t, w, 400, "invalid_request"); strings.Contains(w.Body.String(), "evil") {
				t.Errorf("%q is repeated: %s", destination, w.Body)
			}
		}
	}
	if len(b.STS.Calls()) > 0 {
		t.Error("STS was called")
	}
}

// TestLinksSurviveTheLogin: whichever way somebody signs in, they come back to the link, byte for byte.
func TestLinksSurviveTheLogin(t *testing.T) {
	long := "/?role=prod/reader&destination=" + url.QueryEscape("https://console.aws.amazon.com/s3/home?prefix="+strings.Repeat("a/", 950))
	for _, target := range []string{
		"/?role=prod/admin", "/?arn=arn:aws:iam::111122223333:role/Reader", "/?role=prod%2Freader&service=s3&region=eu-west-1", long,
		"/?role=prod/reader&destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3%2Fhome%3Fa%3Db%26c%3Dd%23e",
	} {
		b := newSite(t).browser()
		location := b.get(target).Header().Get("Location")
		chooser := b.get(location)
		login := values(regexp.MustCompile(`href="(/login/corp[^"]*)"`), chooser.Body.String())
		if len(login) != 1 {
			t.Fatalf("%s: %s", location, chooser.Body)
		}
		_, query, _ := strings.Cut(strings.ReplaceAll(login[0], "&amp;", "&"), "?")
		a := b.begin("?" + query)
		b.deliver("corp", "x", "") // something in between changes nothing
		w := b.deliver("corp", b.Corp.Respond(t, doortest.Answer("corp", "alice", a.request)), a.relay)
		wantRedirect(t, w, target)
		b.Pass(9 * time.Hour) // and when the session is over, again
		if again := b.get(target).Header().Get("Location"); again != location {
			t.Errorf("after the session: %s", again)
		}
	}
}

// TestLinksSurviveEveryOtherLogin: OpenID Connect, GitHub, and a password at the second try.
func TestLinksSurviveEveryOtherLogin(t *testing.T) {
	const target = "/?role=prod/reader&destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fs3%2Fhome%3Fa%3Db%26c%3Dd%23e"
	query := "?return=" + url.QueryEscape(target)
	s := newCallbackSite(t)
	for _, id := range []string{"one", "github"} {
		b := s.browser()
		wantRedirect(t, b.comeBack(id, s.trip(b, id, query)), target)
	}
	w := newPasswordWorld(t)
	if done := w.submit(w.submit(w.form(query), "alice", "wrong"), "alice", alicesPassword); done.Header().Get("Location") != target {
		t.Errorf("%d to %q", done.Code, done.Header().Get("Location"))
	}
}

// TestEveryRoleHasItsLink: the address in the details leads to that role alone.
func TestEveryRoleHasItsLink(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	home := b.get("/").Body.String()
	roles := values(roleField, home)
	if len(roles) < 3 {
		t.Fatalf("roles %v", roles)
	}
	for _, role := range roles {
		link := doortest.PublicURL + "/?role=" + role
		if !strings.Contains(home, fmt.Sprintf(`href="%s"`, link)) || !strings.Contains(home, fmt.Sprintf(`data-copy="%s"`, link)) {
			t.Errorf("no link to %s", role)
		}
		if got := values(roleField, b.get(strings.TrimPrefix(link, doortest.PublicURL)).Body.String()); !slices.Equal(got, []string{role}) {
			t.Errorf("%s leads to %v", link, got)
		}
	}
	if !strings.Contains(home, `<a href="https://signin.aws.amazon.com/oauth?Action=logout" target="_blank" rel="noopener noreferrer">sign out of AWS</a>`) {
		t.Error("nothing says how to leave the console")
	}
}
