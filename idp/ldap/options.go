package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Bounds that are not configured.
const (
	// DefaultTimeout bounds one sign-in, whatever the number of servers and searches.
	DefaultTimeout = 20 * time.Second
	// DefaultServerTimeout bounds the way to one server: connection, TLS, the service account's bind.
	DefaultServerTimeout = 5 * time.Second
	// maxAtOnce bounds the sign-ins under way at one directory.
	maxAtOnce = 32
)

// Dial opens a connection to host:port. [fetch.Dialer.DialContext] is one.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Options of a directory. ID, Servers, BaseDN, Dial and Clock are required, and either BindDN with BindPassword or
// UPNSuffix.
type Options struct {
	// ID is the id of the identity provider in our configuration.
	ID string
	// Servers are ldaps://host[:port], or ldap://host[:port] with StartTLS, tried in this order.
	Servers  []string
	StartTLS bool
	// CA is PEM of the authorities that the servers' certificates are verified against; the system's when empty.
	CA []byte
	// ServerName is the name in the servers' certificates, where it is not the host of the URL: through a tunnel.
	ServerName string
	// InsecureLoopback permits ldap:// without StartTLS to a loopback address.
	InsecureLoopback bool

	// BaseDN is where people are searched, GroupBaseDN where groups count; BaseDN when empty.
	BaseDN, GroupBaseDN string
	BindDN              string
	BindPassword        secret.Text
	// UPNSuffix makes people bind directly, as name@suffix.
	UPNSuffix string
	// UserFilter holds {username} as a whole value, or followed by a literal @suffix. Empty: what suits the directory.
	UserFilter string
	// GroupFilter holds {dn} or {username}. Empty: what suits the directory.
	GroupFilter string
	// FlatGroups leaves groups inside groups alone.
	FlatGroups bool
	// Attributes become claims beside the usual ones.
	Attributes []string

	// Timeout and ServerTimeout have the defaults above when zero.
	Timeout, ServerTimeout time.Duration
	Dial                   Dial
	Clock                  func() time.Time
	// Logger hears why the directory could not be used; nil hears nothing.
	Logger *slog.Logger
}

// server is one of the directory's servers.
type server struct {
	address string // host:port
	tls     *tls.Config
	secure  bool // TLS from the first byte
}

// New checks the options. It connects to nothing.
func New(o Options) (*Directory, error) {
	d := &Directory{id: o.ID, options: o, atOnce: make(chan struct{}, maxAtOnce)}
	if o.Timeout == 0 {
		d.options.Timeout = DefaultTimeout
	}
	if o.ServerTimeout == 0 {
		d.options.ServerTimeout = DefaultServerTimeout
	}
	if o.Logger == nil {
		d.options.Logger = slog.New(slog.DiscardHandler)
	}
	for _, step := range []func() error{d.required, d.names, d.templates, d.attributes, d.reachable} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("ldap: %w", err)
		}
	}
	return d, nil
}

func (d *Directory) required() error {
	o := &d.options
	switch {
	case o.ID == "" || o.Dial == nil || o.Clock == nil || o.Timeout < 0 || o.ServerTimeout < 0:
		return errors.New("ID, Dial and Clock are required, and times are not negative")
	case len(o.Servers) == 0:
		return errors.New("url: at least one server")
	case (o.BindDN != "") == (o.UPNSuffix != ""):
		return errors.New("either bind_dn, for a service account, or upn_suffix, for people who bind themselves")
	case o.BindDN != "" && !usablePassword(o.BindPassword):
		return errors.New("bind_dn needs a bind_password that is not empty: a bind without one proves nothing")
	case o.UPNSuffix != "" && !suffixPattern.MatchString(o.UPNSuffix):
		return fmt.Errorf("upn_suffix: want a domain such as corp.example.com, without @, got %q", o.UPNSuffix)
	}
	return nil
}

// names reads the DNs. The issuer of identities is the directory, not one of its servers: an LDAP URL without a host
// (RFC 4516).
func (d *Directory) names() (err error) {
	if d.base, err = distinguished("base_dn", d.options.BaseDN); err != nil {
		return err
	}
	d.issuer = "ldap:///" + url.PathEscape(strings.ToLower(d.base.String()))
	d.groupBase = d.base
	if d.options.GroupBaseDN != "" {
		d.groupBase, err = distinguished("group_base_dn", d.options.GroupBaseDN)
	}
	return err
}

func distinguished(key, text string) (*goldap.DN, error) {
	dn, err := goldap.ParseDN(text)
	if err != nil || len(dn.RDNs) == 0 {
		return nil, fmt.Errorf("%s: want a DN such as dc=corp,dc=example,dc=com, got %q", key, text)
	}
	return dn, nil
}

// templates compiles the filters, those of the configuration or those that suit the directory.
func (d *Directory) templates() (err error) {
	user, userAD, group := userFilter, userFilterAD, memberFilter
	if d.options.UPNSuffix != "" {
		userAD = strings.ReplaceAll(upnFilter, "{suffix}", d.options.UPNSuffix)
		user = userAD
	}
	if d.options.UserFilter != "" {
		user, userAD = d.options.UserFilter, d.options.UserFilter
	}
	if d.options.GroupFilter != "" {
		group = d.options.GroupFilter
	}
	if d.user, err = parseUserFilter(user); err != nil {
		return err
	}
	if d.userAD, err = parseUserFilter(userAD); err != nil {
		return err
	}
	d.group, err = parseGroupFilter(group, d.options.FlatGroups)
	return err
}

// attributes refuses those that hold passwords, whatever the service account may read.
func (d *Directory) attributes() error {
	for _, name := range d.options.Attributes {
		if !attributePattern.MatchString(name) || slices.Contains(neverRead, strings.ToLower(name)) {
			return fmt.Errorf("attributes: %q cannot become a claim", name)
		}
	}
	return nil
}

func (d *Directory) reachable() error {
	var roots *x509.CertPool
	if len(d.options.CA) > 0 {
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM(d.options.CA) {
			return errors.New("ca: no certificate in it")
		}
	}
	for _, raw := range d.options.Servers {
		s, err := d.server(raw, roots)
		if err != nil {
			return err
		}
		d.servers = append(d.servers, s)
	}
	return nil
}

func (d *Directory) server(raw string, roots *x509.CertPool) (server, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return server{}, fmt.Errorf("url: want ldaps://host or ldap://host, got %q", raw)
	}
	port, known := map[string]string{"ldaps": "636", "ldap": "389"}[u.Scheme]
	if !known || u.Scheme == "ldaps" && d.options.StartTLS {
		return server{}, fmt.Errorf("url: want ldaps:// without start_tls or ldap:// with it, got %q", raw)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	s := server{address: net.JoinHostPort(u.Hostname(), port), secure: u.Scheme == "ldaps"}
	if !s.secure && !d.options.StartTLS {
		if !d.options.InsecureLoopback || !loopback(u.Hostname()) {
			return server{}, fmt.Errorf("url: %q would send passwords in the clear; use ldaps:// or start_tls", raw)
		}
		return s, nil
	}
	s.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: u.Hostname()}
	if d.options.ServerName != "" {
		s.tls.ServerName = d.options.ServerName
	}
	return s, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
