package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Text is a secret string. The zero value is the empty secret.
type Text struct {
	_     [0]func() // not comparable: == on secrets leaks time
	value string
}

// New wraps a value.
func New(value string) Text { return Text{value: value} }

// Reveal returns the value itself.
func (t Text) Reveal() string { return t.value }

// Empty reports whether there is no value.
func (t Text) Empty() bool { return t.value == "" }

// Equal compares in time that depends on the lengths only.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.value), []byte(other.value)) == 1
}

// String returns "[redacted]".
func (Text) String() string { return redacted }

// GoString returns "[redacted]", for %#v.
func (Text) GoString() string { return redacted }

// Format writes "[redacted]" whatever the verb: without it %x and %d would walk into the struct.
func (Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue keeps the value out of structured logs.
func (Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the value out of JSON, YAML and XML.
func (Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }
