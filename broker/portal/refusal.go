package portal

import (
	"errors"
	"net/http"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
)

// refused is a refusal with its request id, and where its person wanted to go.
type refused struct {
	id       string
	err      error
	returnTo string
}

func (r *refused) Error() string { return r.err.Error() }
func (r *refused) Unwrap() error { return r.err }

// astray is a refusal of somebody who was on the way to a page of ours, and may try again.
type astray struct {
	error
	returnTo string
}

func (a *astray) Unwrap() error { return a.error }

func returnOf(err error) string {
	var a *astray
	if errors.As(err, &a) {
		return a.returnTo
	}
	return ""
}

// refusalView is what refusal.html shows.
type refusalView struct {
	Title, Detail, RequestID string
	Code                     broker.Code
	SignIn                   string // where to try again; empty where that is no help
	// Why explains the refusal of a role to whoever is signed in; nil for strangers.
	Why *broker.Explanation
}

// headings are what a person reads first; the code stands small below.
var headings = map[broker.Code]string{
	broker.CodeLoginRequired: "Please sign in again", broker.CodeExpiredToken: "That took too long", broker.CodeReplayed: "This sign-in was used before",
	broker.CodeInvalidToken: "The sign-in could not be verified", broker.CodeUntrustedIssuer: "That identity provider is not known here",
	broker.CodeMFARequired: "A fresh second factor is needed", broker.CodeNotAuthorized: "Nothing is granted to you", broker.CodeRoleNotGranted: "This role is not yours",
	broker.CodeUpstreamDenied: "AWS said no", broker.CodeThrottled: "Too many requests", broker.CodeUpstreamUnavailable: "Something upstream does not answer",
	broker.CodeStoreUnavailable: "The broker's store does not answer", broker.CodeInvalidRequest: "That request makes no sense here",
	broker.CodeAmbiguousRole: "Which role?", broker.CodeRevoked: "Your access was taken back", broker.CodeInternal: "Something went wrong",
}

// refusal renders any error: of one that is not the contract's, nothing is shown.
func (p *Portal) refusal(err error) answer {
	var e *broker.Error
	if !errors.As(err, &e) {
		p.Logger.Error("a page failed", "error", err)
		e = broker.Refuse(broker.CodeInternal, "something went wrong in the broker", err)
	}
	status := api.Status(e.Code)
	v := refusalView{Title: headings[e.Code], Detail: e.Detail, Code: e.Code, Why: e.Explanation}
	if e.Code == broker.CodeRoleNotGranted {
		v.Detail = "the rules do not give you this role" // not how machines ask for the reason
	}
	var r *refused
	if !errors.As(err, &r) {
		r = &refused{}
	}
	v.RequestID = r.id
	if status == http.StatusUnauthorized {
		v.SignIn = anotherWay(r.returnTo)
	}
	return answer{status: status, template: "refusal.html", data: v}
}

// explained adds to the refusal of a role how the rules came to it. That is the identity's own explanation, for it alone.
func explained(v *broker.Visit, role string, err error) error {
	var e *broker.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case broker.CodeRoleNotGranted, broker.CodeNotAuthorized, broker.CodeMFARequired:
	default:
		return err
	}
	why, failed := v.Explain(role)
	if failed != nil {
		return err
	}
	out := *e
	out.Explanation = &why
	return &out
}

func bad(detail string) error { return broker.Refuse(broker.CodeInvalidRequest, detail, nil) }
