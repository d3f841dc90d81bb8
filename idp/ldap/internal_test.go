package ldap

import (
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/fedbroker/fedbroker/internal/secret"
)

func TestSubErrors(t *testing.T) {
	const text = "80090308: LdapErr: DSID-0C09050F, comment: AcceptSecurityContext error, data %, v4563\x00"
	for code, want := range map[string]error{
		"525": CauseUnknown, "52e": CauseWrongPassword, "530": CauseNotNow, "531": CauseNotHere, "532": CausePasswordOld, "533": CauseDisabled,
		"701": CauseExpired, "773": CauseMustChange, "775": CauseLocked, "52f": CauseWrongPassword, "ffffffff": CauseWrongPassword,
	} {
		if got := adCause(strings.Replace(text, "%", code, 1)); got != want {
			t.Errorf("%s: %q", code, got)
		}
	}
	for _, other := range []string{"", "data", "data ", "data 533533533", "metadata 533", "data 53g", "invalid credentials"} {
		if got := adCause(other); got != CauseWrongPassword {
			t.Errorf("%q: %q", other, got)
		}
	}
}

func TestPolicyControls(t *testing.T) {
	behera := func(e int8, grace int64) goldap.Control {
		return &goldap.ControlBeheraPasswordPolicy{Error: e, Grace: grace, Expire: -1}
	}
	for name, c := range map[string]struct {
		control goldap.Control
		want    error
	}{
		"fine": {behera(-1, -1), nil}, "soon over": {&goldap.ControlBeheraPasswordPolicy{Expire: 60, Grace: -1, Error: -1}, nil},
		"expired": {behera(goldap.BeheraPasswordExpired, -1), CausePasswordOld}, "locked": {behera(goldap.BeheraAccountLocked, -1), CauseLocked},
		"reset": {behera(goldap.BeheraChangeAfterReset, -1), CauseMustChange}, "grace": {behera(-1, 0), CausePasswordOld},
		"Netscape": {&goldap.ControlVChuPasswordMustChange{MustChange: true}, CauseMustChange},
	} {
		if got := policyCause([]goldap.Control{c.control}); (c.want == nil) != (got == "") || c.want != nil && got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestPOSIXStates(t *testing.T) {
	day := testTime().Unix() / 86400
	for name, c := range map[string]struct {
		attributes map[string][]string
		want       error
	}{
		"nothing": {nil, nil}, "never": {map[string][]string{"shadowExpire": {"-1"}}, nil},
		"tomorrow": {map[string][]string{"shadowExpire": {itoa(day + 1)}}, nil}, "today": {map[string][]string{"shadowExpire": {itoa(day)}}, CauseExpired},
		"epoch": {map[string][]string{"shadowExpire": {"0"}}, CauseExpired}, "no number": {map[string][]string{"shadowExpire": {"x"}}, CauseStateUnread},
		"389": {map[string][]string{"nsAccountLock": {"TRUE"}}, CauseDisabled}, "389, open": {map[string][]string{"nsAccountLock": {"false"}}, nil},
	} {
		got := posixState(goldap.NewEntry("uid=x", c.attributes), testTime())
		if (c.want == nil) != (got == "") || c.want != nil && got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// FuzzFilter: whatever a person types is the value of one equality; the filter around it stays as it was.
func FuzzFilter(f *testing.F) {
	template, err := parseUserFilter("(&(objectClass=person)(|(uid={username})(mail={username}@example.com)))")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"alice", "*", "a)(uid=*", `\2a`, "\x00", "(|", "é", "\xff", "{username}", "a\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		packet, err := goldap.CompileFilter(template.filter(name))
		if err != nil {
			if utf8.ValidString(name) {
				t.Fatalf("%q: %v", name, err)
			}
			return
		}
		or := packet.Children[1]
		if packet.Tag != goldap.FilterAnd || len(packet.Children) != 2 || or.Tag != goldap.FilterOr || len(or.Children) != 2 {
			t.Fatalf("%q changed the filter", name)
		}
		for i, want := range []string{name, name + "@example.com"} {
			leaf := or.Children[i]
			if name == "" && i == 0 { // never reaches a filter; (uid=) is an equality with nothing
				continue
			}
			if leaf.Tag != goldap.FilterEqualityMatch || leaf.Children[1].Data.String() != want {
				t.Fatalf("%q became %x, tag %d", name, leaf.Bytes(), leaf.Tag)
			}
		}
	})
}

// FuzzName: a name that is let through is one line of visible text, and a bind name made of it is a UPN.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"alice", "alice@corp.example.com", "CN=x", "a\x00b", " a", "a@b@corp.example.com", "\u202e", `CORP\a`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !plainName(name) {
			return
		}
		if strings.ContainsAny(name, "\x00\n\r\t") || strings.TrimSpace(name) != name || !utf8.ValidString(name) {
			t.Fatalf("%q was let through", name)
		}
		local, ok := localPart(name, "corp.example.com")
		if !ok {
			return
		}
		if _, err := goldap.ParseDN(local + "@corp.example.com"); err == nil || strings.ContainsAny(local, `@\/`) {
			t.Fatalf("%q is no UPN", local)
		}
	})
}

// FuzzSID: no bytes of a directory make it panic, and a sibling differs in its last part only.
func FuzzSID(f *testing.F) {
	f.Add([]byte("\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00aaaabbbbccccdddd"), int64(513))
	f.Add([]byte{}, int64(1))
	f.Add([]byte{1, 255}, int64(-1))
	f.Fuzz(func(t *testing.T, sid []byte, rid int64) {
		out, ok := sibling(sid, rid)
		if ok && (len(out) != len(sid) || string(out[:len(out)-4]) != string(sid[:len(sid)-4])) {
			t.Fatalf("%x became %x", sid, out)
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	template, err := parseUserFilter(userFilterAD)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = template.filter("alice.example")
	}
}

func TestUsablePasswords(t *testing.T) {
	for _, good := range []string{"x", " x", "пароль", strings.Repeat("x", maxPassword)} {
		if !usablePassword(secret.New(good)) {
			t.Errorf("%q was refused", good)
		}
	}
}

func testTime() time.Time { return time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
