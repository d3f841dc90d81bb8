package samlassert

import (
	"crypto/sha1" // NameQualifier is defined with it; it protects nothing
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// AWS's own attributes (SAML fact sheet, section 4).
const (
	attributePrefix     = "https://aws.amazon.com/SAML/Attributes/"
	attributeRole       = attributePrefix + "Role"
	attributeName       = attributePrefix + "RoleSessionName"
	attributeDuration   = attributePrefix + "SessionDuration"
	attributeTag        = attributePrefix + "PrincipalTag:"
	attributeTransitive = attributePrefix + "TransitiveTagKeys"
	attributeSource     = attributePrefix + "SourceIdentity"
)

const (
	minDuration = 900
	maxDuration = 43200
)

var sessionNamePattern = regexp.MustCompile(`^[a-zA-Z_0-9+=,.@-]{2,64}$`)

// Tag is a session tag of the assertion.
type Tag struct{ Key, Value string }

// AllowsRole says whether the assertion pairs the role with the provider, in either order.
func (a *Assertion) AllowsRole(roleARN, providerARN string) bool {
	for _, pair := range a.Attributes[attributeRole] {
		first, second, ok := strings.Cut(pair, ",")
		first, second = strings.TrimSpace(first), strings.TrimSpace(second)
		if ok && (first == roleARN && second == providerARN || first == providerARN && second == roleARN) {
			return true
		}
	}
	return false
}

// SessionName returns RoleSessionName, which is required.
func (a *Assertion) SessionName() (string, error) {
	values := a.Attributes[attributeName]
	if len(values) == 0 {
		return "", wire.InvalidIdentityToken("RoleSessionName is required in AuthnResponse")
	}
	if len(values) > 1 || !sessionNamePattern.MatchString(values[0]) {
		return "", wire.InvalidIdentityToken("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")
	}
	return values[0], nil
}

// Duration returns SessionDuration in seconds, zero when absent.
func (a *Assertion) Duration() (int, error) {
	values := a.Attributes[attributeDuration]
	if len(values) == 0 {
		return 0, nil
	}
	seconds, err := strconv.Atoi(values[0])
	if len(values) > 1 || err != nil || seconds < minDuration || seconds > maxDuration {
		return 0, wire.InvalidIdentityToken("SessionDuration in AuthnResponse must be one number from %d to %d", minDuration, maxDuration)
	}
	return seconds, nil
}

// Tags returns session tags, sorted by key, and the transitive keys.
func (a *Assertion) Tags() (tags []Tag, transitive []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(a.Attributes)) {
		key, ok := strings.CutPrefix(name, attributeTag)
		if !ok {
			continue
		}
		values := a.Attributes[name]
		if len(values) != 1 {
			return nil, nil, wire.InvalidIdentityToken("PrincipalTag in AuthnResponse must have exactly one value")
		}
		tags = append(tags, Tag{key, values[0]})
	}
	return tags, a.Attributes[attributeTransitive], nil
}

// SourceIdentity returns SourceIdentity, empty when absent.
func (a *Assertion) SourceIdentity() (string, error) {
	values := a.Attributes[attributeSource]
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || values[0] == "" {
		return "", wire.InvalidIdentityToken("Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"")
	}
	return values[0], nil
}

// NameQualifier is the hash by which AWS tells equal subjects of different providers apart.
func (a *Assertion) NameQualifier(accountID, providerName string) string {
	sum := sha1.Sum([]byte(a.Issuer + accountID + "/" + providerName))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Key is a condition key of the assertion and its values.
type Key struct {
	Name   string
	Values []string
	Multi  bool
	// Persists says that later calls of the session see it (SAML fact sheet, section 6).
	Persists bool
}

// ConditionKeys returns the keys that AWS makes of the assertion.
func (a *Assertion) ConditionKeys(accountID, providerName string) []Key {
	keys := []Key{
		{Name: "saml:aud", Values: []string{a.Recipient}},
		{Name: "saml:iss", Values: []string{a.Issuer}},
		{Name: "saml:sub", Values: []string{a.Subject}, Persists: true},
		{Name: "saml:sub_type", Values: []string{a.SubjectType}, Persists: true},
		{Name: "saml:namequalifier", Values: []string{a.NameQualifier(accountID, providerName)}, Persists: true},
		{Name: "saml:doc", Values: []string{accountID + "/" + providerName}},
	}
	for _, claim := range directoryClaims() {
		values := a.Attributes[claim.attribute]
		if len(values) == 0 {
			continue
		}
		if !claim.list {
			values = values[:1]
		}
		keys = append(keys, Key{Name: "saml:" + claim.key, Values: values, Multi: claim.list})
	}
	return keys
}

type directoryClaim struct {
	attribute, key string
	list           bool
}

// directoryClaims maps attributes to keys (SAML fact sheet, section 6, spelling of AWS included). Where several
// attributes lead to one key, the last in this order is used.
func directoryClaims() []directoryClaim {
	const (
		eduPerson = "urn:oid:1.3.6.1.4.1.5923.1.1.1."
		eduOrg    = "urn:oid:1.3.6.1.4.1.5923.1.2.1."
		xmlsoap   = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
		groupSID  = "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid"
	)
	return []directoryClaim{
		{eduPerson + "1", "eduPersonAffiliation", true},
		{eduPerson + "2", "eduPersonNickname", true},
		{eduPerson + "3", "eduPersonOrgDN", false},
		{eduPerson + "4", "eduPersonOrgUnitDN", true},
		{eduPerson + "5", "eduPersonPrimaryAffiliation", false},
		{eduPerson + "6", "eduPersonPrincipalName", false},
		{eduPerson + "7", "eduPersonEntitlement", true},
		{eduPerson + "8", "eduPersonPrimaryOrgUnitDN", false},
		{eduPerson + "9", "eduPersonScopedAffiliation", true},
		{eduPerson + "10", "eduPersonTargetedID", true},
		{eduPerson + "11", "eduPersonAssurance", true},
		{eduOrg + "2", "eduOrgHomePageURI", true},
		{eduOrg + "3", "eduOrgIdentityAuthNPolicyURI", true},
		{eduOrg + "4", "eduOrgLegalName", true},
		{eduOrg + "5", "eduOrgSuperiorURI", true},
		{eduOrg + "6", "eduOrgWhitePagesURI", true},
		{"urn:oid:2.5.4.3", "cn", true},
		{xmlsoap + "name", "name", false},
		{"http://schemas.xmlsoap.org/claims/CommonName", "commonName", false},
		{xmlsoap + "givenname", "givenName", false},
		{xmlsoap + "surname", "surname", false},
		{xmlsoap + "emailaddress", "mail", false},
		{groupSID, "uid", false},
		{groupSID, "primaryGroupSID", false},
		{"2.5.4.3", "commonName", false},
		{"2.5.4.4", "surname", false},
		{"2.4.5.42", "givenName", false},
		{"2.5.4.45", "x500UniqueIdentifier", false},
		{"0.9.2342.19200300100.1.1", "uid", false},
		{"0.9.2342.19200300100.1.3", "mail", false},
		{"0.9.2342.19200300.100.1.45", "organizationStatus", false},
	}
}
