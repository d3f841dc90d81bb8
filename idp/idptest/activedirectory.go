package idptest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

// The domain of an [ActiveDirectory].
const (
	ADBase   = "DC=corp,DC=example,DC=com"
	ADDomain = "corp.example.com"
	// ADService and ADServicePassword are a service account that may read.
	ADService         = "CN=broker,OU=Services," + ADBase
	ADServicePassword = "the broker's own"
)

// ADPerson is a person's account. The zero state is one that may sign in.
type ADPerson struct {
	Name     string // sAMAccountName
	UPN      string // explicit userPrincipalName; name@corp.example.com when empty
	Password string
	// Control is userAccountControl; 512 (a normal account) when zero.
	Control int64
	// Expires is accountExpires; never when zero.
	Expires time.Time
	// Locked, MustChange and PasswordExpired are states that a bind is refused in.
	Locked, MustChange, PasswordExpired bool
	// HoursForbid and HostForbids refuse by logon hours and workstation.
	HoursForbid, HostForbids bool
	// Attributes are set over what follows from the rest; an empty list takes one away.
	Attributes map[string][]string
}

// ActiveDirectory is the state of a fake domain controller that answers as a real one does: binds by DN, UPN and
// DOMAIN\name, with sub-error codes; objectGUID and objectSid in binary; the primary group by number only; memberOf
// and the matching rule for groups in groups; pages; references to other partitions; nothing without a bind.
type ActiveDirectory struct {
	mu        sync.Mutex
	clock     func() time.Time
	entries   []LDAPEntry
	passwords map[string]string // by DN
	people    map[string]ADPerson
	next      uint32
	// Deaf makes binds with a right password succeed whatever the account's state: another server's replica.
	Deaf bool
	// PageLimit is MaxPageSize, 1000 as in a real domain.
	PageLimit int
}

// NewActiveDirectory has a service account and the group Domain Users (513).
func NewActiveDirectory(t testing.TB, clock func() time.Time) *ActiveDirectory {
	t.Helper()
	ad := &ActiveDirectory{clock: clock, passwords: map[string]string{ADService: ADServicePassword}, people: map[string]ADPerson{}, next: 1100, PageLimit: 1000}
	ad.add(LDAPEntry{DN: ADBase, Attributes: map[string][]string{"objectClass": {"domainDNS"}}})
	ad.add(LDAPEntry{DN: ADService, Attributes: map[string][]string{"objectClass": {"user"}}})
	ad.group("CN=Domain Users,CN=Users,"+ADBase, 513)
	return ad
}

func (ad *ActiveDirectory) add(e LDAPEntry) { ad.entries = append(ad.entries, e) }

// ADSID is the SID of the fake domain with that last part.
func ADSID(rid uint32) string {
	b := []byte{1, 5, 0, 0, 0, 0, 0, 5}
	for _, part := range []uint32{21, 1111111111, 2222222222, 3333333333, rid} {
		b = binary.LittleEndian.AppendUint32(b, part)
	}
	return string(b)
}

// ADGUID is the n-th objectGUID; its text is ADGUIDText(n).
func ADGUID(n uint32) string {
	return string(binary.LittleEndian.AppendUint32(nil, n)) + "\x02\x01\x04\x03\x05\x06\x07\x08\x09\x0a\x0b\x0c"
}

// ADGUIDText is the canonical text of ADGUID(n).
func ADGUIDText(n uint32) string { return fmt.Sprintf("%08x-0102-0304-0506-0708090a0b0c", n) }

// Group adds a group and returns its DN. Its members are DNs.
func (ad *ActiveDirectory) Group(name, ou string, members ...string) string {
	ad.mu.Lock()
	defer ad.mu.Unlock()
	ad.next++
	return ad.group("CN="+name+",OU="+ou+","+ADBase, ad.next, members...)
}

func (ad *ActiveDirectory) group(dn string, rid uint32, members ...string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(dn, "CN="), ",")
	ad.add(LDAPEntry{DN: dn, Attributes: map[string][]string{
		"objectClass": {"top", "group"}, "cn": {name}, "sAMAccountName": {name}, "objectSid": {ADSID(rid)}, "member": members,
	}})
	return dn
}

// Join makes a DN a member of a group.
func (ad *ActiveDirectory) Join(group, member string) {
	ad.mu.Lock()
	defer ad.mu.Unlock()
	for _, e := range ad.entries {
		if e.DN == group {
			e.Attributes["member"] = append(e.Attributes["member"], member)
		}
	}
}

// Person adds an account and returns its DN and the number of its GUID.
func (ad *ActiveDirectory) Person(p ADPerson) (dn string, guid uint32) {
	ad.mu.Lock()
	defer ad.mu.Unlock()
	ad.next++
	if p.UPN == "" {
		p.UPN = p.Name + "@" + ADDomain
	}
	if p.Control == 0 {
		p.Control = 512
	}
	dn = fmt.Sprintf("CN=%s (%d),OU=People,%s", p.Name, ad.next, ADBase)
	computed, passwordSet, expires, lockout := int64(0), "133000000000000000", "9223372036854775807", "0"
	if p.Locked {
		computed, lockout = computed|0x10, "133000000000000000"
	}
	if p.PasswordExpired {
		computed |= 0x800000
	}
	if p.MustChange {
		passwordSet = "0"
	}
	if !p.Expires.IsZero() {
		expires = strconv.FormatInt(p.Expires.UnixNano()/100+116444736000000000, 10)
	}
	e := LDAPEntry{DN: dn, Attributes: map[string][]string{
		"objectClass": {"top", "person", "user"}, "objectCategory": {"person"}, "cn": {p.Name}, "sAMAccountName": {p.Name}, "userPrincipalName": {p.UPN},
		"mail": {p.Name + "@example.com"}, "objectGUID": {ADGUID(ad.next)}, "objectSid": {ADSID(ad.next)}, "primaryGroupID": {"513"},
		"userAccountControl": {strconv.FormatInt(p.Control, 10)}, "msDS-User-Account-Control-Computed": {strconv.FormatInt(computed, 10)},
		"pwdLastSet": {passwordSet}, "accountExpires": {expires}, "lockoutTime": {lockout},
	}}
	maps.Copy(e.Attributes, p.Attributes)
	maps.DeleteFunc(e.Attributes, func(_ string, v []string) bool { return len(v) == 0 })
	ad.add(e)
	ad.passwords[dn], ad.people[dn] = p.Password, p
	return dn, ad.next
}

// Bind is a simple bind.
func (ad *ActiveDirectory) Bind(name, password string) LDAPResult {
	ad.mu.Lock()
	defer ad.mu.Unlock()
	if password == "" { // unauthenticated: a success that proves nothing
		return LDAPResult{}
	}
	dn := ad.named(name)
	p, known := ad.people[dn]
	right := ad.passwords[dn] == password
	switch {
	case dn == "":
		return subError("525")
	case known && p.Locked && !ad.Deaf:
		return subError("775")
	case !right:
		return subError("52e")
	case !known || ad.Deaf:
		return LDAPResult{}
	}
	for code, is := range map[string]bool{
		"530": p.HoursForbid, "531": p.HostForbids, "532": p.PasswordExpired, "533": p.Control&2 != 0, "773": p.MustChange,
		"701": !p.Expires.IsZero() && !ad.clock().Before(p.Expires),
	} {
		if is {
			return subError(code)
		}
	}
	return LDAPResult{}
}

// subError ends in a NUL, as the real ones do.
func subError(code string) LDAPResult {
	return LDAPResult{goldap.LDAPResultInvalidCredentials, "80090308: LdapErr: DSID-0C09050F, comment: AcceptSecurityContext error, data " + code + ", v4563\x00"}
}

// named finds whom a bind name means: a DN, an explicit UPN, an account name with the domain, DOMAIN\name.
func (ad *ActiveDirectory) named(name string) string {
	var implicit string
	for _, e := range ad.entries {
		account := values(e, "sAMAccountName")
		switch {
		case strings.EqualFold(e.DN, name) && ad.passwords[e.DN] != "", has(e, "userPrincipalName", name):
			return e.DN
		case len(account) == 1 && (strings.EqualFold(account[0]+"@"+ADDomain, name) || strings.EqualFold(`CORP\`+account[0], name)):
			implicit = e.DN
		}
	}
	return implicit
}

// Search answers as a domain controller does.
func (ad *ActiveDirectory) Search(bound string, s LDAPSearch) LDAPFound {
	ad.mu.Lock()
	defer ad.mu.Unlock()
	if s.Base == "" && s.Scope == goldap.ScopeBaseObject {
		return LDAPFound{Entries: []LDAPEntry{{Attributes: map[string][]string{
			"defaultNamingContext": {ADBase}, "supportedCapabilities": {"1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670", "1.2.840.113556.1.4.1791"},
		}}}}
	}
	if bound == "" {
		return LDAPFound{Result: LDAPResult{goldap.LDAPResultOperationsError, "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection., data 0, v4563\x00"}}
	}
	var found LDAPFound
	for _, e := range ad.entries {
		if inScope(e.DN, s) && matches(ad.constructed(e), s.Filter, ad.rule) {
			found.Entries = append(found.Entries, ad.constructed(e))
		}
	}
	if strings.EqualFold(s.Base, ADBase) && s.Scope == goldap.ScopeWholeSubtree {
		found.References = []string{"ldap://ForestDnsZones." + ADDomain + "/DC=ForestDnsZones," + ADBase}
	}
	return ad.page(found, s)
}

func inScope(dn string, s LDAPSearch) bool {
	base, errBase := goldap.ParseDN(s.Base)
	entry, errEntry := goldap.ParseDN(dn)
	if errBase != nil || errEntry != nil {
		return false
	}
	return base.EqualFold(entry) || s.Scope == goldap.ScopeWholeSubtree && base.AncestorOfFold(entry)
}

// page cuts an answer: to the client's size limit, to its page, to the server's own limit.
func (ad *ActiveDirectory) page(found LDAPFound, s LDAPSearch) LDAPFound {
	all := found.Entries
	start, _ := strconv.Atoi(s.Cookie)
	end, limit := len(all), ad.PageLimit
	if s.Page > 0 {
		limit = min(s.Page, limit)
	}
	if s.SizeLimit > 0 && end > s.SizeLimit {
		end, found.Result = s.SizeLimit, LDAPResult{Code: goldap.LDAPResultSizeLimitExceeded}
	}
	if end-start > limit {
		end, found.Result = start+limit, LDAPResult{}
		if found.Cookie = strconv.Itoa(end); s.Page == 0 {
			found.Result = LDAPResult{Code: goldap.LDAPResultSizeLimitExceeded}
		}
	}
	found.Entries = all[start:end]
	return found
}

// constructed adds memberOf, which no object stores.
func (ad *ActiveDirectory) constructed(e LDAPEntry) LDAPEntry {
	out := LDAPEntry{DN: e.DN, Attributes: maps.Clone(e.Attributes)}
	for _, g := range ad.entries {
		if isMember(g, e.DN) {
			out.Attributes["memberOf"] = append(out.Attributes["memberOf"], g.DN)
		}
	}
	return out
}

func isMember(group LDAPEntry, dn string) bool {
	return slices.ContainsFunc(group.Attributes["member"], func(m string) bool { return strings.EqualFold(m, dn) })
}

// rule knows LDAP_MATCHING_RULE_BIT_AND and LDAP_MATCHING_RULE_TRANSITIVE_EVAL.
func (ad *ActiveDirectory) rule(e LDAPEntry, rule, attribute, value string) bool {
	switch rule {
	case "1.2.840.113556.1.4.803":
		return bits(e, attribute, value)
	case "1.2.840.113556.1.4.1941":
		return strings.EqualFold(attribute, "member") && ad.reaches(e, value, map[string]bool{})
	}
	return false
}

// reaches reports whether a group holds a member, through whatever groups.
func (ad *ActiveDirectory) reaches(group LDAPEntry, member string, seen map[string]bool) bool {
	if seen[group.DN] {
		return false
	}
	seen[group.DN] = true
	if isMember(group, member) {
		return true
	}
	for _, e := range ad.entries {
		if isMember(group, e.DN) && ad.reaches(e, member, seen) {
			return true
		}
	}
	return false
}
