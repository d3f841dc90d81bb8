package console

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/fedbroker/fedbroker/sts"
)

const maxDestination = 2048 // characters; longer URLs do not survive the browser's address as a parameter

// hosts is what a partition calls its sign-in and console hosts (facts, console section 1).
type hosts struct{ signIn, console string }

func partitionHosts(p sts.Partition) (hosts, bool) {
	switch p {
	case sts.PartitionAWS:
		return hosts{"signin.aws.amazon.com", "console.aws.amazon.com"}, true
	case sts.PartitionChina:
		return hosts{"signin.amazonaws.cn", "console.amazonaws.cn"}, true
	case sts.PartitionGov:
		return hosts{"signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com"}, true
	}
	return hosts{}, false
}

var (
	// In front of the console's own name there may be a service or region, and in front of that the account and session
	// of a browser that has several open (facts, console section 6).
	prefixPattern = regexp.MustCompile(`^([a-z0-9][a-z0-9-]{0,62}\.){0,2}$`)
	// What may follow the host: the characters of RFC 3986, and none that a browser repairs.
	tailPattern   = regexp.MustCompile(`^([/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?$`)
	regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)
	// arn:partition:service:region:account:resource (AWS General Reference, Amazon Resource Names); S3 leaves region and
	// account out, and an account may be "aws" for what AWS owns.
	arnPattern = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):[a-z0-9-]{1,63}:[a-z0-9-]{0,32}:([0-9]{12}|aws)?:[ -~]{1,1000}$`)
)

// Destination returns the address of the page that a session begins with: the console's home in region where the page
// names nothing, the start page of a service, the page of what has an ARN, or the address itself when it is one of this
// partition's console. region is the role's own.
func (f *Federation) Destination(p sts.Partition, region string, page sts.Page) (string, error) {
	h, err := f.check(p, region)
	if err != nil {
		return "", err
	}
	if page.Region != "" && !regionOf(p, page.Region) {
		return "", refused("the region is not one of the role's partition")
	}
	wanted := page.Destination
	switch {
	case wanted == "":
		return f.base(h, orElse(page.Region, region)) + "/", nil
	case len(wanted) > maxDestination:
		return "", refused(fmt.Sprintf("the destination is longer than %d characters", maxDestination))
	case strings.HasPrefix(wanted, "arn:"):
		return f.arnPage(p, h, page)
	case services[wanted] != service{}:
		return f.servicePage(h, services[wanted], orElse(page.Region, region)), nil
	case !f.ours(h, wanted):
		return "", refused("the destination is neither a page of the AWS console, nor an ARN, nor a service that is known here")
	case page.Region != "":
		return "", refused("the address of a page says its region itself; leave the region out")
	}
	return wanted, nil
}

// ours tells an address of our console from all others. The host is compared as text before any parser sees it, so that
// nothing hangs on how one parser or another reads user names, ports, backslashes, dots or escapes.
func (f *Federation) ours(h hosts, wanted string) bool {
	if f.console != "" {
		tail, ok := strings.CutPrefix(wanted, f.console)
		return ok && tailPattern.MatchString(tail)
	}
	rest, ok := strings.CutPrefix(wanted, "https://")
	if !ok {
		return false
	}
	host, tail := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host, tail = rest[:end], rest[end:]
	}
	prefix, ok := strings.CutSuffix(host, h.console)
	return ok && prefixPattern.MatchString(prefix) && tailPattern.MatchString(tail)
}

// arnPage is the console's own signpost, which finds the page of whatever has an ARN. That it stands in the partitions
// aws-cn and aws-us-gov, too, is undocumented; the console says so itself where it does not.
func (f *Federation) arnPage(p sts.Partition, h hosts, page sts.Page) (string, error) {
	switch m := arnPattern.FindStringSubmatch(page.Destination); {
	case m == nil:
		return "", refused("the destination is not an ARN such as arn:aws:s3:::bucket")
	case m[1] != string(p):
		return "", refused("the ARN is of another partition than the role")
	}
	query := url.Values{"arn": {page.Destination}}
	if page.Region != "" {
		query.Set("region", page.Region)
	}
	address := f.base(h, page.Region) + "/go/view?" + query.Encode()
	if len(address) > maxDestination {
		return "", refused("the ARN is too long for the console's address")
	}
	return address, nil
}

func (f *Federation) servicePage(h hosts, s service, region string) string {
	if s.global || region == "" {
		return f.base(h, "") + "/" + s.path + s.fragment
	}
	return f.base(h, region) + "/" + s.path + "?region=" + region + s.fragment
}

// base is the origin of the console in a region; a configured console has one for all.
func (f *Federation) base(h hosts, region string) string {
	if f.console != "" {
		return f.console
	}
	return "https://" + dotted(region) + h.console
}

// SignOut is where a browser leaves the console session that it has, and with it every other one of a browser that has
// several (facts, console section 5). Empty for a partition that is not known.
func (f *Federation) SignOut(p sts.Partition) string {
	const path = "/oauth?Action=logout"
	h, ok := partitionHosts(p)
	switch {
	case !ok:
		return ""
	case f.signIn != "":
		return f.signIn + path
	}
	return "https://" + h.signIn + path
}

// check wants a known partition and a region of it.
func (f *Federation) check(p sts.Partition, region string) (hosts, error) {
	h, ok := partitionHosts(p)
	switch {
	case !ok:
		return hosts{}, misconfigured(fmt.Sprintf("no console is known for partition %q", p))
	case region != "" && !regionOf(p, region):
		return hosts{}, misconfigured(fmt.Sprintf("region %q is not in partition %q", region, p))
	}
	return h, nil
}

func regionOf(p sts.Partition, region string) bool {
	return regionPattern.MatchString(region) &&
		strings.HasPrefix(region, "cn-") == (p == sts.PartitionChina) &&
		strings.HasPrefix(region, "us-gov-") == (p == sts.PartitionGov)
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func dotted(region string) string {
	if region == "" {
		return ""
	}
	return region + "."
}
