package iam

import (
	"net"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Shapes of names (IAM fact sheet, section 6).
var (
	accountPattern  = regexp.MustCompile(`^[0-9]{12}$`)
	aliasPattern    = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9])*$`)
	namePattern     = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	policyPattern   = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	samlNamePattern = regexp.MustCompile(`^[\w._-]{1,128}$`)
	pathPattern     = regexp.MustCompile(`^/([!-~]{1,510}/)?$`)
	keyIDPattern    = regexp.MustCompile(`^AKIA[A-Z0-9]{12,124}$`)
	tagKeyPattern   = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$`)
	tagValuePattern = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// Limits of IAM.
const (
	maxTags           = 50
	maxTagKey         = 128
	maxTagValue       = 256
	minSession        = 3600
	maxSession        = 43200
	maxProviderURL    = 255
	maxClientIDs      = 100
	maxClientID       = 255
	maxKeysPerUser    = 2
	minSecret         = 16
	maxSecret         = 128
	minAlias          = 3
	maxAlias          = 63
	reservedTagPrefix = "aws:"
)

func checkAccount(a Account) error {
	if !accountPattern.MatchString(a.ID) {
		return refuse(codeInvalid, "account id %q is not twelve digits", a.ID)
	}
	switch a.Partition {
	case "aws", "aws-cn", "aws-us-gov":
	default:
		return refuse(codeInvalid, "partition %q is none of aws, aws-cn, aws-us-gov", a.Partition)
	}
	if a.Name == "" {
		return nil
	}
	if len(a.Name) < minAlias || len(a.Name) > maxAlias || !aliasPattern.MatchString(a.Name) || accountPattern.MatchString(a.Name) {
		return refuse(codeInvalid, "account name %q is not an account alias (3 to 63 of a-z, 0-9 and single hyphens)", a.Name)
	}
	return nil
}

func checkName(what, name, path string) error {
	if !namePattern.MatchString(name) {
		return refuse(codeInvalid, "%s name %q is not 1 to 64 of letters, digits and _+=,.@-", what, name)
	}
	if !pathPattern.MatchString(path) {
		return refuse(codeInvalid, "%s %s: path %q does not begin and end with a slash", what, name, path)
	}
	return nil
}

// CheckTags holds tags to IAM's limits; keys of users, roles and sessions are unique ignoring case.
func CheckTags(tags []Tag) error {
	if len(tags) > maxTags {
		return refuse(codeLimit, "%d tags, at most %d are allowed", len(tags), maxTags)
	}
	seen := map[string]bool{}
	for _, tag := range tags {
		key := FoldTagKey(tag.Key)
		switch {
		case utf8.RuneCountInString(tag.Key) > maxTagKey || !tagKeyPattern.MatchString(tag.Key):
			return refuse(codeInvalid, "tag key %q is not 1 to 128 letters, digits, blanks and _.:/=+-@", tag.Key)
		case utf8.RuneCountInString(tag.Value) > maxTagValue || !tagValuePattern.MatchString(tag.Value):
			return refuse(codeInvalid, "the value of tag %q is not 0 to 256 letters, digits, blanks and _.:/=+-@", tag.Key)
		case strings.HasPrefix(key, reservedTagPrefix):
			return refuse(codeInvalid, "tag key %q begins with aws:, which is reserved", tag.Key)
		case seen[key]:
			return refuse(codeInvalid, "tag key %q is there twice (case does not count)", tag.Key)
		}
		seen[key] = true
	}
	return nil
}

// FoldTagKey lowers a tag key for comparison.
func FoldTagKey(key string) string { return strings.ToLower(key) }

// checkProviderURL holds an issuer to IAM's rules: https, no port, no query, no fragment, at most 255 characters.
// insecure also takes http and a port on a loopback host, for a broker that runs on the same machine.
func checkProviderURL(raw string, insecure bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.User != nil:
		return refuse(codeInvalid, "provider URL %q is not a URL", raw)
	case len(raw) > maxProviderURL:
		return refuse(codeInvalid, "provider URL %q is longer than %d characters", raw, maxProviderURL)
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return refuse(codeInvalid, "provider URL %q has a query or fragment", raw)
	case insecure && isLoopback(u.Hostname()) && (u.Scheme == "http" || u.Scheme == "https"):
		return nil
	case isLoopback(u.Hostname()) && (u.Scheme == "http" || u.Port() != ""):
		return refuse(codeInvalid, "provider URL %q is http or has a port, which IAM does not take; on loopback --insecure-providers (AllowInsecureProviders) does", raw)
	case u.Scheme != "https":
		return refuse(codeInvalid, "provider URL %q does not begin with https://", raw)
	case u.Port() != "":
		return refuse(codeInvalid, "provider URL %q has a port", raw)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
