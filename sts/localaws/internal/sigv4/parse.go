package sigv4

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

const (
	algorithm    = "AWS4-HMAC-SHA256"
	terminator   = "aws4_request"
	timeFormat   = "20060102T150405Z"
	dateFormat   = "20060102"
	headerSkew   = 5 * time.Minute  // STS's window around the time of a signed header
	presignedFor = 15 * time.Minute // how long STS takes a presigned URL, whatever X-Amz-Expires says beyond it
	maxExpires   = 604800           // seconds: the upper bound of X-Amz-Expires
	maxHeaders   = 64               // signed headers
	maxAuthLen   = 8 << 10          // bytes of an Authorization header
)

var (
	regionPattern    = regexp.MustCompile(`^[a-z]{2,4}(-[a-z0-9]{2,16}){0,4}-[0-9]{1,2}$`)
	signaturePattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	headerPattern    = regexp.MustCompile(`^[a-z0-9!#$%&'*+.^_|~-]+$`)
	expiresPattern   = regexp.MustCompile(`^[0-9]{1,6}$`)
)

// Request is the signature of a request, parsed but not yet verified.
type Request struct {
	AccessKeyID  string
	SessionToken string // empty: none was sent
	Region       string

	scopeDate     string
	service       string
	signedHeaders []string
	signature     string
	at            time.Time
	presigned     bool
	lifetime      time.Duration // of a presigned URL
}

// Parse reads the credentials of r. It answers MissingAuthenticationToken when there are none.
func Parse(r *http.Request) (*Request, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, wire.IncompleteSignature("the query string contains a syntax error")
	}
	header := r.Header.Values("Authorization")
	inQuery := hasSignature(query)
	switch {
	case len(header) > 1 || len(header) == 1 && inQuery:
		return nil, wire.IncompleteSignature("a request is signed once, in its header or in its query")
	case len(header) == 1:
		return parseHeader(r, header[0])
	case inQuery:
		return parseQuery(r, query)
	default:
		return nil, wire.MissingAuthenticationToken()
	}
}

func hasSignature(query url.Values) bool {
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"} {
		if query.Has(name) {
			return true
		}
	}
	return false
}

func parseHeader(r *http.Request, header string) (*Request, error) {
	scheme, rest, _ := strings.Cut(header, " ")
	if len(header) > maxAuthLen || scheme != algorithm {
		return nil, wire.IncompleteSignature("Unsupported AWS 'algorithm': the Authorization header must begin with '%s'.", algorithm)
	}
	parts, err := authParts(rest)
	if err != nil {
		return nil, err
	}
	out := &Request{signature: parts["Signature"]}
	if err := out.credential(parts["Credential"]); err != nil {
		return nil, err
	}
	if err := out.headers(parts["SignedHeaders"]); err != nil {
		return nil, err
	}
	if out.at, err = headerTime(r.Header); err != nil {
		return nil, err
	}
	if out.SessionToken, err = single(r.Header.Values("X-Amz-Security-Token"), "X-Amz-Security-Token", false); err != nil {
		return nil, err
	}
	return out, out.check(r)
}

// authParts splits Credential=…, SignedHeaders=…, Signature=…; each must be there once and nothing else.
func authParts(s string) (map[string]string, error) {
	parts := map[string]string{}
	for item := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		if _, twice := parts[name]; twice {
			return nil, wire.IncompleteSignature("Authorization header has '%s' twice.", name)
		}
		switch name {
		case "Credential", "SignedHeaders", "Signature":
			parts[name] = value
		default:
			return nil, wire.IncompleteSignature("Authorization header has a part that is not name=value, or an unknown one.")
		}
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[name] == "" {
			return nil, wire.IncompleteSignature("Authorization header requires '%s' parameter.", name)
		}
	}
	return parts, nil
}

// headerTime reads X-Amz-Date, or else Date.
func headerTime(h http.Header) (time.Time, error) {
	if values := h.Values("X-Amz-Date"); len(values) > 0 {
		raw, err := single(values, "X-Amz-Date", true)
		if err != nil {
			return time.Time{}, err
		}
		return amzTime(raw)
	}
	raw, err := single(h.Values("Date"), "X-Amz-Date", true)
	if err != nil {
		return time.Time{}, err
	}
	if at, err := http.ParseTime(raw); err == nil {
		return at, nil
	}
	return amzTime(raw)
}

func amzTime(raw string) (time.Time, error) {
	at, err := time.Parse(timeFormat, raw)
	if err != nil {
		return time.Time{}, wire.IncompleteSignature("Date must be in ISO-8601 'basic format'. Got '%s'.", raw)
	}
	return at, nil
}

func single(values []string, name string, required bool) (string, error) {
	switch {
	case len(values) > 1:
		return "", wire.IncompleteSignature("'%s' is there more than once.", name)
	case len(values) == 1 && values[0] != "":
		return values[0], nil
	case required || len(values) == 1:
		return "", wire.IncompleteSignature("a signed request requires '%s'.", name)
	}
	return "", nil
}

func parseQuery(r *http.Request, query url.Values) (*Request, error) {
	values := map[string]string{}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"} {
		value, err := single(query[name], name, name != "X-Amz-Security-Token" && name != "X-Amz-Expires")
		if err != nil {
			return nil, err
		}
		values[name] = value
	}
	if values["X-Amz-Algorithm"] != algorithm {
		return nil, wire.IncompleteSignature("Unsupported AWS 'algorithm': 'X-Amz-Algorithm' must be '%s'.", algorithm)
	}
	out := &Request{presigned: true, signature: values["X-Amz-Signature"], SessionToken: values["X-Amz-Security-Token"]}
	if err := out.credential(values["X-Amz-Credential"]); err != nil {
		return nil, err
	}
	if err := out.headers(values["X-Amz-SignedHeaders"]); err != nil {
		return nil, err
	}
	var err error
	if out.at, err = amzTime(values["X-Amz-Date"]); err != nil {
		return nil, err
	}
	if out.lifetime, err = lifetime(values["X-Amz-Expires"]); err != nil {
		return nil, err
	}
	return out, out.check(r)
}

// lifetime is the lesser of what the URL asks for and what STS allows. SDKs leave X-Amz-Expires out for STS.
func lifetime(raw string) (time.Duration, error) {
	if raw == "" {
		return presignedFor, nil
	}
	seconds := 0
	if expiresPattern.MatchString(raw) {
		for _, digit := range raw {
			seconds = seconds*10 + int(digit-'0')
		}
	}
	if seconds < 1 || seconds > maxExpires {
		return 0, wire.IncompleteSignature("X-Amz-Expires must be a number of seconds from 1 to %d.", maxExpires)
	}
	return min(time.Duration(seconds)*time.Second, presignedFor), nil
}

func (q *Request) credential(raw string) error {
	parts := strings.Split(raw, "/")
	if len(parts) != 5 {
		return wire.IncompleteSignature("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", clip(raw))
	}
	q.AccessKeyID, q.scopeDate, q.Region, q.service = parts[0], parts[1], parts[2], parts[3]
	if q.AccessKeyID == "" || parts[4] != terminator {
		return wire.IncompleteSignature("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, clip(parts[4]))
	}
	return nil
}

func (q *Request) headers(raw string) error {
	q.signedHeaders = strings.Split(raw, ";")
	if len(q.signedHeaders) > maxHeaders {
		return wire.IncompleteSignature("more than %d signed headers", maxHeaders)
	}
	for _, name := range q.signedHeaders {
		if !headerPattern.MatchString(name) {
			return wire.IncompleteSignature("SignedHeaders must be lower-case header names, separated by semicolons.")
		}
	}
	if !slices.IsSorted(q.signedHeaders) || len(slices.Compact(slices.Clone(q.signedHeaders))) != len(q.signedHeaders) {
		return wire.IncompleteSignature("SignedHeaders must be sorted, each name once.")
	}
	return nil
}

// check holds the parsed signature against the request: every header that changes its meaning must be signed.
func (q *Request) check(r *http.Request) error {
	if !signaturePattern.MatchString(q.signature) {
		return wire.IncompleteSignature("Signature must be 64 lower-case hexadecimal digits.")
	}
	if !slices.Contains(q.signedHeaders, "host") {
		return wire.SignatureDoesNotMatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(q.signedHeaders, lower) {
			return wire.SignatureDoesNotMatch("'%s' must be a 'SignedHeader' in the AWS Authorization.", lower)
		}
	}
	return nil
}

func clip(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return strings.ToValidUTF8(s, "?")
}
