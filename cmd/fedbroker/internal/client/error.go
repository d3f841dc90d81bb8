package client

import (
	"errors"
	"fmt"
	"strings"
)

// ErrLogin is wrapped where nothing helps but to sign in.
var ErrLogin = errors.New("not signed in")

// Problem is a refusal of the broker's JSON API: RFC 9457's members that matter here.
type Problem struct {
	Status    int    `json:"status"`
	Title     string `json:"title"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	RequestID string `json:"request_id"`
}

// Error is one line: what the broker said, its code, and the id under which its operator finds the request.
func (p *Problem) Error() string {
	said := plain(p.Detail)
	if said == "" {
		said = fmt.Sprintf("the broker answered %d", p.Status)
	}
	if next := p.next(); next != "" {
		said += "; " + next
	}
	if p.Code != "" || p.RequestID != "" {
		said += " (" + strings.TrimSpace(plain(p.Code)+" "+plain(p.RequestID)) + ")"
	}
	return said
}

// next is what a person can do about it, where there is something.
func (p *Problem) next() string {
	switch p.Code {
	case "role_not_granted", "ambiguous_role":
		return `"fedbroker roles" lists yours`
	case "mfa_required":
		return `sign in with a second factor by "fedbroker login"`
	case "throttled", "upstream_unavailable", "store_unavailable":
		return "try again in a moment"
	}
	return ""
}

// Is makes a refusal that a sign-in mends an ErrLogin.
func (p *Problem) Is(target error) bool { return target == ErrLogin && p.signIn() }

func (p *Problem) signIn() bool {
	switch p.Code {
	case "login_required", "invalid_token", "expired_token":
		return true
	}
	return false
}

// OAuthError is a refusal of the SSO-OIDC endpoints (RFC 6749 section 5.2).
type OAuthError struct {
	Status      int    `json:"-"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// Error is one line.
func (e *OAuthError) Error() string {
	if d := plain(e.Description); d != "" {
		return d + " (" + plain(e.Code) + ")"
	}
	return "the broker answered " + plain(e.Code)
}

// isOAuth reports whether err is the OAuth error of that code.
func isOAuth(err error, codes ...string) bool {
	var e *OAuthError
	if !errors.As(err, &e) {
		return false
	}
	for _, code := range codes {
		if e.Code == code {
			return true
		}
	}
	return false
}

const maxSaid = 500

// plain is text from the wire without what could drive a terminal, in one line and of bounded length.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r':
			return ' '
		case r < ' ', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > maxSaid {
		s = strings.ToValidUTF8(s[:maxSaid], "") + "…"
	}
	return s
}
