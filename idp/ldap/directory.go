package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

const (
	// searchTime is what a server may spend on one search.
	searchTime = 10 * time.Second
	// capabilityAD is LDAP_CAP_ACTIVE_DIRECTORY_OID ([MS-ADTS] section 3.1.1.3.4.3); Samba says so too.
	capabilityAD = "1.2.840.113556.1.4.800"
	// nobody is bound where a name is not found. Should there be such an entry, it signs nobody in.
	nobody = "cn=nobody-for-fedbroker"
)

// Directory is a directory of people. It is safe for concurrent use; it keeps no connections.
type Directory struct {
	id, issuer      string
	options         Options
	servers         []server
	base, groupBase *goldap.DN
	user, userAD    userTemplate
	group           groupTemplate
	atOnce          chan struct{}
}

var _ idp.Directory = (*Directory)(nil)

// Authenticate proves a person's password to the directory and returns who they are. It fails with an [idp.Error].
func (d *Directory) Authenticate(ctx context.Context, username string, password secret.Text) (idp.Identity, error) {
	if !plainName(username) {
		return idp.Identity{}, refuse(CauseName)
	}
	if !usablePassword(password) {
		return idp.Identity{}, refuse(CausePassword)
	}
	ctx, cancel := context.WithTimeout(ctx, d.options.Timeout)
	defer cancel()
	select {
	case d.atOnce <- struct{}{}:
		defer func() { <-d.atOnce }()
	case <-ctx.Done():
		return idp.Identity{}, unavailable(errors.New("too many sign-ins at once"))
	}
	id, err := d.signIn(ctx, username, password)
	var e *idp.Error
	if errors.As(err, &e) && e.Kind == idp.KindUnavailable {
		d.options.Logger.Warn("a directory could not be used", "idp", d.id, "error", e.Err)
	}
	return id, err
}

func (d *Directory) signIn(ctx context.Context, username string, password secret.Text) (idp.Identity, error) {
	name, ok := username, true
	if d.options.UPNSuffix != "" {
		if name, ok = localPart(username, d.options.UPNSuffix); !ok {
			return idp.Identity{}, refuse(CauseName)
		}
	}
	l, err := d.open(ctx)
	if err != nil {
		return idp.Identity{}, err
	}
	defer l.close()
	defer context.AfterFunc(ctx, l.close)()
	dn, err := d.prove(l, name, password)
	if err != nil {
		return idp.Identity{}, err
	}
	return d.describe(l, dn)
}

// prove returns the DN whose password it is. After it the connection may read.
func (d *Directory) prove(l *link, name string, password secret.Text) (string, error) {
	if d.options.UPNSuffix != "" {
		return d.proveDirectly(l, name, password)
	}
	if err := l.knowServer(); err != nil {
		return "", err
	}
	dn, cause, err := d.locate(l, name)
	if err != nil {
		return "", err
	}
	if cause != "" {
		dn = nobody + "," + d.base.String()
	}
	err = l.prove(dn, password)
	if cause != "" {
		return "", refuse(cause) // whatever that bind came to
	}
	if err != nil {
		return "", err
	}
	if _, err := l.bind(d.options.BindDN, d.options.BindPassword); err != nil {
		return "", unavailable(fmt.Errorf("bind again as %s: %w", d.options.BindDN, err))
	}
	return dn, nil
}

// proveDirectly binds by UPN, looks the person up, and binds by the DN that was found: an account name of one and the
// UPN of another may read alike, and Active Directory decides for itself whom it means.
func (d *Directory) proveDirectly(l *link, name string, password secret.Text) (string, error) {
	if err := l.prove(name+"@"+d.options.UPNSuffix, password); err != nil {
		return "", err
	}
	if err := l.knowServer(); err != nil {
		return "", err
	}
	dn, cause, err := d.locate(l, name)
	switch {
	case err != nil:
		return "", err
	case cause != "":
		return "", refuse(cause)
	}
	if err := l.prove(dn, password); err != nil {
		var e *idp.Error
		if errors.As(err, &e) && errors.Is(e.Err, CauseWrongPassword) {
			return "", refuse(CauseAnotherAccount)
		}
		return "", err
	}
	return dn, nil
}

// prove binds with a person's password.
func (l *link) prove(dn string, password secret.Text) error {
	controls, err := l.bind(dn, password)
	if err != nil {
		return bindFailure(err, controls)
	}
	if cause := policyCause(controls); cause != "" {
		return refuse(cause)
	}
	return nil
}

// locate finds the one entry that carries a name. A cause says that there is none; an error, that nobody could look.
func (d *Directory) locate(l *link, name string) (dn string, cause idp.Cause, err error) {
	template := d.user
	if l.ad {
		template = d.userAD
	}
	r := &goldap.SearchRequest{BaseDN: d.base.String(), Scope: goldap.ScopeWholeSubtree, Filter: template.filter(name), SizeLimit: 2}
	for _, n := range template.names {
		r.Attributes = append(r.Attributes, n.attribute)
	}
	found, err := l.search(r)
	switch {
	case goldap.IsErrorWithCode(err, goldap.LDAPResultSizeLimitExceeded) || errors.Is(err, goldap.ErrSizeLimitExceeded):
		return "", CauseAmbiguous, nil
	case err != nil:
		return "", "", unavailable(fmt.Errorf("search for a person: %w", err))
	case len(found.Entries) == 0:
		return "", CauseUnknown, nil
	case len(found.Entries) > 1:
		return "", CauseAmbiguous, nil
	}
	e := found.Entries[0]
	if !beneath(e.DN, d.base) || !carries(e, template.names, name) {
		return "", CauseOtherEntry, nil
	}
	return e.DN, "", nil
}

// carries reports whether an entry has the name that was typed, up to case: directories also match what only looks
// alike, "alíce" for "alice", and attempts are counted by name.
func carries(e *goldap.Entry, names []nameAttribute, name string) bool {
	for _, n := range names {
		for _, value := range e.GetEqualFoldAttributeValues(n.attribute) {
			if strings.EqualFold(value, name+n.suffix) {
				return true
			}
		}
	}
	return false
}

// beneath reports whether a DN stands under a base, and is not the base itself. An empty DN, whose bind would succeed
// as nobody, does not.
func beneath(dn string, base *goldap.DN) bool {
	parsed, err := goldap.ParseDN(dn)
	return err == nil && base.AncestorOfFold(parsed)
}
