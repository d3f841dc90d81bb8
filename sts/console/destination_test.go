package console_test

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/console"
)

func newFederation(t testing.TB, o console.Options) *console.Federation {
	t.Helper()
	f, err := console.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDefaultDestinations(t *testing.T) {
	f := newFederation(t, console.Options{})
	for _, c := range []struct {
		partition    sts.Partition
		region, want string
	}{
		{sts.PartitionAWS, "", "https://console.aws.amazon.com/"},
		{sts.PartitionAWS, "eu-central-1", "https://eu-central-1.console.aws.amazon.com/"},
		{sts.PartitionChina, "", "https://console.amazonaws.cn/"},
		{sts.PartitionChina, "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"},
		{sts.PartitionGov, "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"},
	} {
		if got, err := f.Destination(c.partition, c.region, ""); err != nil || got != c.want {
			t.Errorf("%s %s: %q %v", c.partition, c.region, got, err)
		}
	}
	for _, c := range []struct {
		partition sts.Partition
		region    string
	}{
		{"", ""},
		{"aws-iso", ""},
		{sts.PartitionAWS, "cn-north-1"},
		{sts.PartitionAWS, "us-gov-west-1"},
		{sts.PartitionChina, "eu-central-1"},
		{sts.PartitionGov, "us-east-1"},
		{sts.PartitionAWS, "evil.example.com/"},
		{sts.PartitionAWS, "EU-CENTRAL-1"},
	} {
		var e *sts.Error
		if got, err := f.Destination(c.partition, c.region, ""); !errors.As(err, &e) || e.Kind != sts.KindConfig {
			t.Errorf("%s %s: %q %v", c.partition, c.region, got, err)
		}
	}
}

func TestGoodDestinations(t *testing.T) {
	f := newFederation(t, console.Options{})
	for _, wanted := range []string{
		"https://console.aws.amazon.com",
		"https://console.aws.amazon.com/",
		"https://console.aws.amazon.com/s3/home?region=eu-central-1#buckets/x",
		"https://eu-central-1.console.aws.amazon.com/ec2/home?region=eu-central-1#Instances:v=3;$case=tags:true",
		"https://s3.console.aws.amazon.com/s3/buckets/a%20b",
		"https://111122223333-abc123de.eu-central-1.console.aws.amazon.com/console/home",
		"https://console.aws.amazon.com?region=eu-central-1",
		"https://console.aws.amazon.com#x",
	} {
		if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", wanted); err != nil || got != wanted {
			t.Errorf("%s: %q %v", wanted, got, err)
		}
	}
}

// Ways to make a browser, or one parser of several, end up at evil.example.
var openRedirects = []string{
	"https://evil.example/",
	"https://evil.example/console.aws.amazon.com",
	"https://console.aws.amazon.com.evil.example/",
	"https://evilconsole.aws.amazon.com/",
	"https://-console.aws.amazon.com/",
	"https://evil.example#console.aws.amazon.com",
	"https://evil.example?console.aws.amazon.com",
	"https://evil.example/?x=.console.aws.amazon.com",
	"https://evil.example#.console.aws.amazon.com",
	"https://console.aws.amazon.com@evil.example/",
	"https://console.aws.amazon.com:x@evil.example/",
	"https://user@console.aws.amazon.com/",
	"https://evil.example\\.console.aws.amazon.com/",
	"https://evil.example\\@console.aws.amazon.com/",
	"https://console.aws.amazon.com\\@evil.example/",
	"https://console.aws.amazon.com\\.evil.example/",
	"https:\\\\evil.example/",
	"https:/evil.example/",
	"https:evil.example",
	"https:///evil.example/",
	"https:console.aws.amazon.com/",
	"https:/console.aws.amazon.com/",
	"https:///console.aws.amazon.com/",
	"//evil.example/",
	"/\\evil.example/",
	"/relative",
	"console.aws.amazon.com",
	"http://console.aws.amazon.com/",
	"HTTPS://console.aws.amazon.com/",
	"javascript:alert(1)//console.aws.amazon.com/",
	"javascript://console.aws.amazon.com/%0aalert(1)",
	"data:text/html,<script>",
	"ftp://console.aws.amazon.com/",
	"https://console.aws.amazon.com:8443/",
	"https://console.aws.amazon.com:443/",
	"https://console.aws.amazon.com:/",
	"https://console.aws.amazon.com./",
	"https://CONSOLE.aws.amazon.com/",
	"https://evil.example%2f.console.aws.amazon.com/",
	"https://evil.example%23.console.aws.amazon.com/",
	"https://console.aws.amazon.com%2eevil.example/",
	"https://console.aws.amazon.com%40evil.example/",
	"https://console%2eaws%2eamazon%2ecom/",
	"https://..console.aws.amazon.com/",
	"https://.console.aws.amazon.com/",
	"https://a.b.c.console.aws.amazon.com/",
	"https://a_b.console.aws.amazon.com/",
	"https://console.aws.amazon.com\t/",
	"https://con\tsole.aws.amazon.com/",
	"https://console.aws.amazon.com/\r\nLocation: https://evil.example",
	"https://console.aws.amazon.com/\n",
	"\nhttps://console.aws.amazon.com/",
	" https://console.aws.amazon.com/",
	"https://console.aws.amazon.com/\\..\\evil",
	"https://console.aws.amazon.com/<script>",
	"https://console.aws.amazon.com/\"x",
	"https://console.aws.amazon.com/\x00",
	"https://consolе.aws.amazon.com/", // Cyrillic е
	"https://console。aws。amazon。com/",
	"https://evil.example／.console.aws.amazon.com/",
	"https://[::1].console.aws.amazon.com/",
	"https://signin.aws.amazon.com/oauth?Action=logout&redirect_uri=https://evil.example",
	"https://s3.amazonaws.com/evil-bucket/index.html",
	"https://console.amazonaws.cn/",
	"https://console.amazonaws-us-gov.com/",
	"https://127.0.0.1/",
	"https://console.aws.amazon.com/" + strings.Repeat("a", 2048),
}

func TestOpenRedirects(t *testing.T) {
	f := newFederation(t, console.Options{})
	for _, wanted := range openRedirects {
		var e *sts.Error
		if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", wanted); !errors.As(err, &e) || e.Kind != sts.KindInvalid || got != "" {
			t.Errorf("%q: %q %v", wanted, got, err)
		}
	}
}

func TestWithALocalConsoleNothingElseIsADestination(t *testing.T) {
	f := newFederation(t, console.Options{SignIn: "http://127.0.0.1:4566", Console: "http://127.0.0.1:4567"})
	for _, wanted := range []string{"http://127.0.0.1:4567", "http://127.0.0.1:4567/console/home?x=1#y"} {
		if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", wanted); err != nil || got != wanted {
			t.Errorf("%s: %v", wanted, err)
		}
	}
	if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", ""); err != nil || got != "http://127.0.0.1:4567/" {
		t.Errorf("%q %v", got, err)
	}
	for _, wanted := range append([]string{
		"https://console.aws.amazon.com/",
		"http://127.0.0.1:4566/",
		"http://127.0.0.1:45678/",
		"http://127.0.0.1:4567@evil.example/",
		"http://127.0.0.1:4567.evil.example/",
		"http://127.0.0.1:4567\\evil",
		"https://127.0.0.1:4567/",
		"http://127.0.0.1/",
		"http://localhost:4567/",
	}, openRedirects...) {
		if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", wanted); err == nil {
			t.Errorf("%q: %q", wanted, got)
		}
	}
}

// Whatever is accepted, Go's parser (WHATWG's rules add nothing for these characters) finds an AWS host in it.
func FuzzDestination(f *testing.F) {
	for _, s := range openRedirects {
		f.Add(s)
	}
	f.Add("https://eu-central-1.console.aws.amazon.com/s3/home")
	federation, err := console.New(console.Options{})
	if err != nil {
		f.Fatal(err)
	}
	host := regexp.MustCompile(`^([a-z0-9-]+\.){0,2}console\.aws\.amazon\.com$`)
	f.Fuzz(func(t *testing.T, wanted string) {
		got, err := federation.Destination(sts.PartitionAWS, "", wanted)
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil {
			// A stray percent sign in the path does not parse in Go; browsers take it as it is. The host must hold still.
			authority := strings.SplitN(strings.TrimPrefix(got, "https://"), "/", 2)[0]
			if !host.MatchString(strings.FieldsFunc(authority+"/", func(r rune) bool { return strings.ContainsRune("/?#", r) })[0]) {
				t.Errorf("%q: %v", got, err)
			}
			return
		}
		if u.Scheme != "https" || !host.MatchString(u.Host) || u.User != nil || strings.ContainsAny(got, "\\\r\n\t <>\"") {
			t.Errorf("%q was accepted", got)
		}
	})
}
