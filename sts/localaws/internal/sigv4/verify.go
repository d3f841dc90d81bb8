package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// Verify checks scope, clock and signature. Any well-formed region is taken: a client with an endpoint override signs
// with the region it is configured for.
func (q *Request) Verify(r *http.Request, body []byte, service, secret string, now time.Time) error {
	if err := q.checkScope(service); err != nil {
		return err
	}
	if err := q.checkClock(now.UTC()); err != nil {
		return err
	}
	canonical, err := q.canonical(r, body)
	if err != nil {
		return err
	}
	want := q.sign(secret, canonical)
	if subtle.ConstantTimeCompare([]byte(want), []byte(q.signature)) != 1 {
		return wire.SignatureDoesNotMatch("The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

func (q *Request) checkScope(service string) error {
	if q.service != service {
		return wire.SignatureDoesNotMatch("Credential should be scoped to correct service: '%s'. ", service)
	}
	if !regionPattern.MatchString(q.Region) {
		return wire.SignatureDoesNotMatch("Credential should be scoped to a valid region. ")
	}
	if date := q.at.UTC().Format(dateFormat); q.scopeDate != date {
		return wire.SignatureDoesNotMatch("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			clip(q.scopeDate), date, q.at.UTC().Format(timeFormat))
	}
	return nil
}

func (q *Request) checkClock(now time.Time) error {
	at := q.at.UTC()
	if at.After(now.Add(headerSkew)) {
		return wire.SignatureDoesNotMatch("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			at.Format(timeFormat), now.Add(headerSkew).Format(timeFormat), now.Format(timeFormat))
	}
	lifetime, minutes := headerSkew, "5 min."
	if q.presigned {
		lifetime, minutes = q.lifetime, "15 min. at most"
	}
	if earliest := now.Add(-lifetime); at.Before(earliest) {
		return wire.SignatureDoesNotMatch("Signature expired: %s is now earlier than %s (%s - %s)",
			at.Format(timeFormat), earliest.Format(timeFormat), now.Format(timeFormat), minutes)
	}
	return nil
}

// canonical builds the canonical request (sts fact sheet, section 10).
func (q *Request) canonical(r *http.Request, body []byte) (string, error) {
	query, err := canonicalQuery(r.URL.RawQuery)
	if err != nil {
		return "", err
	}
	headers, err := q.canonicalHeaders(r)
	if err != nil {
		return "", err
	}
	payload, err := q.payloadHash(r, body)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{
		r.Method, canonicalPath(r.URL), query, headers, strings.Join(q.signedHeaders, ";"), payload,
	}, "\n"), nil
}

// canonicalPath escapes the path a second time, as every service but S3 wants it.
func canonicalPath(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = escape(segment)
	}
	return strings.Join(segments, "/")
}

// canonicalQuery sorts the parameters by escaped name, then escaped value, and leaves out the signature.
func canonicalQuery(raw string) (string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", wire.IncompleteSignature("the query string contains a syntax error")
	}
	var pairs [][2]string
	for name, list := range values {
		if name == "X-Amz-Signature" {
			continue
		}
		for _, value := range list {
			pairs = append(pairs, [2]string{escape(name), escape(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	joined := make([]string, len(pairs))
	for i, pair := range pairs {
		joined[i] = pair[0] + "=" + pair[1]
	}
	return strings.Join(joined, "&"), nil
}

func (q *Request) canonicalHeaders(r *http.Request) (string, error) {
	var b strings.Builder
	for _, name := range q.signedHeaders {
		values := r.Header.Values(name)
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			// net/http keeps the length out of the header map.
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		if len(values) == 0 {
			return "", wire.SignatureDoesNotMatch("'%s' is a 'SignedHeader' that the request does not have.", clip(name))
		}
		b.WriteString(name)
		b.WriteByte(':')
		for i, value := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(collapse(value))
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// payloadHash is the hash of the body as it arrived. A hash that the client sends must be the same.
func (q *Request) payloadHash(r *http.Request, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	sent, err := single(r.Header.Values("X-Amz-Content-Sha256"), "X-Amz-Content-Sha256", false)
	if err != nil {
		return "", err
	}
	if sent != "" && sent != hash {
		return "", wire.SignatureDoesNotMatch("The value of 'X-Amz-Content-Sha256' is not the hash of the request's body.")
	}
	return hash, nil
}

func (q *Request) sign(secret, canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	scope := strings.Join([]string{q.scopeDate, q.Region, q.service, terminator}, "/")
	toSign := strings.Join([]string{algorithm, q.at.UTC().Format(timeFormat), scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{q.scopeDate, q.Region, q.service, terminator} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// escape is RFC 3986 escaping: all but the unreserved characters, with upper-case digits.
func escape(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// collapse trims blanks and leaves one where several stood.
func collapse(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}
