package console_test

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/console"
	"github.com/fedbroker/fedbroker/sts/console/consoletest"
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
		if got, err := f.Destination(c.partition, c.region, sts.Page{}); err != nil || got != c.want {
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
		if got, err := f.Destination(c.partition, c.region, sts.Page{}); !errors.As(err, &e) || e.Kind != sts.KindConfig {
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
		if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{Destination: wanted}); err != nil || got != wanted {
			t.Errorf("%s: %q %v", wanted, got, err)
		}
	}
}

func TestOpenRedirects(t *testing.T) {
	f := newFederation(t, console.Options{})
	for _, wanted := range consoletest.Hostile() {
		var e *sts.Error
		if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{Destination: wanted}); !errors.As(err, &e) || e.Kind != sts.KindInvalid || got != "" {
			t.Errorf("%q: %q %v", wanted, got, err)
		}
	}
}

func TestServicesAndARNs(t *testing.T) {
	f := newFederation(t, console.Options{})
	for _, c := range []struct {
		partition sts.Partition
		region    string
		page      sts.Page
		want      string
	}{
		{sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "s3"}, "https://eu-central-1.console.aws.amazon.com/s3/home?region=eu-central-1"},
		{sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "ec2", Region: "us-west-2"}, "https://us-west-2.console.aws.amazon.com/ec2/home?region=us-west-2"},
		{sts.PartitionAWS, "", sts.Page{Destination: "dynamodb"}, "https://console.aws.amazon.com/dynamodbv2/home"},
		{sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "iam"}, "https://console.aws.amazon.com/iam/home"},
		{sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "billing", Region: "us-west-2"}, "https://console.aws.amazon.com/billing/home"},
		{sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "logs"}, "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:log-groups"},
		{sts.PartitionChina, "cn-north-1", sts.Page{Destination: "s3"}, "https://cn-north-1.console.amazonaws.cn/s3/home?region=cn-north-1"},
		{sts.PartitionGov, "us-gov-west-1", sts.Page{Destination: "kms", Region: "us-gov-east-1"}, "https://us-gov-east-1.console.amazonaws-us-gov.com/kms/home?region=us-gov-east-1"},
		{sts.PartitionAWS, "eu-central-1", sts.Page{Region: "us-west-2"}, "https://us-west-2.console.aws.amazon.com/"},
		{sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "arn:aws:s3:::bucket"}, "https://console.aws.amazon.com/go/view?arn=arn%3Aaws%3As3%3A%3A%3Abucket"},
		{sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "arn:aws:iam::aws:policy/ReadOnlyAccess"}, "https://console.aws.amazon.com/go/view?arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2FReadOnlyAccess"},
		{sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "arn:aws:s3:::b&arn=x#?@evil.example"}, "https://console.aws.amazon.com/go/view?arn=arn%3Aaws%3As3%3A%3A%3Ab%26arn%3Dx%23%3F%40evil.example"},
		{sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "arn:aws:s3:::b", Region: "us-west-2"}, "https://us-west-2.console.aws.amazon.com/go/view?arn=arn%3Aaws%3As3%3A%3A%3Ab&region=us-west-2"},
		{sts.PartitionGov, "us-gov-west-1", sts.Page{Destination: "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:f"}, "https://console.amazonaws-us-gov.com/go/view?arn=arn%3Aaws-us-gov%3Alambda%3Aus-gov-west-1%3A111122223333%3Afunction%3Af"},
	} {
		if got, err := f.Destination(c.partition, c.region, c.page); err != nil || got != c.want {
			t.Errorf("%s %s %+v: %q %v", c.partition, c.region, c.page, got, err)
		}
	}
	local := newFederation(t, console.Options{SignIn: "http://127.0.0.1:4566", Console: "http://127.0.0.1:4567"})
	for destination, want := range map[string]string{
		"s3": "http://127.0.0.1:4567/s3/home?region=eu-central-1", "iam": "http://127.0.0.1:4567/iam/home",
		"arn:aws:s3:::b": "http://127.0.0.1:4567/go/view?arn=arn%3Aaws%3As3%3A%3A%3Ab",
	} {
		if got, err := local.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{Destination: destination}); err != nil || got != want {
			t.Errorf("local %s: %q %v", destination, got, err)
		}
	}
}

func TestEveryServiceOpens(t *testing.T) {
	f := newFederation(t, console.Options{})
	for _, name := range console.Services() {
		address, err := f.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{Destination: name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if again, err := f.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{Destination: address}); err != nil || again != address {
			t.Errorf("%s is opened at %q, which is refused itself: %v", name, address, err)
		}
	}
	for _, must := range []string{
		"s3", "ec2", "rds", "iam", "lambda", "cloudwatch", "cloudformation", "dynamodb", "eks", "ecs", "secretsmanager", "ssm", "sqs", "sns", "kms", "route53", "vpc", "athena", "glue", "logs", "billing",
	} {
		if !slices.Contains(console.Services(), must) {
			t.Errorf("%s cannot be opened", must)
		}
	}
}

func TestRegionsOfPages(t *testing.T) {
	f := newFederation(t, console.Options{})
	for _, region := range []string{
		"cn-north-1", "us-gov-west-1", "evil.example.com/", "EU-CENTRAL-1", "x", "eu-central-1.evil.example", "eu-central-1\n", "eu central 1", "../..", "eu-central-1?x", "@evil", strings.Repeat("a", 5000),
	} {
		for _, destination := range []string{"", "s3", "iam", "arn:aws:s3:::b", "https://console.aws.amazon.com/"} {
			var e *sts.Error
			if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{Destination: destination, Region: region}); !errors.As(err, &e) || e.Kind != sts.KindInvalid || got != "" {
				t.Errorf("%q in %q: %q %v", destination, region, got, err)
			}
		}
	}
	// An address has its region in it; two answers to one question are one too many.
	if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{Destination: "https://console.aws.amazon.com/", Region: "us-west-2"}); err == nil {
		t.Errorf("taken: %s", got)
	}
}

func TestSignOut(t *testing.T) {
	f := newFederation(t, console.Options{})
	for p, want := range map[sts.Partition]string{
		sts.PartitionAWS: "https://signin.aws.amazon.com/oauth?Action=logout", sts.PartitionChina: "https://signin.amazonaws.cn/oauth?Action=logout",
		sts.PartitionGov: "https://signin.amazonaws-us-gov.com/oauth?Action=logout", "aws-iso": "", "": "",
	} {
		if got := f.SignOut(p); got != want {
			t.Errorf("%q: %q", p, got)
		}
	}
	local := newFederation(t, console.Options{SignIn: "http://127.0.0.1:4566", Console: "http://127.0.0.1:4567"})
	if got := local.SignOut(sts.PartitionAWS); got != "http://127.0.0.1:4566/oauth?Action=logout" {
		t.Errorf("local: %q", got)
	}
}

func TestWithALocalConsoleNothingElseIsADestination(t *testing.T) {
	f := newFederation(t, console.Options{SignIn: "http://127.0.0.1:4566", Console: "http://127.0.0.1:4567"})
	for _, wanted := range []string{"http://127.0.0.1:4567", "http://127.0.0.1:4567/console/home?x=1#y"} {
		if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{Destination: wanted}); err != nil || got != wanted {
			t.Errorf("%s: %v", wanted, err)
		}
	}
	if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{}); err != nil || got != "http://127.0.0.1:4567/" {
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
	}, consoletest.Hostile()...) {
		if got, err := f.Destination(sts.PartitionAWS, "eu-central-1", sts.Page{Destination: wanted}); err == nil {
			t.Errorf("%q: %q", wanted, got)
		}
	}
}

// Whatever is accepted, Go's parser (WHATWG's rules add nothing for these characters) finds an AWS host in it.
func FuzzDestination(f *testing.F) {
	for _, s := range consoletest.Hostile() {
		f.Add(s)
	}
	for _, s := range append(console.Services(), "https://eu-central-1.console.aws.amazon.com/s3/home", "arn:aws:s3:::bucket") {
		f.Add(s)
	}
	federation, err := console.New(console.Options{})
	if err != nil {
		f.Fatal(err)
	}
	host := regexp.MustCompile(`^([a-z0-9-]+\.){0,2}console\.aws\.amazon\.com$`)
	f.Fuzz(func(t *testing.T, wanted string) {
		got, err := federation.Destination(sts.PartitionAWS, "", sts.Page{Destination: wanted})
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
