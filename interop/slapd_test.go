package interop_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const slapdBase = "dc=corp,dc=example,dc=com"

// slapd is Debian's OpenLDAP server on loopback, with a configuration and a database of its own: LDAPS on one port,
// LDAP with StartTLS on another.
type slapd struct {
	ldaps, ldap string // URLs
	ca          string // a PEM file
	dir         string
}

// startSlapd loads an LDIF into a new database and serves it. Nothing is answered in the clear but StartTLS.
func startSlapd(t *testing.T, ldif string) *slapd {
	t.Helper()
	need(t, "/usr/sbin/slapd", "/usr/sbin/slapadd", "/etc/ldap/schema/inetorgperson.schema", "/usr/lib/ldap/ppolicy.so")
	s := &slapd{ldaps: "ldaps://" + freeAddress(t), ldap: "ldap://" + freeAddress(t), dir: t.TempDir()}
	s.ca = filepath.Join(s.dir, "ca.pem")
	s.certificate(t)
	if err := os.Mkdir(filepath.Join(s.dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(s.dir, "slapd.conf")
	writeFile(t, config, []byte(strings.NewReplacer("DIR", s.dir, "BASE", slapdBase).Replace(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
pidfile DIR/slapd.pid
TLSCACertificateFile DIR/ca.pem
TLSCertificateFile DIR/ca.pem
TLSCertificateKeyFile DIR/key.pem
security ssf=128
disallow bind_anon
database mdb
suffix "BASE"
directory DIR/db
maxsize 16777216
overlay ppolicy
ppolicy_default "cn=default,ou=policies,BASE"
ppolicy_use_lockout
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=svc,BASE" read by * none
`)))
	writeFile(t, filepath.Join(s.dir, "data.ldif"), []byte(ldif))
	if out, err := exec.Command("/usr/sbin/slapadd", "-f", config, "-l", filepath.Join(s.dir, "data.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	s.serve(t, config)
	return s
}

// serve runs the server until the test ends. With -d it stays in the foreground.
func (s *slapd) serve(t *testing.T, config string) {
	t.Helper()
	p := &process{done: make(chan struct{})}
	cmd := exec.Command("/usr/sbin/slapd", "-f", config, "-h", s.ldaps+"/ "+s.ldap+"/", "-d", "0")
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-p.done
		if t.Failed() {
			t.Logf("slapd said:\n%s\n%s", p.stdout.tail(), p.stderr.tail())
		}
	})
	for _, url := range []string{s.ldaps, s.ldap} {
		p.waitListening(t, url[strings.LastIndex(url, "/")+1:])
	}
}

func (p *process) waitListening(t *testing.T, address string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-p.done:
			t.Fatalf("the process ended before it listened:\n%s", p.stderr.tail())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens at %s", address)
		}
	}
}

func (s *slapd) certificate(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "slapd"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, s.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	writeFile(t, filepath.Join(s.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// ldifOf is a small company: alice in developers, which is in engineering, which is in aws-admins, which is in
// developers; bob in nothing; and accounts that the password policy minds.
func ldifOf() string {
	var out strings.Builder
	entry := func(dn string, lines ...string) {
		fmt.Fprintf(&out, "dn: %s%s\n%s\n\n", dn, slapdBase, strings.Join(lines, "\n"))
	}
	entry("", "objectClass: domain", "dc: corp")
	for _, ou := range []string{"people", "groups", "policies"} {
		entry("ou="+ou+",", "objectClass: organizationalUnit", "ou: "+ou)
	}
	entry("cn=default,ou=policies,", "objectClass: device", "objectClass: pwdPolicy", "cn: default", "pwdAttribute: userPassword",
		"pwdLockout: TRUE", "pwdMaxFailure: 3", "pwdMustChange: TRUE")
	entry("cn=svc,", "objectClass: organizationalRole", "objectClass: simpleSecurityObject", "cn: svc", "userPassword: secret-of-svc")
	person := func(uid string, more ...string) {
		entry("uid="+uid+",ou=people,", append([]string{
			"objectClass: inetOrgPerson", "uid: " + uid, "cn: " + uid, "sn: " + uid, "mail: " + uid + "@example.com",
			"userPassword: secret-of-" + uid,
		}, more...)...)
	}
	person("alice", "departmentNumber: 17")
	person("bob")
	person("reset", "pwdReset: TRUE")
	person("locked", "pwdAccountLockedTime: 000001010000Z")
	group := func(name, member string) {
		entry("cn="+name+",ou=groups,", "objectClass: groupOfNames", "cn: "+name, "member: "+member+slapdBase)
	}
	group("developers", "uid=alice,ou=people,")
	group("engineering", "cn=developers,ou=groups,")
	group("aws-admins", "cn=engineering,ou=groups,")
	entry("cn=ring,ou=groups,", "objectClass: groupOfNames", "cn: ring", "member: cn=aws-admins,ou=groups,"+slapdBase, "member: cn=ring,ou=groups,"+slapdBase)
	return out.String()
}
