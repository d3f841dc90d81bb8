package ldap

import (
	"math"
	"strconv"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/fedbroker/fedbroker/idp"
)

// Bits of userAccountControl and msDS-User-Account-Control-Computed ([MS-ADTS] section 2.2.16).
const (
	uacDisabled        = 0x000002
	uacLocked          = 0x000010
	uacInterdomain     = 0x000800
	uacWorkstation     = 0x001000
	uacServer          = 0x002000
	uacPasswordExpired = 0x800000
)

// fileTimeEpoch is the 100 ns ticks from 1601 to 1970 ([MS-DTYP] section 2.3.3).
const fileTimeEpoch = 116444736000000000

// adState says why an Active Directory account may not be used, and when it ends. A bind checks all of this as well;
// it does so with the state of one server, and not on every server that only speaks like Active Directory.
func adState(e *goldap.Entry, now time.Time) (end time.Time, cause idp.Cause) {
	control, known, ok := number(e, "userAccountControl")
	computed, hasComputed, okComputed := number(e, "msDS-User-Account-Control-Computed")
	lockout, _, okLockout := number(e, "lockoutTime")
	passwordSet, hasPasswordSet, okPasswordSet := number(e, "pwdLastSet")
	expires, _, okExpires := number(e, "accountExpires")
	if !known || !ok || !okComputed || !okLockout || !okPasswordSet || !okExpires {
		return end, CauseStateUnread
	}
	if expires != 0 && expires != math.MaxInt64 { // both mean never ([MS-ADA1] section 2.3)
		end = fileTime(expires)
	}
	switch {
	case control&(uacInterdomain|uacWorkstation|uacServer) != 0:
		cause = CauseNoPerson
	case control&uacDisabled != 0:
		cause = CauseDisabled
	case !end.IsZero() && !now.Before(end):
		cause = CauseExpired
	case (control|computed)&uacLocked != 0, !hasComputed && lockout != 0:
		cause = CauseLocked
	case hasPasswordSet && passwordSet == 0:
		cause = CauseMustChange
	case (control|computed)&uacPasswordExpired != 0:
		cause = CausePasswordOld
	}
	return end, cause
}

// posixState reads what a directory keeps without looking at it when somebody binds: the last day of shadow(5), and the
// lock of 389 Directory Server.
func posixState(e *goldap.Entry, now time.Time) idp.Cause {
	day, has, ok := number(e, "shadowExpire")
	switch {
	case !ok:
		return CauseStateUnread
	case strings.EqualFold(only(e, "nsAccountLock"), "true"):
		return CauseDisabled
	case has && day >= 0 && now.Unix()/(24*60*60) >= day:
		return CauseExpired
	}
	return ""
}

// number reads an integer attribute; ok is false where it is there and is no single integer.
func number(e *goldap.Entry, name string) (n int64, has, ok bool) {
	values := e.GetEqualFoldAttributeValues(name)
	if len(values) == 0 {
		return 0, false, true
	}
	n, err := strconv.ParseInt(values[0], 10, 64)
	return n, true, err == nil && len(values) == 1
}

func fileTime(ticks int64) time.Time {
	return time.Unix((ticks-fileTimeEpoch)/1e7, (ticks-fileTimeEpoch)%1e7*100).UTC()
}
