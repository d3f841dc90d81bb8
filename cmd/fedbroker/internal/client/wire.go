package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/fetch"
)

// callTimeout bounds one call: an exchange waits for STS, with its retries.
const callTimeout = time.Minute

// ParseBroker reads a broker's URL: https, or http on loopback, nothing but a host and perhaps a path. The result is
// canonical and has no slash at its end.
func ParseBroker(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return "", fmt.Errorf("%q is not the URL of a broker; write it like https://aws.example.com", raw)
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch {
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "", u.Opaque != "":
		return "", fmt.Errorf("the broker's URL is a host and nothing more; write it like https://%s", u.Host)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", fmt.Errorf("%s is not encrypted; use https://%s", raw, u.Host)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("the broker's URL begins with https://, not %s://", u.Scheme)
	case strings.Trim(u.Path, "/") != "":
		return "", fmt.Errorf("the broker's URL has no path; write https://%s", u.Host)
	}
	return u.Scheme + "://" + u.Host, nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// wire sends requests to one broker.
type wire struct {
	base string
	http *http.Client
}

func newWire(broker, userAgent string) (*wire, error) {
	c, err := fetch.New(fetch.Options{
		Timeout: callTimeout, AllowPrivate: true, AllowLoopbackHTTP: strings.HasPrefix(broker, "http://"), UserAgent: userAgent,
	})
	if err != nil {
		return nil, err
	}
	return &wire{base: broker, http: c.HTTPClient()}, nil
}

// call sends in as JSON (nothing when nil) and reads the answer into out (nowhere when nil). Refusals are read by
// refusal.
func (w *wire) call(ctx context.Context, method, path string, header map[string]string, in, out any, refusal func(status int, body []byte) error) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, w.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return w.do(req, out, refusal)
}

func (w *wire) do(req *http.Request, out any, refusal func(int, []byte) error) error {
	resp, err := w.http.Do(req)
	if err != nil {
		return w.unreachable(req.Context(), err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return w.unreachable(req.Context(), err)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	isJSON := kind == "application/json" || kind == "application/problem+json" || kind == "application/x-amz-json-1.1"
	switch {
	case resp.StatusCode != http.StatusOK && isJSON:
		return refusal(resp.StatusCode, body)
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusOK && out != nil && !isJSON:
		return &notServed{w.base, req.URL.Path}
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s answered %d; try again in a moment, or ask whoever runs it", w.base, resp.StatusCode)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &notServed{w.base, req.URL.Path}
	}
	return nil
}

// unreachable says in one line why a broker did not answer.
func (w *wire) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, fetch.ErrForbidden) {
		return fmt.Errorf("%s is not asked: %w", w.base, err)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("cannot reach %s: %w; check the URL and your network", w.base, err)
}

// notServed is an address that the broker does not have.
type notServed struct{ base, path string }

func (e *notServed) Error() string {
	return fmt.Sprintf("%s does not answer %s as a fedbroker does; check --broker, or ask for a newer broker", e.base, e.path)
}

func apiRefusal(status int, body []byte) error {
	p := &Problem{}
	if json.Unmarshal(body, p) != nil {
		p = &Problem{}
	}
	p.Status = status
	return p
}

func oauthRefusal(status int, body []byte) error {
	e := &OAuthError{}
	if json.Unmarshal(body, e) != nil || e.Code == "" {
		return apiRefusal(status, body)
	}
	e.Status = status
	return e
}
