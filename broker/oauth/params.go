package oauth

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/internal/web"
)

const (
	maxJSON  = 16 << 10
	maxQuery = 3 << 10 // of /authorize: the longest client id fits
	maxList  = 16      // elements of a list
)

// params are the members of a JSON body, or the parameters of a request to /authorize: known ones only, each once.
type params struct {
	texts map[string]string
	lists map[string][]string
}

func (p params) text(name string) string        { return p.texts[name] }
func (p params) secret(name string) secret.Text { return secret.New(p.texts[name]) }

// isList says which members AWS's models know (service model sso-oidc 2019-06-10), and which of them are lists.
func isList(name string) (list, known bool) {
	switch name {
	case "scopes", "redirectUris", "grantTypes", "scope":
		return true, true
	case "clientName", "clientType", "issuerUrl", "entitledApplicationArn", "clientId", "clientSecret", "startUrl", "grantType",
		"deviceCode", "code", "refreshToken", "redirectUri", "codeVerifier":
		return false, true
	}
	return false, false
}

// readParams reads a JSON body strictly: no member twice, in whatever spelling, none that is not known.
func readParams(w http.ResponseWriter, r *http.Request) (params, error) {
	if r.URL.RawQuery != "" {
		return params{}, invalidRequest.refuse("parameters belong into the body")
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/json" {
		return params{}, invalidRequest.refuse("want Content-Type: application/json")
	}
	body, err := web.Body(w, r, maxJSON)
	if err != nil {
		return params{}, invalidRequest.refuse(err.Error())
	}
	return parseParams(body)
}

func parseParams(body []byte) (params, error) {
	members, err := idp.ParseClaims(body)
	if err != nil {
		return params{}, invalidRequest.refuse("the body is not a JSON object that can be read")
	}
	p := params{texts: map[string]string{}, lists: map[string][]string{}}
	for _, name := range members.Names() {
		list, known := isList(name)
		value, _ := members.Get(name)
		switch {
		case !known:
			return params{}, invalidRequest.refuse("the request has a parameter that is not known")
		case list:
			p.lists[name], err = texts(name, value)
		default:
			p.texts[name], err = oneText(name, value)
		}
		if err != nil {
			return params{}, err
		}
	}
	return p, nil
}

func oneText(name string, value any) (string, error) {
	s, ok := value.(string)
	if !ok || strings.Contains(s, "\x00") {
		return "", invalidRequest.refuse(name + " must be text")
	}
	return s, nil
}

func texts(name string, value any) ([]string, error) {
	items, ok := value.([]any)
	if !ok || len(items) > maxList {
		return nil, invalidRequest.refuse(name + " must be a list of at most 16 texts")
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		s, err := oneText(name, item)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// need refuses a request in which one of these is missing or empty.
func (p params) need(names ...string) error {
	for _, name := range names {
		if p.texts[name] == "" {
			return invalidRequest.refuse(name + " is missing")
		}
	}
	return nil
}

// onlyScope refuses wishes for more than there is.
func onlyScope(scopes []string) error {
	for _, s := range scopes {
		if s != accountScope {
			return invalidScope.refuse("the only scope here is " + accountScope)
		}
	}
	return nil
}

// single refuses parameters of a URL or a form that are not known, or there twice.
func single(values url.Values, known ...string) error {
	allowed := make(map[string]bool, len(known))
	for _, name := range known {
		allowed[name] = true
	}
	for name, all := range values {
		switch {
		case !allowed[name]:
			return invalidRequest.refuse("the request has a parameter that is not known")
		case len(all) != 1:
			return invalidRequest.refuse(name + " occurs twice")
		}
	}
	return nil
}
