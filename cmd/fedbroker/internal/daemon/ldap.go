package daemon

import (
	"github.com/fedbroker/fedbroker/idp/ldap"
	"github.com/fedbroker/fedbroker/internal/fetch"
)

// buildLDAP makes a directory that is reached under the address rules of its entry.
func (m makings) buildLDAP(p *provider) (*ldap.Directory, error) {
	c, l := &p.config, p.config.LDAP
	dialer, err := fetch.NewDialer(fetch.DialOptions{Timeout: ldap.DefaultServerTimeout, AllowPrivate: c.PrivateNetwork, AllowLoopback: c.InsecureHTTP})
	if err != nil {
		return nil, err
	}
	return ldap.New(ldap.Options{
		ID: c.ID, Servers: l.URL, StartTLS: l.StartTLS, CA: []byte(l.CA.Text().Reveal()), ServerName: l.ServerName, InsecureLoopback: c.InsecureHTTP,
		BaseDN: l.BaseDN, GroupBaseDN: l.GroupBaseDN, BindDN: l.BindDN, BindPassword: l.BindPassword.Text(), UPNSuffix: l.UPNSuffix,
		UserFilter: l.UserFilter, GroupFilter: l.GroupFilter, FlatGroups: l.NestedGroups != nil && !*l.NestedGroups, Attributes: l.Attributes,
		Dial: dialer.DialContext, Clock: m.opts.Clock, Logger: m.opts.Logger,
	})
}
