package console

import (
	"fmt"
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
)

// Destination returns the console page to open: the console's home when wanted is empty, else wanted itself when it is
// a page of that console. The host is compared as text before any parser sees it, so that nothing hangs on how one
// parser or another reads user names, ports, backslashes, dots or escapes.
func (f *Federation) Destination(p sts.Partition, region, wanted string) (string, error) {
	h, err := f.check(p, region)
	if err != nil {
		return "", err
	}
	switch {
	case wanted == "" && f.console != "":
		return f.console + "/", nil
	case wanted == "":
		return "https://" + dotted(region) + h.console + "/", nil
	case len(wanted) > maxDestination:
		return "", refused(fmt.Sprintf("the destination is longer than %d characters", maxDestination))
	case !f.ours(h, wanted):
		return "", refused("the destination is not a page of the AWS console")
	}
	return wanted, nil
}

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

// check wants a known partition and a region of it.
func (f *Federation) check(p sts.Partition, region string) (hosts, error) {
	h, ok := partitionHosts(p)
	if !ok {
		return hosts{}, misconfigured(fmt.Sprintf("no console is known for partition %q", p))
	}
	if region == "" {
		return h, nil
	}
	if !regionPattern.MatchString(region) ||
		strings.HasPrefix(region, "cn-") != (p == sts.PartitionChina) ||
		strings.HasPrefix(region, "us-gov-") != (p == sts.PartitionGov) {
		return hosts{}, misconfigured(fmt.Sprintf("region %q is not in partition %q", region, p))
	}
	return h, nil
}

func dotted(region string) string {
	if region == "" {
		return ""
	}
	return region + "."
}
