package demo

import (
	"net/url"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
)

// Result is what --json prints.
type Result struct {
	CI           Exchange `json:"ci"`
	SAML         Exchange `json:"saml"`
	CrossAccount Exchange `json:"cross_account"`
	Refusal      Refusal  `json:"refusal"`
}

// Asked is a request in short.
type Asked struct {
	// As says who asked, Proof what they showed.
	As    string `json:"as"`
	Proof string `json:"proof"`
	Role  string `json:"role"`
	// Claims are those of the proof that the rules look at.
	Claims map[string]any `json:"claims,omitempty"`
}

// Exchange is one proof that became credentials.
type Exchange struct {
	Asked    Asked           `json:"asked"`
	Answered api.Credentials `json:"answered"`
	// STSAction is AWS's action that the broker called, from its audit record.
	STSAction string `json:"sts_action"`
	// AssumedRoleARN is what a GetCallerIdentity signed with the credentials returned.
	AssumedRoleARN string `json:"assumed_role_arn"`
	// Console is the sign-in URL that the same login got.
	Console *api.SignIn `json:"console,omitempty"`
	// ConsoleStatus is how the console answered when the URL was opened.
	ConsoleStatus int `json:"console_status,omitempty"`
}

// Refusal is a request that was refused, and why.
type Refusal struct {
	Asked       Asked              `json:"asked"`
	Answered    api.Problem        `json:"answered"`
	Code        broker.Code        `json:"code"`
	Explanation broker.Explanation `json:"explanation"`
}

// shorten leaves of every secret as much as tells two apart.
func (r *Result) shorten() {
	for _, x := range []*Exchange{&r.CI, &r.SAML, &r.CrossAccount} {
		x.Answered.SecretAccessKey, x.Answered.SessionToken = short(x.Answered.SecretAccessKey), short(x.Answered.SessionToken)
		if x.Console == nil {
			continue
		}
		u, err := url.Parse(x.Console.SignInURL)
		if err != nil {
			x.Console.SignInURL = short(x.Console.SignInURL)
			continue
		}
		q := u.Query()
		q.Set("SigninToken", short(q.Get("SigninToken")))
		u.RawQuery = q.Encode()
		x.Console.SignInURL = u.String()
	}
}

func short(secret string) string {
	const keep = 4
	if len(secret) <= 3*keep {
		return "…"
	}
	return secret[:keep] + "…"
}
