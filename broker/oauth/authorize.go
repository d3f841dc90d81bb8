package oauth

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/fedbroker/fedbroker/broker"
)

// authorization is a checked request to /authorize (RFC 6749 section 4.1.1), with the parameters as they came.
type authorization struct {
	client   client
	redirect redirectURI
	values   url.Values
}

// authorizeParams are all that there are. AWS's command line spells it scopes.
func authorizeParams() []string {
	return []string{"response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method", "scopes"}
}

const maxScopes = 256 // bytes

// stateForm bounds what is sent back to the client.
var stateForm = regexp.MustCompile(`^[\x21-\x7e]{1,512}$`)

// authorization checks the parameters. Whatever is wrong is shown here and sent nowhere: only a person's word sends a
// browser to a client.
func (s *Server) authorization(values url.Values) (authorization, error) {
	c, err := s.clients.open(values.Get("client_id"))
	if err != nil {
		return authorization{}, err
	}
	redirect, known := c.redirectTo(values.Get("redirect_uri"))
	switch {
	case !known:
		return authorization{}, invalidRedirectURI.refuse("redirect_uri is none that the client registered")
	case !c.mayUse(grantCode):
		return authorization{}, unauthorizedClient.refuse("this client did not register for authorization codes")
	case values.Get("response_type") != "code":
		return authorization{}, invalidRequest.refuse("response_type must be code")
	case values.Get("code_challenge_method") != "S256":
		return authorization{}, invalidRequest.refuse("code_challenge_method must be S256")
	case !wellFormedChallenge(values.Get("code_challenge")):
		return authorization{}, invalidRequest.refuse("code_challenge must be 32 bytes of base64url")
	case !stateForm.MatchString(values.Get("state")):
		return authorization{}, invalidRequest.refuse("state must be 1 to 512 visible characters of ASCII")
	case len(values.Get("scopes")) > maxScopes:
		return authorization{}, invalidScope.refuse("scopes are too many")
	}
	return authorization{c, redirect, values}, onlyScope(strings.Fields(values.Get("scopes")))
}

// consentView is what authorize.html shows.
type consentView struct {
	request
	Params url.Values
}

// showConsent asks the person.
func (s *Server) showConsent(ctx context.Context, v visitor) (answer, error) {
	values, err := query(v, authorizeParams()...)
	if err != nil {
		return answer{}, err
	}
	a, err := s.authorization(values)
	if err != nil {
		return answer{}, err
	}
	v.Client(a.client.Name)
	login, err := s.person(ctx, v, v.r.URL.RequestURI())
	if err != nil {
		return answer{}, err
	}
	return answer{
		template: "authorize.html", data: consentView{s.asked(a.client.Name, v.remote, login), a.values}, forms: []string{a.redirect.origin()},
	}, nil
}

// consent takes the person's word and sends the browser to the client with it.
func (s *Server) consent(ctx context.Context, v visitor) (answer, error) {
	form, err := s.form(v, append(authorizeParams(), "session", "decision")...)
	if err != nil {
		return answer{}, err
	}
	a, err := s.authorization(form)
	if err != nil {
		return answer{}, err
	}
	v.Client(a.client.Name)
	login, err := s.person(ctx, v, "")
	if err != nil {
		return answer{}, err
	}
	approved, err := decided(form, login)
	if err != nil {
		return answer{}, err
	}
	if !approved {
		return answer{}, broker.Refuse(broker.CodeNotAuthorized, "the person said no", &instead{answer{location: a.back("error", "access_denied")}})
	}
	code, err := s.Tokens.approve(ctx, login, &a.client, a.values.Get("redirect_uri"), a.values.Get("code_challenge"))
	if err != nil {
		return answer{}, storeDown(err)
	}
	return answer{location: a.back("code", code.Reveal())}, nil
}

// back is the client's redirect URI with an answer (RFC 6749 sections 4.1.2 and 4.1.2.1).
func (a *authorization) back(name, value string) string {
	return a.values.Get("redirect_uri") + "?" + url.Values{name: {value}, "state": {a.values.Get("state")}}.Encode()
}
