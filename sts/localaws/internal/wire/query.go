package wire

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxBody is the largest request body in bytes: a SAML assertion of 100,000 characters, each escaped to three, and
// room for a session policy and fifty tags.
const MaxBody = 512 << 10

// maxParameters bounds the number of parameters; AssumeRole with everything that AWS allows has about 180.
const maxParameters = 512

// maxFirstIndex is the largest first index of a list that AWS takes (sts fact sheet, section 1).
const maxFirstIndex = 11

// Query is the parameters of one request, each present at most once.
type Query struct {
	Action  string
	Version string
	values  map[string]string
}

// ReadBody reads the body of r up to [MaxBody].
func ReadBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return nil, MalformedInput("the request body could not be read")
	}
	if len(body) > MaxBody {
		return nil, newError(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the request body exceeds %d bytes", MaxBody)
	}
	return body, nil
}

// ParseRequest reads the parameters of a POST's form or a GET's query. A POST has none in its query but those of
// SigV4, so that no parameter has two places.
func ParseRequest(r *http.Request, body []byte) (*Query, error) {
	switch r.Method {
	case http.MethodGet:
		if len(body) > 0 {
			return nil, MalformedInput("a GET request has no body")
		}
		return ParseForm(r.URL.RawQuery)
	case http.MethodPost:
		return parsePost(r, body)
	default:
		return nil, newError(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
}

func parsePost(r *http.Request, body []byte) (*Query, error) {
	if err := checkContentType(r.Header.Values("Content-Type")); err != nil {
		return nil, err
	}
	inURL, err := ParseForm(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	if inURL.Action != "" || inURL.Version != "" || len(inURL.values) > 0 {
		return nil, newError(http.StatusNotFound, "MalformedQueryString", "a POST request carries its parameters in its body")
	}
	return ParseForm(string(body))
}

func checkContentType(values []string) error {
	refusal := MalformedInput("the content type must be application/x-www-form-urlencoded, in UTF-8")
	if len(values) != 1 {
		return refusal
	}
	mediaType, params, err := mime.ParseMediaType(values[0])
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return refusal
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return refusal
	}
	return nil
}

// ParseForm reads an urlencoded string. SigV4's own parameters (X-Amz-…) are left to the signature check.
func ParseForm(raw string) (*Query, error) {
	if strings.Count(raw, "&") >= maxParameters {
		return nil, MalformedInput("too many parameters")
	}
	form, err := url.ParseQuery(raw)
	if err != nil {
		return nil, newError(http.StatusNotFound, "MalformedQueryString", "the query string contains a syntax error")
	}
	q := &Query{values: map[string]string{}}
	for name, values := range form {
		if err := q.add(name, values); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func (q *Query) add(name string, values []string) error {
	if len(values) != 1 {
		return MalformedInput("a parameter is present more than once: %s", printable(name))
	}
	if !utf8.ValidString(name) || !utf8.ValidString(values[0]) {
		return MalformedInput("a parameter is not UTF-8")
	}
	switch {
	case name == "Action":
		q.Action = values[0]
	case name == "Version":
		q.Version = values[0]
	case strings.HasPrefix(name, "X-Amz-"):
	default:
		q.values[name] = values[0]
	}
	return nil
}

func printable(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	return strings.ToValidUTF8(s, "?")
}

// Get returns the value of a parameter and whether it is there. An empty value counts as absent, as the SDKs send
// "Tags=" for an empty list.
func (q *Query) Get(name string) (string, bool) {
	v := q.values[name]
	return v, v != ""
}

// Int returns an optional integer parameter; absent is (0, false). AWS reads leading zeros and a plus sign, and
// refuses everything beyond 32 bits.
func (q *Query) Int(name string) (int, bool, error) {
	raw, ok := q.Get(name)
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(raw, 10, 32)
	if err != nil {
		return 0, false, MalformedInput("%s is not an integer", name)
	}
	return int(n), true, nil
}

// Strings returns a list of strings (Name.member.1, Name.member.2, …) in the order of its indexes.
func (q *Query) Strings(name string) ([]string, error) {
	items, err := q.Structs(name)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, item := range items {
		out = append(out, item[""])
	}
	return out, nil
}

// Structs returns a list of structures (Name.member.1.Key, …) in the order of its indexes; each item maps its
// members' names to their values.
func (q *Query) Structs(name string) ([]map[string]string, error) {
	byIndex := map[int]map[string]string{}
	prefix := name + ".member."
	for parameter, value := range q.values {
		rest, ok := strings.CutPrefix(parameter, prefix)
		if !ok {
			continue
		}
		if err := addMember(byIndex, name, rest, value); err != nil {
			return nil, err
		}
	}
	return ordered(byIndex, name)
}

func addMember(byIndex map[int]map[string]string, list, rest, value string) error {
	number, member, _ := strings.Cut(rest, ".")
	index, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return MalformedInput("%s has a member whose index is not a number", list)
	}
	item := byIndex[int(index)]
	if item == nil {
		item = map[string]string{}
		byIndex[int(index)] = item
	}
	if _, twice := item[member]; twice {
		return MalformedInput("%s has a member twice", list)
	}
	item[member] = value
	return nil
}

func ordered(byIndex map[int]map[string]string, list string) ([]map[string]string, error) {
	indexes := make([]int, 0, len(byIndex))
	for index := range byIndex {
		indexes = append(indexes, index)
	}
	slices.Sort(indexes)
	if len(indexes) > 0 && indexes[0] > maxFirstIndex {
		return nil, MalformedInput("%s begins with index %d", list, indexes[0])
	}
	items := make([]map[string]string, 0, len(indexes))
	for _, index := range indexes {
		items = append(items, byIndex[index])
	}
	return items, nil
}

// AsError returns the AWS error inside err, or InternalFailure when it holds none.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return InternalFailure()
}
