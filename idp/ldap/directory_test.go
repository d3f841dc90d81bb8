package ldap_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/ldap"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func TestAPersonOfActiveDirectory(t *testing.T) {
	f := newFixture(t)
	expires := now.Add(30 * 24 * time.Hour)
	dn, guid := f.Person(idptest.ADPerson{
		Name: "bob", UPN: "b.builder@example.com", Password: password, Expires: expires,
		Attributes: map[string][]string{"department": {"Sites"}, "costCenter": {"4711"}, "thumbnailPhoto": {"\xff\xd8"}},
	})
	f.options.Attributes = []string{"costCenter", "thumbnailPhoto"}
	for name, c := range map[string]struct {
		options ldap.Options
		typed   string
	}{
		"service, account name": {f.options, "bob"}, "service, UPN": {f.options, "b.builder@example.com"}, "service, in capitals": {f.options, "BOB"},
		"direct": {f.direct(), "bob"}, "direct, whole": {f.direct(), "bob@" + strings.ToUpper(idptest.ADDomain)},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := try(t, c.options, c.typed, password)
			if err != nil {
				t.Fatal(err)
			}
			want := idp.Identity{
				Provider: "ad", Issuer: "ldap:///dc=corp%2Cdc=example%2Cdc=com", Subject: idptest.ADGUIDText(guid), Username: "bob", Email: "bob@example.com",
				Groups: []string{"CN=Domain Users,CN=Users," + idptest.ADBase, "Domain Users"}, AuthTime: now, AMR: []string{"pwd"}, SessionExpiry: expires,
				Proof: idp.Proof{Kind: idp.ProofBind, Hash: id.Proof.Hash, IssuedAt: now, Expires: now},
			}
			claims := id.Claims.Map()
			id.Claims = idp.Claims{}
			if !reflect.DeepEqual(id, want) || len(id.Proof.Hash) != 64 {
				t.Errorf("got %+v\nwant %+v", id, want)
			}
			wantClaims := map[string]any{
				"dn": dn, "cn": []any{"bob"}, "mail": []any{"bob@example.com"}, "sAMAccountName": []any{"bob"},
				"userPrincipalName": []any{"b.builder@example.com"}, "department": []any{"Sites"}, "costCenter": []any{"4711"},
			}
			if !reflect.DeepEqual(claims, wantClaims) {
				t.Errorf("claims %v", claims)
			}
		})
	}
}

// TestRefusals holds every state of an account, by what the server says to the bind and by what the entry says.
func TestRefusals(t *testing.T) {
	never := strconv.FormatInt(math.MaxInt64, 10)
	for name, c := range map[string]struct {
		person ADPerson
		typed  string
		want   idp.Cause
		deaf   bool // the bind succeeds: what the entry says must do
	}{
		"wrong password":             {ADPerson{}, "wrong", ldap.CauseWrongPassword, false},
		"disabled":                   {ADPerson{Control: 514}, password, ldap.CauseDisabled, false},
		"disabled, bind succeeds":    {ADPerson{Control: 514}, password, ldap.CauseDisabled, true},
		"disabled, wrong password":   {ADPerson{Control: 514}, "wrong", ldap.CauseWrongPassword, false},
		"expired":                    {ADPerson{Expires: now}, password, ldap.CauseExpired, false},
		"expired, bind succeeds":     {ADPerson{Expires: now}, password, ldap.CauseExpired, true},
		"locked":                     {ADPerson{Locked: true}, password, ldap.CauseLocked, false},
		"locked, bind succeeds":      {ADPerson{Locked: true}, password, ldap.CauseLocked, true},
		"locked, older server":       {ADPerson{Locked: true, Attributes: attr("msDS-User-Account-Control-Computed")}, password, ldap.CauseLocked, true},
		"must change":                {ADPerson{MustChange: true}, password, ldap.CauseMustChange, false},
		"must change, bind succeeds": {ADPerson{MustChange: true}, password, ldap.CauseMustChange, true},
		"old password":               {ADPerson{PasswordExpired: true}, password, ldap.CausePasswordOld, false},
		"old, bind succeeds":         {ADPerson{PasswordExpired: true}, password, ldap.CausePasswordOld, true},
		"logon hours":                {ADPerson{HoursForbid: true}, password, ldap.CauseNotNow, false},
		"workstation":                {ADPerson{HostForbids: true}, password, ldap.CauseNotHere, false},
		"a computer":                 {ADPerson{Control: 0x1000}, password, ldap.CauseNoPerson, false},
		"a domain controller":        {ADPerson{Control: 0x2000}, password, ldap.CauseNoPerson, false},
		"a trust":                    {ADPerson{Control: 0x800}, password, ldap.CauseNoPerson, false},
		"no control":                 {ADPerson{Attributes: attr("userAccountControl")}, password, ldap.CauseStateUnread, true},
		"control twice":              {ADPerson{Attributes: attr("userAccountControl", "512", "514")}, password, ldap.CauseStateUnread, true},
		"control no number":          {ADPerson{Attributes: attr("userAccountControl", "512x")}, password, ldap.CauseStateUnread, true},
		"expiry no number":           {ADPerson{Attributes: attr("accountExpires", "soon")}, password, ldap.CauseStateUnread, true},
		"expiry too large":           {ADPerson{Attributes: attr("accountExpires", never+"0")}, password, ldap.CauseStateUnread, true},
		"no GUID":                    {ADPerson{Attributes: attr("objectGUID")}, password, ldap.CauseNoSubject, false},
		"short GUID":                 {ADPerson{Attributes: attr("objectGUID", "short")}, password, ldap.CauseNoSubject, false},
		"two GUIDs":                  {ADPerson{Attributes: attr("objectGUID", idptest.ADGUID(1), idptest.ADGUID(2))}, password, ldap.CauseNoSubject, false},
		"entryUUID is no GUID here":  {ADPerson{Attributes: map[string][]string{"objectGUID": {}, "entryUUID": {idptest.ADGUIDText(7)}}}, password, ldap.CauseNoSubject, false},
		"broken SID":                 {ADPerson{Attributes: attr("objectSid", "\x01\x05")}, password, ldap.CauseStateUnread, false},
		"SID with another count":     {ADPerson{Attributes: attr("objectSid", idptest.ADSID(7)+"more")}, password, ldap.CauseStateUnread, false},
		"no SID":                     {ADPerson{Attributes: attr("objectSid")}, password, ldap.CauseStateUnread, false},
		"primary group no number":    {ADPerson{Attributes: attr("primaryGroupID", "-1")}, password, ldap.CauseStateUnread, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.Deaf = c.deaf
			c.person.Name, c.person.Password = "bob", password
			f.Person(c.person)
			typed := c.typed
			_, err := try(t, f.options, "bob", typed)
			refused(t, err, c.want)
			if !c.deaf { // directly, the bind by UPN meets the same state
				_, err = try(t, f.direct(), "bob", typed)
				refused(t, err, c.want)
			}
		})
	}
}

// ADPerson keeps the table narrow.
type ADPerson = idptest.ADPerson

func attr(name string, values ...string) map[string][]string {
	return map[string][]string{name: values}
}

func TestPasswordsAndNamesRefusedBeforeAnyServerIsAsked(t *testing.T) {
	f := newFixture(t)
	for name, pass := range map[string]string{
		"empty": "", "blank": "   ", "tabs": "\t\n", "unicode blank": "\u00a0\u2003", "NUL": "\x00", "NUL first": "\x00" + password, "NUL inside": password + "\x00x",
		"huge": strings.Repeat("x", 1025),
	} {
		_, err := try(t, f.options, "alice", pass)
		refused(t, err, ldap.CausePassword)
		_, err = try(t, f.direct(), "alice", pass)
		refused(t, err, ldap.CausePassword)
		if len(f.server.Log()) != 0 {
			t.Fatalf("%s: the server was asked: %v", name, f.server.Log())
		}
	}
	for _, name := range []string{
		"", " ", "alice ", " alice", "alice\x00", "ali\x00ce", "alice\n", "al\u200bice", "alice\u202e", "\ufeffalice", "\xffalice", "\ufffd", strings.Repeat("a", 257),
	} {
		_, err := try(t, f.options, name, password)
		refused(t, err, ldap.CauseName)
		_, err = try(t, f.direct(), name, password)
		refused(t, err, ldap.CauseName)
	}
	for _, name := range []string{ // would be other kinds of bind names
		"alice@evil.example", "@" + idptest.ADDomain, `CORP\alice`, "CN=alice,OU=People", "S-1-5-21;x", "a@b@" + idptest.ADDomain, "corp/alice", "al*", "{x}[y]", "a,b", "a=b", "a+b", `a"b`, "a<b>", "a?b", "a|b", "a:b",
	} {
		_, err := try(t, f.direct(), name, password)
		refused(t, err, ldap.CauseName)
	}
	if len(f.server.Log()) != 0 {
		t.Errorf("the server was asked: %v", f.server.Log())
	}
}

// TestInjection sends filter and DN syntax as names: each is one value of one equality, and finds nobody.
func TestInjection(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{
		"*", "a*", "*)(uid=*", "alice)(|(uid=*", "alice)(objectClass=*))(&(x=", "*)(objectClass=*", ")", "(", `\`, `\2a`, `\28`, "alice)(userPassword=*)", "(|(cn=*))",
		"alice\u2028)", "alice，cn=x", "álice", "alíce", "alice#", "alice,ou=x", "cn=alice", "&", "|", "!", "=", "~=", ":=", "{username}", "{dn}", "alice)%00", "ａｌｉｃｅ", "а\u043bice",
	} {
		f.server.Forget()
		_, err := try(t, f.options, name, password)
		var found bool
		for _, line := range f.server.Log() {
			if search, ok := strings.CutPrefix(line, "search "+idptest.ADBase+" "); ok {
				found = true
				if n := strings.Count(search, "("); n != 6 || strings.Contains(search, "sAMAccountName=*") {
					t.Errorf("%q changed the filter: %s", name, search)
				}
			}
		}
		if !found && err == nil {
			t.Errorf("%q: %v", name, f.server.Log())
		}
		refusedAs(t, err, name)
	}
}

func refusedAs(t *testing.T, err error, name string) {
	t.Helper()
	for _, cause := range []idp.Cause{ldap.CauseUnknown, ldap.CauseOtherEntry, ldap.CauseName} {
		if err != nil && strings.Contains(err.Error(), string(cause)) {
			return
		}
	}
	t.Errorf("%q: %v", name, err)
}

// TestANameThatOnlyLooksAlikeIsAnother: the directory takes accents for nothing, the count of attempts does not.
func TestANameThatOnlyLooksAlikeIsAnother(t *testing.T) {
	f := newFixture(t)
	_, err := try(t, f.options, "alíce", password)
	refused(t, err, ldap.CauseOtherEntry)
}

func TestTwoEntriesOfOneName(t *testing.T) {
	f := newFixture(t)
	f.Person(idptest.ADPerson{Name: "mallory", UPN: "alice", Password: "mallory's"})
	for _, pass := range []string{password, "mallory's", "wrong"} {
		_, err := try(t, f.options, "alice", pass)
		refused(t, err, ldap.CauseAmbiguous)
	}
	f.Person(idptest.ADPerson{Name: "trent", UPN: "alice", Password: "trent's"})
	_, err := try(t, f.options, "alice", password)
	refused(t, err, ldap.CauseAmbiguous)
}

// TestTheEntryIsTheOneWhosePasswordWasProven: bob's account name is another's UPN. A bind by UPN means the latter; the
// filter may find the former.
func TestTheEntryIsTheOneWhosePasswordWasProven(t *testing.T) {
	f := newFixture(t)
	f.Person(idptest.ADPerson{Name: "bob", UPN: "robert@" + idptest.ADDomain, Password: "bob's"})
	f.Person(idptest.ADPerson{Name: "eve", UPN: "bob@" + idptest.ADDomain, Password: "eve's"})
	o := f.direct()
	o.UserFilter = "(sAMAccountName={username})"
	_, err := try(t, o, "bob", "eve's")
	refused(t, err, ldap.CauseAnotherAccount)
	_, err = try(t, f.direct(), "bob", "eve's")
	refused(t, err, ldap.CauseAmbiguous)
}

// TestARefusalCostsTheSame counts operations: they are alike whether there is a person, two, or none, and whatever
// is wrong with the account.
func TestARefusalCostsTheSame(t *testing.T) {
	f := newFixture(t)
	f.Person(idptest.ADPerson{Name: "twin", UPN: "double", Password: password})
	f.Person(idptest.ADPerson{Name: "double", Password: password})
	f.Person(idptest.ADPerson{Name: "off", Control: 514, Password: password})
	kinds := func(o ldap.Options, name, pass string) []string {
		f.server.Forget()
		if _, err := try(t, o, name, pass); err == nil {
			t.Fatalf("%s was let in", name)
		}
		var out []string
		for _, line := range f.server.Log() {
			out = append(out, strings.Fields(line)[0])
		}
		return out
	}
	for mode, o := range map[string]ldap.Options{"service": f.options, "direct": f.direct()} {
		want := kinds(o, "alice", "wrong")
		for _, name := range []string{"stranger", "double", "off", "alíce"} {
			if got := kinds(o, name, "wrong"); !slices.Equal(got, want) {
				t.Errorf("%s: %s costs %v, alice %v", mode, name, got, want)
			}
		}
		if got := kinds(o, "off", password); !slices.Equal(got, want) {
			t.Errorf("%s: a disabled account costs %v, a wrong password %v", mode, got, want)
		}
	}
	if got := kinds(f.options, "stranger", "wrong"); !slices.Equal(got, []string{"connect", "bind", "search", "search", "bind"}) {
		t.Errorf("got %v", got)
	}
}

// TestNobodyStaysNobody: where a name is unknown a bind is made all the same; should it succeed, nobody is signed in.
func TestNobodyStaysNobody(t *testing.T) {
	f := newFixture(t)
	server := idptest.NewLDAPServer(t, idptest.LDAPS, yes{f.ActiveDirectory})
	_, err := try(t, options(server), "stranger", password)
	refused(t, err, ldap.CauseUnknown)
	if log := server.Log(); !slices.Contains(log, "bind cn=nobody-for-fedbroker,"+strings.ToLower(idptest.ADBase)) && !slices.Contains(log, "bind cn=nobody-for-fedbroker,"+idptest.ADBase) {
		t.Errorf("got %v", log)
	}
}

// yes lets every bind succeed.
type yes struct{ *idptest.ActiveDirectory }

func (yes) Bind(string, string) idptest.LDAPResult { return idptest.LDAPResult{} }

func TestManyAtOnce(t *testing.T) {
	f := newFixture(t)
	d := directory(t, f.options)
	errs := make(chan error)
	for i := range 60 {
		go func() {
			name, pass := "alice", password
			if i%2 == 1 {
				pass = fmt.Sprint("wrong", i)
			}
			id, err := d.Authenticate(t.Context(), name, secret.New(pass))
			if (err == nil) != (i%2 == 0) || err == nil && id.Subject != idptest.ADGUIDText(f.guid) {
				errs <- fmt.Errorf("%d: %w", i, err)
				return
			}
			errs <- nil
		}()
	}
	for range 60 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkAuthenticate is a whole sign-in: TLS, five searches, three binds, at a server in this process.
func BenchmarkAuthenticate(b *testing.B) {
	f := newFixture(b)
	f.Group("Team", "Groups", f.alice)
	d := directory(b, f.options)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Authenticate(b.Context(), "alice", secret.New(password)); err != nil {
			b.Fatal(err)
		}
	}
}
