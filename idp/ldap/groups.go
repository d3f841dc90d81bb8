package ldap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
)

const (
	// maxGroups is above what a Windows token can hold (1,010 groups).
	maxGroups = 1500
	// maxDepth bounds groups inside groups, batch the groups that one search asks for.
	maxDepth = 16
	batch    = 25
	pageSize = 500
	// inChain is LDAP_MATCHING_RULE_TRANSITIVE_EVAL ([MS-ADTS] section 3.1.1.3.4.4.3).
	inChain = "1.2.840.113556.1.4.1941"
)

// crowd collects the groups of one person, each once.
type crowd struct {
	seen  map[string]bool
	names []string
}

// add keeps a group under its DN and its short name and reports whether it is new.
func (c *crowd) add(dn *goldap.DN, text, short string) bool {
	key := strings.ToLower(dn.String())
	if c.seen[key] {
		return false
	}
	c.seen[key] = true
	c.names = append(c.names, text)
	if short != "" {
		c.names = append(c.names, short)
	}
	return true
}

// groups are the DNs and short names of all groups of a person, sorted.
func (d *Directory) groups(l *link, person *goldap.Entry) ([]string, error) {
	c := &crowd{seen: map[string]bool{}}
	start := []string{person.DN}
	if l.ad {
		primary, err := d.primaryGroup(l, c, person)
		if err != nil {
			return nil, err
		}
		if !d.options.FlatGroups {
			start = append(start, primary...)
		}
	}
	err := d.walk(l, c, start, usernameOf(person, l.ad))
	if err != nil {
		return nil, err
	}
	slices.Sort(c.names)
	return slices.Compact(c.names), nil
}

// primaryGroup finds the group that Active Directory names by number only: its SID is the person's with another last
// part. No member attribute lists it.
func (d *Directory) primaryGroup(l *link, c *crowd, person *goldap.Entry) ([]string, error) {
	rid, has, ok := number(person, "primaryGroupID")
	if !ok {
		return nil, refuse(CauseStateUnread)
	}
	if !has {
		return nil, nil
	}
	sids := person.GetEqualFoldRawAttributeValues("objectSid")
	if len(sids) != 1 {
		return nil, refuse(CauseStateUnread)
	}
	sid, ok := sibling(sids[0], rid)
	if !ok {
		return nil, refuse(CauseStateUnread)
	}
	return d.find(l, c, fmt.Sprintf("(&(objectClass=group)(objectSid=%s))", escapeBytes(sid)))
}

// sibling replaces the last sub-authority of a SID ([MS-DTYP] section 2.4.2.2).
func sibling(sid []byte, rid int64) ([]byte, bool) {
	const header = 8 // revision, count, 48 bits of authority
	if len(sid) < header+4 || sid[0] != 1 || len(sid) != header+4*int(sid[1]) || rid <= 0 || rid > 1<<32-1 {
		return nil, false
	}
	out := slices.Clone(sid)
	binary.LittleEndian.PutUint32(out[len(out)-4:], uint32(rid))
	return out, true
}

// escapeBytes writes every byte of a binary value as RFC 4515 section 3 does.
func escapeBytes(b []byte) string {
	var out strings.Builder
	for _, v := range b {
		fmt.Fprintf(&out, `\%02x`, v)
	}
	return out.String()
}

// walk follows membership upwards from some DNs, level by level: one level where groups are flat or where Active
// Directory follows it itself, else until nothing new comes. What was seen is not followed again: groups may be
// members of each other.
func (d *Directory) walk(l *link, c *crowd, level []string, username string) error {
	for depth := 0; len(level) > 0; depth++ {
		if depth == maxDepth {
			return refuse(CauseTooManyGroups)
		}
		var next []string
		for some := range slices.Chunk(level, batch) {
			found, err := d.find(l, c, d.memberFilter(l, some, username))
			if err != nil {
				return err
			}
			next = append(next, found...)
		}
		if d.options.FlatGroups || d.chained(l) {
			return nil
		}
		level = next
	}
	return nil
}

// chained reports whether the server follows groups inside groups.
func (d *Directory) chained(l *link) bool { return l.ad && d.options.GroupFilter == "" }

func (d *Directory) memberFilter(l *link, members []string, username string) string {
	template := d.group.filter
	switch {
	case d.chained(l) && d.options.FlatGroups:
		template = func(dn, _ string) string { return "(member=" + goldap.EscapeFilter(dn) + ")" }
	case d.chained(l):
		template = func(dn, _ string) string { return "(member:" + inChain + ":=" + goldap.EscapeFilter(dn) + ")" }
	}
	var any strings.Builder
	for _, dn := range members {
		any.WriteString(template(dn, username))
	}
	if d.chained(l) {
		return "(&(objectClass=group)(|" + any.String() + "))"
	}
	return "(|" + any.String() + ")"
}

// find searches groups, page by page, and returns the DNs of those that are new. Too many are refused: a rule that
// denies could speak of one that was left out.
func (d *Directory) find(l *link, c *crowd, filter string) ([]string, error) {
	page := goldap.NewControlPaging(pageSize)
	var fresh []string
	for range maxGroups/pageSize + 1 {
		found, err := l.search(&goldap.SearchRequest{
			BaseDN: d.groupBase.String(), Scope: goldap.ScopeWholeSubtree, Filter: filter, SizeLimit: maxGroups,
			Attributes: []string{"sAMAccountName"}, Controls: []goldap.Control{page},
		})
		switch {
		case goldap.IsErrorWithCode(err, goldap.LDAPResultSizeLimitExceeded) || errors.Is(err, goldap.ErrSizeLimitExceeded):
			return nil, refuse(CauseTooManyGroups)
		case err != nil:
			return nil, unavailable(fmt.Errorf("search for groups: %w", err))
		}
		for _, e := range found.Entries {
			if d.take(l, c, e) {
				fresh = append(fresh, e.DN)
			}
		}
		cookie := cookieOf(found.Controls)
		if len(c.seen) > maxGroups {
			break
		}
		if len(cookie) == 0 {
			return fresh, nil
		}
		page.SetCookie(cookie)
	}
	return nil, refuse(CauseTooManyGroups)
}

func cookieOf(controls []goldap.Control) []byte {
	if page, ok := goldap.FindControl(controls, goldap.ControlTypePaging).(*goldap.ControlPaging); ok {
		return page.Cookie
	}
	return nil
}

// take adds a group of the answer; one outside the base was not asked for.
func (d *Directory) take(l *link, c *crowd, e *goldap.Entry) bool {
	dn, err := goldap.ParseDN(e.DN)
	if err != nil || !utf8.ValidString(e.DN) || !d.groupBase.AncestorOfFold(dn) {
		return false
	}
	short := only(e, "sAMAccountName")
	if !l.ad {
		short = rdnValue(dn)
	}
	if strings.ContainsAny(short, "=") { // it could be read as another group's DN
		short = ""
	}
	return c.add(dn, e.DN, short)
}

// rdnValue is what an entry is called where it stands; an entry may have further names that anybody could give it.
func rdnValue(dn *goldap.DN) string {
	if first := dn.RDNs[0]; len(first.Attributes) == 1 {
		return first.Attributes[0].Value
	}
	return ""
}
