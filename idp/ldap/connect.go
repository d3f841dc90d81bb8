package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// What one connection may send us: decoding costs memory many times the bytes. Before TLS anybody may be speaking.
const (
	maxBeforeTLS = 16 << 10
	maxBytes     = 2 << 20
)

// bounded is a connection that ends when its budget is used up.
type bounded struct {
	net.Conn
	left atomic.Int64
}

func (b *bounded) Read(p []byte) (int, error) {
	left := b.left.Load()
	if left <= 0 {
		return 0, errors.New("the server sends too much")
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), left)])
	b.left.Add(-int64(n))
	return n, err
}

// link is a connection to one server, encrypted where the options demand it.
type link struct {
	conn *goldap.Conn
	ad   bool // the server is Active Directory, or speaks like it
}

// open connects to the first server that can be used, and binds the service account where there is one. A server that
// fails is passed over; what it was that failed is told when none is left.
func (d *Directory) open(ctx context.Context) (*link, error) {
	var failures []error
	for _, s := range d.servers {
		l, err := d.use(ctx, s)
		if err == nil {
			return l, nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", s.address, err))
		var wrong *goldap.Error
		if errors.As(err, &wrong) && wrong.ResultCode == goldap.LDAPResultInvalidCredentials {
			break // the next server would count a failure of the service account as well, and lock it
		}
	}
	return nil, unavailable(errors.Join(failures...))
}

// use prepares one server within its time.
func (d *Directory) use(ctx context.Context, s server) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, d.options.ServerTimeout)
	defer cancel()
	conn, err := d.connect(ctx, s)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn}
	if d.options.BindDN != "" {
		// The context has a time limit of its own: the connection's is that of the whole sign-in.
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		_, err = l.bind(d.options.BindDN, d.options.BindPassword)
		if !stop() && err == nil {
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("bind as %s: %w", d.options.BindDN, err)
	}
	return l, nil
}

// connect dials and encrypts. What it returns is encrypted, or goes to loopback where that is allowed in the clear.
func (d *Directory) connect(ctx context.Context, s server) (*goldap.Conn, error) {
	raw, err := d.options.Dial(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	limit, _ := ctx.Deadline() // use sets one
	if err := raw.SetDeadline(limit); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	b := &bounded{Conn: raw}
	b.left.Store(maxBeforeTLS)
	conn, err := encrypt(ctx, b, s)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	b.left.Store(maxBytes)
	if err := raw.SetDeadline(time.Now().Add(d.options.Timeout)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	conn.SetTimeout(d.options.Timeout)
	return conn, nil
}

func encrypt(ctx context.Context, b *bounded, s server) (*goldap.Conn, error) {
	switch {
	case s.tls == nil:
		if !loopback(host(b.RemoteAddr())) {
			return nil, errors.New("without TLS only loopback addresses are spoken to")
		}
		conn := goldap.NewConn(b, false)
		conn.Start()
		return conn, nil
	case s.secure:
		encrypted := tls.Client(b, s.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn := goldap.NewConn(encrypted, true)
		conn.Start()
		return conn, nil
	}
	conn := goldap.NewConn(b, false)
	conn.Start()
	err := conn.StartTLS(s.tls)
	if state, ok := conn.TLSConnectionState(); err == nil && (!ok || !state.HandshakeComplete) {
		err = errors.New("there is no TLS after StartTLS")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("StartTLS: %w", err), conn.Close())
	}
	return conn, nil
}

func host(addr net.Addr) string {
	h, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return ""
	}
	return h
}

// bind is a simple bind that asks for the password policy's opinion. The controls are the answer's, also of a failure.
func (l *link) bind(dn string, password secret.Text) ([]goldap.Control, error) {
	result, err := l.conn.SimpleBind(&goldap.SimpleBindRequest{
		Username: dn, Password: password.Reveal(), Controls: []goldap.Control{goldap.NewControlBeheraPasswordPolicy()},
	})
	if result == nil {
		return nil, err
	}
	return result.Controls, err
}

// knowServer asks the root DSE (RFC 4512 section 5.1) whether this is Active Directory.
func (l *link) knowServer() error {
	found, err := l.search(&goldap.SearchRequest{Scope: goldap.ScopeBaseObject, Filter: "(objectClass=*)", Attributes: []string{"supportedCapabilities"}, SizeLimit: 1})
	if err != nil {
		return unavailable(fmt.Errorf("read the root DSE: %w", err))
	}
	for _, e := range found.Entries {
		for _, capability := range e.GetEqualFoldAttributeValues("supportedCapabilities") {
			l.ad = l.ad || capability == capabilityAD
		}
	}
	return nil
}

// search bounds every search by number and time. Referrals in the answer are dropped: nobody asks elsewhere.
func (l *link) search(r *goldap.SearchRequest) (*goldap.SearchResult, error) {
	r.DerefAliases, r.TimeLimit, r.EnforceSizeLimit = goldap.NeverDerefAliases, int(searchTime/time.Second), true
	return l.conn.Search(r)
}

func (l *link) close() { _ = l.conn.Close() } // whatever was wrong with the connection, it is over

var _ io.Reader = (*bounded)(nil)
