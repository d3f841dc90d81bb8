package ldap_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/ldap"
	"github.com/fedbroker/fedbroker/internal/secret"
)

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// options are those of a service account at servers that share an authority, over TLS.
func options(servers ...*idptest.LDAPServer) ldap.Options {
	o := ldap.Options{
		ID: "ad", BaseDN: idptest.ADBase, BindDN: idptest.ADService, BindPassword: secret.New(idptest.ADServicePassword), Dial: dial, Clock: clock,
	}
	for _, s := range servers {
		o.Servers = append(o.Servers, "ldaps://"+s.Address)
		o.CA = append(o.CA, s.CA...)
	}
	return o
}

func directory(t testing.TB, o ldap.Options) *ldap.Directory {
	t.Helper()
	d, err := ldap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// fixture is a fake Active Directory with alice, and the options to reach it.
type fixture struct {
	*idptest.ActiveDirectory
	server  *idptest.LDAPServer
	alice   string
	guid    uint32
	options ldap.Options
}

const password = "correct horse"

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{ActiveDirectory: idptest.NewActiveDirectory(t, clock)}
	f.server = idptest.NewLDAPServer(t, idptest.LDAPS, f.ActiveDirectory)
	f.alice, f.guid = f.Person(idptest.ADPerson{Name: "alice", Password: password})
	f.options = options(f.server)
	return f
}

// direct makes people bind by UPN.
func (f *fixture) direct() ldap.Options {
	o := f.options
	o.BindDN, o.BindPassword, o.UPNSuffix = "", secret.Text{}, idptest.ADDomain
	return o
}

func try(t testing.TB, o ldap.Options, name, pass string) (idp.Identity, error) {
	t.Helper()
	id, err := directory(t, o).Authenticate(t.Context(), name, secret.New(pass))
	if err != nil && (id.Subject != "" || id.Provider != "") {
		t.Errorf("an error and an identity: %+v", id)
	}
	return id, err
}

// refused checks that an error is the one public answer with that private cause.
func refused(t testing.TB, err error, want idp.Cause) {
	t.Helper()
	var e *idp.Error
	switch {
	case !errors.As(err, &e):
		t.Errorf("want %q, got %v", want, err)
	case e.Kind != idp.KindDenied || e.Reason != idp.PasswordRefusal:
		t.Errorf("another public answer: %+v", e)
	case !errors.Is(e.Err, want):
		t.Errorf("want the cause %q, got %q", want, e.Err)
	}
}

// away checks that an error says that no server can be used, and no more.
func away(t testing.TB, err error) {
	t.Helper()
	var e *idp.Error
	if !errors.As(err, &e) || e.Kind != idp.KindUnavailable {
		t.Errorf("want an unavailable directory, got %v", err)
	}
}

type identity = idp.Identity

func text(s string) secret.Text { return secret.New(s) }
