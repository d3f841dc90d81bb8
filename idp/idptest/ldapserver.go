package idptest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// LDAPResult ends an operation.
type LDAPResult struct {
	Code    uint16
	Message string
}

// LDAPSearch is what a client asks for.
type LDAPSearch struct {
	Base       string
	Scope      int
	SizeLimit  int
	Filter     *ber.Packet
	Attributes []string
	// Page and Cookie are those of the paging control; Page is zero without one.
	Page   int
	Cookie string
}

// LDAPEntry is an entry; binary values are strings of bytes.
type LDAPEntry struct {
	DN         string
	Attributes map[string][]string
}

// LDAPFound answers a search.
type LDAPFound struct {
	Entries    []LDAPEntry
	References []string // URLs of other servers
	Cookie     string
	Result     LDAPResult
}

// LDAPBackend is what a server speaks for. bound is the name of the last bind that succeeded.
type LDAPBackend interface {
	Bind(name, password string) LDAPResult
	Search(bound string, s LDAPSearch) LDAPFound
}

// LDAPServer speaks LDAPv3 on a loopback address: simple bind, search, StartTLS. It keeps a log of operations.
type LDAPServer struct {
	// Address is 127.0.0.1:port. CA is the PEM of its certificate's authority; the certificate is for 127.0.0.1 and
	// dc1.corp.example.com.
	Address string
	CA      []byte

	t        testing.TB
	backend  LDAPBackend
	tls      *tls.Config
	startTLS bool
	listener net.Listener

	mu  sync.Mutex
	log []string
}

// LDAPSecurity is how a server is spoken to.
type LDAPSecurity int

// The kinds of security.
const (
	LDAPS LDAPSecurity = iota
	LDAPStartTLS
	LDAPPlain // and StartTLS is refused
)

// NewLDAPServer starts a server, which stops with the test.
func NewLDAPServer(t testing.TB, security LDAPSecurity, backend LDAPBackend) *LDAPServer {
	t.Helper()
	s := &LDAPServer{t: t, backend: backend, startTLS: security == LDAPStartTLS}
	certificate := s.certificate()
	s.tls = &tls.Config{Certificates: []tls.Certificate{certificate}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = l.Addr().String()
	if security == LDAPS {
		l = tls.NewListener(l, s.tls)
	}
	s.listener = l
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { (&ldapConn{server: s, conn: conn}).serve() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return s
}

func (s *LDAPServer) certificate() tls.Certificate {
	key := ECKey(s.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dc1"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		DNSNames: []string{"dc1.corp.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: (*ecdsa.PrivateKey)(key)}
}

// Stop closes the listener: the server is away.
func (s *LDAPServer) Stop() { _ = s.listener.Close() }

// Log is what clients did: "connect", "starttls", "bind NAME", "search BASE FILTER".
func (s *LDAPServer) Log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Forget empties the log.
func (s *LDAPServer) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

func (s *LDAPServer) note(words ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, strings.Join(words, " "))
}

// ldapConn is one connection of a client.
type ldapConn struct {
	server *LDAPServer
	conn   net.Conn
	bound  string
}

func (c *ldapConn) serve() {
	defer func() { _ = c.conn.Close() }()
	c.server.note("connect")
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(time.Minute)) // a client that forgets to close does not keep the test
		packet, err := ber.ReadPacket(c.conn)
		if err != nil || len(packet.Children) < 2 {
			return
		}
		id, _ := packet.Children[0].Value.(int64)
		op := packet.Children[1]
		switch op.Tag {
		case goldap.ApplicationBindRequest:
			c.bind(id, op)
		case goldap.ApplicationSearchRequest:
			c.search(id, op, packet)
		case goldap.ApplicationExtendedRequest:
			if !c.extended(id, op) {
				return
			}
		case goldap.ApplicationUnbindRequest:
			return
		default:
			c.done(id, goldap.ApplicationExtendedResponse, LDAPResult{Code: goldap.LDAPResultProtocolError}, "")
		}
	}
}

func (c *ldapConn) bind(id int64, op *ber.Packet) {
	name, password := text(op.Children[1]), op.Children[2].Data.String()
	c.server.note("bind", name)
	result := c.server.backend.Bind(name, password)
	if c.bound = ""; result.Code == goldap.LDAPResultSuccess {
		c.bound = name
	}
	c.done(id, goldap.ApplicationBindResponse, result, "")
}

func (c *ldapConn) extended(id int64, op *ber.Packet) bool {
	if op.Children[0].Data.String() != "1.3.6.1.4.1.1466.20037" || !c.server.startTLS {
		c.done(id, goldap.ApplicationExtendedResponse, LDAPResult{goldap.LDAPResultUnavailable, "no TLS here"}, "")
		return true
	}
	c.server.note("starttls")
	c.done(id, goldap.ApplicationExtendedResponse, LDAPResult{}, "")
	c.conn = tls.Server(c.conn, c.server.tls)
	return true
}

func (c *ldapConn) search(id int64, op, packet *ber.Packet) {
	s := LDAPSearch{Base: text(op.Children[0]), Scope: int(number(op.Children[1])), SizeLimit: int(number(op.Children[3])), Filter: op.Children[6]}
	for _, a := range op.Children[7].Children {
		s.Attributes = append(s.Attributes, text(a))
	}
	if len(packet.Children) > 2 {
		for _, control := range packet.Children[2].Children {
			decoded, err := goldap.DecodeControl(control)
			if page, ok := decoded.(*goldap.ControlPaging); ok && err == nil {
				s.Page, s.Cookie = int(page.PagingSize), string(page.Cookie)
			}
		}
	}
	filter, _ := goldap.DecompileFilter(s.Filter)
	c.server.note("search", s.Base, filter)
	found := c.server.backend.Search(c.bound, s)
	for _, e := range found.Entries {
		c.write(id, entryPacket(e, s.Attributes), nil)
	}
	for _, url := range found.References {
		p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultReference, nil, "")
		p.AppendChild(octets(url))
		c.write(id, p, nil)
	}
	cookie := found.Cookie
	if s.Page == 0 {
		cookie = ""
	}
	c.done(id, goldap.ApplicationSearchResultDone, found.Result, cookie)
}

// entryPacket holds the attributes that were asked for, by the names that the entry has them under.
func entryPacket(e LDAPEntry, wanted []string) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultEntry, nil, "")
	p.AppendChild(octets(e.DN))
	list := ber.NewSequence("")
	for name, values := range e.Attributes {
		if !slices.ContainsFunc(wanted, func(w string) bool { return w == "*" || strings.EqualFold(w, name) }) {
			continue
		}
		attribute, set := ber.NewSequence(""), ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range values {
			set.AppendChild(octets(v))
		}
		attribute.AppendChild(octets(name))
		attribute.AppendChild(set)
		list.AppendChild(attribute)
	}
	p.AppendChild(list)
	return p
}

func (c *ldapConn) done(id int64, tag ber.Tag, result LDAPResult, cookie string) {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(result.Code), ""))
	p.AppendChild(octets(""))
	p.AppendChild(octets(result.Message))
	var controls *ber.Packet
	if cookie != "" {
		page := goldap.NewControlPaging(0)
		page.SetCookie([]byte(cookie))
		controls = ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		controls.AppendChild(page.Encode())
	}
	c.write(id, p, controls)
}

func (c *ldapConn) write(id int64, op, controls *ber.Packet) {
	envelope := ber.NewSequence("")
	envelope.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	envelope.AppendChild(op)
	if controls != nil {
		envelope.AppendChild(controls)
	}
	_, _ = c.conn.Write(envelope.Bytes()) // a client that went away needs no answer
}

func octets(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

func text(p *ber.Packet) string { return p.Data.String() }

func number(p *ber.Packet) int64 { n, _ := p.Value.(int64); return n }
