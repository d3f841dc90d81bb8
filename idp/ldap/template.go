package ldap

import (
	"fmt"
	"regexp"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// Filters that are used where the configuration has none. On Active Directory a computer is a user as well, but no
// person. group_filter there is the matching rule, in groups.go.
const (
	userFilter    = "(uid={username})"
	userFilterAD  = "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={username})(userPrincipalName={username})))"
	upnFilter     = "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={username})(userPrincipalName={username}@{suffix})))"
	memberFilter  = "(|(member={dn})(uniqueMember={dn}))"
	maxFilterSize = 4096
)

var (
	suffixPattern    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?$`)
	attributePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	placeholder      = regexp.MustCompile(`\{[^{}]*\}`)
	// namedValue is an equality whose whole value is the name, or the name with a domain: who is found can be held
	// against it. A substring or an extensible match could not.
	namedValue = regexp.MustCompile(`\(([A-Za-z][A-Za-z0-9-]*)=\{username\}(@[A-Za-z0-9.-]+)?\)`)
	dnValue    = regexp.MustCompile(`\([A-Za-z][A-Za-z0-9.:-]*=\{(dn|username)\}\)`)
)

// userTemplate finds a person by the name they typed.
type userTemplate struct {
	text  string
	names []nameAttribute
}

// nameAttribute is an attribute that may hold what was typed, with what the filter puts behind it.
type nameAttribute struct{ attribute, suffix string }

func parseUserFilter(text string) (userTemplate, error) {
	t := userTemplate{text: text}
	for _, m := range namedValue.FindAllStringSubmatch(text, -1) {
		t.names = append(t.names, nameAttribute{m[1], m[2]})
	}
	if len(t.names) == 0 || len(t.names) != len(placeholder.FindAllString(text, -1)) {
		return t, fmt.Errorf("user_filter: want {username} as a whole value, as in (uid={username}), and no other placeholder, got %q", text)
	}
	return t, compiles("user_filter", t.filter("x"))
}

func (t userTemplate) filter(name string) string {
	return strings.ReplaceAll(t.text, "{username}", goldap.EscapeFilter(name))
}

// groupTemplate finds the groups that a DN, or a person by their name, is in.
type groupTemplate struct {
	text   string
	byName bool
}

// parseGroupFilter takes {username} for flat groups only: a group has no user name, and one that is called like a
// person would pass its own groups on to that person.
func parseGroupFilter(text string, flat bool) (groupTemplate, error) {
	t := groupTemplate{text: text}
	found := dnValue.FindAllStringSubmatch(text, -1)
	for _, m := range found {
		t.byName = t.byName || m[1] == "username"
	}
	if len(found) == 0 || len(found) != len(placeholder.FindAllString(text, -1)) {
		return t, fmt.Errorf("group_filter: want {dn} or {username} as a whole value, as in (member={dn}), and no other placeholder, got %q", text)
	}
	if t.byName && !flat {
		return t, fmt.Errorf("group_filter: {username} needs nested_groups: false, got %q", text)
	}
	return t, compiles("group_filter", t.filter("x", "x"))
}

func (t groupTemplate) filter(dn, username string) string {
	return strings.NewReplacer("{dn}", goldap.EscapeFilter(dn), "{username}", goldap.EscapeFilter(username)).Replace(t.text)
}

func compiles(key, filter string) error {
	if len(filter) > maxFilterSize {
		return fmt.Errorf("%s: longer than %d bytes", key, maxFilterSize)
	}
	if _, err := goldap.CompileFilter(filter); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
