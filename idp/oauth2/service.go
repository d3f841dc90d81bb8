package oauth2

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/fedbroker/fedbroker/idp/internal/codeflow"
)

// Service is an OAuth 2.0 service as data.
type Service struct {
	// Issuer names the service in identities; answers are not compared with it.
	Issuer string
	// AuthorizeURL is for the browser; TokenURL and UserinfoURL are ours.
	AuthorizeURL, TokenURL, UserinfoURL string
	// SecretInBody sends the client's secret in the form rather than by HTTP Basic.
	SecretInBody bool
	// Scopes are asked for where the configuration names none.
	Scopes []string
	// Fields says where attributes stand in the claims.
	Fields Fields
	// Lists are read after user-info and add claims to its answer.
	Lists []List
}

// Fields are JSON Pointers (RFC 6901) into the claims. Subject is required; the others may be empty: not told.
type Fields struct {
	Subject, Username, Email, Groups string
}

// List is an array that an API serves in pages.
type List struct {
	// URL of the first page; the others follow Link: rel="next" (RFC 8288) on the same origin.
	URL string
	// What it holds and Scope, what must be granted for it, are for the sentence of a refusal.
	What, Scope string
	// Where keeps the items whose values at these JSON Pointers are exactly so.
	Where map[string]any
	// Into fills claims: name of the claim, and the JSON Pointers whose texts, joined by a slash, are one value of it. A
	// claim that a list fills is never taken from user-info.
	Into map[string][]string
}

// Preset returns a service that is known: github, github-enterprise, facebook or x. base is the URL of a GitHub
// Enterprise Server, or of a company at ghe.com, and is for that preset only.
func Preset(name, base string) (Service, error) {
	if (name == "github-enterprise") != (base != "") {
		return Service{}, errors.New("the base URL and the preset github-enterprise go together")
	}
	switch name {
	case "github":
		return github("https://github.com", "https://api.github.com"), nil
	case "github-enterprise":
		return githubEnterprise(base)
	case "facebook":
		return facebook(), nil
	case "x":
		return x(), nil
	}
	return Service{}, fmt.Errorf("there is no preset %q", name)
}

// githubEnterprise: a server's API is beneath /api/v3, a ghe.com company's on a host of its own.
func githubEnterprise(base string) (Service, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Contains(base, "#") || strings.Trim(u.Path, "/") != "" {
		return Service{}, fmt.Errorf("base URL %q: want scheme and host only", base)
	}
	base = u.Scheme + "://" + u.Host
	if strings.HasSuffix(u.Hostname(), ".ghe.com") {
		return github(base, u.Scheme+"://api."+u.Host), nil
	}
	return github(base, base+"/api/v3"), nil
}

// github: names of organisations can change hands, so their ids and those of teams are claims too, for rules to match.
func github(web, api string) Service {
	return Service{
		Issuer:       web,
		AuthorizeURL: web + "/login/oauth/authorize",
		TokenURL:     web + "/login/oauth/access_token",
		UserinfoURL:  api + "/user",
		SecretInBody: true,
		Scopes:       []string{"read:user", "user:email", "read:org"},
		Fields:       Fields{Subject: "/id", Username: "/login", Email: "/email/0", Groups: "/groups"},
		Lists: []List{
			{
				URL: api + "/user/emails?per_page=100", What: "mail addresses", Scope: "user:email",
				Where: map[string]any{"/primary": true, "/verified": true}, Into: map[string][]string{"email": {"/email"}},
			},
			{
				URL: api + "/user/memberships/orgs?state=active&per_page=100", What: "organisations", Scope: "read:org",
				Where: map[string]any{"/state": "active"},
				Into:  map[string][]string{"groups": {"/organization/login"}, "organization_ids": {"/organization/id"}},
			},
			{
				URL: api + "/user/teams?per_page=100", What: "teams", Scope: "read:org",
				Into: map[string][]string{"groups": {"/organization/login", "/slug"}, "team_ids": {"/id"}},
			},
		},
	}
}

// facebook: without a version in the paths the oldest one that is still served answers; id and name are in all. Its
// addresses are not known to be verified, so none is mapped.
func facebook() Service {
	return Service{
		Issuer:       "https://www.facebook.com",
		AuthorizeURL: "https://www.facebook.com/dialog/oauth",
		TokenURL:     "https://graph.facebook.com/oauth/access_token",
		UserinfoURL:  "https://graph.facebook.com/me?fields=id,name",
		SecretInBody: true,
		Scopes:       []string{"public_profile"},
		Fields:       Fields{Subject: "/id", Username: "/name"},
	}
}

func x() Service {
	return Service{
		Issuer:       "https://x.com",
		AuthorizeURL: "https://x.com/i/oauth2/authorize",
		TokenURL:     "https://api.x.com/2/oauth2/token",
		UserinfoURL:  "https://api.x.com/2/users/me",
		Scopes:       []string{"users.read", "tweet.read"},
		Fields:       Fields{Subject: "/data/id", Username: "/data/username"},
	}
}

// validate joins everything that is wrong.
func (s Service) validate(allowHTTP bool) error {
	var errs []error
	endpoints := map[string]string{"authorize URL": s.AuthorizeURL, "token URL": s.TokenURL, "user-info URL": s.UserinfoURL}
	for _, l := range s.Lists {
		endpoints["list of "+l.What] = l.URL
	}
	for name, endpoint := range endpoints {
		if err := codeflow.CheckEndpoint(endpoint, allowHTTP); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if s.Issuer == "" {
		errs = append(errs, errors.New("the service has no name to be an issuer"))
	}
	if s.Fields.Subject == "" {
		errs = append(errs, errors.New("no field for the subject"))
	}
	for _, pointer := range s.pointers() {
		if pointer != "" && pointer[0] != '/' {
			errs = append(errs, fmt.Errorf("%q is not a JSON Pointer", pointer))
		}
	}
	return errors.Join(errs...)
}

func (s Service) pointers() []string {
	out := []string{s.Fields.Subject, s.Fields.Username, s.Fields.Email, s.Fields.Groups}
	for _, l := range s.Lists {
		for pointer := range l.Where {
			out = append(out, pointer)
		}
		for _, parts := range l.Into {
			out = slices.Concat(out, parts)
		}
	}
	return out
}
