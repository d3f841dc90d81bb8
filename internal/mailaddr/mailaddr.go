package mailaddr

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxLocal is RFC 5321's, section 4.5.3.1.1. A domain has DNS's limit of 253 in its ASCII form; written in another script
// it may be longer. Both are octets.
const (
	maxLocal   = 64
	maxWritten = 1024
)

var (
	// dotAtom is RFC 5322 section 3.2.3, but for & % / ? # and the backquote, which people's addresses do without.
	dotAtom = regexp.MustCompile(`^[A-Za-z0-9_+'=~!$*^{|}-]+(\.[A-Za-z0-9_+'=~!$*^{|}-]+)*$`)
	numeric = regexp.MustCompile(`^[0-9]+$`)
)

// Address is a mail address whose parts were checked. Its zero value is none.
type Address struct{ local, domain string }

// Parse reads one address: a dot-atom, an @, a domain. Spaces around it are forgiven: people paste.
func Parse(typed string) (Address, error) {
	typed = strings.TrimSpace(typed)
	local, domain, ok := strings.Cut(typed, "@")
	if !ok || len(local) > maxLocal || !dotAtom.MatchString(local) {
		return Address{}, errors.New("not a mail address such as name@example.com")
	}
	domain, err := Domain(domain)
	if err != nil {
		return Address{}, err
	}
	return Address{local, domain}, nil
}

// Domain is the part behind the @, as [Domain] spells it.
func (a Address) Domain() string { return a.domain }

// String is the address in ASCII; empty for none.
func (a Address) String() string {
	if a == (Address{}) {
		return ""
	}
	return a.local + "@" + a.domain
}

// Domain returns the one spelling of a mail domain: ASCII, lower case, with Punycode where it was written in another
// script. A domain has two labels at least, and the last is a name: anything else is a host of one's own network or an
// address.
func Domain(name string) (string, error) {
	if len(name) > maxWritten || !utf8.ValidString(name) {
		return "", errNoDomain()
	}
	ascii, err := profile().ToASCII(name)
	if err != nil {
		return "", errNoDomain()
	}
	dot := strings.LastIndexByte(ascii, '.')
	if dot < 1 || dot == len(ascii)-1 || numeric.MatchString(ascii[dot+1:]) {
		return "", errNoDomain()
	}
	return ascii, nil
}

func errNoDomain() error { return errors.New("not a mail domain such as example.com") }

// profile is IDNA 2008 for looking names up (RFC 5891 section 5), letters, digits and hyphens only, with the limits of DNS.
func profile() *idna.Profile {
	return idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.VerifyDNSLength(true))
}
