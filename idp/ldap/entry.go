package ldap

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/fedbroker/fedbroker/idp"
)

// maxValues bounds the values of one claim.
const maxValues = 64

var (
	// claimNames become claims wherever the entry has them.
	claimNames = []string{
		"cn", "displayName", "givenName", "sn", "mail", "uid", "sAMAccountName", "userPrincipalName", "department", "company", "o", "ou",
		"title", "employeeID", "employeeNumber", "employeeType",
	}
	// stateNames tell who this is and whether the account may be used.
	stateNames = []string{
		"objectGUID", "objectSid", "primaryGroupID", "entryUUID", "userAccountControl", "msDS-User-Account-Control-Computed", "accountExpires",
		"lockoutTime", "pwdLastSet", "shadowExpire", "nsAccountLock",
	}
	// neverRead are passwords and their kin, in lower case.
	neverRead = []string{
		"userpassword", "unicodepwd", "dbcspwd", "lmpwdhistory", "ntpwdhistory", "supplementalcredentials", "sambantpassword", "sambalmpassword",
		"krbprincipalkey", "ms-mcs-admpwd", "mslaps-password", "mslaps-encryptedpassword", "authpassword", "ipanthash", "pwdhistory",
	}
	uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
)

// describe reads the entry of a person whose password was proven, refuses an account that may not be used, and builds
// the identity.
func (d *Directory) describe(l *link, dn string) (idp.Identity, error) {
	e, err := d.read(l, dn)
	if err != nil {
		return idp.Identity{}, err
	}
	now := d.options.Clock().UTC()
	subject, end, cause := subjectOf(e, l.ad), time.Time{}, idp.Cause("")
	if l.ad {
		end, cause = adState(e, now)
	} else {
		cause = posixState(e, now)
	}
	switch {
	case cause != "":
		return idp.Identity{}, refuse(cause)
	case subject == "":
		return idp.Identity{}, refuse(CauseNoSubject)
	}
	groups, err := d.groups(l, e)
	if err != nil {
		return idp.Identity{}, err
	}
	id := idp.Identity{
		Provider: d.id, Issuer: d.issuer, Subject: subject, Username: usernameOf(e, l.ad), Email: only(e, "mail"), Groups: groups,
		AuthTime: now, AMR: []string{"pwd"}, SessionExpiry: end, Claims: d.claims(e),
	}
	id.Proof = idp.Proof{Kind: idp.ProofBind, Hash: bindHash(&id), IssuedAt: now, Expires: now}
	return id, nil
}

// read takes the entry of exactly that DN.
func (d *Directory) read(l *link, dn string) (*goldap.Entry, error) {
	found, err := l.search(&goldap.SearchRequest{
		BaseDN: dn, Scope: goldap.ScopeBaseObject, Filter: "(objectClass=*)", SizeLimit: 1,
		Attributes: slices.Concat(claimNames, stateNames, d.options.Attributes),
	})
	if err != nil {
		return nil, unavailable(fmt.Errorf("read a person's entry: %w", err))
	}
	if len(found.Entries) != 1 || !sameDN(found.Entries[0].DN, dn) {
		return nil, refuse(CauseOtherEntry)
	}
	return found.Entries[0], nil
}

func sameDN(a, b string) bool {
	x, errX := goldap.ParseDN(a)
	y, errY := goldap.ParseDN(b)
	return errX == nil && errY == nil && x.EqualFold(y)
}

// only is the value of an attribute that has one; of several, which is meant nobody knows.
func only(e *goldap.Entry, name string) string {
	if values := e.GetEqualFoldAttributeValues(name); len(values) == 1 && utf8.ValidString(values[0]) {
		return values[0]
	}
	return ""
}

func usernameOf(e *goldap.Entry, ad bool) string {
	if ad {
		return only(e, "sAMAccountName")
	}
	return only(e, "uid")
}

// subjectOf is the id that the directory itself gives an entry, once and for good. Each kind of directory has one: in
// another, the attribute of that name may be anybody's to write.
func subjectOf(e *goldap.Entry, ad bool) string {
	if ad {
		values := e.GetEqualFoldRawAttributeValues("objectGUID")
		if len(values) != 1 || len(values[0]) != 16 {
			return ""
		}
		return guidText(values[0])
	}
	id := strings.ToLower(only(e, "entryUUID"))
	if !uuidPattern.MatchString(id) {
		return ""
	}
	return id
}

// guidText writes 16 bytes as Windows does: the first three groups are little-endian ([MS-DTYP] section 2.3.4.2).
func guidText(b []byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:16])
}

// claims are the entry's attributes, each a list as in SAML, and its DN. Values that are not text are left out.
func (d *Directory) claims(e *goldap.Entry) idp.Claims {
	values := map[string]any{"dn": e.DN}
	for _, name := range slices.Concat(claimNames, d.options.Attributes) {
		var list []any
		for _, v := range e.GetEqualFoldAttributeValues(name) {
			if utf8.ValidString(v) && len(list) < maxValues {
				list = append(list, v)
			}
		}
		if list != nil {
			values[name] = list
		}
	}
	return idp.NewClaims(values)
}

// bindHash names this one bind in the audit log. The password is no part of it.
func bindHash(id *idp.Identity) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "bind %q %q %q %d", id.Provider, id.Issuer, id.Subject, id.AuthTime.UnixNano()))
	return hex.EncodeToString(sum[:])
}
