package issuer

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode/utf8"
)

// checkIdentifier accepts the one spelling of a URL that can be compared byte by byte.
func checkIdentifier(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return errors.New("not a URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return errors.New("must be https, or http on loopback")
	case u.Hostname() == "" || u.User != nil || u.Opaque != "":
		return errors.New("must name a host and no user")
	case strings.ContainsAny(raw, "?#"):
		return errors.New("must have no query and no fragment")
	case strings.HasSuffix(raw, "/"):
		return errors.New("must not end in a slash")
	}
	return checkSubjectLike(raw)
}

// checkSubjectLike keeps blanks, control characters and what is not UTF-8 out of identifiers.
func checkSubjectLike(s string) error {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || !plain(r) }) {
		return errors.New("must hold no blanks and no control characters")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}

// Check tells what the real AWS would mind about an issuer URL, a sentence each; none means that an IAM OIDC provider
// can be made of it (facts, oidc-aws section A.3). It looks at the URL only: whether AWS can reach it is another matter.
func Check(issuerURL string) []string {
	u, err := url.Parse(issuerURL)
	if err != nil || u.Host == "" {
		return []string{fmt.Sprintf("issuer url %q is not a URL", issuerURL)}
	}
	var problems []string
	mind := func(bad bool, what string) {
		if bad {
			problems = append(problems, fmt.Sprintf("issuer url %q %s", issuerURL, what))
		}
	}
	mind(u.Scheme != "https", "is not https: AWS fetches the keys over https only")
	mind(u.Port() != "" || strings.HasSuffix(u.Host, ":"), "has a port: an IAM OIDC provider takes none")
	mind(strings.Contains(issuerURL, "?"), "has a query: an IAM OIDC provider takes none")
	mind(strings.Contains(issuerURL, "#"), "has a fragment: an IAM OIDC provider takes none")
	mind(u.User != nil, "names a user: an IAM OIDC provider takes none")
	mind(strings.HasSuffix(issuerURL, "/"), "ends in a slash: AWS compares the identifier byte by byte")
	mind(utf8.RuneCountInString(issuerURL) > maxSubject, "is longer than 255 characters")
	mind(u.Hostname() != strings.ToLower(u.Hostname()), "has capitals in its host: AWS compares the identifier byte by byte")
	mind(unreachable(u.Hostname()), "is not a public host: AWS must reach it from the internet")
	return problems
}

func unreachable(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
	}
	return loopback(host) || !strings.Contains(host, ".") ||
		strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")
}
