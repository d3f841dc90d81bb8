package ldap_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/ldap"
)

// shortNames are the groups that are no DNs.
func shortNames(groups []string) []string {
	return slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return strings.Contains(g, "=") })
}

// TestGroupsInGroups: the matching rule follows them, through a ring, and from the primary group upwards.
func TestGroupsInGroups(t *testing.T) {
	f := newFixture(t)
	team := f.Group("Team", "Groups", f.alice)
	engineering := f.Group("Engineering", "Groups", team)
	f.Group("Everybody", "Groups", "CN=Domain Users,CN=Users,"+idptest.ADBase)
	f.Join(team, engineering) // a ring
	f.Group("Others", "Groups", "CN=somebody,OU=People,"+idptest.ADBase)
	for name, c := range map[string]struct {
		change func(*ldap.Options)
		want   []string
	}{
		"nested":          {func(*ldap.Options) {}, []string{"Domain Users", "Engineering", "Everybody", "Team"}},
		"flat":            {func(o *ldap.Options) { o.FlatGroups = true }, []string{"Domain Users", "Team"}},
		"own filter":      {func(o *ldap.Options) { o.GroupFilter = "(&(objectClass=group)(member={dn}))" }, []string{"Domain Users", "Engineering", "Everybody", "Team"}},
		"own filter flat": {func(o *ldap.Options) { o.GroupFilter, o.FlatGroups = "(member={dn})", true }, []string{"Domain Users", "Team"}},
		"a smaller base":  {func(o *ldap.Options) { o.GroupBaseDN = "OU=Groups," + idptest.ADBase }, []string{"Engineering", "Team"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := f.options
			c.change(&o)
			id, err := try(t, o, "alice", password)
			if err != nil {
				t.Fatal(err)
			}
			if got := shortNames(id.Groups); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if len(id.Groups) != 2*len(c.want) || !slices.IsSorted(id.Groups) {
				t.Errorf("groups %v", id.Groups)
			}
		})
	}
	if log := strings.Join(f.server.Log(), "\n"); !strings.Contains(log, "member:1.2.840.113556.1.4.1941:=") {
		t.Error("the matching rule was not asked")
	}
}

// TestGroupsComeWhole: pages are put together; more than can be read is refused, never cut.
func TestGroupsComeWhole(t *testing.T) {
	f := newFixture(t)
	f.PageLimit = 100
	for i := range 250 {
		f.Group(fmt.Sprintf("g%04d", i), "Groups", f.alice)
	}
	id, err := try(t, f.options, "alice", password)
	if err != nil || len(id.Groups) != 2*251 {
		t.Fatalf("%d groups, %v", len(id.Groups), err)
	}
	f.PageLimit = 1000
	for i := range 1260 {
		f.Group(fmt.Sprintf("h%04d", i), "Groups", f.alice)
	}
	_, err = try(t, f.options, "alice", password)
	refused(t, err, ldap.CauseTooManyGroups)
}

// TestAGroupCalledLikeAnothersDN: a name that reads as a DN is no short name.
func TestAGroupCalledLikeAnothersDN(t *testing.T) {
	tree := newTree()
	tree.add(`cn=cn\3dadmins\2cdc\3dcorp,ou=groups,dc=corp`, map[string][]string{"objectClass": {"groupOfNames"}, "member": {aliceDN}})
	tree.add("cn=fake,ou=groups,dc=corp", map[string][]string{"objectClass": {"groupOfNames"}, "cn": {"fake", "admins"}, "member": {aliceDN}})
	id, err := tree.signIn(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"cn=admins,dc=corp", "admins"} {
		if slices.Contains(id.Groups, bad) {
			t.Errorf("alice is in %q: %v", bad, id.Groups)
		}
	}
	if !slices.Contains(id.Groups, "fake") {
		t.Errorf("groups %v", id.Groups)
	}
}

// TestWalking follows groups where the server does not: through rings, to a bounded depth and number.
func TestWalking(t *testing.T) {
	tree := newTree()
	group := func(n int) string { return fmt.Sprintf("cn=g%d,ou=groups,dc=corp", n) }
	for i := range 15 { // g0 ⊃ alice, g1 ⊃ g0, …, and g0 ⊃ g14
		members := []string{aliceDN, group(14)}
		if i > 0 {
			members = []string{strings.ToUpper(group(i - 1))}
		}
		tree.add(group(i), map[string][]string{"objectClass": {"groupOfNames"}, "member": members})
	}
	tree.add("cn=unique,ou=groups,dc=corp", map[string][]string{"objectClass": {"groupOfUniqueNames"}, "uniqueMember": {group(3)}})
	id, err := tree.signIn(t)
	if err != nil || len(shortNames(id.Groups)) != 16 {
		t.Fatalf("%v, %v", id.Groups, err)
	}
	for i := 15; i < 20; i++ {
		tree.add(group(i), map[string][]string{"objectClass": {"groupOfNames"}, "member": {group(i - 1)}})
	}
	_, err = tree.signIn(t)
	refused(t, err, ldap.CauseTooManyGroups)
}

// TestWalkingIsBoundedInNumber, in one search and over several.
func TestWalkingIsBoundedInNumber(t *testing.T) {
	two := newTree()
	for i := range 800 {
		two.add(fmt.Sprintf("cn=g%d,ou=groups,dc=corp", i), map[string][]string{"objectClass": {"groupOfNames"}, "member": {aliceDN}})
		two.add(fmt.Sprintf("cn=h%d,ou=groups,dc=corp", i), map[string][]string{"objectClass": {"groupOfNames"}, "member": {"cn=g0,ou=groups,dc=corp"}})
	}
	_, err := two.signIn(t)
	refused(t, err, ldap.CauseTooManyGroups)
	tree := newTree()
	for i := range 1501 {
		tree.add(fmt.Sprintf("cn=g%d,ou=groups,dc=corp", i), map[string][]string{"objectClass": {"groupOfNames"}, "member": {aliceDN}})
	}
	_, err = tree.signIn(t)
	refused(t, err, ldap.CauseTooManyGroups)
}

const aliceDN = "uid=alice,ou=people,dc=corp"

// tree is a directory that is not Active Directory and obeys whatever it is given.
type tree struct {
	entries  []idptest.LDAPEntry
	searched func(idptest.LDAPSearch) (idptest.LDAPFound, bool) // answers first
	bind     func(name, password string) (idptest.LDAPResult, bool)
}

func newTree() *tree {
	t := &tree{}
	t.add(aliceDN, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {"alice"}, "cn": {"Alice"}, "mail": {"alice@example.com"}, "entryUUID": {"0B3E4DE0-1111-4222-8333-444455556666"},
	})
	return t
}

func (t *tree) add(dn string, attributes map[string][]string) {
	t.entries = append(t.entries, idptest.LDAPEntry{DN: dn, Attributes: attributes})
}

func (t *tree) Bind(name, pass string) idptest.LDAPResult {
	if t.bind != nil {
		if r, ok := t.bind(name, pass); ok {
			return r
		}
	}
	if name == "cn=svc,dc=corp" && pass == "svc" || strings.EqualFold(name, aliceDN) && pass == password {
		return idptest.LDAPResult{}
	}
	return idptest.LDAPResult{Code: goldap.LDAPResultInvalidCredentials}
}

func (t *tree) Search(_ string, s idptest.LDAPSearch) idptest.LDAPFound {
	if t.searched != nil {
		if found, ok := t.searched(s); ok {
			return found
		}
	}
	if s.Base == "" {
		return idptest.LDAPFound{Entries: []idptest.LDAPEntry{{Attributes: map[string][]string{"supportedCapabilities": {"1.3.6.1.1"}}}}}
	}
	return idptest.LDAPTree(t.entries, s)
}

func (t *tree) options(tb testing.TB, security idptest.LDAPSecurity) (ldap.Options, *idptest.LDAPServer) {
	tb.Helper()
	server := idptest.NewLDAPServer(tb, security, t)
	o := options(server)
	o.BaseDN, o.BindDN, o.BindPassword = "dc=corp", "cn=svc,dc=corp", text("svc")
	return o, server
}

func (t *tree) signIn(tb testing.TB) (id identity, err error) {
	tb.Helper()
	o, _ := t.options(tb, idptest.LDAPS)
	return try(tb, o, "alice", password)
}
