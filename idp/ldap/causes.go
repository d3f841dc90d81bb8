package ldap

import (
	"errors"
	"fmt"
	"regexp"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/fedbroker/fedbroker/idp"
)

// The private causes of a refusal; the public sentence is always [idp.PasswordRefusal].
const (
	CauseName           idp.Cause = "directory: not a name"
	CausePassword       idp.Cause = "directory: empty or impossible password"
	CauseUnknown        idp.Cause = "directory: unknown name"
	CauseAmbiguous      idp.Cause = "directory: several entries of that name"
	CauseOtherEntry     idp.Cause = "directory: the entry is outside base_dn or does not carry the name"
	CauseWrongPassword  idp.Cause = "directory: wrong password"
	CauseNotNow         idp.Cause = "directory: not at this hour"
	CauseNotHere        idp.Cause = "directory: not from this workstation"
	CauseExpired        idp.Cause = "directory: account expired"
	CauseDisabled       idp.Cause = "directory: account disabled"
	CauseLocked         idp.Cause = "directory: account locked"
	CausePasswordOld    idp.Cause = "directory: password expired"
	CauseMustChange     idp.Cause = "directory: password must be changed"
	CauseNoPerson       idp.Cause = "directory: not a person's account"
	CauseBindRefused    idp.Cause = "directory: the server refuses this bind"
	CauseNoSubject      idp.Cause = "directory: the entry has no objectGUID or entryUUID"
	CauseStateUnread    idp.Cause = "directory: the account's state cannot be read"
	CauseTooManyGroups  idp.Cause = "directory: more groups than can be read whole"
	CauseAnotherAccount idp.Cause = "directory: the name and the entry have different passwords"
)

// subError is how Active Directory says in a failed bind what was wrong: "80090308: LdapErr: DSID-0C09050F, comment:
// AcceptSecurityContext error, data 52e, v4563". The number is a Win32 error in hex.
var subError = regexp.MustCompile(`\bdata ([0-9a-f]{2,8})\b`)

// adCause reads the sub-error. One that is not known is a wrong password as far as anybody can tell.
func adCause(message string) idp.Cause {
	m := subError.FindStringSubmatch(message)
	if m == nil {
		return CauseWrongPassword
	}
	switch m[1] {
	case "525": // ERROR_NO_SUCH_USER
		return CauseUnknown
	case "530": // ERROR_INVALID_LOGON_HOURS
		return CauseNotNow
	case "531": // ERROR_INVALID_WORKSTATION
		return CauseNotHere
	case "532": // ERROR_PASSWORD_EXPIRED
		return CausePasswordOld
	case "533": // ERROR_ACCOUNT_DISABLED
		return CauseDisabled
	case "701": // ERROR_ACCOUNT_EXPIRED
		return CauseExpired
	case "773": // ERROR_PASSWORD_MUST_CHANGE
		return CauseMustChange
	case "775": // ERROR_ACCOUNT_LOCKED_OUT
		return CauseLocked
	}
	return CauseWrongPassword
}

// policyCause reads the password policy controls of a bind's answer (draft-behera-ldap-password-policy section 6.2,
// and the older one of Netscape): a bind that succeeds may say that nothing but a new password is allowed now.
func policyCause(controls []goldap.Control) idp.Cause {
	for _, c := range controls {
		switch c := c.(type) {
		case *goldap.ControlBeheraPasswordPolicy:
			switch c.Error {
			case goldap.BeheraPasswordExpired:
				return CausePasswordOld
			case goldap.BeheraAccountLocked:
				return CauseLocked
			case goldap.BeheraChangeAfterReset:
				return CauseMustChange
			}
			if c.Grace >= 0 { // a grace login, after the password's end
				return CausePasswordOld
			}
		case *goldap.ControlVChuPasswordMustChange:
			return CauseMustChange
		}
	}
	return ""
}

// bindFailure tells a person's mistake from a server's trouble.
func bindFailure(err error, controls []goldap.Control) error {
	var e *goldap.Error
	if !errors.As(err, &e) {
		return unavailable(err)
	}
	switch e.ResultCode {
	case goldap.LDAPResultInvalidCredentials:
		if cause := policyCause(controls); cause != "" {
			return refuse(cause)
		}
		return refuse(adCause(e.Err.Error()))
	case goldap.LDAPResultNoSuchObject, goldap.LDAPResultInvalidDNSyntax, goldap.LDAPResultInappropriateAuthentication,
		goldap.LDAPResultInsufficientAccessRights, goldap.LDAPResultUnwillingToPerform, goldap.LDAPResultConstraintViolation:
		return refuse(CauseBindRefused)
	}
	return unavailable(err)
}

func refuse(cause idp.Cause) error {
	return &idp.Error{Kind: idp.KindDenied, Reason: idp.PasswordRefusal, Err: cause}
}

func unavailable(err error) error {
	return &idp.Error{Kind: idp.KindUnavailable, Reason: "the directory cannot be reached; try again", Err: fmt.Errorf("directory: %w", err)}
}
