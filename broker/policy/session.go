package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/sts"
)

// Limits of session tags, in characters (STS API reference, Tag).
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// session is how a rule's sessions look.
type session struct {
	name, source *expression // nil: the default
	tags         []tag       // sorted by key
	transitive   []string
}

type tag struct {
	key   string
	value *expression
}

// sessionValues are a session's values for one identity.
type sessionValues struct {
	name, source string
	tags         []sts.Tag
	transitive   []string
}

// render computes the values. The error is a sentence about the first value that cannot be had.
func (s *session) render(v *view) (sessionValues, error) {
	out := sessionValues{name: defaultSessionName(v.id)}
	if s == nil {
		return out, nil
	}
	out.transitive = s.transitive
	if s.name != nil {
		text, err := s.name.value(v)
		if err != nil {
			return out, fmt.Errorf("the session name cannot be computed: %w", err)
		}
		out.name = SessionName(v.id, text)
	}
	if s.source != nil {
		text, err := s.source.value(v)
		if err == nil {
			err = checkSourceIdentity(text)
		}
		if err != nil {
			return out, fmt.Errorf("the source identity cannot be set: %w", err)
		}
		out.source = text
	}
	for _, t := range s.tags {
		text, err := t.value.value(v)
		if err == nil {
			err = checkTagValue(text)
		}
		if err != nil {
			return out, fmt.Errorf("the session tag %q cannot be set: %w", t.key, err)
		}
		out.tags = append(out.tags, sts.Tag{Key: t.key, Value: text})
	}
	return out, nil
}

// checkSourceIdentity applies AWS's rule: [\w+=,.@-]{2,64}. The alphabet has no colon, so that the reserved prefix
// "aws:" is refused with it.
func checkSourceIdentity(text string) error {
	if len(text) < minSessionName || len(text) > maxSessionName {
		return fmt.Errorf("AWS wants %d to %d characters, %s has %d", minSessionName, maxSessionName, quoted(text), utf8.RuneCountInString(text))
	}
	for _, r := range text {
		if sessionRune(r) != r {
			return fmt.Errorf("AWS does not take %q in %s", r, quoted(text))
		}
	}
	return nil
}

// checkTagKey applies AWS's rules for the key of a session tag.
func checkTagKey(key string) error {
	switch {
	case key == "" || utf8.RuneCountInString(key) > maxTagKey:
		return fmt.Errorf("a tag key has 1 to %d characters", maxTagKey)
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return fmt.Errorf("tag keys beginning with aws: are AWS's own")
	}
	return checkTagText(key)
}

// checkTagValue applies AWS's rules for the value of a session tag. It may be empty.
func checkTagValue(value string) error {
	if n := utf8.RuneCountInString(value); n > maxTagValue {
		return fmt.Errorf("AWS takes at most %d characters, %s has %d", maxTagValue, quoted(value), n)
	}
	return checkTagText(value)
}

// checkTagText holds a text to [\p{L}\p{Z}\p{N}_.:/=+\-@]*. Invalid UTF-8 decodes to U+FFFD, which is outside.
func checkTagText(text string) error {
	for _, r := range text {
		if !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r) {
			return fmt.Errorf("AWS does not take %q in %s", r, quoted(text))
		}
	}
	return nil
}

// tagMap turns tags into the form of explanations.
func tagMap(tags []sts.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// foldedTwins finds two keys that AWS takes for the same because it ignores their case.
func foldedTwins(keys []string) (first, second string, found bool) {
	seen := make(map[string]string, len(keys))
	for _, key := range slices.Sorted(slices.Values(keys)) {
		folded := strings.ToLower(key)
		if other, ok := seen[folded]; ok {
			return other, key, true
		}
		seen[folded] = key
	}
	return "", "", false
}
