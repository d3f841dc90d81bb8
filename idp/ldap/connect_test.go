package ldap_test

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/ldap"
)

func TestServersAreTriedInOrder(t *testing.T) {
	ad := newFixture(t)
	first, second := ad.server, idptest.NewLDAPServer(t, idptest.LDAPS, ad.ActiveDirectory)
	o := options(first, second)
	if _, err := try(t, o, "alice", password); err != nil || len(second.Log()) != 0 {
		t.Fatalf("%v; the second was asked %v", err, second.Log())
	}
	first.Stop()
	if _, err := try(t, o, "alice", password); err != nil {
		t.Errorf("with the first one away: %v", err)
	}
	_, err := try(t, o, "alice", "wrong")
	refused(t, err, ldap.CauseWrongPassword)
	second.Stop()
	var said strings.Builder
	o.Logger = slog.New(slog.NewTextHandler(&said, nil))
	_, err = try(t, o, "alice", password)
	away(t, err)
	if log := said.String(); !strings.Contains(log, first.Address) || !strings.Contains(log, second.Address) || strings.Contains(log, password) {
		t.Errorf("the log says %q", log)
	}
}

// TestAServerThatDoesNotAnswerCostsItsTimeOnly: it accepts the connection and says nothing.
func TestAServerThatDoesNotAnswerCostsItsTimeOnly(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	f := newFixture(t)
	o := options(f.server)
	o.Servers = append([]string{"ldaps://" + l.Addr().String()}, o.Servers...)
	o.ServerTimeout = 300 * time.Millisecond
	if _, err := try(t, o, "alice", password); err != nil {
		t.Error(err)
	}
}

// TestAWrongServicePasswordIsTriedOnce: each further server would count it and lock the account.
func TestAWrongServicePasswordIsTriedOnce(t *testing.T) {
	f := newFixture(t)
	second := idptest.NewLDAPServer(t, idptest.LDAPS, f.ActiveDirectory)
	o := options(f.server, second)
	o.BindPassword = text("not it")
	_, err := try(t, o, "alice", password)
	away(t, err)
	if len(second.Log()) != 0 {
		t.Errorf("the second was asked %v", second.Log())
	}
}

func TestCertificates(t *testing.T) {
	f := newFixture(t)
	for name, change := range map[string]func(*ldap.Options){
		"another authority": func(o *ldap.Options) {
			o.CA = idptest.NewLDAPServer(t, idptest.LDAPS, f.ActiveDirectory).CA
		},
		"the system's authorities": func(o *ldap.Options) { o.CA = nil },
		"another name":             func(o *ldap.Options) { o.ServerName = "dc2.corp.example.com" },
		"another address": func(o *ldap.Options) {
			o.Servers[0] = strings.Replace(o.Servers[0], "127.0.0.1", "localhost", 1)
		},
	} {
		for mode, secured := range map[string]idptest.LDAPSecurity{"LDAPS": idptest.LDAPS, "StartTLS": idptest.LDAPStartTLS} {
			t.Run(name+", "+mode, func(t *testing.T) {
				server := idptest.NewLDAPServer(t, secured, f.ActiveDirectory)
				o := options(server)
				if secured == idptest.LDAPStartTLS {
					o.StartTLS, o.Servers = true, []string{"ldap://" + server.Address}
				}
				if _, err := try(t, o, "alice", password); err != nil {
					t.Fatal(err)
				}
				server.Forget()
				change(&o)
				_, err := try(t, o, "alice", password)
				away(t, err)
				noBind(t, server)
			})
		}
	}
	o := f.options
	o.ServerName = "dc1.corp.example.com" // through a tunnel
	if _, err := try(t, o, "alice", password); err != nil {
		t.Error(err)
	}
}

func noBind(t *testing.T, server *idptest.LDAPServer) {
	t.Helper()
	for _, line := range server.Log() {
		if strings.HasPrefix(line, "bind") {
			t.Errorf("a password left: %v", server.Log())
		}
	}
}

// TestStartTLSNeverFallsBack: a server, or whoever stands in between, refuses it or never begins.
func TestStartTLSNeverFallsBack(t *testing.T) {
	f := newFixture(t)
	server := idptest.NewLDAPServer(t, idptest.LDAPPlain, f.ActiveDirectory)
	o := options(server)
	o.StartTLS, o.Servers, o.InsecureLoopback = true, []string{"ldap://" + server.Address}, true
	for _, o := range []ldap.Options{o, func() ldap.Options {
		d := o
		d.BindDN, d.BindPassword, d.UPNSuffix = "", text(""), idptest.ADDomain
		return d
	}()} {
		_, err := try(t, o, "alice", password)
		away(t, err)
		noBind(t, server)
	}
	ignoring := &stubborn{}
	o.Servers = []string{"ldap://" + ignoring.listen(t, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00")}
	_, err := try(t, o, "alice", password)
	away(t, err)
	if got := <-ignoring.heard; strings.Contains(got, idptest.ADServicePassword) || strings.Contains(got, idptest.ADService) {
		t.Errorf("the service account's password was sent in the clear: %q", got)
	}
}

// stubborn answers the first message with fixed bytes and keeps what comes after.
type stubborn struct{ heard chan string }

func (s *stubborn) listen(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s.heard = make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		buf := make([]byte, 4096)
		n, _ := conn.Read(buf)
		_, _ = conn.Write([]byte(answer))
		m, _ := conn.Read(buf[n:])
		s.heard <- string(buf[:n+m])
	}()
	return l.Addr().String()
}

func TestPlainOnlyToLoopback(t *testing.T) {
	f := newFixture(t)
	server := idptest.NewLDAPServer(t, idptest.LDAPPlain, f.ActiveDirectory)
	o := options(server)
	o.Servers = []string{"ldap://" + server.Address}
	if _, err := ldap.New(o); err == nil {
		t.Error("passwords in the clear were accepted")
	}
	o.InsecureLoopback = true
	if _, err := try(t, o, "alice", password); err != nil {
		t.Error(err)
	}
	o.Servers = []string{"ldap://localhost"} // a name that leads elsewhere
	o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := dial(ctx, network, server.Address)
		return elsewhere{conn}, err
	}
	server.Forget()
	_, err := try(t, o, "alice", password)
	away(t, err)
	noBind(t, server)
}

type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 389} }

// TestReferralsAreNotFollowed: in entries, at the end of a search, and from a bind.
func TestReferralsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			if _, err := l.Accept(); err != nil {
				return
			}
			elsewhere.Add(1)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	there := "ldap://" + l.Addr().String() + "/dc=corp"
	referral := idptest.LDAPResult{Code: goldap.LDAPResultReferral, Message: there}
	for name, tree := range map[string]*tree{
		"references": {searched: func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{References: []string{there}}, s.Base != ""
		}},
		"end of a search": {searched: func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Result: referral}, s.Base != ""
		}},
		"bind": {entries: newTree().entries, bind: func(name, _ string) (idptest.LDAPResult, bool) { return referral, name == aliceDN }},
	} {
		if id, err := tree.signIn(t); err == nil {
			t.Errorf("%s: %+v", name, id)
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("another server was asked %d times", n)
	}
}

// TestHostileAnswers: a server that breaks the rules signs nobody in and costs bounded time and memory.
func TestHostileAnswers(t *testing.T) {
	people := newTree().entries[0].Attributes
	one := func(dn string) func(idptest.LDAPSearch) (idptest.LDAPFound, bool) {
		return func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			found := idptest.LDAPFound{Entries: []idptest.LDAPEntry{{DN: dn, Attributes: people}}}
			return found, s.Scope == goldap.ScopeWholeSubtree && s.Page == 0 || s.Scope == goldap.ScopeBaseObject && s.Base == dn
		}
	}
	many := make([]idptest.LDAPEntry, 5000)
	for i := range many {
		many[i] = idptest.LDAPEntry{DN: aliceDN, Attributes: people}
	}
	anybody := func(string, string) (idptest.LDAPResult, bool) { return idptest.LDAPResult{}, true }
	for name, c := range map[string]func(idptest.LDAPSearch) (idptest.LDAPFound, bool){
		"empty DN":         one(""),
		"no DN":            one("nonsense"),
		"outside the base": one("uid=alice,dc=evil"),
		"the base":         one("dc=corp"),
		"a suffix only":    one("uid=alice,dc=notcorp"),
		"escaped base":     one(`uid=alice\,dc=corp`),
		"another person": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Entries: []idptest.LDAPEntry{{DN: aliceDN, Attributes: attr("uid", "bob")}}}, s.Scope == goldap.ScopeWholeSubtree
		},
		"two entries": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Entries: many[:2]}, s.Scope == goldap.ScopeWholeSubtree
		},
		"thousands of entries": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Entries: many}, s.Scope == goldap.ScopeWholeSubtree
		},
		"a huge value": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Entries: []idptest.LDAPEntry{{DN: aliceDN, Attributes: map[string][]string{"uid": {"alice", strings.Repeat("x", 3<<20)}}}}}, s.Scope == goldap.ScopeWholeSubtree
		},
		"another entry is read": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Entries: []idptest.LDAPEntry{{DN: "uid=root,dc=corp", Attributes: people}}}, s.Base == aliceDN
		},
		"nothing is read": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{}, s.Base == aliceDN
		},
		"no UUID": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Entries: []idptest.LDAPEntry{{DN: aliceDN, Attributes: map[string][]string{"uid": {"alice"}, "objectGUID": {idptest.ADGUID(1)}}}}}, s.Base == aliceDN
		},
		"a UUID that is none": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Entries: []idptest.LDAPEntry{{DN: aliceDN, Attributes: map[string][]string{"entryUUID": {"alice"}}}}}, s.Base == aliceDN
		},
		"pages without end": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Cookie: "more"}, s.Page > 0
		},
		"a cut answer": func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
			return idptest.LDAPFound{Result: idptest.LDAPResult{Code: goldap.LDAPResultTimeLimitExceeded}}, s.Page > 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			tree := newTree()
			tree.searched, tree.bind = c, anybody
			if id, err := tree.signIn(t); err == nil {
				t.Errorf("signed in as %+v", id)
			}
		})
	}
}

// TestGroupsOutsideTheBaseDoNotCount, whatever the server sends.
func TestGroupsOutsideTheBaseDoNotCount(t *testing.T) {
	tree := newTree()
	tree.searched = func(s idptest.LDAPSearch) (idptest.LDAPFound, bool) {
		return idptest.LDAPFound{Entries: []idptest.LDAPEntry{{DN: "cn=admins,dc=evil"}, {DN: "cn=\xff,dc=corp"}, {DN: "garbage"}, {DN: "dc=corp"}, {DN: ""}}}, s.Page > 0
	}
	id, err := tree.signIn(t)
	if err != nil || len(id.Groups) != 0 {
		t.Errorf("groups %q, %v", id.Groups, err)
	}
}

// TestRawBytes: what is not LDAP ends the attempt within its time; before TLS hardly anything is read.
func TestRawBytes(t *testing.T) {
	for name, answer := range map[string]string{
		"HTTP": "HTTP/1.1 400 Bad Request\r\n\r\n", "a huge length": "\x30\x84\x7f\xff\xff\xff", "indefinite": "\x30\x80" + strings.Repeat("\x30\x80", 5000),
		"nothing": "", "a flood": strings.Repeat("\x30\x03\x02\x01\x07", 10000), "deep": strings.Repeat("\x30\x84\x00\x00\xff\xff", 9000),
	} {
		t.Run(name, func(t *testing.T) {
			s := &stubborn{}
			o := options()
			o.Servers, o.StartTLS, o.ServerTimeout = []string{"ldap://" + s.listen(t, answer)}, true, 500*time.Millisecond
			_, err := try(t, o, "alice", password)
			away(t, err)
		})
	}
}

func TestAPersonWhoLeavesEndsTheAttempt(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := f.options
	o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		cancel()
		return dial(context.WithoutCancel(ctx), network, address)
	}
	_, err := directory(t, o).Authenticate(ctx, "alice", text(password))
	away(t, err)
}

func TestOptions(t *testing.T) {
	f := newFixture(t)
	for name, change := range map[string]func(*ldap.Options){
		"no id": func(o *ldap.Options) { o.ID = "" }, "no dial": func(o *ldap.Options) { o.Dial = nil }, "no clock": func(o *ldap.Options) { o.Clock = nil },
		"no server": func(o *ldap.Options) { o.Servers = nil }, "http": func(o *ldap.Options) { o.Servers = []string{"https://x"} },
		"a path": func(o *ldap.Options) { o.Servers = []string{"ldaps://x/dc=corp"} }, "a user": func(o *ldap.Options) { o.Servers = []string{"ldaps://u:p@x"} },
		"no host": func(o *ldap.Options) { o.Servers = []string{"ldaps://"} }, "ldapi": func(o *ldap.Options) { o.Servers = []string{"ldapi://x"} },
		"StartTLS on LDAPS": func(o *ldap.Options) { o.StartTLS = true }, "plain": func(o *ldap.Options) { o.Servers = []string{"ldap://x"} },
		"plain, not loopback": func(o *ldap.Options) { o.Servers, o.InsecureLoopback = []string{"ldap://10.0.0.1"}, true },
		"no base":             func(o *ldap.Options) { o.BaseDN = "" }, "base no DN": func(o *ldap.Options) { o.BaseDN = "corp" }, "group base no DN": func(o *ldap.Options) { o.GroupBaseDN = "corp" },
		"nobody binds": func(o *ldap.Options) { o.BindDN = "" }, "both ways": func(o *ldap.Options) { o.UPNSuffix = "corp.example.com" },
		"no password": func(o *ldap.Options) { o.BindPassword = text("") }, "blank password": func(o *ldap.Options) { o.BindPassword = text(" ") },
		"suffix with @": func(o *ldap.Options) { o.BindDN, o.UPNSuffix = "", "@corp.example.com" }, "suffix with )": func(o *ldap.Options) { o.BindDN, o.UPNSuffix = "", "corp)(x" },
		"no placeholder":      func(o *ldap.Options) { o.UserFilter = "(uid=alice)" },
		"a substring":         func(o *ldap.Options) { o.UserFilter = "(uid={username}*)" },
		"as an attribute":     func(o *ldap.Options) { o.UserFilter = "({username}=x)" },
		"extensible":          func(o *ldap.Options) { o.UserFilter = "(uid:caseExactMatch:={username})" },
		"one good, one bad":   func(o *ldap.Options) { o.UserFilter = "(|(uid={username})(cn=*{username}*))" },
		"another placeholder": func(o *ldap.Options) { o.UserFilter = "(|(uid={username})(cn={password}))" },
		"unbalanced":          func(o *ldap.Options) { o.UserFilter = "(&(uid={username})" }, "two filters": func(o *ldap.Options) { o.UserFilter = "(uid={username})(cn=x)" },
		"long":                      func(o *ldap.Options) { o.UserFilter = "(|(uid={username})(cn=" + strings.Repeat("x", 4096) + "))" },
		"group without placeholder": func(o *ldap.Options) { o.GroupFilter = "(objectClass=group)" }, "group substring": func(o *ldap.Options) { o.GroupFilter = "(member=*{dn})" },
		"names in nested groups": func(o *ldap.Options) { o.GroupFilter = "(memberUid={username})" },
		"no certificate":         func(o *ldap.Options) { o.CA = []byte("x") },
		"a password attribute":   func(o *ldap.Options) { o.Attributes = []string{"UserPassword"} }, "no attribute": func(o *ldap.Options) { o.Attributes = []string{"*"} },
		"negative time": func(o *ldap.Options) { o.Timeout = -1 },
	} {
		o := f.options
		o.Servers = slices.Clone(o.Servers)
		change(&o)
		if _, err := ldap.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
