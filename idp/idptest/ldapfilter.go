package idptest

import (
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// matchingRule is an extensible match (RFC 4511 section 4.5.1.7.7).
type matchingRule func(e LDAPEntry, rule, attribute, value string) bool

// matches evaluates a filter on an entry. Values compare without regard to case, but binary ones.
func matches(e LDAPEntry, filter *ber.Packet, rule matchingRule) bool {
	switch filter.Tag {
	case goldap.FilterAnd:
		for _, f := range filter.Children {
			if !matches(e, f, rule) {
				return false
			}
		}
		return true
	case goldap.FilterOr:
		for _, f := range filter.Children {
			if matches(e, f, rule) {
				return true
			}
		}
		return false
	case goldap.FilterNot:
		return !matches(e, filter.Children[0], rule)
	case goldap.FilterPresent:
		return len(values(e, filter.Data.String())) > 0 || strings.EqualFold(filter.Data.String(), "objectClass")
	case goldap.FilterEqualityMatch:
		return has(e, text(filter.Children[0]), text(filter.Children[1]))
	case goldap.FilterSubstrings:
		return len(values(e, text(filter.Children[0]))) > 0 // an injected wildcard would find everybody
	case goldap.FilterExtensibleMatch:
		var oid, attribute, value string
		for _, c := range filter.Children {
			switch c.Tag {
			case goldap.MatchingRuleAssertionMatchingRule:
				oid = c.Data.String()
			case goldap.MatchingRuleAssertionType:
				attribute = c.Data.String()
			case goldap.MatchingRuleAssertionMatchValue:
				value = c.Data.String()
			}
		}
		return rule(e, oid, attribute, value)
	}
	return false
}

func values(e LDAPEntry, name string) []string {
	for have, v := range e.Attributes {
		if strings.EqualFold(have, name) {
			return v
		}
	}
	return nil
}

// has compares as Active Directory does: by case and by accents nothing differs.
func has(e LDAPEntry, name, want string) bool {
	for _, v := range values(e, name) {
		if v == want || strings.EqualFold(plain(v), plain(want)) {
			return true
		}
	}
	return false
}

func plain(s string) string {
	return strings.NewReplacer("í", "i", "á", "a", "é", "e", "ö", "o", "Í", "i").Replace(s)
}

// bits is LDAP_MATCHING_RULE_BIT_AND.
func bits(e LDAPEntry, attribute, value string) bool {
	mask, err := strconv.ParseInt(value, 10, 64)
	for _, v := range values(e, attribute) {
		if n, errN := strconv.ParseInt(v, 10, 64); err == nil && errN == nil && n&mask == mask {
			return true
		}
	}
	return false
}

// LDAPTree searches entries as any directory would: no rules of Active Directory, and no page but the size limit.
func LDAPTree(entries []LDAPEntry, s LDAPSearch) LDAPFound {
	var found LDAPFound
	for _, e := range entries {
		if !inScope(e.DN, s) || !matches(e, s.Filter, func(LDAPEntry, string, string, string) bool { return false }) {
			continue
		}
		if s.SizeLimit > 0 && len(found.Entries) == s.SizeLimit {
			found.Result.Code = goldap.LDAPResultSizeLimitExceeded
			break
		}
		found.Entries = append(found.Entries, e)
	}
	return found
}
