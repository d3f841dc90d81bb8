package api

import (
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/oauth"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/internal/web"
	"github.com/fedbroker/fedbroker/sts"
)

const (
	maxJSON = 32 << 10
	maxForm = 256 << 10 // a SAML Response of 128 KiB, in base64 and percent-encoded
)

// request is what was asked for, by which of the four proofs. bearer is a workload's token; an access token of ours is
// kept apart from it, so that it is never read as a JWT and never passed on to AWS.
type request struct {
	bearer, access, cookie, saml secret.Text

	role, policy string
	page         sts.Page
	duration     time.Duration
	policyARNs   []string
	ignored      []string
	remote       string
	path         string          // the session that the path names
	login        session.Session // that asks, once it is known; none of a machine
}

// neverTheirs are members that come from rules over verified claims; a client that sends them is told nothing and
// the audit record says that it tried.
var neverTheirs = []string{
	"session_name", "role_session_name", "source_identity", "tags", "transitive_tag_keys", "external_id",
	"RoleSessionName", "SourceIdentity", "Tags", "TransitiveTagKeys", "ExternalId",
}

func refuse(detail string) error { return broker.Refuse(broker.CodeInvalidRequest, detail, nil) }

// read finds the proof and the wishes of a request. With an error the request holds what was read until then.
func (a *API) read(w http.ResponseWriter, r *http.Request, action string) (*request, error) {
	req := &request{path: r.PathValue("id")}
	err := a.proofs(r, req)
	switch {
	case err != nil:
	case r.Method == http.MethodPost:
		err = a.body(w, r, req, action)
	case r.Method == http.MethodDelete && !req.cookie.Empty() && !web.SameOrigin(r, a.PublicURL):
		err = refuse("a cookie is taken only from the broker's own pages; send a bearer token")
	case action == "sessions" && r.URL.Query().Has("all"):
		err = broker.Refuse(broker.CodeNotAuthorized, "only an administrator may list everybody's sessions", nil)
	}
	if err == nil {
		err = req.exactlyOne()
	}
	return req, err
}

// body reads what is asked for. Asking changes something, so that a cookie must come with the proof that one of our own
// pages sent it (invariant 8); a form carries its own proof and is no page's.
func (a *API) body(w http.ResponseWriter, r *http.Request, req *request, action string) error {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		mediaType = ""
	}
	switch {
	case mediaType == "application/x-www-form-urlencoded" && exchanges(action):
		return req.form(w, r, action)
	case !req.cookie.Empty() && !req.bearer.Empty():
		return req.exactlyOne()
	case !req.cookie.Empty() && !web.SameOrigin(r, a.PublicURL):
		return refuse("a cookie is taken only from the broker's own pages; send a bearer token")
	}
	return req.json(w, r, mediaType, action)
}

// exchanges reports whether an action ends in credentials.
func exchanges(action string) bool { return action == "credentials" || action == "console" }

// proofs reads header and cookie.
func (a *API) proofs(r *http.Request, req *request) error {
	headers := r.Header.Values("Authorization")
	if len(headers) > 1 {
		return refuse("two Authorization headers")
	}
	if len(headers) == 1 {
		scheme, token, _ := strings.Cut(headers[0], " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " \t,") {
			return refuse("want Authorization: Bearer and a token")
		}
		if proof := secret.New(token); oauth.IsAccessToken(proof) {
			req.access = proof
		} else {
			req.bearer = proof
		}
	}
	if token, ok := a.Cookies.ReadSession(r); ok {
		req.cookie = token
	}
	return nil
}

func (req *request) exactlyOne() error {
	count := 0
	for _, proof := range []secret.Text{req.bearer, req.access, req.cookie, req.saml} {
		if !proof.Empty() {
			count++
		}
	}
	switch count {
	case 1:
		return nil
	case 0:
		return broker.Refuse(broker.CodeLoginRequired, "send Authorization: Bearer with a token, or sign in", nil)
	}
	return refuse("two proofs at once; send one of bearer token, cookie and SAMLResponse")
}

// form reads a SAML Response outside the ACS.
func (req *request) form(w http.ResponseWriter, r *http.Request, action string) error {
	if web.FromPage(r) {
		return refuse("a SAMLResponse from a web page belongs to the ACS")
	}
	form, err := web.Form(w, r, maxForm)
	if err != nil {
		return refuse(err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		switch {
		case slices.Contains(neverTheirs, name):
			req.ignored = append(req.ignored, name)
		case name != "SAMLResponse" && name != "role" && name != "duration" && (name != "destination" && name != "region" || action != "console"):
			return refuse("the form takes SAMLResponse, role and duration; for the console, destination and region too")
		}
	}
	if form.Get("SAMLResponse") == "" {
		return refuse("the form must carry a SAMLResponse; send JSON with another proof")
	}
	req.saml = secret.New(form.Get("SAMLResponse"))
	req.role, req.page = form.Get("role"), sts.Page{Destination: form.Get("destination"), Region: form.Get("region")}
	if text := form.Get("duration"); text != "" {
		req.duration, err = parseDuration(text)
	}
	return err
}

// json reads a JSON body strictly; an empty body is an empty object.
func (req *request) json(w http.ResponseWriter, r *http.Request, mediaType, action string) error {
	body, err := web.Body(w, r, maxJSON)
	if err != nil {
		return refuse(err.Error())
	}
	if len(body) == 0 {
		return nil
	}
	if mediaType != "application/json" {
		return refuse("want Content-Type: application/json")
	}
	members, err := idp.ParseClaims(body)
	if err != nil {
		return refuse("the body is not what the API takes: " + err.Error())
	}
	for _, name := range members.Names() {
		value, _ := members.Get(name)
		if err := req.member(action, name, value); err != nil {
			return err
		}
	}
	return nil
}

func (req *request) member(action, name string, value any) (err error) {
	exchange := exchanges(action)
	switch {
	case slices.Contains(neverTheirs, name):
		req.ignored = append(req.ignored, name)
	case name == "role":
		req.role, err = text(name, value)
	case name == "duration" && exchange:
		req.duration, err = durationOf(value)
	case name == "policy" && exchange:
		req.policy, err = text(name, value)
	case name == "policy_arns" && exchange:
		req.policyARNs, err = texts(name, value)
	case name == "destination" && action == "console":
		req.page.Destination, err = text(name, value)
	case name == "region" && action == "console":
		req.page.Region, err = text(name, value)
	default:
		err = refuse(unknownMember(name))
	}
	return err
}

// unknownMember names a mistyped member; what cannot be one is not repeated, the sentence also goes into the audit log.
func unknownMember(name string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	if len(name) > 32 || strings.Trim(name, letters) != "" {
		return "the request has a member that is not known"
	}
	return strconv.Quote(name) + " is not a member of this request"
}

func text(name string, value any) (string, error) {
	s, ok := value.(string)
	if !ok || strings.Contains(s, "\x00") {
		return "", refuse(name + " must be text")
	}
	return s, nil
}

func texts(name string, value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, refuse(name + " must be a list of text")
	}
	var out []string
	for _, item := range list {
		s, err := text(name, item)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// durationOf takes "1h" or whole seconds.
func durationOf(value any) (time.Duration, error) {
	switch v := value.(type) {
	case string:
		return parseDuration(v)
	case int64:
		return parseDuration(strconv.FormatInt(v, 10))
	}
	return 0, refuse(`duration must be text such as "1h" or whole seconds`)
}

func parseDuration(s string) (time.Duration, error) {
	if n, err := strconv.ParseUint(s, 10, 32); err == nil && n > 0 {
		return time.Duration(n) * time.Second, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d%time.Second != 0 {
		return 0, refuse(`duration must be text such as "1h" or whole seconds`)
	}
	return d, nil
}
