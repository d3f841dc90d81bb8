package oauth2

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// page is one answer of the API.
type page struct {
	body []byte
	next string // URL of the next page; empty on the last
}

// get asks the API with the access token. list says what is asked for, in the sentence of a refusal.
func (l *Login) get(ctx context.Context, target string, access secret.Text, list List) (page, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return page{}, unavailable(err)
	}
	r.Header.Set("Authorization", "Bearer "+access.Reveal())
	r.Header.Set("Accept", "application/json")
	resp, err := l.opts.HTTP.Do(r)
	if err != nil {
		return page{}, unavailable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return page{}, refusedBy(resp, list)
	}
	body, err := io.ReadAll(resp.Body) // bounded by the client
	if err != nil {
		return page{}, unavailable(err)
	}
	next, err := nextPage(r.URL, resp.Header.Values("Link"))
	if err != nil {
		return page{}, err
	}
	return page{body, next}, nil
}

// refusedBy tells a used-up rate limit (GitHub says 403 or 429, with what is left or when to come again) from a scope
// that is missing (403, and 404 where even the existence is kept secret).
func refusedBy(resp *http.Response, list List) error {
	h := resp.Header
	cause := fmt.Errorf("api: status %d at %s", resp.StatusCode, resp.Request.URL.Path)
	limited := h.Get("X-RateLimit-Remaining") == "0" || h.Get("Retry-After") != ""
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && limited:
		return idp.Refuse(idp.KindUnavailable, "the rate limit of the identity provider's API is used up; try again later", cause)
	case status == http.StatusForbidden || status == http.StatusNotFound || status == http.StatusUnauthorized:
		reason := "the identity provider's API does not tell " + list.What
		if list.Scope != "" {
			reason += "; the application needs the scope " + list.Scope
		}
		return idp.Refuse(idp.KindDenied, reason, cause)
	}
	return unavailable(cause)
}

// nextPage reads Link: <url>; rel="next" (RFC 8288 section 3). The access token goes to the origin that it was meant for
// and to no other, whatever a page says.
func nextPage(current *url.URL, links []string) (string, error) {
	rest := strings.Join(links, ",")
	for {
		_, after, found := strings.Cut(rest, "<")
		target, params, closed := strings.Cut(after, ">")
		if !found || !closed {
			return "", nil
		}
		rest = params
		if params, _, _ = strings.Cut(params, "<"); !isNext(params) {
			continue
		}
		u, err := current.Parse(target)
		if err != nil || u.Scheme != current.Scheme || u.Host != current.Host || u.User != nil {
			return "", invalid("the identity provider's API sends us to another host for the next page", nil)
		}
		return u.String(), nil
	}
}

// isNext looks for rel among the parameters of one link; its value is a list of relations.
func isNext(params string) bool {
	for param := range strings.SplitSeq(strings.TrimRight(params, ", "), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") && slices.Contains(strings.Fields(strings.ToLower(strings.Trim(value, ` "`))), "next") {
			return true
		}
	}
	return false
}

func unavailable(err error) error {
	return idp.Refuse(idp.KindUnavailable, "the identity provider's API cannot be reached; try again", err)
}
