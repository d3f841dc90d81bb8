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

	ber "github.com/go-asn1-ber/asn1-ber"
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
	case !s.secure:
		if err := startTLS(b); err != nil {
			return nil, fmt.Errorf("StartTLS: %w", err)
		}
	}
	encrypted := tls.Client(b, s.tls)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	conn := goldap.NewConn(encrypted, true)
	conn.Start()
	return conn, nil
}

// startTLS asks for TLS (RFC 4511 section 4.14) and reads the one answer, not a byte more: what somebody wrote after it
// would be the beginning of the handshake, and fails it. The library's own would wait for ever after an answer to
// another message.
func startTLS(b *bounded) error {
	const id = 1
	request := ber.NewSequence("")
	request.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationExtendedRequest, nil, "")
	op.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, "1.3.6.1.4.1.1466.20037", ""))
	request.AppendChild(op)
	if _, err := b.Write(request.Bytes()); err != nil {
		return err
	}
	answer, err := ber.ReadPacket(b)
	if err != nil {
		return err
	}
	if len(answer.Children) < 2 || answer.Children[0].Value != int64(id) || answer.Children[1].Tag != goldap.ApplicationExtendedResponse {
		return errors.New("the answer is to something else")
	}
	return goldap.GetLDAPError(answer)
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
