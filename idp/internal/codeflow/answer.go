package codeflow

import (
	"crypto/subtle"
	"fmt"
	"net/url"
	"strings"

	"github.com/fedbroker/fedbroker/idp"
)

// maxCode bounds an authorization code; Entra ID's are near 2 KiB.
const maxCode = 8 << 10

// Code reads the authorization response (RFC 6749 section 4.1.2) to the request that had this state, and returns its
// code. Parameters that are not ours to know (session_state, scope, authuser) are passed over.
func Code(s Server, state string, form url.Values) (string, error) {
	for _, name := range []string{"state", "iss", "error", "error_description", "code"} {
		if len(form[name]) > 1 {
			return "", refuse("a parameter of the answer occurs twice")
		}
	}
	if state == "" || !equal(form.Get("state"), state) {
		return "", refuse("the answer belongs to another sign-in")
	}
	if err := s.checkIssuer(form); err != nil {
		return "", err
	}
	if form.Has("error") {
		return "", denied(form.Get("error"), form.Get("error_description"))
	}
	code := form.Get("code")
	if code == "" || len(code) > maxCode {
		return "", refuse("the answer carries no code")
	}
	return code, nil
}

// checkIssuer is RFC 9207 section 2.4: the answer of one server must not be taken to another (mix-up).
func (s Server) checkIssuer(form url.Values) error {
	switch {
	case s.Issuer == "" || !form.Has("iss") && !s.PromisesIssuer:
		return nil
	case form.Get("iss") != s.Issuer:
		return refuse("the answer does not name the identity provider that was asked")
	}
	return nil
}

// denied turns an error answer (RFC 6749 section 4.1.2.1, OIDC Core section 3.1.2.6) into a sentence of ours: what the
// parameters say is for the log, and cut there, since whoever sends the browser here can write them.
func denied(code, description string) error {
	cause := fmt.Errorf("error %q, description %q", clip(code, 64), clip(description, 200))
	switch code {
	case "access_denied":
		return idp.Refuse(idp.KindDenied, "the identity provider refused the sign-in, or it was cancelled there", cause)
	case "login_required", "interaction_required", "account_selection_required", "consent_required":
		return idp.Refuse(idp.KindDenied, "the identity provider wants the person to sign in there first", cause)
	case "unmet_authentication_requirements":
		return idp.Refuse(idp.KindDenied, "the identity provider cannot sign the person in as strongly as was asked", cause)
	case "server_error", "temporarily_unavailable":
		return idp.Refuse(idp.KindUnavailable, "the identity provider has trouble of its own; try again", cause)
	}
	return idp.Refuse(idp.KindDenied, "the identity provider refuses the request of this broker; its registration there may be wrong", cause)
}

func clip(s string, limit int) string {
	return strings.ToValidUTF8(s[:min(len(s), limit)], "")
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func refuse(reason string) error { return idp.Refuse(idp.KindInvalid, reason, nil) }
